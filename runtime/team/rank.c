/* SPDX-License-Identifier: MIT */
/*
 * rank.c - how a rank waits for other ranks, and how a deadlock is found.
 *
 * A rank that is about to sleep publishes the awaited word and value, and leaves the
 * count of awake ranks.  The last rank to leave the count (asleep or finished) looks at
 * all published waits: if every rank that has not finished waits for an epoch that is
 * still incomplete, no rank is left to complete an epoch.  The run is a deadlock, and
 * no false alarm is possible: a rank that was released and has not run yet waits for
 * an epoch that is complete.
 *
 * One look is no picture of one moment: a rank that was released may wake between the
 * looks at two other ranks, complete the epoch of the first rank, and fall asleep
 * before its own turn to be looked at.  So there are two rounds.  No rank ever waits
 * for the same value of the same barrier twice, so a rank with the same wait in both
 * rounds has waited in between, and then all ranks have waited at once.
 */
#include "team/rank.h"

#include <stdio.h>
#include <string.h>

#include <runrig/pool.h>

#include "base/clock.h"
#include "base/error.h"
#include "team/call.h"
#include "team/mail.h"
#include "team/match.h"
#include "team/wide.h"

static struct rank_shm *shm_of(const struct rank *rank, int number)
{
	return &rank->layout.ranks[number];
}

/* In rank_shm.target, beside an even number of arrivals: the barrier is the job's own,
 * in a segment, and not the team's. */
#define AT_JOBS UINT64_C(1)

/* The wait of a rank. */
struct wish {
	uint64_t awaited; /* offset of a word; 0: a barrier's */
	uint64_t target;
	uint64_t rung; /* rings of the mailbox */
};

static char *base_of(const struct rank *rank)
{
	return (char *)rank->layout.control;
}

/* Does `rank` wait for a value that has not come?  *wish is the wait. */
static bool pending(const struct rank *rank, int number, struct wish *wish)
{
	struct rig_barrier *barrier = rank->layout.barrier;
	struct rank_shm *shm = shm_of(rank, number);
	uint64_t target;

	/* acquire: pairs with the release in rank_sleeps(). */
	if (load_acquire(&shm->state) != RIG_STATE_WAITING)
		return false;
	target = load_relaxed(&shm->target);
	*wish = (struct wish){ load_relaxed(&shm->awaited), target,
			       load_relaxed(&shm->rung) };
	/* acquire: as below. */
	if (wish->rung &&
	    load_acquire(&rank->layout.inboxes[number].box.rung) >= wish->rung)
		return false;
	if (wish->awaited)
		/* acquire: all stores before the value are seen as well. */
		return load_acquire((_Atomic uint64_t *)(base_of(rank) +
							 wish->awaited)) <
		       target;
	if (target & AT_JOBS)
		barrier = rank->barrier;
	return barrier_pending(barrier, target & ~AT_JOBS);
}

bool rank_all_wait(const struct rank *rank)
{
	static struct wish first[RIG_WORKERS_MAX];
	int waiting = 0;

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < rank->size; i++) {
			struct rank_shm *shm = shm_of(rank, i);
			bool done = load_acquire(&shm->state) == RIG_STATE_DONE;
			struct wish wish = { 0 };

			if (!done && !pending(rank, i, &wish))
				return false;
			if (round == 0)
				first[i] = wish;
			else if (wish.awaited != first[i].awaited ||
				 wish.target != first[i].target ||
				 wish.rung != first[i].rung)
				return false;
			waiting += !done;
		}
	/* A late look may see the next job: one rank asleep in the next job, and
	 * this rank as it left the last job.  But then this rank is awake in the
	 * next job. */
	return waiting && !dispatch_anyone_awake(rank->layout.dispatch);
}

