/* SPDX-License-Identifier: MIT */
/*
 * team.c - what a kernel can ask, and the watch over who waits for whom.
 *
 * A rank that is about to sleep publishes what it waits for, then counts itself
 * out of those awake.  The one after whom nobody is awake (asleep like the
 * others, or finished) looks at what all have published: if every rank that
 * has not finished waits for an epoch that is still incomplete, nobody is left
 * who could complete it.  That is a deadlock, exactly: ranks that have been
 * released but have not run yet wait for an epoch that is complete.
 *
 * One look is no picture of one moment: a rank that has been released may wake
 * between the looks at two others, complete what the first waits for, and fall
 * asleep again before it is looked at itself.  So there are two rounds.  No
 * rank ever waits for the same value of the same barrier twice, so one that
 * waits for the same in both has waited in between, and then all have at once.
 */
#include "team/team.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <runrig/pool.h>

#include "team/match.h"
#include "team/call.h"
#include "base/clock.h"
#include "team/mail.h"

static struct rank_shm *rank_of(const struct rig_team *team, int rank)
{
	return &team->layout.ranks[rank];
}

/* In rank_shm.target, beside an even number of arrivals: it is the job's own
 * barrier, in a segment, and not the team's. */
#define AT_JOBS UINT64_C(1)

/* What a rank sleeps for. */
struct wish {
	uint64_t awaited; /* offset of a word; 0: a barrier's */
	uint64_t target;
	uint64_t rung; /* of its mailbox */
};

static char *base_of(const struct rig_team *team)
{
	return (char *)team->layout.control;
}

/* Does `rank` wait for something that has not come?  For what? */
static bool pending(const struct rig_team *team, int number, struct wish *wish)
{
	struct rig_barrier *barrier = team->layout.barrier;
	struct rank_shm *rank = rank_of(team, number);
	uint64_t target;

	/* acquire: pairs with the release in publish(). */
	if (load_acquire(&rank->state) != RIG_STATE_WAITING)
		return false;
	target = load_relaxed(&rank->target);
	*wish = (struct wish){ load_relaxed(&rank->awaited), target,
			       load_relaxed(&rank->rung) };
	/* acquire: as below. */
	if (wish->rung &&
	    load_acquire(&team->layout.inboxes[number].box.rung) >= wish->rung)
		return false;
	if (wish->awaited)
		/* acquire: what led to it has happened as well. */
		return load_acquire((_Atomic uint64_t *)(base_of(team) +
							 wish->awaited)) <
		       target;
	if (target & AT_JOBS)
		barrier = team->barrier;
	return barrier_pending(barrier, target & ~AT_JOBS);
}

/* Nobody is awake: is it that nobody ever will be? */
static void look_for_deadlock(struct rig_team *team)
{
	static struct wish first[RIG_WORKERS_MAX];
	int waiting = 0;

	team = team->world;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < team->size; i++) {
			struct rank_shm *rank = rank_of(team, i);
			bool done =
				load_acquire(&rank->state) == RIG_STATE_DONE;
			struct wish wish = { 0 };

			if (!done && !pending(team, i, &wish))
				return;
			if (round == 0)
				first[i] = wish;
			else if (wish.awaited != first[i].awaited ||
				 wish.target != first[i].target ||
				 wish.rung != first[i].rung)
				return;
			waiting += !done;
		}
	/* Who looks late may see the next job already: a rank asleep in it, and
	 * itself still as it left the last.  But then it is awake in it. */
	if (!waiting || dispatch_anyone_awake(team->layout.dispatch))
		return;
	/* Or is it that they call differently? */
	if (agree_asleep_differs(team) || agree_begun_differs(team))
		return;
	/* relaxed: the alarm releases it. */
	store_relaxed(&team->layout.team->deadlock, 1);
	dispatch_alarm(team->layout.dispatch);
}

