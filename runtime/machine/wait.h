/* SPDX-License-Identifier: MIT */
/*
 * wait.h - every way of waiting for a word of shared memory to change.
 *
 * Nobody else spins, yields or calls futex.
 */
#ifndef RUNRIG_WAIT_H
#define RUNRIG_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

/*
 * How long to look before sleeping.  First poll for `spin_ns`, then `yields`
 * times give the CPU away and look again.
 *
 * Where `shares`, a process that the waiting process waits for may run on the same
 * CPU: the CPU is given away between the polls, too.
 *
 * Where `wary`, a yield that lasts long shows other work on the CPU: for a while no wary
 * wait of this process yields, for each yield would cost a turn of that work.
 */
struct patience {
	uint64_t spin_ns;
	uint32_t yields;
	bool shares;
	bool wary;
};

/*
 * The patience of a party among `parties` at a barrier: long on CPUs of their
 * own, four yields where there are more parties than CPUs this process may use
 * (measured in docs/decisions/0001-barrier-word.md).
 */
struct patience wait_patience(int parties);

/* The same for parties that may use `cpus` CPUs between them. */
struct patience wait_patience_on(int parties, uint32_t cpus);

/*
 * Poll until *word != value or patience ends.  Returns the last value of *word
 * seen.  Acquire: pairs with the release that changed the word.
 */
uint32_t wait_change(const _Atomic uint32_t *word, uint32_t value,
		     const struct patience *patience);

/*
 * Poll until *word >= target, or *word has a bit of `stop`, or patience ends;
 * as above.
 */
uint64_t wait_reach(const _Atomic uint64_t *word, uint64_t target,
		    uint64_t stop, const struct patience *patience);

/* In this process: how far a wait has got into its patience; zeroed at first. */
struct wait {
	uint64_t end_ns;
	uint32_t polls;
	uint32_t yields;
};

/* For a caller that polls more than a word: pause or yield between two looks.
 * Returns false when patience is at its end. */
bool wait_more(struct wait *wait, const struct patience *patience);

/*
 * Sleep until woken, while *word == value.  The word may be shared between
 * processes.  Returns 0 when woken (or for no reason), -EAGAIN where *word was
 * not `value`, -ETIMEDOUT when `deadline_ns` (absolute CLOCK_MONOTONIC,
 * RIG_FOREVER: none) has passed.  Signals do not show.
 */
int wait_sleep(const _Atomic uint32_t *word, uint32_t value,
	       uint64_t deadline_ns);

/* Wake up to `count` sleepers on `word`. */
void wait_wake(_Atomic uint32_t *word, int count);

#endif
