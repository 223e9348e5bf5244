/* SPDX-License-Identifier: MIT */
/*
 * lab.h - what the student's file gives, and what it is given.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/*
 * Yours, in start.c: reverse the n numbers of segment 0, every rank its part,
 * by way of private memory.
 */
int mirror(struct rig_team *team);

/*
 * The lab's, in check.c.  Call lab_begin() first and lab_end() last, and wait
 * for the others with lab_barrier(), which is rig_team_barrier() and a note.
 *
 * They make the worst case certain instead of rare: no other rank begins before
 * rank 0 has ended, or waits for them in its first barrier.
 */
void lab_begin(struct rig_team *team);
int lab_barrier(struct rig_team *team);
void lab_end(struct rig_team *team);

#endif
