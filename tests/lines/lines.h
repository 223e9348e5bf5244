/* SPDX-License-Identifier: MIT */
/*
 * lines.h - count the line transfers of compiled code, and how long they take
 * one after the other.
 *
 * The ranks are coroutines, each with a clock.  A line is held by those who have
 * read it since it was written.  Reading a line that one does not hold, and
 * writing one that one does not hold alone, is a transfer: 1 where a rank of the
 * same node holds it, LINES_FAR where only ranks of other nodes do (or, for a
 * write, any of another node).  A line serves one rank at a time.  Who polls a
 * line in vain sleeps until it is written, and then reads it again.  Whatever is
 * no transfer takes no time.
 *
 * So a tree costs what its longest path costs, and a line that everybody reads
 * costs as much as there are readers.
 */
#ifndef RUNRIG_LINES_H
#define RUNRIG_LINES_H

#include <stdint.h>

/* 25 ns within an L3, 100 ns to another: docs of EPYC and Xeon machines. */
#define LINES_FAR 4

#define LINES_RANKS_MAX 256

/* Run fn(rank) in every rank until all have ended.  Returns 0, or -EDEADLK. */
int lines_run(int ranks, int nodes, void (*fn)(int rank));

/* In a rank: all meet, at no cost.  Their clocks are the same after it. */
void lines_align(void);

/* In a rank: its clock. */
uint64_t lines_clock(void);

/* Transfers so far of all ranks, and of those the far ones. */
extern uint64_t lines_transfers, lines_far;

#endif
