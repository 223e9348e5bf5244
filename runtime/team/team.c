/* SPDX-License-Identifier: MIT */
/*
 * team.c - the answers to a kernel about its team, and the barrier.
 */
#include "team/rank.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <runrig/nonblocking.h>
#include <runrig/pool.h>

#include "team/call.h"
#include "base/error.h"
#include "team/mail.h"
#include "team/match.h"
#include "team/wide.h"

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
	return team->owner->segments;
}

void *rig_team_data(const struct rig_team *team, int index)
{
	if (index < 0 || index >= team->owner->segments)
		return NULL;
	return team->owner->handed[index].data;
}

size_t rig_team_bytes(const struct rig_team *team, int index)
{
	if (index < 0 || index >= team->owner->segments)
		return 0;
	return team->owner->handed[index].bytes;
}

struct rig_span rig_strip(size_t count, int rank, int size)
{
	size_t n = (size_t)size, r = (size_t)rank;
	size_t each, more, begin;

	if (rank < 0 || rank >= size)
		return (struct rig_span){ count, count };
	each = count / n;
	more = count % n;
	begin = r * each + (r < more ? r : more);

	return (struct rig_span){ begin, begin + each + (r < more) };
}

struct rig_span rig_team_strip(const struct rig_team *team, size_t count)
{
	return rig_strip(count, team->rank, team->size);
}

const void *rig_team_args(const struct rig_team *team)
{
	return team->owner->args_bytes ? team->owner->args : NULL;
}

size_t rig_team_args_bytes(const struct rig_team *team)
{
	return team->owner->args_bytes;
}

void *rig_team_result(struct rig_team *team)
{
	team->owner->result_used = true;
	return team->owner->mine->result;
}

/* Requests are open: move the requests on while this rank waits at the job's
 * barrier. */
static void attend_jobs(void *arg, const _Atomic uint64_t *word,
			uint64_t target)
{
	struct rank *rank = arg;
	mail_await_barrier(rank, word, target, rank_target(rank, target));
}

static inline void meet_at_jobs(struct rank *rank)
{
	if (mail_open(rank))
		barrier_wait_attending(rank->barrier, &rank->at_jobs,
				       attend_jobs);
	else
		barrier_wait(rank->barrier, &rank->patience, &rank->at_jobs);
}

/* Wait at the job's barrier, with a span of the wait. */
static __attribute__((noinline)) void wait_traced(struct rank *rank)
{
	struct trace_event_shm *span =
		trace_begin(rank->trace, RIG_TRACE_WAIT, VERB_BARRIER,
			    load_relaxed(&rank->mine->where));

	meet_at_jobs(rank);
	trace_end(span);
}

/* One word for all ranks costs twice as many transfers as there are ranks, one after
 * the other: where ranks have a CPU each, many ranks meet by a tree of lines.  Ranks
 * that share CPUs sleep anyhow, and in the pthread barrier best. */
static bool by_lines(const struct rank *rank)
{
	return rank->size > CALL_FLAT && rank->patience.spin_ns &&
	       rank->barrier->kind == RIG_BARRIER_ADAPTIVE;
}

static void meet_all(struct rank *rank)
{
	if (rank->ends)
		rank_meet_watched(rank);
	else if (TRACE_BRANCH(rank->trace))
		wait_traced(rank);
	else
		meet_at_jobs(rank);
	store_relaxed(&rank->mine->where, 0);
}

/* The barrier of a team of several hosts. */
COLD static int barrier_wide(struct rig_team *team, const void *where)
{
	const struct terms terms = { .verb = VERB_BARRIER };
	struct rig_request **request = wide_enter(team, &terms, where);

	return wide_leave(team, team == team->owner->wide.world
					? wide_barrier(team)
					: rig_team_ibarrier(team, request));
}

int rig_team_barrier(struct rig_team *team)
{
	const uint64_t where = (uint64_t)(uintptr_t)__builtin_return_address(0);
	struct rank *rank = team->owner;
	unsigned turn;
	bool look;
	int r = 0;

	if (rank_check_thread(rank, "barrier") < 0)
		return -EINVAL;
	/* relaxed: for the report, which reads the word when no rank runs. */
	store_relaxed(&rank->mine->where, where);
	if (team->wide)
		return barrier_wide(team, __builtin_return_address(0));
	if (team != &rank->world)
		return call_barrier(team);
	store_relaxed(&rank->mine->entered, ++rank->entered);
	turn = rank->entered % 2;
	rank->mine->at[turn] = where;
	look = match_show(rank, turn);
	if (by_lines(rank))
		r = call_barrier(team);
	else
		meet_all(rank);
	if (rank_has_ended(rank))
		return rank_ended(rank);
	if (r == 0 && look)
		r = match_check(rank, turn);
	return r;
}

struct rig_barrier *rig_team_barrier_of(const struct rig_team *team)
{
	return team->owner->barrier;
}

void rig_team_progress(struct rig_team *team, double share)
{
	double parts = share * PROGRESS_WHOLE;
	uint32_t progress = 0; /* also for values that are no number */

	if (parts >= UINT32_MAX)
		progress = UINT32_MAX;
	else if (parts > 0)
		progress = (uint32_t)parts;
	/* relaxed: a number for people, which orders nothing. */
	store_relaxed(&team->owner->mine->progress, progress);
}

int rig_team_fail(struct rig_team *team, int code, const char *format, ...)
{
	va_list list;

	if (code >= 0)
		code = -EINVAL;
	va_start(list, format);
	vsnprintf(team->owner->mine->why, sizeof(team->owner->mine->why),
		  format, list);
	va_end(list);
	/* For rig_why(). */
	return rig_fail(code, "%s", team->owner->mine->why);
}
