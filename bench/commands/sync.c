/* SPDX-License-Identifier: MIT */
/*
 * sync.c - rigbench sync: barriers, the hand-over of a cache line, dispatch,
 * pool start, and the memory of idle processes.
 *
 * A barrier contender is a pool whose ranks meet `count` times between two
 * readings of the clock; the bare pthread barrier and the hand-over are met by
 * the same pinned ranks, so that nothing but the meeting differs.  libgomp and
 * libomp run as helpers with settings of their own.
 */
#include "commands/sync.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/handover.h"
#include "driver/machine.h"
#include "driver/peer.h"
#include "driver/pool_contender.h"
#include "driver/stopwatch.h"

/* After which a run counts as hung. */
#define LIMIT_NS UINT64_C(60000000000)

/* How ranks meet. */
enum meeting { MEET_TEAM, MEET_PTHREAD, MEET_LINE };

struct meet_arg {
	enum meeting meeting;
	int ranks;
	enum rig_barrier_kind kind;
};

/* In shared memory: what they meet at. */
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

/* Dispatch: a run of a kernel that does nothing. */

struct dispatch_arg {
	int workers;
	bool caller_apart; /* the caller is pinned to a core without a worker */
};

struct dispatch {
	struct dispatch_arg arg;
	struct rig_pool *pool;
	cpu_set_t caller; /* where it is to run, with .caller_apart */
	cpu_set_t before;
};

static int nothing(struct rig_team *team)
{
	(void)team;
	return 0;
}

/* The caller's core is the first, the worker's the second. */
static int plan_caller(struct dispatch *d, char *place, size_t bytes, char *why)
{
	struct rig_plan *plan;
	int r = rig_place_plan(&plan, &(struct rig_place_options){ 0 });

	if (r < 0)
		return r;
	if (plan->workers < 2) {
		snprintf(why, CASE_WHY_BYTES, "needs two cores");
		r = -ENOTSUP;
	} else {
		CPU_ZERO(&d->caller);
		CPU_SET((size_t)plan->spots[0].pu, &d->caller);
		snprintf(place, bytes, "%d", plan->spots[1].core);
	}
	rig_place_free(plan);
	return r;
}

static void dispatch_close(void *state)
{
	struct dispatch *d = state;

	rig_pool_destroy(d->pool);
	free(d);
}

static int dispatch_open(const void *arg, clockid_t clock, void **state,
			 char *why)
{
	struct dispatch *d = calloc(1, sizeof(*d));
	char place[24] = "";
	int r = 0;

	(void)clock;
	if (!d)
		return -ENOMEM;
	d->arg = *(const struct dispatch_arg *)arg;
	if (sched_getaffinity(0, sizeof(d->before), &d->before) < 0)
		r = -errno;
	if (r == 0 && d->arg.caller_apart)
		r = plan_caller(d, place, sizeof(place), why);
	if (r == 0)
		r = pool_contender_open(
			&d->pool,
			&(struct rig_pool_options){ .workers = d->arg.workers,
						    .place = *place ? place
								    : NULL },
			why);
	if (r < 0) {
		dispatch_close(d);
		return r;
	}
	*state = d;
	return 0;
}

static int dispatch_wake(void *state)
{
	struct dispatch *d = state;

	if (d->arg.caller_apart &&
	    sched_setaffinity(0, sizeof(d->caller), &d->caller))
		return -errno;
	return 0;
}

static void dispatch_rest(void *state)
{
	struct dispatch *d = state;

	if (d->arg.caller_apart)
		(void)sched_setaffinity(0, sizeof(d->before), &d->before);
}

static int dispatch_run(void *state, uint64_t count, struct timing *timing,
			char *why)
{
	struct dispatch *d = state;
	const struct rig_job job = { .kernel = nothing };
	int r = 0;

	(void)timing;
	for (uint64_t i = 0; i < count && r == 0; i++)
		r = rig_pool_run(d->pool, &job);
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	return r;
}

static void dispatch_bound(void *state, struct case_binding *binding)
{
	struct dispatch *d = state;

	pool_contender_bound(d->pool, binding);
}

static const struct bench_ops dispatch_ops = {
	.open = dispatch_open,
	.wake = dispatch_wake,
	.rest = dispatch_rest,
	.run = dispatch_run,
	.bound = dispatch_bound,
	.close = dispatch_close,
};

/* Start: create and destroy a pool. */

