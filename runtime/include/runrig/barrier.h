/* SPDX-License-Identifier: MIT */
/*
 * barrier.h - a barrier in shared memory that spins first and blocks later.
 *
 * Any number of rounds (epochs) for a fixed number of parties, processes or
 * threads, that see the same memory at whatever address.  Those who wait spin
 * on one word that counts arrivals; one whose spin budget ends switches that
 * epoch, by one compare-and-swap, to the process-shared pthread_barrier_t that
 * lies beside the word, and every party of that epoch passes through it.
 *
 * Life: rig_barrier_init() in zeroed or dropped memory, before anyone else can
 * see it; rig_barrier_wait() ever after.  It is never destroyed: it goes with
 * its memory.  A party that dies leaves the others waiting; a pool repairs
 * that for its own team (it lays the barrier out afresh), nobody does for
 * processes that merely met by a segment's name.
 */
#ifndef RUNRIG_BARRIER_H
#define RUNRIG_BARRIER_H

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rig_barrier_kind {
	RIG_BARRIER_ADAPTIVE, /* spin for a budget, then block: the default */
	RIG_BARRIER_PTHREAD   /* every epoch through pthread_barrier_wait() */
};

/* In shared memory; rig_barrier_bytes() long, aligned to RIG_LINE. */
struct rig_barrier;

RIG_API size_t rig_barrier_bytes(void);

/*
 * Lay a barrier for `parties` (1 to RIG_WORKERS_MAX) out in `barrier`.
 *
 * Returns 0, or -EINVAL for parties or alignment, or what
 * pthread_barrier_init() said.  One thread, before the barrier is shared.
 */
RIG_API int rig_barrier_init(struct rig_barrier *barrier, int parties,
			     enum rig_barrier_kind kind);

/*
 * Wait until all parties have arrived in this epoch.  Returns 0.
 *
 * Any party, each once per epoch.  Waits until the last arrives, without
 * limit.  Writes made by any party before it arrived are seen by all after.
 */
RIG_API int rig_barrier_wait(struct rig_barrier *barrier);

/* Epochs completed, and how many of them went through the pthread barrier.
 * Any thread; never waits; exact while nobody is inside. */
RIG_API uint64_t rig_barrier_epochs(const struct rig_barrier *barrier);
RIG_API uint64_t rig_barrier_blocked(const struct rig_barrier *barrier);

#ifdef __cplusplus
}
#endif

#endif
