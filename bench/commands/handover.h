/* SPDX-License-Identifier: MIT */
/*
 * handover.h - a cache line handed to and fro between two ranks: the floor of
 * every exchange between two cores.
 */
#ifndef RIGBENCH_HANDOVER_H
#define RIGBENCH_HANDOVER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include <runrig/runrig.h>

/* In shared memory, alone on a line: the number of hand-overs.  Written by both
 * ranks in turn. */
struct handover_shm {
	alignas(RIG_LINE) _Atomic uint64_t turn;
};

/* Rank 0 and rank 1 hand the line over `count` times, after `from` earlier
 * hand-overs.  An operation is one way.  Called by both ranks; returns when the
 * last hand-over has been seen. */
void hand_over(struct handover_shm *line, uint64_t rank, uint64_t from,
	       uint64_t count);

#endif
