/* SPDX-License-Identifier: MIT */
/*
 * sweep.h - the names of dead processes.
 */
#ifndef RUNRIG_SWEEP_PRIVATE_H
#define RUNRIG_SWEEP_PRIVATE_H

#include <runrig/sweep.h>

/* Remove every stale name of this user.  Returns the number of names removed, or
 * -errno. */
int sweep_stale(void);

#endif
