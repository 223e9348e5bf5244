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

/* RUNRIG_STOP: the rank to stop before each kernel, for a debugger to attach.
 * -1: unset, or not a rank. */
int environment_stop_rank(void);

/* RUNRIG_LAUNCHER and RUNRIG_RANK: the launcher of a program that was started
 * as a rank (NULL: the program was not), and the rank (-1: none).  Valid until
 * the environment changes. */
const char *environment_launcher(void);
int environment_rank(void);

/* The name of the variable by which hwloc describes another machine than the
 * present machine; NULL: no such variable is set. */
const char *environment_of_another_machine(void);

/* Whether a variable tells OpenMP to bind threads to places.  The first thread
 * of the program may then run on a single place, and only OpenMP knows the
 * other places. */
bool environment_binds_threads(void);

/* Has the environment been set by somebody with no more rights than the program?
 * False in a set-uid program and in a program whose file has capabilities: the
 * kernel tells (AT_SECURE), and the library then ignores the variables above. */
bool environment_is_ours(void);

/*
 * hwloc loads every plugin at its first use: OpenCL, OpenGL and PCI, which
 * runrig never asks, take three of four milliseconds.  Only an environment
 * variable stops hwloc.  hide sets the variable where the user has not set the
 * variable and no other thread can be reading the environment, and returns
 * whether the variable was set; if so, show takes the variable away again.
 */
bool environment_hide_plugins(void);
void environment_show_plugins(void);

#endif