void team_sleeps(struct rig_team *team, uint64_t awaited, uint64_t target,
		 uint64_t rung)
{
	store_relaxed(&team->mine->awaited, awaited);
	store_relaxed(&team->mine->target, target);
	store_relaxed(&team->mine->rung, rung);
	/* release: whoever sees the state sees the target. */
	store_release(&team->mine->state, RIG_STATE_WAITING);
	if (dispatch_sleeps(team->layout.dispatch))
		look_for_deadlock(team);
}

static void sleeps_at_teams(void *arg, uint64_t target)
{
	team_sleeps(arg, 0, target, 0);
}

static void sleeps_at_jobs(void *arg, uint64_t target)
{
	struct rig_team *team = arg;

	team_sleeps(team, 0,
		    team->barrier == team->layout.barrier ? target
							  : target | AT_JOBS,
		    0);
}

void team_awake(struct rig_team *team)
{
	dispatch_awake(team->layout.dispatch);
	store_relaxed(&team->mine->state, RIG_STATE_RUNNING);
}

static void awake(void *arg)
{
	team_awake(arg);
}

/*
 * Sleep until *word >= target.
 *
 * The waker stores the word, then looks for sleepers; the sleeper says that it
 * is one, then looks at the word.  Where ranks have a CPU each the waker's two
 * are not seq_cst, for that would cost every call as much as a line's transfer
 * and nobody ever sleeps there; so its look may come before its store is seen.
 * The first sleep is therefore short: after it, whoever stores has long been
 * able to see the sleeper.
 */
COLD static uint64_t sleep_on(struct rig_team *team,
			      const _Atomic uint64_t *word, uint64_t target)
{
	_Atomic uint32_t *sleepers = &team->layout.team->sleepers;
	_Atomic uint32_t *bell =
		&team->layout.inboxes[team->world->rank].box.bell;
	struct rank_shm *mine = team->mine;
	uint64_t awaited = (uint64_t)((const char *)word - base_of(team));
	uint64_t deadline = clock_after(STORE_NS);
	uint64_t seen;

	store_relaxed(&mine->target, target);
	store_relaxed(&mine->awaited, awaited);
	/* seq_cst, this and what follows: see above and team_advance(). */
	add_seq(sleepers, 1);
	team_sleeps(team, awaited, target, 0);
	for (;;) {
		uint32_t heard = load_seq(bell);

		seen = load_seq(word);
		if (seen >= target)
			break;
		if (wait_sleep(bell, heard, deadline) == -ETIMEDOUT)
			deadline = RIG_FOREVER;
	}
	team_awake(team);
	sub_seq(sleepers, 1);
	/* relaxed: a bell too many does no harm. */
	store_relaxed(&mine->awaited, 0);
	return seen;
}

uint64_t team_await(struct rig_team *team, const _Atomic uint64_t *word,
		    uint64_t target)
{
	/* acquire in there: pairs with the store in team_advance(). */
	uint64_t seen;

	if (mail_open(team))
		mail_await(team, word, target);
	seen = wait_reach(word, target, 0, &team->patience);
	return seen >= target ? seen : sleep_on(team, word, target);
}

/* Somebody sleeps; maybe on this word. */
COLD static void wake(struct rig_team *team, const _Atomic uint64_t *word)
{
	uint64_t offset = (uint64_t)((const char *)word - base_of(team));

	for (int i = 0; i < team->world->size; i++) {
		struct rank_shm *rank = rank_of(team, i);
		_Atomic uint32_t *bell;

		if (load_relaxed(&rank->awaited) != offset)
			continue;
		bell = &team->layout.inboxes[i].box.bell;
		add_seq(bell, 1);
		wait_wake(bell, 1);
	}
}

void team_advance(struct rig_team *team, _Atomic uint64_t *word, uint64_t value)
{
	_Atomic uint32_t *sleepers = &team->layout.team->sleepers;
	bool asleep;

	if (team->patience.spin_ns) {
		/* release: pairs with the acquire in team_await(). */
		store_release(word, value);
		asleep = load_relaxed(sleepers);
	} else {
		/* seq_cst: sleepers are the rule here; see sleep_on(). */
		store_seq(word, value);
		asleep = load_seq(sleepers);
	}
	if (asleep)
		wake(team, word);
}

