/* SPDX-License-Identifier: MIT */
/*
 * sweep.h - the names that the dead have left.
 */
#ifndef RUNRIG_SWEEP_PRIVATE_H
#define RUNRIG_SWEEP_PRIVATE_H

#include <runrig/sweep.h>

/* Remove every stale name of this user.  Returns how many, or -errno. */
int sweep_stale(void);

#endif
