/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - a word that counts arrivals, and a pthread barrier behind the word.
 *
 * Arriving is a fetch-and-add.  The party whose add completes the epoch goes on
 * at once; the others poll the word until the epoch is complete.  For two
 * parties an epoch costs a single transfer of a cache line, which no scheme with
 * a flag per party can beat (docs/decisions/0001-barrier-word.md).
 *
 * A party whose patience ends sets BLOCKING in the same word, by CAS, while the
 * epoch is still incomplete.  From then on every party of the epoch enters the
 * pthread barrier:
 *
 *	a later arrival       sees BLOCKING in the value that its add returned
 *	a polling party       sees BLOCKING, or the epoch complete *with* BLOCKING
 *
 * No party leaves the pthread barrier before all have entered, so no party can
 * arrive in the next epoch meanwhile.  Leaving, each party tries to clear BLOCKING
 * by CAS from exactly "complete and BLOCKING"; a single CAS succeeds, and no party
 * begins the next epoch before BLOCKING is cleared.
 *
 * Invariant: BLOCKING together with word / 2 <= target / 2 belongs to the epoch
 * that completes at `target`; with more arrivals BLOCKING belongs to the next
 * epoch, because the party that set BLOCKING had arrived there.  So a single word
 * decides which way an epoch goes, and the two ways never mix.
 *
 * Kind RIG_BARRIER_PTHREAD is the same with BLOCKING set for ever.
 */
#include "objects/barrier.h"

#include <errno.h>
#include <stdint.h>

#include "base/error.h"

#define BLOCKING UINT64_C(1)
#define ARRIVAL  UINT64_C(2)

size_t rig_barrier_bytes(void)
{
	return sizeof(struct rig_barrier);
}

int rig_barrier_init(struct rig_barrier *barrier, int parties,
		     enum rig_barrier_kind kind)
{
	pthread_barrierattr_t attr;
	int r;

	if (parties < 1 || parties > RIG_WORKERS_MAX)
		return rig_fail(-EINVAL, "barrier: %d parties, not 1 to %d",
				parties, RIG_WORKERS_MAX);
	if ((uintptr_t)barrier % RIG_LINE)
		return rig_fail(-EINVAL,
				"barrier: memory not aligned to %d bytes",
				RIG_LINE);
	if (kind != RIG_BARRIER_ADAPTIVE && kind != RIG_BARRIER_PTHREAD)
		return rig_fail(-EINVAL, "barrier: no kind %d", (int)kind);

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	r = pthread_barrier_init(&barrier->block, &attr, (unsigned)parties);
	pthread_barrierattr_destroy(&attr);
	if (r)
		return rig_fail_errno(-r, "barrier: pthread_barrier_init");
	barrier->parties = (uint32_t)parties;
	barrier->kind = kind;
	/* relaxed: nobody else can see the barrier yet. */
	store_relaxed(&barrier->blocked, 0);
	store_relaxed(&barrier->word,
		      kind == RIG_BARRIER_PTHREAD ? BLOCKING : 0);
	return 0;
}

/* The value of the word that completes the epoch of the arrival numbered
 * `arrival`. */
static uint64_t target_of(const struct rig_barrier *barrier, uint64_t arrival)
{
	uint64_t n = barrier->parties;
	uint64_t into = n & (n - 1) ? arrival % n : arrival & (n - 1);

	return (arrival - into + n) * ARRIVAL;
}

/* All parties of an epoch pass through here, or none. */
static void block(struct rig_barrier *barrier, uint64_t target, bool last,
		  const struct barrier_watch *watch)
{
	uint64_t seen = target | BLOCKING;

	/* The last to arrive waits for nobody. */
	if (watch && !last)
		watch->sleeps(watch->arg, target);
	pthread_barrier_wait(&barrier->block);
	if (watch && !last)
		watch->awake(watch->arg);
	/* relaxed: pthread_barrier_wait() has ordered everything. */
	if (barrier->kind == RIG_BARRIER_ADAPTIVE)
		cas_relaxed(&barrier->word, &seen, target);
}

/* Make the epoch a blocking epoch, unless the epoch is complete.  Returns the
 * word after the attempt. */
static uint64_t make_blocking(struct rig_barrier *barrier, uint64_t target,
			      uint64_t seen)
{
	while (seen < target && !(seen & BLOCKING)) {
		/* acquire: a failure may mean that the epoch is complete.
		 * Success needs no release: the add was a release, and the
		 * CAS is part of the add's release sequence. */
		if (cas_acquire(&barrier->word, &seen, seen | BLOCKING)) {
			add_relaxed(&barrier->blocked, 1);
			return seen | BLOCKING;
		}
	}
	return seen;
}

void barrier_wait(struct rig_barrier *barrier, const struct patience *patience,
		  const struct barrier_watch *watch)
{
	/* acq_rel: hands on the writes of this party and of the parties before;
	 * the last add, and through the word every poll, acquires them. */
	uint64_t seen = add_acq_rel(&barrier->word, ARRIVAL);
	uint64_t target = target_of(barrier, seen / ARRIVAL);
	bool last = (seen | BLOCKING) + ARRIVAL > target;

	if (seen & BLOCKING) {
		block(barrier, target, last, watch);
		return;
	}
	if (last)
		return;
	seen = wait_reach(&barrier->word, target, BLOCKING, patience);
	if (seen < target)
		seen = make_blocking(barrier, target, seen);
	/* Complete without BLOCKING, or BLOCKING is the next epoch's. */
	if (seen == target || seen > (target | BLOCKING))
		return;
	block(barrier, target, false, watch);
}

void barrier_wait_attending(struct rig_barrier *barrier,
			    const struct barrier_watch *watch,
			    void (*attend)(void *arg,
					   const _Atomic uint64_t *word,
					   uint64_t target))
{
	/* acq_rel: as in barrier_wait().  seq_cst: whoever sleeps on the word
	 * may have to be woken, see rank_meet_watched(). */
	const uint64_t before = add_seq(&barrier->word, ARRIVAL);
	const uint64_t target = target_of(barrier, before / ARRIVAL);
	uint64_t seen;

	if ((before | BLOCKING) + ARRIVAL <= target)
		attend(watch->arg, &barrier->word, target);
	/* acquire: all have arrived; pairs with their additions. */
	seen = load_acquire(&barrier->word);
	/* No party leaves a blocking epoch before this party has entered, so the
	 * word cannot have gone on, and no party waits here for long. */
	if (seen == (target | BLOCKING))
		block(barrier, target, true, watch);
}

bool barrier_pending(const struct rig_barrier *barrier, uint64_t target)
{
	return load_acquire(&barrier->word) < target;
}

int rig_barrier_wait(struct rig_barrier *barrier)
{
	struct patience patience = wait_patience((int)barrier->parties);

	barrier_wait(barrier, &patience, NULL);
	return 0;
}

uint64_t rig_barrier_epochs(const struct rig_barrier *barrier)
{
	return load_relaxed(&barrier->word) / ARRIVAL / barrier->parties;
}

uint64_t rig_barrier_blocked(const struct rig_barrier *barrier)
{
	if (barrier->kind == RIG_BARRIER_PTHREAD)
		return rig_barrier_epochs(barrier);
	return load_relaxed(&barrier->blocked);
}
