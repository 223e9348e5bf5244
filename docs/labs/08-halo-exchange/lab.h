/* SPDX-License-Identifier: MIT */
/*
 * lab.h - a grid in strips of rows, and the rows that neighbours need.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

#define LAB_COLUMNS 24

/*
 * Yours, in start.c.  Segment 0 is the grid, rows of LAB_COLUMNS numbers; a rank
 * finds there the rows of its own strip (rig_team_strip()), and NaN elsewhere.
 * lab_steps() times, each number that is not on the edge of the grid becomes
 * lab_mean() of its four neighbours; the edge stays.  In the end the rank's rows
 * go to the same place in segment 1.
 *
 * Every rank has a row at least.  In a step a rank sends at most a row to each
 * neighbour.
 */
int relax(struct rig_team *team);

/* The lab's, in check.c. */
int lab_steps(struct rig_team *team);
double lab_mean(double up, double down, double left, double right);

/* rig_team_send() and rig_team_recv() of `count` numbers, counted.  Rank -1 and
 * rank `size` are nobody: the call does nothing. */
int lab_send(struct rig_team *team, const double *from, size_t count, int to);
int lab_recv(struct rig_team *team, double *to, size_t count, int from);

#endif