static int start_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct rig_pool *pool = NULL;
	int r;

	(void)clock;
	/* One before it counts: hwloc's discovery is the first pool's. */
	r = pool_contender_open(
		&pool, &(struct rig_pool_options){ .workers = 1 }, why);
	if (r < 0)
		return r;
	rig_pool_destroy(pool);
	*state = (void *)(uintptr_t)arg;
	return 0;
}

static int start_run(void *state, uint64_t count, struct timing *timing,
		     char *why)
{
	const int *workers = state;
	int r = 0;

	(void)timing;
	for (uint64_t i = 0; i < count && r == 0; i++) {
		struct rig_pool *pool = NULL;

		r = pool_contender_open(
			&pool,
			&(struct rig_pool_options){ .workers = *workers }, why);
		rig_pool_destroy(pool);
	}
	return r;
}

static void start_close(void *state)
{
	(void)state;
}

static const struct bench_ops start_ops = {
	.open = start_open,
	.run = start_run,
	.close = start_close,
};

static int add_meeting(struct plan *plan, const char *name, int ranks,
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

/* One OpenMP contender; `policy` NULL: the library's own. */
static int add_openmp(struct plan *plan, const char *contest,
		      const char *library, int threads, const char *policy,
		      const char *word)
{
	struct peer_arg arg;
	struct bench_case what = {
		.unit = "ns",
		.peer = library,
		.axes = { { .name = "ranks" } },
	};
	bool omp = strcmp(library, "libomp") == 0;

	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d", threads);
	snprintf(what.contest, sizeof(what.contest), "%s", contest);
	snprintf(what.name, sizeof(what.name), "%s%s%s", library,
		 policy ? " " : "", policy ? policy : "");
	snprintf(arg.environment, sizeof(arg.environment),
		 "OMP_NUM_THREADS=%d OMP_PROC_BIND=true%s%s", threads,
		 policy ? " OMP_WAIT_POLICY=" : "", policy ? policy : "");
	snprintf(arg.command, sizeof(arg.command), "@/rigbench-%s %% %s",
		 omp ? "libomp" : "omp", word);
	peer_case(&what, &arg);
	return plan_add(plan, &what);
}

/* MPI_Barrier: Open MPI as it comes and at its best on one node, and MPICH. */
static int add_mpi(struct plan *plan, const char *contest, int ranks)
{
	static const struct {
		const char *name, *launch;
		bool openmpi;
	} ways[] = {
		{ "Open MPI", "", true },
		{ "Open MPI coll_sm", "--mca coll_sm_priority 100", true },
		{ "MPICH", "", false },
	};
	bool room = ranks <= machine_pus();
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		struct bench_case what = { .unit = "ns",
					   .axes = { { .name = "ranks" } } };
		struct peer_arg arg;
		char launch[80];

		snprintf(launch, sizeof(launch), "%s%s",
			 !room             ? ""
			 : ways[i].openmpi ? "--bind-to core "
					   : "-bind-to core ",
			 ways[i].launch);
		snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d",
			 ranks);
		snprintf(what.contest, sizeof(what.contest), "%s", contest);
		snprintf(what.name, sizeof(what.name), "%s", ways[i].name);
		peer_mpi(&what, &arg, ways[i].openmpi, "", ranks, launch,
			 "barrier");
		r = plan_add(plan, &what);
	}
	return r;
}

static int add_barriers(struct plan *plan, int ranks, bool policies)
{
	char contest[40];
	int r;

	snprintf(contest, sizeof(contest), "barrier, %d ranks", ranks);
	r = add_meeting(plan, "runrig", ranks, MEET_TEAM, RIG_BARRIER_ADAPTIVE,
			"rig_team_barrier, default");
	if (r == 0)
		r = add_meeting(plan, "runrig pthread", ranks, MEET_TEAM,
				RIG_BARRIER_PTHREAD,
				"rig_team_barrier, --barrier pthread");
	if (r == 0)
		r = add_meeting(plan, "bare pthread", ranks, MEET_PTHREAD,
				RIG_BARRIER_ADAPTIVE,
				"pthread_barrier_wait, process-shared");
	if (r == 0 && ranks == 2)
		r = add_meeting(plan, "cache line, one way", ranks, MEET_LINE,
				RIG_BARRIER_ADAPTIVE,
				"one word handed to and fro: the floor");
	if (r == 0)
		r = add_openmp(plan, contest, "libgomp", ranks, NULL,
			       "barrier");
	for (int i = 0; r == 0 && policies && i < 2; i++)
		r = add_openmp(plan, contest, "libgomp", ranks,
			       i ? "passive" : "active", "barrier");
	if (r == 0)
		r = add_openmp(plan, contest, "libomp", ranks, NULL, "barrier");
	/* MPICH's ranks spin: 4 on 2 cores take 8 ms a barrier, and that is
	 * what one gets. */
	if (r == 0)
		r = add_mpi(plan, contest, ranks);
	return r;
}

