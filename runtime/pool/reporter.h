/* SPDX-License-Identifier: MIT */
/*
 * reporter.h - a rank notes what killed it.
 */
#ifndef RUNRIG_REPORTER_H
#define RUNRIG_REPORTER_H

#include "team/rank.h"

/*
 * From now on a fault of this process is noted in the slot of `rank`,
 * before whatever else becomes of the fault: the action of before follows, be it
 * the system's or a handler of the program's.  remove puts back what nobody has
 * changed since.  One rank at a time.
 */
void reporter_install(struct rank *rank);
void reporter_remove(void);

#endif
