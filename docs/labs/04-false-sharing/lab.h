/* SPDX-License-Identifier: MIT */
/*
 * lab.h - a histogram by several ranks, and the cache lines that the ranks write.
 *
 * Segment 0 is n values; a value v belongs to bucket v % LAB_BUCKETS.  Segment 1
 * is a struct lab_board, all zero to begin with.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

#define LAB_BUCKETS 8
#define LAB_ROOM    16384

struct lab_board {
	_Alignas(RIG_LINE) uint64_t total[LAB_BUCKETS]; /* rank 0's to write */
	_Alignas(RIG_LINE) _Atomic uint64_t seen; /* values, in the end n */
	/* Yours.  The room does not begin where a line begins. */
	unsigned char room[LAB_ROOM];
};

/* A write of `bytes` bytes by a rank, `offset` bytes from where a line begins. */
struct lab_write {
	int rank;
	size_t offset, bytes;
};

/*
 * Yours, in start.c: each rank counts the values of its strip, into counters of
 * its own in the room.  No line of the board may be written by two ranks.
 */
int tally(struct rig_team *team);

/* Yours: rank 0 adds up the counters, into total[] and seen.  The check has a
 * barrier between tally() and merge(). */
int merge(struct rig_team *team);

/*
 * Yours: how many lines of RIG_LINE bytes are shared falsely?  Two ranks or more
 * write such a line, and no byte of the line is written by two ranks.
 */
size_t false_lines(const struct lab_write *writes, size_t count);

#endif