static int add_dispatch(struct plan *plan, const char *name, int workers,
			bool caller_apart, const char *settings)
{
	struct dispatch_arg arg = { workers, caller_apart };
	struct bench_case what = {
		.contest = "dispatch",
		.unit = "ns",
		.again = caller_apart,
		.ops = &dispatch_ops,
		.arg = &arg,
		.arg_bytes = sizeof(arg),
		.axes = { { .name = "ranks" } },
	};

	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d", workers);
	snprintf(what.name, sizeof(what.name), "%s", name);
	snprintf(what.settings, sizeof(what.settings), "%s", settings);
	return plan_add(plan, &what);
}

static int add_dispatches(struct plan *plan)
{
	static const char *const policies[] = { "active", "passive" };
	int r;

	r = add_dispatch(plan, "runrig, 1 worker", 1, true,
			 "rig_pool_run, caller pinned to another core");
	if (r == 0)
		r = add_dispatch(plan, "runrig, 2 workers", 2, false,
				 "rig_pool_run, back to back");
	for (int i = 0; r == 0 && i < 2; i++)
		r = add_openmp(plan, "dispatch", "libgomp", 2, policies[i],
			       "region");
	if (r == 0)
		r = add_openmp(plan, "dispatch", "libomp", 2, NULL, "region");
	return r;
}

static int add_start(struct plan *plan, const char *name, int workers)
{
	struct bench_case what = {
		.contest = "pool, create and destroy",
		.unit = "ns",
		.count_max = 16,
		.ops = &start_ops,
		.arg = &workers,
		.arg_bytes = sizeof(workers),
		.axes = { { .name = "ranks" } },
	};

	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d", workers);
	snprintf(what.name, sizeof(what.name), "%s", name);
	return plan_add(plan, &what);
}

/* A fresh process a sample: this program again, as its own helper. */
static int add_subject(struct plan *plan, const char *contest, const char *name,
		       const char *unit, const char *word)
{
	struct peer_arg arg = { .environment = "" };
	struct bench_case what = { .unit = unit, .once = true };

	snprintf(what.contest, sizeof(what.contest), "%s", contest);
	snprintf(what.name, sizeof(what.name), "%s", name);
	snprintf(arg.command, sizeof(arg.command), "@/rigbench-subject %% %s",
		 word);
	peer_case(&what, &arg);
	return plan_add(plan, &what);
}

/* What a trace costs: 10 us of work, then a barrier. */

struct traced_arg {
	size_t spans;
};

/* Work that no compiler sees through. */
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

static int add_traced(struct plan *plan, const char *name, size_t spans,
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

int sync_cases(struct plan *plan)
{
	static const char start[] = "pool, create and destroy";
	static const char memory[] = "memory, caller holds 1 GiB";
	int r;

	r = add_barriers(plan, 2, true);
	if (r == 0)
		r = add_barriers(plan, 4, false);
	if (r == 0)
		r = add_barriers(plan, 8, false);
	if (r == 0)
		r = add_dispatches(plan);
	if (r == 0)
		r = add_traced(plan, "not traced", 0, "as it comes");
	if (r == 0)
		r = add_traced(plan, "traced", (size_t)1 << 22,
			       "rig_pool_options.trace: each wait is noted");
	if (r == 0)
		r = add_start(plan, "2 workers", 2);
	if (r == 0)
		r = add_start(plan, "64 workers", 64);
	if (r == 0)
		r = add_subject(plan, start, "2 workers, first in a process",
				"ns", "first-pool");
	if (r == 0)
		r = add_subject(plan, start, "2 workers, second in a process",
				"ns", "later-pool");
	if (r == 0)
		r = add_subject(plan, memory, "idle worker", "bytes",
				"worker-memory");
	if (r == 0)
		r = add_subject(plan, memory, "warden", "bytes",
				"warden-memory");
	return r;
}

int command_sync(struct command *c)
{
	if (c->word_count > 1) {
		fprintf(stderr, "rigbench: sync takes no words\n");
		return 1;
	}
	if (sync_cases(&c->plan) < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return 5;
	}
	return command_measure(c);
}
