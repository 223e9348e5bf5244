/* SPDX-License-Identifier: MIT */
/*
 * lab.h - five programs that stand still.  Yours, in start.c.
 *
 * Segment 0 is an array of doubles, 1 to n; segment 1 is one double, the answer.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/* The sum of the array, after each rank has added 1 to its strip. */
int early(struct rig_team *team);

/* The same, but one element at a time, in step with the others. */
int ragged(struct rig_team *team);

/* Rank 0's sum of what the ranks counted, and everybody waits for it. */
int swapped(struct rig_team *team);

/* The last rank knows a factor and tells the others; the sum of what they have
 * then heard. */
int rooted(struct rig_team *team);

/* Even and odd ranks each meet among themselves; then all do. */
int halves(struct rig_team *team);

#endif
