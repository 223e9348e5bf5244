/* SPDX-License-Identifier: MIT */
/*
 * cell.c - a contender in a launch: open, find the length of a sample, warm up,
 * visit, verify, close.
 *
 * Nothing is allocated or printed while a sample is taken.
 */
#include "driver/cell.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "driver/budget.h"
#include "driver/energy.h"

/* Samples of one window of the warm-up, and how close the medians of two
 * windows must be. */
#define WINDOW        5
#define WINDOW_SPREAD 0.02

/* How often a number of operations is timed before the time counts as long, unless
 * the operations take longer than a disturbance. */
#define CALIBRATE_TRIES   3
#define CALIBRATE_LONG_NS 5e7

/* A visit runs 1/8 of a sample untimed first, one operation at least: the
 * caches are full of another contender's data, and the processes of this
 * contender sleep.  To an operation that takes longer than PRERUN_LONG_NS neither
 * is much: filling 32 MiB of caches takes 3 ms. */
#define PRERUN_SHARE   8
#define PRERUN_LONG_NS 1e8

/* The time in a launch for operations timed singly, and the most operations. */
#define EACH_NS  5e6
#define EACH_MAX 5000

bool stopped(const struct plan *plan)
{
	return plan->stop && *plan->stop;
}

bool past(const struct plan *plan, uint64_t until_ns)
{
	return until_ns && budget_now(plan) >= until_ns;
}

void cell_close(struct cell *cell)
{
	if (cell->state)
		cell->what.ops->close(cell->state);
	cell->state = NULL;
}

void cell_fail(struct cell *cell, int code, const char *why)
{
	cell->status = code == -ENOTSUP ? CELL_SKIPPED : CELL_FAILED;
	snprintf(cell->reason, sizeof(cell->reason), "%s",
		 *why ? why : strerror(-code));
	cell_close(cell);
}

/* The time from the first beginning to the last end; who ended last. */
static uint64_t timing_ns(const struct timing *timing, uint64_t *begin,
			  uint64_t *end, int *last)
{
	*last = -1;
	if (timing->ranks > 0) {
		*begin = timing->rank[0].begin_ns;
		*end = timing->rank[0].end_ns;
		*last = 0;
	}
	for (int i = 1; i < timing->ranks; i++) {
		if (timing->rank[i].begin_ns < *begin)
			*begin = timing->rank[i].begin_ns;
		if (timing->rank[i].end_ns > *end) {
			*end = timing->rank[i].end_ns;
			*last = i;
		}
	}
	return *end - *begin;
}

/* Run `count` operations and set *value to the time of one operation. A
 * contender cannot claim less time than lies between the contender's own notes,
 * nor a note from outside the call. */
static int cell_time(const struct plan *plan, struct cell *cell, uint64_t count,
		     double *value, int *last)
{
	const clockid_t clock = plan->watch.clock;
	const uint64_t began = budget_now(plan);
	struct timing timing = { 0 };
	char why[CASE_WHY_BYTES] = "";
	uint64_t before;
	uint64_t after;
	uint64_t begin;
	uint64_t end;
	uint64_t ns;
	int r;

	before = begin = stopwatch_ns(clock);
	r = cell->what.ops->run(cell->state, count, &timing, why);
	after = end = stopwatch_ns(clock);
	if (r < 0) {
		cell_fail(cell, r, why);
		cell->unverified = r == -EBADMSG;
		return r;
	}
	ns = timing_ns(&timing, &begin, &end, last);
	if (begin < before || end > after || end < begin) {
		cell_fail(cell, -EBADMSG,
			  "claims a time outside the run it was timed in");
		cell->unverified = true;
		return -EBADMSG;
	}
	*value = timing.measured ? timing.value : (double)ns / (double)count;
	cell->lately = timing.cost;
	cell->run_ns = (double)(budget_now(plan) - began) / (double)count;
	return 0;
}

static uint64_t cell_batch_ns(const struct plan *plan, const struct cell *cell)
{
	uint64_t batch = cell->what.batch_ns;
	uint64_t floor = 200 * plan->watch.cost_ns; /* two readings: 1 % */

	if (!batch)
		batch = plan->batch_ns;
	return batch > floor ? batch : floor;
}

/* Where an operation is timed by the contender, the rest of a run (new data before
 * each operation, say) may take so many times as long. */
#define UNTIMED_SHARE 4

/* The least time of `count` operations, of a few tries where the first is long: a
 * try that was disturbed, or that had to wake a process, is no measure. */
