/* SPDX-License-Identifier: MIT */
/*
 * environment.h - the environment variables the library heeds.
 */
#ifndef RUNRIG_ENVIRONMENT_H
#define RUNRIG_ENVIRONMENT_H

/* RUNRIG_PLACE: the placement where the caller gives none.  NULL: unset or
 * empty.  Valid until the environment changes. */
const char *environment_place(void);

/* RUNRIG_STOP: the rank that stops before each kernel so that a debugger can
 * attach.  -1: unset, or not a rank. */
int environment_stop_rank(void);

#endif
