/* SPDX-License-Identifier: MIT */
/*
 * pool_calls.c - the cost of a pool for the caller: a run of nothing, a life of
 * nothing.
 */
#include "commands/pool_calls.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <runrig/runrig.h>

#include "driver/pool_contender.h"

/* Dispatch: a run of a kernel that does nothing. */

struct dispatch_arg {
	int workers;
	bool caller_apart; /* the caller is pinned to a core without a worker */
	int chain;         /* jobs that are posted at once; 0: one by one */
};

struct dispatch {
	struct dispatch_arg arg;
	struct rig_pool *pool;
	struct rig_job *jobs; /* jobs of the chain */
	cpu_set_t caller;     /* where it is to run, with .caller_apart */
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
	free(d->jobs);
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
	d->jobs = calloc((size_t)d->arg.chain + 1, sizeof(*d->jobs));
	for (int i = 0; d->jobs && i < d->arg.chain; i++)
		d->jobs[i].kernel = nothing;
	if (!d->jobs)
		r = -ENOMEM;
	else if (sched_getaffinity(0, sizeof(d->before), &d->before) < 0)
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
	for (uint64_t i = 0; i < count && r == 0; i++) {
		const uint64_t left = count - i;
		const int chain = left < (uint64_t)d->arg.chain ? (int)left
								: d->arg.chain;

		if (chain == 0) {
			r = rig_pool_run(d->pool, &job);
			continue;
		}
		r = rig_pool_run_all(d->pool, d->jobs, chain);
		i += (uint64_t)chain - 1;
	}
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

int pool_calls_add_dispatch(struct plan *plan, const char *name, int workers,
			    bool caller_apart, int chain, const char *settings)
{
	struct dispatch_arg arg = { workers, caller_apart, chain };
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

int pool_calls_add_start(struct plan *plan, const char *name, int workers)
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