static int cell_least(struct plan *plan, struct cell *cell, uint64_t count,
		      double enough_ns, double *least_ns)
{
	int r = 0;

	*least_ns = INFINITY;
	for (int i = 0; i < CALIBRATE_TRIES && r == 0 && *least_ns >= enough_ns;
	     i++) {
		double value = 0;
		int last;

		r = cell_time(plan, cell, count, &value, &last);
		cell->dropped += count;
		value = fmax(value, cell->run_ns / UNTIMED_SHARE);
		*least_ns = fmin(*least_ns, value * (double)count);
		if (value * (double)count > CALIBRATE_LONG_NS)
			break;
	}
	return r;
}

/* Find how many operations make a sample: more until half a sample long, then
 * scale. */
static int cell_calibrate(struct plan *plan, struct cell *cell)
{
	double batch = (double)cell_batch_ns(plan, cell);
	uint64_t max = cell->what.count_max ? cell->what.count_max : UINT64_MAX;
	uint64_t count = 1;
	double ns = 0;
	int r;

	for (; max > 1;) {
		r = cell_least(plan, cell, count, batch / 2, &ns);
		if (r < 0)
			return r;
		if (ns >= batch / 2 || count >= max)
			break;
		count *= 2;
	}
	if (ns > 0 && ns >= batch / 2)
		count = (uint64_t)((double)count * batch / ns);
	if (count > max)
		count = max;
	cell->count = count ? count : 1;
	return 0;
}

/* The same contender, measured once more, has as many operations in a sample.  Two
 * equal contenders with different numbers would differ by the time that a sample
 * takes to begin. */
static const struct cell *same_contender(const struct plan *plan,
					 const struct cell *cell)
{
	int at = (int)(cell - plan->cells);

	if (cell->twin >= 0)
		return &plan->cells[cell->twin];
	return (size_t)at + 1 < plan->cell_count && cell[1].twin == at
		       ? cell + 1
		       : NULL;
}

static int cell_count(struct plan *plan, struct cell *cell)
{
	const struct cell *same = same_contender(plan, cell);

	uint64_t began;
	int r;

	if (same && same->count) {
		cell->count = same->count;
		return 0;
	}
	began = budget_now(plan);
	r = cell_calibrate(plan, cell);
	plan->calibration_ns += budget_now(plan) - began;
	return r;
}

/* WINDOW samples, or a single sample where the time is up. */
static int cell_window(struct plan *plan, struct cell *cell, uint64_t until_ns,
		       double *median)
{
	double values[WINDOW];
	uint64_t began = 0;
	int n = 0;
	int last;
	int r;

	while (n < WINDOW && !stopped(plan) &&
	       (n == 0 || !past(plan, until_ns))) {
		r = cell_time(plan, cell, cell->count, &values[n], &last);
		if (r < 0)
			return r;
		cell->dropped += cell->count;
		n++;
		if (n == 1)
			began = budget_now(plan);
	}
	if (n > 1)
		plan->optional_ns += budget_now(plan) - began;
	*median = n ? stats_median(values, (size_t)n) : 0;
	return 0;
}

/* At least warmup_ns, and until two windows agree, at most warmup_max_ns; not
 * beyond until_ns, where that is not 0. */
static int cell_warm(struct plan *plan, struct cell *cell, uint64_t until_ns,
		     bool again)
{
	/* Opened again: the code is warm, the pages are new. */
	uint64_t least_ns = again ? plan->warmup_ns / 4 : plan->warmup_ns;
	uint64_t begin = budget_now(plan);
	uint64_t optional_ns;
	double before = 0;
	double now = 0;
	uint64_t before_optional;
	uint64_t spent;
	int r;

	r = cell_window(plan, cell, until_ns, &now);
	before_optional = budget_now(plan);
	optional_ns = plan->optional_ns;
	while (r == 0 && !stopped(plan)) {
		spent = budget_now(plan) - begin;
		if (spent >= plan->warmup_max_ns || past(plan, until_ns))
			break;
		if (spent >= least_ns && before > 0 &&
		    fabs(now / before - 1) < WINDOW_SPREAD)
			break;
		before = now;
		r = cell_window(plan, cell, until_ns, &now);
	}
	/* All of what came after the first window. */
	plan->optional_ns = optional_ns + budget_now(plan) - before_optional;
	return r;
}

static int cell_wake(struct cell *cell)
{
	int r = cell->what.ops->wake ? cell->what.ops->wake(cell->state) : 0;

	if (r < 0)
		cell_fail(cell, r, "cannot be woken");
	return r;
}

static void cell_rest(struct cell *cell)
{
	if (cell->state && cell->what.ops->rest)
		cell->what.ops->rest(cell->state);
}

