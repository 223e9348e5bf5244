/* SPDX-License-Identifier: MIT */
/*
 * bench_sync.c - rigbench sync: barriers, the hand-over of a cache line, dispatch,
 * pool start, and the memory of idle processes.
 *
 * libgomp and libomp run as helpers with settings of their own.
 */
#include <stdio.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/meet.h"
#include "commands/pool_calls.h"
#include "driver/peer.h"

/* One OpenMP contender; `policy` NULL: the library's own. */
static int add_openmp(struct plan *plan, const char *contest,
		      const char *library, int threads, const char *policy,
		      const char *word)
{
	struct peer_arg arg = { .environment = "" };
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

/* MPI_Barrier. */
static int add_mpi(struct plan *plan, const char *contest, int ranks)
{
	struct bench_case what = { .unit = "ns",
				   .axes = { { .name = "ranks" } } };

	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d", ranks);
	snprintf(what.contest, sizeof(what.contest), "%s", contest);
	return peer_add_mpi(plan, &what,
			    &(struct mpi_peer){ .suffix = "",
						.ranks = ranks,
						.words = "barrier" },
			    true);
}

static int add_barriers(struct plan *plan, int ranks, bool policies)
{
	char contest[40];
	int r;

	snprintf(contest, sizeof(contest), "barrier, %d ranks", ranks);
	r = meet_add(plan, "runrig", ranks, MEET_TEAM, RIG_BARRIER_ADAPTIVE,
		     "rig_team_barrier, default");
	if (r == 0)
		r = meet_add(plan, "runrig pthread", ranks, MEET_TEAM,
			     RIG_BARRIER_PTHREAD,
			     "rig_team_barrier, --barrier pthread");
	if (r == 0)
		r = meet_add(plan, "bare pthread", ranks, MEET_PTHREAD,
			     RIG_BARRIER_ADAPTIVE,
			     "pthread_barrier_wait, process-shared");
	if (r == 0 && ranks == 2)
		r = meet_add(plan, "cache line, one way", ranks, MEET_LINE,
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

static int add_dispatches(struct plan *plan)
{
	static const char *const policies[] = { "active", "passive" };
	int r;

	r = pool_calls_add_dispatch(
		plan, "runrig, 1 worker", 1, true, 0,
		"rig_pool_run, caller pinned to another core");
	if (r == 0)
		r = pool_calls_add_dispatch(plan, "runrig, 2 workers", 2, false,
					    0, "rig_pool_run, back to back");
	if (r == 0)
		r = pool_calls_add_dispatch(
			plan, "runrig, 2 workers, chain", 2, false, 1000,
			"rig_pool_run_all of 1000 jobs, a job");
	for (int i = 0; r == 0 && i < 2; i++)
		r = add_openmp(plan, "dispatch", "libgomp", 2, policies[i],
			       "region");
	if (r == 0)
		r = add_openmp(plan, "dispatch", "libomp", 2, NULL, "region");
	return r;
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

static int sync_cases(struct plan *plan)
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
		r = meet_add_traced(plan, "not traced", 0, "as it comes");
	if (r == 0)
		r = meet_add_traced(
			plan, "traced", (size_t)1 << 22,
			"rig_pool_options.trace: each wait is noted");
	if (r == 0)
		r = pool_calls_add_start(plan, "2 workers", 2);
	if (r == 0)
		r = pool_calls_add_start(plan, "64 workers", 64);
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

static int command_sync(struct command *c)
{
	if (sync_cases(&c->plan) < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return 5;
	}
	return command_measure(c);
}

const struct bench_command bench_sync = {
	.name = "sync",
	.words = "",
	.summary = "Time barriers, hand-over, dispatch and pool start.",
	.run = command_sync,
};