/* No rank is awake.  Will no rank ever be? */
static void look_for_deadlock(struct rank *rank)
{
	if (!rank_all_wait(rank))
		return;
	/* The ranks may call different verbs instead. */
	if (match_asleep_differs(rank) || match_begun_differs(rank))
		return;
	/* A rank of another host may send a message yet: the caller decides. */
	if (rank->layout.job->hosts.count)
		return;
	if (rank->ends) {
		rank->ends->say_deadlock(rank);
		rank_end(rank, RIG_END_DEADLOCK, rank->rank);
		return;
	}
	/* relaxed: the alarm releases the word. */
	store_relaxed(&rank->layout.team->deadlock, 1);
	dispatch_alarm(rank->layout.dispatch);
	dispatch_ring(rank->layout.dispatch, rank->bell);
}

void rank_sleeps(struct rank *rank, uint64_t awaited, uint64_t target,
		 uint64_t rung)
{
	store_relaxed(&rank->mine->awaited, awaited);
	store_relaxed(&rank->mine->target, target);
	store_relaxed(&rank->mine->rung, rung);
	/* release: a look that sees the state sees the target. */
	store_release(&rank->mine->state, RIG_STATE_WAITING);
	if (dispatch_sleeps(rank->layout.dispatch))
		look_for_deadlock(rank);
}

static void sleeps_at_teams(void *arg, uint64_t target)
{
	rank_sleeps(arg, 0, target, 0);
}

uint64_t rank_target(const struct rank *rank, uint64_t target)
{
	return rank->barrier == rank->layout.barrier ? target
						     : target | AT_JOBS;
}

static void sleeps_at_jobs(void *arg, uint64_t target)
{
	struct rank *rank = arg;

	rank_sleeps(rank, 0, rank_target(rank, target), 0);
}

void rank_awake(struct rank *rank)
{
	dispatch_awake(rank->layout.dispatch);
	store_relaxed(&rank->mine->state, RIG_STATE_RUNNING);
}

static void awake(void *arg)
{
	rank_awake(arg);
}

/*
 * Sleep until *word >= target.
 *
 * The waker stores the word, then looks for sleepers; the sleeper counts itself as a
 * sleeper, then looks at the word.  Where ranks have a CPU each, the store and the look
 * of the waker are not seq_cst, for a fence would cost every call as much as the
 * transfer of a line, and ranks hardly ever sleep there; so the waker may look before
 * its store is seen.  The first sleep is therefore short: after the first sleep, every
 * waker has long been able to see the sleeper.
 */
COLD static uint64_t sleep_on(struct rank *rank, const _Atomic uint64_t *word,
			      uint64_t target)
{
	_Atomic uint32_t *sleepers = &rank->layout.team->sleepers;
	_Atomic uint32_t *bell = &rank->layout.inboxes[rank->rank].box.bell;
	struct rank_shm *mine = rank->mine;
	uint64_t awaited = (uint64_t)((const char *)word - base_of(rank));
	uint64_t deadline = clock_after(STORE_NS);
	uint64_t seen;

	store_relaxed(&mine->target, target);
	store_relaxed(&mine->awaited, awaited);
	/* seq_cst, here and below: see above and rank_advance(). */
	add_seq(sleepers, 1);
	rank_sleeps(rank, awaited, target, 0);
	for (;;) {
		uint32_t heard = load_seq(bell);

		seen = load_seq(word);
		if (seen >= target || rank_has_ended(rank))
			break;
		if (wait_sleep(bell, heard, deadline) == -ETIMEDOUT)
			deadline = RIG_FOREVER;
	}
	rank_awake(rank);
	sub_seq(sleepers, 1);
	/* relaxed: one bell too many does no harm. */
	store_relaxed(&mine->awaited, 0);
	return seen;
}

uint64_t rank_await(struct rank *rank, const _Atomic uint64_t *word,
		    uint64_t target)
{
	/* acquire in there: pairs with the store in rank_advance(). */
	uint64_t seen;

	if (mail_open(rank))
		mail_await(rank, word, target);
	seen = wait_reach(word, target, 0, &rank->patience);
	return seen >= target ? seen : sleep_on(rank, word, target);
}

/* A rank sleeps, maybe on this word: ring the bells of all sleepers. */
COLD static void wake(struct rank *rank, const _Atomic uint64_t *word)
{
	uint64_t offset = (uint64_t)((const char *)word - base_of(rank));

	for (int i = 0; i < rank->size; i++) {
		struct rank_shm *shm = shm_of(rank, i);
		_Atomic uint32_t *bell;

		if (load_relaxed(&shm->awaited) != offset)
			continue;
		bell = &rank->layout.inboxes[i].box.bell;
		add_seq(bell, 1);
		wait_wake(bell, 1);
	}
}

