/* SPDX-License-Identifier: MIT */
/*
 * environment.h - the environment variables the library heeds.
 */
#ifndef RUNRIG_ENVIRONMENT_H
#define RUNRIG_ENVIRONMENT_H

#include <stdbool.h>

/* RUNRIG_PLACE: the placement where the caller gives none.  NULL: unset or
 * empty.  Valid until the environment changes. */
const char *environment_place(void);

/* RUNRIG_STOP: the rank that stops before each kernel so that a debugger can
 * attach.  -1: unset, or not a rank. */
int environment_stop_rank(void);

/* The name of the variable that tells hwloc of a machine other than this one;
 * NULL: none is set. */
const char *environment_of_another_machine(void);

/* Does the environment come from somebody who may do no more than this program
 * may?  Not where it is set-uid, or has rights by its file: the kernel says so
 * (AT_SECURE), and the variables above are not heeded then. */
bool environment_is_ours(void);

/*
 * hwloc loads every plugin it finds at its first use: OpenCL, OpenGL and PCI,
 * which we never ask, take three of four milliseconds.  Only an environment
 * variable stops it.  hide sets that variable where no other thread can be
 * reading the environment and the user has not set it, and returns whether it
 * did; then show takes it away again.
 */
bool environment_hide_plugins(void);
void environment_show_plugins(void);

#endif
