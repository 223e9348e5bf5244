/* SPDX-License-Identifier: MIT */
/*
 * reporter.h - a rank notes the fault that kills the rank.
 */
#ifndef RUNRIG_REPORTER_H
#define RUNRIG_REPORTER_H

#include "team/rank.h"

/*
 * From now on a fault of this process is noted in the slot of `rank`, before any other
 * effect of the fault: the action from before follows, the system's or a handler of the
 * program's. remove puts back the actions that no code has changed since.  One rank at a
 * time.
 */
void reporter_install(struct rank *rank);
void reporter_remove(void);

#endif
