/* SPDX-License-Identifier: MIT */
/*
 * lines.h - count the line transfers of compiled code, and the time of transfers
 * that follow each other.
 *
 * The ranks are coroutines, each with a clock.  Ranks that have read a line since
 * the last write hold the line.  A read of a line not held, and a write of a line
 * not held alone, is a transfer: 1 where a rank of the same node holds the line,
 * LINES_FAR where only ranks of other nodes do (or, for a write, any rank of another
 * node).  A line serves a single rank at a time.  A rank that polls a line in vain
 * sleeps until the next write, and then reads the line again.  Only transfers take
 * time.
 *
 * So a tree costs as much as its longest path, and a line that everybody reads costs
 * as much as there are readers.
 */
#ifndef RUNRIG_LINES_H
#define RUNRIG_LINES_H

#include <stdint.h>

/* 25 ns within an L3, 100 ns to another: docs of EPYC and Xeon machines. */
#define LINES_FAR 4

#define LINES_RANKS_MAX 256

/* Run fn(rank) in every rank until all have ended.  Returns 0, or -EDEADLK. */
int lines_run(int ranks, int nodes, void (*fn)(int rank));

/* In a rank: all ranks meet, at no cost, and have the same clock then. */
void lines_align(void);

/* In a rank: the rank's clock. */
uint64_t lines_clock(void);

/* Transfers so far of all ranks, and the far transfers among all. */
extern uint64_t lines_transfers, lines_far;

#endif