void rank_advance(struct rank *rank, _Atomic uint64_t *word, uint64_t value)
{
	_Atomic uint32_t *sleepers = &rank->layout.team->sleepers;
	bool asleep;

	if (rank->patience.spin_ns) {
		/* release: pairs with the acquire in rank_await(). */
		store_release(word, value);
		asleep = load_relaxed(sleepers);
	} else {
		/* seq_cst: ranks without a CPU each often sleep; see
		 * sleep_on(). */
		store_seq(word, value);
		asleep = load_seq(sleepers);
	}
	if (asleep)
		wake(rank, word);
}

void rank_add(struct rank *rank, _Atomic uint64_t *word, uint64_t value)
{
	/* seq_cst, both: see sleep_on(). */
	add_seq(word, value);
	if (load_seq(&rank->layout.team->sleepers))
		wake(rank, word);
}

/* A refused thread writes nothing but its own words. */
int rank_other_thread(struct rank *rank, const char *name)
{
	if (rank->one_thread)
		return rig_fail(-EINVAL,
				"%s: called in another thread of the rank than "
				"the kernel: one thread of a rank calls verbs",
				name);
	rank->thread = thread_self();
	return 0;
}

/* --- the end of a team that only its ranks watch --- */

int rank_ended(const struct rank *rank)
{
	char *why = rank->mine->why;

	/* The caller ends such a team by other means, and no rank ends the
	 * team. */
	if (!rank->ends) {
		snprintf(
			why, sizeof(rank->mine->why),
			"the team's memory says that the team has ended, which "
			"nobody can have written but a stray store of one of "
			"its ranks");
		return rig_fail(-EPROTO, "%s", why);
	}
	return rank->ends->explain(rank, load_seq(&rank->layout.team->ended));
}

/*
 * The word first, then the bells: a sleeper reads its bell, then the word, and sleeps
 * only while the bell has the value that was read.  So each sleeper sees the word, or
 * does not sleep.
 */
void rank_end(struct rank *rank, unsigned end, int who)
{
	uint32_t nobody = 0;

	/* seq_cst, all: see above, and rank_has_ended(). */
	(void)cas_seq(&rank->layout.team->ended, &nobody, ENDED(end, who));
	for (int i = 0; i < rank->size; i++) {
		_Atomic uint32_t *bell = &rank->layout.inboxes[i].box.bell;

		add_seq(bell, 1);
		wait_wake(bell, 1);
	}
}

/* In this process: a wait at the barrier. */
struct rank_party {
	struct rank *rank;
	bool waited;
};

static void attend_watched(void *arg, const _Atomic uint64_t *word,
			   uint64_t target)
{
	struct rank_party *party = arg;

	party->waited = true;
	(void)rank_await(party->rank, word, target);
}

/* The word of the barrier is a word like any other: the last rank to arrive wakes the
 * ranks that sleep on the word. */
void rank_meet_watched(struct rank *rank)
{
	struct rank_party party = { .rank = rank };
	const struct barrier_watch watch = { .arg = &party };

	barrier_wait_attending(rank->layout.barrier, &watch, attend_watched);
	/* seq_cst: as in rank_advance(). */
	if (!party.waited && load_seq(&rank->layout.team->sleepers))
		wake(rank, &rank->layout.barrier->word);
}

void rank_init(struct rank *rank, const struct layout *layout, int number,
	       int size, const struct patience *patience)
{
	memset(rank, 0, sizeof(*rank));
	rank->rank = number;
	rank->size = size;
	rank->layout = *layout;
	rank->mine = shm_of(rank, number);
	rank->barrier = layout->barrier;
	rank->patience = *patience;
	rank->bell = -1;
	heap_init(rank);
	rank->world = (struct rig_team){ .owner = rank,
					 .rank = number,
					 .size = size,
					 .members = layout->members,
					 .self = &layout->members[number] };
	/* A rank of an earlier team may have left values there. */
	rank->result_used = true;
	store_relaxed(&rank->mine->signal, 0);
	rank->mine->segment = 0;
	rank->at_teams = (struct barrier_watch){ sleeps_at_teams, awake, rank };
	rank->at_jobs = (struct barrier_watch){ sleeps_at_jobs, awake, rank };
}

