/* SPDX-License-Identifier: MIT */
/*
 * lab.h - what the student's file gives, and what it is given.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/*
 * Yours, in start.c: the sum of the n numbers of segment 0.  When it returns,
 * segment 1, which is one number and 0 before, holds it.
 */
int total(struct rig_team *team);

/*
 * The lab's, in check.c: between the two is one rank at a time.  Which comes
 * first is an accident; here it is an accident that the check has chosen.  If
 * one rank calls them, all do.
 */
void lab_lock(struct rig_team *team);
void lab_unlock(struct rig_team *team);

#endif
