/* SPDX-License-Identifier: MIT */
/*
 * barrier.h - a barrier in shared memory that spins first and blocks later.
 *
 * A barrier has any number of rounds (epochs) for a fixed number of parties,
 * processes or threads, which see the same memory at whatever address.  Waiting
 * parties spin on a word that counts arrivals.  A party whose spin budget ends
 * switches the epoch, by a compare-and-swap, to the process-shared
 * pthread_barrier_t beside the word, and every party of the epoch passes through
 * the pthread barrier.
 *
 * Life: rig_barrier_init() in zeroed or dropped memory, before anyone else can
 * see the memory; rig_barrier_wait() ever after.  A barrier is never destroyed: a
 * barrier goes with its memory.  A party that dies leaves the other parties
 * waiting.  A pool repairs the barrier of its own team (the memory is laid out
 * afresh); nobody repairs a barrier of processes that merely met by a segment's
 * name.
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
 * Returns 0, or -EINVAL for parties or alignment, or the error of
 * pthread_barrier_init().  A single thread, before the barrier is shared.
 */
RIG_API int rig_barrier_init(struct rig_barrier *barrier, int parties,
			     enum rig_barrier_kind kind);

/*
 * Wait until all parties have arrived in this epoch.  Returns 0.
 *
 * Any party, each once per epoch.  Waits until the last party arrives, without
 * limit.  A party that returns sees all writes that any party made before its
 * arrival.
 */
RIG_API int rig_barrier_wait(struct rig_barrier *barrier);

/* Epochs completed, and the epochs among these that went through the pthread
 * barrier.
 * Any thread; never waits; exact while nobody is inside. */
RIG_API uint64_t rig_barrier_epochs(const struct rig_barrier *barrier);
RIG_API uint64_t rig_barrier_blocked(const struct rig_barrier *barrier);

#ifdef __cplusplus
}
#endif

#endif
