/* SPDX-License-Identifier: MIT */
/*
 * meet.c - ranks that meet `count` times between two readings of the clock.
 *
 * The same pinned ranks meet at the bare pthread barrier, at the hand-over of a
 * cache line and at the team's barrier: only the meeting differs.
 */
#include "commands/meet.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands/handover.h"
#include "driver/pool_contender.h"
#include "driver/stopwatch.h"

/* After which a run counts as hung. */
#define LIMIT_NS UINT64_C(60000000000)

struct meet_arg {
	enum meeting meeting;
	int ranks;
	enum rig_barrier_kind kind;
};

/* In shared memory: the place of the meeting. */
struct meet_shm {
	struct handover_shm line;
	alignas(RIG_LINE) pthread_barrier_t bare;
};

/* A job's arguments. */
struct meet_job {
	clockid_t clock;
	enum meeting meeting;
	uint64_t count;
	uint64_t from; /* hand-overs before this job */
};

struct meet {
	struct meet_arg arg;
	clockid_t clock;
	struct rig_pool *pool;
	struct rig_segment *segment;
	uint64_t done; /* operations of all jobs so far */
};

static int meet(struct rig_team *team)
{
	const struct meet_job *job = rig_team_args(team);
	struct meet_shm *shm = rig_team_data(team, 0);
	struct rank_timing *timing = rig_team_result(team);

	(void)rig_team_barrier(team);
	timing->begin_ns = stopwatch_ns(job->clock);
	switch (job->meeting) {
	case MEET_TEAM:
		for (uint64_t i = 0; i < job->count; i++)
			(void)rig_team_barrier(team);
		break;
	case MEET_PTHREAD:
		for (uint64_t i = 0; i < job->count; i++)
			(void)pthread_barrier_wait(&shm->bare);
		break;
	case MEET_LINE:
		hand_over(&shm->line, (uint64_t)rig_team_rank(team), job->from,
			  job->count);
		break;
	}
	timing->end_ns = stopwatch_ns(job->clock);
	return 0;
}

static void meet_close(void *state)
{
	struct meet *m = state;

	rig_segment_destroy(m->segment);
	rig_pool_destroy(m->pool);
	free(m);
}

static int meet_prepare(struct meet *m)
{
	struct meet_shm *shm = rig_segment_data(m->segment);
	pthread_barrierattr_t shared;
	int r;

	r = pthread_barrierattr_init(&shared);
	if (r == 0)
		r = pthread_barrierattr_setpshared(&shared,
						   PTHREAD_PROCESS_SHARED);
	if (r == 0)
		r = pthread_barrier_init(&shm->bare, &shared,
					 (unsigned int)m->arg.ranks);
	return -r;
}

static int meet_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct meet *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->arg = *(const struct meet_arg *)arg;
	m->clock = clock;
	r = pool_contender_open(
		&m->pool,
		&(struct rig_pool_options){ .workers = m->arg.ranks,
					    .barrier = m->arg.kind },
		why);
	if (r == 0 && m->arg.meeting == MEET_LINE &&
	    rig_pool_oversubscribed(m->pool)) {
		snprintf(why, CASE_WHY_BYTES, "needs a core for each rank");
		r = -ENOTSUP;
	}
	if (r == 0) {
		r = rig_segment_create(
			&m->segment, NULL, sizeof(struct meet_shm),
			&(struct rig_segment_options){ .pool = m->pool });
		if (r < 0)
			snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	}
	if (r == 0)
		r = meet_prepare(m);
	if (r < 0) {
		meet_close(m);
		return r;
	}
	*state = m;
	return 0;
}

static int meet_run(void *state, uint64_t count, struct timing *timing,
		    char *why)
{
	struct meet *m = state;
	struct meet_job args = { m->clock, m->arg.meeting, count, m->done };

	m->done += count;
	return pool_contender_run(
		m->pool,
		&(struct rig_job){ .kernel = meet,
				   .segments = { { .name = rig_segment_name(
							   m->segment) } },
				   .args = &args,
				   .args_bytes = sizeof(args),
				   .limit_ns = LIMIT_NS },
		timing, why);
}

static void meet_bound(void *state, struct case_binding *binding)
{
	struct meet *m = state;

	pool_contender_bound(m->pool, binding);
}

static const struct bench_ops meet_ops = {
	.open = meet_open,
	.run = meet_run,
	.bound = meet_bound,
	.close = meet_close,
};

/* The cost of a trace: 10 us of work, then a barrier. */

struct traced_arg {
	size_t spans;
};

/* Work that no compiler can leave out. */
static void work_for(clockid_t clock, uint64_t ns)
{
	const uint64_t end = stopwatch_ns(clock) + ns;

	while (stopwatch_ns(clock) < end)
		;
}

static int work_and_meet(struct rig_team *team)
{
	const struct meet_job *job = rig_team_args(team);
	struct rank_timing *timing = rig_team_result(team);

	(void)rig_team_barrier(team);
	timing->begin_ns = stopwatch_ns(job->clock);
	for (uint64_t i = 0; i < job->count; i++) {
		work_for(job->clock, 10000);
		(void)rig_team_barrier(team);
	}
	timing->end_ns = stopwatch_ns(job->clock);
	return 0;
}

static int traced_open(const void *arg, clockid_t clock, void **state,
		       char *why)
{
	const struct traced_arg *traced = arg;
	struct meet *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->clock = clock;
	r = pool_contender_open(&m->pool,
				&(struct rig_pool_options){
					.workers = 2, .trace = traced->spans },
				why);
	if (r < 0) {
		meet_close(m);
		return r;
	}
	*state = m;
	return 0;
}

static int traced_run(void *state, uint64_t count, struct timing *timing,
		      char *why)
{
	struct meet *m = state;
	struct meet_job args = { m->clock, MEET_TEAM, count, 0 };

	return pool_contender_run(m->pool,
				  &(struct rig_job){ .kernel = work_and_meet,
						     .args = &args,
						     .args_bytes = sizeof(args),
						     .limit_ns = LIMIT_NS },
				  timing, why);
}

static const struct bench_ops traced_ops = {
	.open = traced_open,
	.run = traced_run,
	.bound = meet_bound,
	.close = meet_close,
};

int meet_add_traced(struct plan *plan, const char *name, size_t spans,
		    const char *settings)
{
	const struct traced_arg arg = { spans };
	struct bench_case what = { .contest = "10 us of work and a barrier",
				   .unit = "ns",
				   .again = spans == 0,
				   .ops = &traced_ops,
				   .arg = &arg,
				   .arg_bytes = sizeof(arg),
				   .axes = { { .name = "ranks",
					       .value = "2" } } };

	snprintf(what.name, sizeof(what.name), "%s", name);
	snprintf(what.settings, sizeof(what.settings), "%s", settings);
	return plan_add(plan, &what);
}

int meet_add(struct plan *plan, const char *name, int ranks,
	     enum meeting meeting, enum rig_barrier_kind kind,
	     const char *settings)
{
	struct meet_arg arg = { meeting, ranks, kind };
	struct bench_case what = {
		.unit = "ns",
		.again = meeting == MEET_TEAM && kind == RIG_BARRIER_ADAPTIVE,
		.ops = &meet_ops,
		.arg = &arg,
		.arg_bytes = sizeof(arg),
		.axes = { { .name = "ranks" } },
	};

	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d", ranks);
	snprintf(what.contest, sizeof(what.contest), "barrier, %d ranks",
		 ranks);
	snprintf(what.name, sizeof(what.name), "%s", name);
	snprintf(what.settings, sizeof(what.settings), "%s", settings);
	return plan_add(plan, &what);
}