void cell_open(struct plan *plan, struct cell *cell, uint64_t until_ns,
	       bool again)
{
	const uint64_t began = budget_now(plan);
	char why[CASE_WHY_BYTES] = "";
	int r;

	if (cell->status != CELL_OK)
		return;
	r = cell->what.ops->open(cell->what.arg, plan->watch.clock,
				 &cell->state, why);
	cell->open_ns = budget_now(plan) - began;
	if (r < 0) {
		cell->state = NULL;
		cell_fail(cell, r, why);
		return;
	}
	if (cell->what.ops->kept_ns)
		cell->kept_ns = cell->what.ops->kept_ns(cell->state);
	if (cell_wake(cell) < 0)
		return;
	r = 0;
	if (cell->what.once || cell->what.count)
		cell->count = cell->what.count ? cell->what.count : 1;
	else if (!cell->count)
		r = cell_count(plan, cell);
	if (r == 0 && !cell->what.once && !budget_spent(plan))
		(void)cell_warm(plan, cell, until_ns, again);
	cell_rest(cell);
	cell->open_ns = budget_now(plan) - began;
}

static void cell_keep(struct cell *cell, double value, int last,
		      struct sample_origin origin)
{
	cell->cost.cpu_ns += cell->lately.cpu_ns;
	for (int i = 0; i < 2; i++) {
		cell->cost.switches[i] += cell->lately.switches[i];
		cell->cost.faults[i] += cell->lately.faults[i];
	}
	cell->cost_operations += cell->count;
	cell->values[cell->n] = value;
	cell->launch[cell->n] = origin.launch;
	cell->origin[cell->n] = origin;
	cell->n++;
	if (last >= 0 && last < TIMING_RANKS_MAX)
		cell->last[last]++;
}

/* Ratios are taken of samples: a number that is not more than nought is no
 * sample. */
static bool cell_positive(struct cell *cell, double value)
{
	char why[CASE_WHY_BYTES];

	if (value > 0 && isfinite(value))
		return true;
	snprintf(why, sizeof(why),
		 "a sample of %g %s: it has to be more than 0", value,
		 cell->what.unit);
	cell_fail(cell, -ERANGE, why);
	return false;
}

void cell_visit(struct plan *plan, struct cell *cell,
		struct sample_origin origin)
{
	uint64_t prerun = (cell->count + PRERUN_SHARE - 1) / PRERUN_SHARE;
	double joules;
	double value = 0;
	int last = -1;
	int r = 0;

	if (!cell->state || (cell->what.once && origin.block > 0))
		return;
	if (cell->run_ns > PRERUN_LONG_NS)
		prerun = 0;
	if (!budget_has(plan, (uint64_t)(cell->run_ns *
					 (double)(prerun + cell->count))))
		return;
	if (cell_wake(cell) < 0)
		return;
	if (!cell->what.once && prerun)
		r = cell_time(plan, cell, prerun, &value, &last);
	if (plan->energy)
		(void)energy_joules(plan->energy);
	if (r == 0 && !stopped(plan))
		r = cell_time(plan, cell, cell->count, &value, &last);
	joules = plan->energy ? energy_joules(plan->energy) : 0;
	cell_rest(cell);
	if (r == 0 && !stopped(plan) && cell_positive(cell, value)) {
		cell_keep(cell, value, last, origin);
		cell->joules += joules;
	}
}

/* A pass in which every operation is timed by itself: the tail. */
static int cell_each(struct cell *cell, char *why)
{
	double took = cell->n ? cell->values[cell->n - 1] : 0;
	double count = took > 0 ? EACH_NS / took : 0;

	if (cell->what.count)
		count = (double)cell->what.count;
	if (!cell->histogram || count < 1)
		return 0;
	if (count > EACH_MAX)
		count = EACH_MAX;
	return cell->what.ops->each(cell->state, (uint64_t)count,
				    cell->histogram, why);
}

void cell_finish(struct plan *plan, struct cell *cell, bool hurry)
{
	char why[CASE_WHY_BYTES] = "";
	int r = 0;

	/* Nothing to prove, or proven by an earlier launch. */
	if (budget_spent(plan) && (!cell->n || cell->verified)) {
		cell_close(cell);
		return;
	}
	if (!cell->state || cell_wake(cell) < 0)
		return;
	if (!hurry || (cell->histogram && !cell->histogram->n))
		r = cell_each(cell, why);
	if (r < 0) {
		cell_fail(cell, r, why);
		cell->unverified = r == -EBADMSG;
		return;
	}
	if (cell->what.ops->verify)
		r = cell->what.ops->verify(cell->state, why);
	if (cell->what.ops->bound)
		cell->what.ops->bound(cell->state, &cell->binding);
	if (r < 0) {
		cell_fail(cell, r, why);
		cell->unverified = true;
		return;
	}
	cell->verified += cell->what.ops->verify != NULL;
	cell_rest(cell);
	cell_close(cell);
}
