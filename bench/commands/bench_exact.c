/* SPDX-License-Identifier: MIT */
/*
 * bench_exact.c - rigbench exact: the cost of sums with the same bits in any
 * order.
 *
 * An operation is a call: rig_sum_add() of numbers in the cache beside the
 * plain loop, and an allreduce with RIG_REPRODUCIBLE beside an allreduce
 * without, with private buffers that are written before each call.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "driver/pool_contender.h"
#include "driver/stopwatch.h"

/* After which a run counts as hung. */
#define LIMIT_NS UINT64_C(60000000000)

struct exact_arg {
	int ranks; /* 0: a single process sums by itself */
	size_t count;
	bool exact;
};

/* A job's arguments. */
struct exact_job {
	struct exact_arg arg;
	clockid_t clock;
	uint64_t calls;
};

/* In this process. */
struct exact {
	struct exact_arg arg;
	clockid_t clock;
	struct rig_pool *pool; /* NULL: sums by itself */
	double *numbers;
	double sum;
};

static int reduces(struct rig_team *team)
{
	static double *send, *recv;
	static size_t room;
	const struct exact_job *job = rig_team_args(team);
	const size_t count = job->arg.count;
	const int op = job->arg.exact ? RIG_SUM | RIG_REPRODUCIBLE : RIG_SUM;
	struct rank_timing *timing = rig_team_result(team);
	int r = 0;

	if (room < count) {
		send = calloc(count, sizeof(*send));
		recv = calloc(count, sizeof(*recv));
		room = send && recv ? count : 0;
	}
	if (!room)
		return rig_team_fail(team, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		send[i] = 1 / (double)(i + 3) + rig_team_rank(team);
	(void)rig_team_barrier(team);
	timing->begin_ns = stopwatch_ns(job->clock);
	for (uint64_t i = 0; r == 0 && i < job->calls; i++) {
		send[i % count] += 1;
		r = rig_team_allreduce(team, send, recv, count, RIG_FLOAT64,
				       op);
	}
	timing->end_ns = stopwatch_ns(job->clock);
	return r;
}

static void exact_close(void *state)
{
	struct exact *e = state;

	rig_pool_destroy(e->pool);
	free(e->numbers);
	free(e);
}

static int exact_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct exact *e = calloc(1, sizeof(*e));
	int r = 0;

	if (!e)
		return -ENOMEM;
	e->arg = *(const struct exact_arg *)arg;
	e->clock = clock;
	e->numbers = calloc(e->arg.count, sizeof(*e->numbers));
	if (!e->numbers)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < e->arg.count; i++)
		e->numbers[i] = 1 / (double)(i + 3);
	if (r == 0 && e->arg.ranks)
		r = pool_contender_open(
			&e->pool,
			&(struct rig_pool_options){ .workers = e->arg.ranks },
			why);
	if (r < 0) {
		exact_close(e);
		return r;
	}
	*state = e;
	return 0;
}

static double sum_plainly(const double *x, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += x[i];
	return sum;
}

static double sum_exactly(const double *x, size_t count)
{
	struct rig_sum sum = { 0 };

	(void)rig_sum_add(&sum, x, count, RIG_FLOAT64);
	return rig_sum_float64(&sum);
}

static int exact_run(void *state, uint64_t count, struct timing *timing,
		     char *why)
{
	struct exact *e = state;
	const struct exact_job args = { e->arg, e->clock, count };

	if (e->pool)
		return pool_contender_run(
			e->pool,
			&(struct rig_job){ .kernel = reduces,
					   .args = &args,
					   .args_bytes = sizeof(args),
					   .limit_ns = LIMIT_NS },
			timing, why);
	for (uint64_t i = 0; i < count; i++) {
		e->numbers[i % e->arg.count] += 1;
		e->sum += e->arg.exact ? sum_exactly(e->numbers, e->arg.count)
				       : sum_plainly(e->numbers, e->arg.count);
	}
	return 0;
}

static void exact_bound(void *state, struct case_binding *binding)
{
	struct exact *e = state;

	if (e->pool)
		pool_contender_bound(e->pool, binding);
}

static const struct bench_ops exact_ops = {
	.open = exact_open,
	.run = exact_run,
	.bound = exact_bound,
	.close = exact_close,
};

static int add_pair(struct plan *plan, int ranks, size_t count)
{
	int r = 0;

	for (int exact = 0; r == 0 && exact < 2; exact++) {
		struct exact_arg arg = { ranks, count, exact };
		struct bench_case what = {
			.unit = "ns",
			.bytes = (double)(count * sizeof(double)),
			.again = exact == 0,
			.ops = &exact_ops,
			.arg = &arg,
			.arg_bytes = sizeof(arg),
			.axes = { { .name = "ranks" }, { .name = "bytes" } },
		};

		snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d",
			 ranks ? ranks : 1);
		snprintf(what.axes[1].value, sizeof(what.axes[1].value), "%zu",
			 count * sizeof(double));
		if (ranks)
			snprintf(what.contest, sizeof(what.contest),
				 "allreduce float64, %d ranks, %zu B", ranks,
				 count * sizeof(double));
		else
			snprintf(what.contest, sizeof(what.contest),
				 "sum of %zu float64", count);
		snprintf(what.name, sizeof(what.name), "%s",
			 exact ? "reproducible" : "plain");
		snprintf(what.settings, sizeof(what.settings), "%s",
			 ranks   ? exact ? "RIG_SUM | RIG_REPRODUCIBLE"
					 : "RIG_SUM"
			 : exact ? "rig_sum_add, rig_sum_float64"
				 : "s += x[i]");
		r = plan_add(plan, &what);
	}
	return r;
}

static int command_exact(struct command *c)
{
	static const size_t counts[] = { 1, 128, 8192, 131072 };
	int r;

	r = add_pair(&c->plan, 0, 4096);
	for (int ranks = 2; ranks <= 4; ranks += 2)
		for (size_t i = 0; r == 0 && i < 4; i++)
			r = add_pair(&c->plan, ranks, counts[i]);
	if (r < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return 5;
	}
	return command_measure(c);
}

const struct bench_command bench_exact = {
	.name = "exact",
	.words = "",
	.summary = "Time sums that have the same bits in any order.",
	.run = command_exact,
};
