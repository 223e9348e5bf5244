/* SPDX-License-Identifier: MIT */
/*
 * barrier.h - the barrier's memory, and the way in for parties that are watched.
 */
#ifndef RUNRIG_BARRIER_PRIVATE_H
#define RUNRIG_BARRIER_PRIVATE_H

#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>

#include <runrig/barrier.h>

#include "base/atomic.h"
#include "machine/wait.h"

/*
 * In shared memory.
 *
 * `word` is twice the number of arrivals since init, plus BLOCKING.  Epoch e
 * of a barrier for n parties is the arrivals n*e .. n*e + n - 1; the epoch is
 * complete when word / 2 reaches n*e + n.  The word never wraps: 2^63 arrivals
 * take centuries.
 */
struct rig_barrier {
	/* Every party adds to the word and polls the word. */
	alignas(RIG_LINE) _Atomic uint64_t word;

	/* Epochs that a party switched to blocking; written by that party. */
	alignas(RIG_LINE) _Atomic uint64_t blocked;

	/* Fixed by init. */
	uint32_t parties;
	uint32_t kind; /* enum rig_barrier_kind */

	/* Process-shared, for `parties`; BLOCKING epochs pass through.  The
	 * layout is the C library's. */
	alignas(RIG_LINE) pthread_barrier_t block;
};
_Static_assert(sizeof(struct rig_barrier) == 3 * RIG_LINE,
	       "part of the format");

/*
 * Told when a party is about to sleep in the barrier, and when the party has come
 * out: `target` is the value of `word` when the epoch is complete.
 */
struct barrier_watch {
	void (*sleeps)(void *arg, uint64_t target);
	void (*awake)(void *arg);
	void *arg;
};

/* rig_barrier_wait() with one's own patience, and watched (NULL: not). */
void barrier_wait(struct rig_barrier *barrier, const struct patience *patience,
		  const struct barrier_watch *watch);

/*
 * The same for a party with other work to do meanwhile: `attend` is called,
 * unless the party is the last, and returns when the word has reached the
 * target.  `attend` polls the word by itself.
 */
void barrier_wait_attending(struct rig_barrier *barrier,
			    const struct barrier_watch *watch,
			    void (*attend)(void *arg,
					   const _Atomic uint64_t *word,
					   uint64_t target));

/* Whether the epoch that completes at `target` is still incomplete. */
bool barrier_pending(const struct rig_barrier *barrier, uint64_t target);

#endif
