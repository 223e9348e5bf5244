/* SPDX-License-Identifier: MIT */
/*
 * lab.h - what the student's file gives, and what it is given.
 *
 * Work is counted, not timed.  Each rank has a clock of its own that goes on by
 * what it does: by the steps of a row, and by LAB_TURN for each turn it takes.
 * The picture is as long in the making as the clock that is farthest.
 */
#ifndef LAB_H
#define LAB_H

#include <stdint.h>

#include <runrig/runrig.h>

/* What taking a turn costs: about as much as an easy row. */
#define LAB_TURN 300

/* Yours, in start.c: every row of the picture by one rank, each in its way. */
int fixed(struct rig_team *team);   /* who does what is known before */
int dynamic(struct rig_team *team); /* some rows at a time, in turn */
int guided(struct rig_team *team);  /* many rows first, few at the end */

/* Rows of the picture. */
size_t lab_rows(struct rig_team *team);

/* Make one row. */
void lab_row(struct rig_team *team, size_t row);

/*
 * Wait until it is this rank's turn, and return how many rows nobody has taken.
 * It is the turn of whoever's clock is behind all others': so it would be if
 * steps took time.  A rank goes on taking turns until nothing is left.
 */
size_t lab_turn(struct rig_team *team);

/* In its turn a rank takes the next `count` rows, and its turn ends. */
struct rig_span lab_take(struct rig_team *team, size_t count);

#endif