void team_add(struct rig_team *team, _Atomic uint64_t *word, uint64_t value)
{
	/* seq_cst, both: see sleep_on(). */
	add_seq(word, value);
	if (load_seq(&team->layout.team->sleepers))
		wake(team, word);
}

void team_init(struct rig_team *team, const struct layout *layout, int rank,
	       int size, const struct patience *patience)
{
	memset(team, 0, sizeof(*team));
	team->rank = rank;
	team->size = size;
	team->layout = *layout;
	team->mine = rank_of(team, rank);
	team->barrier = layout->barrier;
	team->patience = *patience;
	team->world = team;
	team->members = layout->members;
	team->self = &team->members[rank];
	/* What a rank of an earlier team has left there. */
	team->result_used = true;
	store_relaxed(&team->mine->signal, 0);
	team->mine->segment = 0;
	team->at_teams = (struct barrier_watch){ sleeps_at_teams, awake, team };
	team->at_jobs = (struct barrier_watch){ sleeps_at_jobs, awake, team };
}

void team_begin(struct rig_team *team, uint32_t job)
{
	struct rank_shm *mine = team->mine;

	team->barrier = team->layout.barrier;
	team->entered = 0;
	call_begin_job(team);
	mail_begin_job(team);
	symmetric_begin_job(team);
	mine->why[0] = 0;
	if (team->result_used)
		memset(mine->result, 0, sizeof(mine->result));
	team->result_used = false;
	store_relaxed(&mine->entered, 0);
	store_relaxed(&mine->where, 0);
	store_relaxed(&mine->calls, 0);
	store_relaxed(&mine->code, 0);
	store_relaxed(&mine->progress, 0);
	/* release: not for this job any more; pairs with look_for_deadlock(). */
	store_release(&mine->state, RIG_STATE_ATTACHING);
	/* release: all this is of this job; pairs with rig_pool_progress(), and
	 * with take_stock(), which a death has ordered already. */
	store_release(&mine->job, job);
}

void team_meet(struct rig_team *team)
{
	barrier_wait(team->layout.barrier, &team->patience, &team->at_teams);
}

void team_failed(struct rig_team *team, int code, const char *why)
{
	uint32_t nobody = 0;

	if (why)
		snprintf(team->mine->why, sizeof(team->mine->why), "%s", why);
	store_relaxed(&team->mine->code, code);
	/* release: pairs with the caller's acquire; its words are written. */
	cas_release(&team->layout.team->failed, &nobody,
		    (uint32_t)team->world->rank + 1);
	dispatch_alarm(team->layout.dispatch);
}

void team_finish(struct rig_team *team)
{
	call_end_job(team);
	/* release: whoever sees the state sees that it waits no more. */
	store_release(&team->mine->state, RIG_STATE_DONE);
	switch (dispatch_finish(team->layout.dispatch, team->size)) {
	case DISPATCH_ALL_DONE:
		call_all_done(team);
		mail_all_done(team);
		dispatch_done(team->layout.dispatch);
		break;
	case DISPATCH_OTHERS_SLEEP:
		look_for_deadlock(team);
		break;
	case DISPATCH_OTHERS_RUN:
		break;
	}
}

int rig_team_rank(const struct rig_team *team)
{
	return team->rank;
}

int rig_team_size(const struct rig_team *team)
{
	return team->size;
}

int rig_team_segments(const struct rig_team *team)
{
	return team->segments;
}

void *rig_team_data(const struct rig_team *team, int index)
{
	if (index < 0 || index >= team->segments)
		return NULL;
	return team->handed[index].data;
}

size_t rig_team_bytes(const struct rig_team *team, int index)
{
	if (index < 0 || index >= team->segments)
		return 0;
	return team->handed[index].bytes;
}