void rank_begin(struct rank *rank, uint32_t job)
{
	struct rank_shm *mine = rank->mine;

	rank->barrier = rank->layout.barrier;
	rank->entered = 0;
	/* The caller of a run of several hosts carries what the rank waits for. */
	rank->patience.shares = rank->layout.job->hosts.count > 0;
	rank->place = dispatch_place(rank->layout.dispatch, job);
	call_begin_job(rank);
	mail_begin_job(rank);
	symmetric_begin_job(rank);
	heap_begin_job(rank);
	way_begin_job(rank);
	wide_begin_job(rank);
	mine->why[0] = 0;
	if (rank->result_used)
		memset(mine->result, 0, sizeof(mine->result));
	rank->result_used = false;
	store_relaxed(&mine->entered, 0);
	store_relaxed(&mine->where, 0);
	store_relaxed(&mine->calls, 0);
	store_relaxed(&mine->code, 0);
	store_relaxed(&mine->progress, 0);
	/* release: the rank waits no more; pairs with look_for_deadlock(). */
	store_release(&mine->state, RIG_STATE_ATTACHING);
	/* release: the fields above belong to this job; pairs with
	 * rig_pool_progress(), and with take_stock(), after a death. */
	store_release(&mine->job, job);
}

void rank_meet(struct rank *rank)
{
	barrier_wait(rank->layout.barrier, &rank->patience, &rank->at_teams);
}

void rank_failed(struct rank *rank, int code, const char *why)
{
	uint32_t nobody = 0;

	if (why)
		snprintf(rank->mine->why, sizeof(rank->mine->why), "%s", why);
	store_relaxed(&rank->mine->code, code);
	/* release: pairs with the caller's acquire; the words are written. */
	cas_release(&rank->layout.team->failed, &nobody,
		    (uint32_t)rank->rank + 1);
	if (rank->ends) {
		rank_end(rank, RIG_END_FAILED, rank->rank);
		return;
	}
	dispatch_alarm(rank->layout.dispatch);
	dispatch_ring(rank->layout.dispatch, rank->bell);
}

bool rank_chain_goes_on(const struct rank *rank)
{
	const struct layout *layout = &rank->layout;

	/* relaxed, both: for the last rank to finish, all have finished; whoever
	 * waits only guesses. */
	return rank->place + 1 < layout->dispatch->words[JOB_CHAIN] &&
	       !load_relaxed(&layout->team->failed) &&
	       !load_relaxed(&layout->team->deadlock);
}

/* This rank, the last to finish the job before, begins the next job. */
static void begin_next(struct rank *rank)
{
	struct chain_shm *chain = rank->layout.chain;

	/* relaxed: dispatch_next() releases the words. */
	if (chain->limited)
		store_relaxed(&chain->began_ns, clock_ns());
	dispatch_next(rank->layout.dispatch);
}

void rank_finish(struct rank *rank)
{
	call_end_job(rank);
	team_segments_drop(rank);
	/* release: a look that sees the state sees that the rank waits no more. */
	store_release(&rank->mine->state, RIG_STATE_DONE);
	switch (dispatch_finish(rank->layout.dispatch, rank->size)) {
	case DISPATCH_ALL_DONE:
		call_all_done(rank);
		mail_all_done(rank);
		heap_all_done(rank);
		way_all_done(rank);
		if (rank_chain_goes_on(rank)) {
			begin_next(rank);
			break;
		}
		dispatch_done(rank->layout.dispatch);
		dispatch_ring(rank->layout.dispatch, rank->bell);
		break;
	case DISPATCH_OTHERS_SLEEP:
		look_for_deadlock(rank);
		break;
	case DISPATCH_OTHERS_RUN:
		break;
	}
}
