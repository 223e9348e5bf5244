/* SPDX-License-Identifier: MIT */
/*
 * lab.h - five programs that stand still.  Yours, in start.c.
 *
 * Segment 0 is an array of n doubles, x; segment 1 is one double, the answer.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/* The sum of the array, after each rank has added 1 to its strip. */
int early(struct rig_team *team);

/* The same, but the ranks meet at a barrier after each element of a strip. */
int ragged(struct rig_team *team);

/* Each rank has the number x[0] + rank: the sum of all, by a reduction to rank 0,
 * and the ranks meet at a barrier. */
int swapped(struct rig_team *team);

/* The last rank reads a factor, x[0], and tells the factor to all by a broadcast;
 * the answer is the sum of the factors that the ranks then have. */
int rooted(struct rig_team *team);

/* Even and odd ranks are two teams.  Each rank has the number x[0] + rank; the
 * answer is the sum of rank 0's team.  Each half meets at a barrier, then all. */
int halves(struct rig_team *team);

#endif