struct rig_span rig_strip(size_t count, int rank, int size)
{
	size_t n = (size_t)size, r = (size_t)rank;
	size_t each = count / n, more = count % n;
	size_t begin = r * each + (r < more ? r : more);

	return (struct rig_span){ begin, begin + each + (r < more) };
}

struct rig_span rig_team_strip(const struct rig_team *team, size_t count)
{
	return rig_strip(count, team->rank, team->size);
}

const void *rig_team_args(const struct rig_team *team)
{
	return team->args_bytes ? team->args : NULL;
}

size_t rig_team_args_bytes(const struct rig_team *team)
{
	return team->args_bytes;
}

void *rig_team_result(struct rig_team *team)
{
	team->world->result_used = true;
	return team->mine->result;
}

/* Requests are open: they go on while this rank waits at the job's barrier. */
static void attend_jobs(void *arg, const _Atomic uint64_t *word,
			uint64_t target)
{
	struct rig_team *team = arg;
	uint64_t told = team->barrier == team->layout.barrier
				? target
				: target | AT_JOBS;

	mail_await_barrier(team, word, target, told);
}

static inline void meet_at_jobs(struct rig_team *team)
{
	if (mail_open(team))
		barrier_wait_attending(team->barrier, &team->at_jobs,
				       attend_jobs);
	else
		barrier_wait(team->barrier, &team->patience, &team->at_jobs);
}

/* The job's barrier, with a span of it. */
static __attribute__((noinline)) void wait_traced(struct rig_team *team)
{
	struct trace_event_shm *span =
		trace_begin(team->trace, RIG_TRACE_WAIT, VERB_BARRIER,
			    load_relaxed(&team->mine->where));

	meet_at_jobs(team);
	trace_end(span);
}

/* One word for all costs twice as many transfers as there are ranks, one after
 * the other: where they have a CPU each, many meet by a tree of lines.  Those
 * who share CPUs sleep anyhow, and in the pthread barrier best. */
static bool by_lines(const struct rig_team *team)
{
	return team->size > CALL_FLAT && team->patience.spin_ns &&
	       team->barrier->kind == RIG_BARRIER_ADAPTIVE;
}

static void meet_all(struct rig_team *team)
{
	if (TRACE_BRANCH(team->trace))
		wait_traced(team);
	else
		meet_at_jobs(team);
	store_relaxed(&team->mine->where, 0);
}

int rig_team_barrier(struct rig_team *team)
{
	const uint64_t where = (uint64_t)(uintptr_t)__builtin_return_address(0);
	unsigned turn;
	bool look;
	int r = 0;

	/* relaxed: for the report, which reads it when nobody runs. */
	store_relaxed(&team->mine->where, where);
	if (team != team->world)
		return call_barrier(team);
	store_relaxed(&team->mine->entered, ++team->entered);
	turn = team->entered % 2;
	team->mine->at[turn] = where;
	look = agree_show(team, turn);
	if (by_lines(team))
		r = call_barrier(team);
	else
		meet_all(team);
	if (r == 0 && look)
		r = agree_check(team, turn);
	return r;
}

struct rig_barrier *rig_team_barrier_of(const struct rig_team *team)
{
	return team->barrier;
}

void rig_team_progress(struct rig_team *team, double share)
{
	double parts = share * PROGRESS_WHOLE;
	uint32_t progress = 0; /* also of what is no number */

	if (parts >= UINT32_MAX)
		progress = UINT32_MAX;
	else if (parts > 0)
		progress = (uint32_t)parts;
	/* relaxed: a number for people, that orders nothing. */
	store_relaxed(&team->mine->progress, progress);
}

int rig_team_fail(struct rig_team *team, int code, const char *format, ...)
{
	va_list list;

	if (code >= 0)
		code = -EINVAL;
	va_start(list, format);
	vsnprintf(team->mine->why, sizeof(team->mine->why), format, list);
	va_end(list);
	return code;
}
