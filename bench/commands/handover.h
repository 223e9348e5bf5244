/* SPDX-License-Identifier: MIT */
/*
 * handover.h - a cache line handed to and fro between two ranks: the floor of
 * everything that two cores can tell each other.
 */
#ifndef RIGBENCH_HANDOVER_H
#define RIGBENCH_HANDOVER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include <runrig/runrig.h>

/* In shared memory, alone on its line: how often it was handed over.  Written
 * by both ranks in turn. */
struct handover_shm {
	alignas(RIG_LINE) _Atomic uint64_t turn;
};

/* Rank 0 and rank 1 hand the line over `count` times; `from`: how often it was
 * before.  One operation is one way.  Both ranks call it; returns when the last
 * hand-over has been seen. */
void hand_over(struct handover_shm *line, uint64_t rank, uint64_t from,
	       uint64_t count);

#endif
