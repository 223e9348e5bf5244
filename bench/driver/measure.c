/* SPDX-License-Identifier: MIT */
/*
 * measure.c - randomised complete blocks, again for every launch.
 *
 * Drift of the machine hits all cells of a block alike, so ratios are taken within
 * blocks; luck with pages and addresses changes from launch to launch, so intervals are
 * taken over launches.  Nothing is allocated or printed while a sample is taken.
 */
#include "driver/budget.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
 * contender sleep. */
#define PRERUN_SHARE 8

/* How long operations are timed one by one in a launch, and the most operations. */
#define EACH_NS  5e6
#define EACH_MAX 5000

static bool stopped(const struct plan *plan)
{
	return plan->stop && *plan->stop;
}

/* Is the time until_ns over?  0: never. */
static bool past(const struct plan *plan, uint64_t until_ns)
{
	return until_ns && budget_now(plan) >= until_ns;
}

static void cell_close(struct cell *cell)
{
	if (cell->state)
		cell->what.ops->close(cell->state);
	cell->state = NULL;
}

static void cell_fail(struct cell *cell, int code, const char *why)
{
	cell->status = code == -ENOTSUP ? CELL_SKIPPED : CELL_FAILED;
	snprintf(cell->reason, sizeof(cell->reason), "%s",
		 *why ? why : strerror(-code));
	cell_close(cell);
}

/* The time from the first beginning to the last end; *last: the rank that ended last. */
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
static int cell_time(struct cell *cell, clockid_t clock, uint64_t count,
		     double *value, int *last)
{
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

/* The least time of `count` operations, of a few tries where the first try is long:
 * a try that was disturbed, or had to wake a process, is no measure. */
static int cell_least(struct plan *plan, struct cell *cell, uint64_t count,
		      double enough_ns, double *least_ns)
{
	int r = 0;

	*least_ns = INFINITY;
	for (int i = 0; i < CALIBRATE_TRIES && r == 0 && *least_ns >= enough_ns;
	     i++) {
		double value = 0;
		int last;

		r = cell_time(cell, plan->watch.clock, count, &value, &last);
		cell->dropped += count;
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

	for (;;) {
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

/* The same contender, measured once more, has the same number of operations in a
 * sample.  Two equal contenders with different numbers would differ by the time of a
 * sample's beginning. */
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

	if (same && same->count) {
		cell->count = same->count;
		return 0;
	}
	return cell_calibrate(plan, cell);
}

/* A window of samples: WINDOW samples, or one sample where the time is up. */
static int cell_window(struct plan *plan, struct cell *cell, uint64_t until_ns,
		       double *median)
{
	double values[WINDOW];
	int n = 0;
	int last;
	int r;

	while (n < WINDOW && !stopped(plan) &&
	       (n == 0 || !past(plan, until_ns))) {
		r = cell_time(cell, plan->watch.clock, cell->count, &values[n],
			      &last);
		if (r < 0)
			return r;
		cell->dropped += cell->count;
		n++;
	}
	*median = n ? stats_median(values, (size_t)n) : 0;
	return 0;
}

/* Warm up for warmup_ns at least, and until two windows agree, for warmup_max_ns at
 * most; not beyond until_ns, where until_ns is not 0. */
static int cell_warm(struct plan *plan, struct cell *cell, uint64_t until_ns,
		     bool again)
{
	/* Opened again: the means to open are warm, the pages are not. */
	uint64_t least_ns = again ? plan->warmup_ns / 4 : plan->warmup_ns;
	uint64_t begin = budget_now(plan);
	double before = 0;
	double now = 0;
	uint64_t spent;
	int r;

	r = cell_window(plan, cell, until_ns, &now);
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

static void cell_open(struct plan *plan, struct cell *cell, uint64_t until_ns,
		      bool again)
{
	char why[CASE_WHY_BYTES] = "";
	int r;

	if (cell->status != CELL_OK)
		return;
	r = cell->what.ops->open(cell->what.arg, plan->watch.clock,
				 &cell->state, why);
	if (r < 0) {
		cell->state = NULL;
		cell_fail(cell, r, why);
		return;
	}
	if (cell_wake(cell) < 0)
		return;
	r = 0;
	if (cell->what.once || cell->what.count)
		cell->count = cell->what.count ? cell->what.count : 1;
	else if (!cell->count)
		r = cell_count(plan, cell);
	if (r == 0 && !cell->what.once)
		(void)cell_warm(plan, cell, until_ns, again);
	cell_rest(cell);
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

/* Ratios are taken of samples: a number that is not above 0 is no sample. */
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

static void cell_visit(struct plan *plan, struct cell *cell,
		       struct sample_origin origin)
{
	uint64_t prerun = (cell->count + PRERUN_SHARE - 1) / PRERUN_SHARE;
	double value = 0;
	int last = -1;
	int r = 0;

	if (!cell->state || (cell->what.once && origin.block > 0))
		return;
	if (cell_wake(cell) < 0)
		return;
	if (!cell->what.once)
		r = cell_time(cell, plan->watch.clock, prerun, &value, &last);
	if (r == 0 && !stopped(plan))
		r = cell_time(cell, plan->watch.clock, cell->count, &value,
			      &last);
	cell_rest(cell);
	if (r == 0 && !stopped(plan) && cell_positive(cell, value))
		cell_keep(cell, value, last, origin);
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

/* `hurry`: the time of this contest is up, and a tail that an earlier launch has
 * seen is not measured again. */
static void cell_finish(struct cell *cell, bool hurry)
{
	char why[CASE_WHY_BYTES] = "";
	int r = 0;

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

/* Show the contest that is measured now, and the remaining time of the run. */
static void say(const struct plan *plan, const char *contest, uint32_t launch,
		size_t done, size_t parts)
{
	char left[32];
	char text[160];

	if (!plan->progress)
		return;
	budget_format(left, sizeof(left), budget_left_ns(plan, done, parts));
	snprintf(text, sizeof(text), "launch %u of %u: %s; about %s left",
		 launch + 1, plan->launches, contest, left);
	plan->progress(plan->progress_arg, text);
}

/* A contest in a launch: the cells from `begin` to `end`. */
struct contest_run {
	size_t begin, end;
	uint32_t launch, opening, openings;
	uint32_t seq;      /* visits so far */
	uint64_t until_ns; /* when the contest has to end; 0: never */
	uint32_t *order;   /* room for the numbers of the contest's cells */
	uint64_t *random;
};

/* Blocks `from` to `to`; false: the time was up before. */
static bool measure_blocks(struct plan *plan, struct contest_run *c,
			   uint32_t from, uint32_t to)
{
	size_t cells = c->end - c->begin;

	for (uint32_t block = from; block < to; block++) {
		if (block && past(plan, c->until_ns)) {
			plan->blocks_cut += plan->blocks - block;
			return false;
		}
		stats_shuffle(c->order, cells, c->random);
		for (size_t i = 0; i < cells && !stopped(plan); i++)
			cell_visit(plan, &plan->cells[c->begin + c->order[i]],
				   (struct sample_origin){ c->launch,
							   c->opening, block,
							   c->seq++ });
	}
	return true;
}

static size_t contest_end(const struct plan *plan, size_t begin)
{
	size_t end = begin;

	while (end < plan->cell_count &&
	       strcmp(plan->cells[end].what.contest,
		      plan->cells[begin].what.contest) == 0)
		end++;
	return end;
}

static size_t contest_count(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->cell_count; i = contest_end(plan, i))
		count++;
	return count;
}

static int reserve(struct plan *plan)
{
	size_t room = (size_t)plan->launches * plan->blocks;

	for (size_t i = 0; i < plan->cell_count; i++) {
		struct cell *cell = &plan->cells[i];

		cell->values = calloc(room, sizeof(*cell->values));
		cell->launch = calloc(room, sizeof(*cell->launch));
		cell->origin = calloc(room, sizeof(*cell->origin));
		if (cell->what.ops->each)
			cell->histogram = calloc(1, sizeof(*cell->histogram));
		if (!cell->values || !cell->launch || !cell->origin ||
		    (cell->what.ops->each && !cell->histogram))
			return -ENOMEM;
		/* Touched now, not while a sample is stored. */
		memset(cell->values, 0xff, room * sizeof(*cell->values));
		memset(cell->launch, 0xff, room * sizeof(*cell->launch));
		memset(cell->origin, 0xff, room * sizeof(*cell->origin));
	}
	return 0;
}

/* The roof may have been measured slower than a cell by this factor: virtual
 * machines change their speed by a factor of two for minutes. */
#define SWING 2

static int summarise(struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; i < plan->cell_count && r == 0; i++) {
		struct cell *cell = &plan->cells[i];

		/* Only such a roof keeps a sound cell from its first samples. */
		if (!cell->n && cell->status == CELL_OK)
			cell_fail(cell, -ENOTSUP,
				  "interrupted before it was measured");
		r = stats_summarise(cell->values, cell->launch, cell->n,
				    &cell->summary);
		if (cell->n && cell->status == CELL_OK &&
		    cell->summary.p50.estimate < cell->what.least / SWING) {
			cell->status = CELL_IMPLAUSIBLE;
			snprintf(cell->reason, sizeof(cell->reason),
				 "faster than its bytes can be read: %.3g "
				 "of at least %.3g",
				 cell->summary.p50.estimate, cell->what.least);
		}
	}
	return r;
}

/* How the same contender measured twice differs, 1 or more; 0: unknown. */
static double ratio_again(const struct plan *plan, const struct cell *again)
{
	struct comparison c;

	if (again->twin < 0 ||
	    measure_compare(plan, &plan->cells[again->twin], again, &c) < 0)
		return 0;
	return fmax(c.ratio.estimate, 1 / c.ratio.estimate);
}

static void judge_again(struct plan *plan)
{
	for (size_t i = 0, end; i < plan->cell_count; i = end) {
		double worst = 0;

		end = contest_end(plan, i);
		for (size_t k = i; k < end; k++)
			worst = fmax(worst, ratio_again(plan, &plan->cells[k]));
		for (size_t k = i; k < end; k++)
			plan->cells[k].again = worst;
	}
}

/* Does a cell stay open from one opening to the next? */
static bool stays_open(const struct cell *cell)
{
	return cell->what.peer || cell->what.once;
}

/* A cell without a sample, for which the budget left no time. */
static void skip_cell(struct cell *cell)
{
	if (cell->status == CELL_OK && !cell->n)
		cell_fail(cell, -ENOTSUP, "the budget ended before its turn");
}

/* Open and warm up the closed cells, in a random order: the first cell's pages come
 * first, and the order of pages matters. */
static void open_cells(struct plan *plan, struct contest_run *c)
{
	size_t cells = c->end - c->begin;
	uint64_t now = budget_now(plan);
	/* Half of this opening's time at most for warm-ups, the same for each
	 * cell. */
	uint64_t warm = c->until_ns > now ? (c->until_ns - now) / 2 /
						    (c->openings - c->opening)
					  : 0;

	stats_shuffle(c->order, cells, c->random);
	for (size_t k = 0; k < cells && !stopped(plan); k++) {
		struct cell *cell = &plan->cells[c->begin + c->order[k]];

		if (cell->state || (cell->what.once && c->opening))
			continue;
		/* Launchers and interpreters take their time to start. */
		if (budget_spent(plan)) {
			skip_cell(cell);
			continue;
		}
		cell_open(plan, cell,
			  c->until_ns ? now + warm * (k + 1) / cells : 0,
			  c->opening > 0);
	}
}

/* Measure one contest in one launch: the blocks are divided among the openings. */
static void measure_contest(struct plan *plan, struct contest_run *c)
{
	bool going = true;

	c->openings =
		plan->openings < plan->blocks ? plan->openings : plan->blocks;
	for (c->opening = 0; c->opening < c->openings && going; c->opening++) {
		bool last = c->opening + 1 == c->openings;

		open_cells(plan, c);
		going = measure_blocks(plan, c,
				       plan->blocks * c->opening / c->openings,
				       plan->blocks * (c->opening + 1) /
					       c->openings) &&
			!stopped(plan);
		for (size_t k = c->begin; k < c->end && going && !last; k++)
			if (!stays_open(&plan->cells[k]))
				cell_finish(&plan->cells[k],
					    past(plan, c->until_ns));
	}
	for (size_t k = c->begin; k < c->end; k++)
		if (stopped(plan))
			cell_close(&plan->cells[k]);
		else
			cell_finish(&plan->cells[k], past(plan, c->until_ns));
}

/* A contest without time in the budget has a word about the lack of time. */
static void skip_contest(struct plan *plan, size_t begin, size_t end)
{
	for (size_t k = begin; k < end; k++)
		skip_cell(&plan->cells[k]);
}

static void measure_launch(struct plan *plan, uint32_t launch, uint32_t *order,
			   uint64_t *random)
{
	size_t contests = contest_count(plan);
	size_t left = contests;

	for (size_t i = 0, end; i < plan->cell_count && !stopped(plan);
	     i = end, left--) {
		end = contest_end(plan, i);
		if (budget_spent(plan)) {
			skip_contest(plan, i, end);
			continue;
		}
		say(plan, plan->cells[i].what.contest, launch,
		    (launch + 1) * contests - left, plan->launches * contests);
		measure_contest(plan, &(struct contest_run){
					      .begin = i,
					      .end = end,
					      .launch = launch,
					      .until_ns = budget_until(
						      plan, launch, end - i,
						      plan->cell_count - i),
					      .order = order,
					      .random = random });
	}
}

/* Run launches until all are done, the user stops the run, or the budget is spent. */
static void measure_launches(struct plan *plan, uint32_t *order)
{
	uint64_t began = budget_now(plan);
	uint64_t random = plan->seed;
	uint32_t planned = plan->launches;
	uint32_t launch = 0;

	while (launch < plan->launches && !stopped(plan) &&
	       (launch == 0 || !budget_spent(plan))) {
		measure_launch(plan, launch, order, &random);
		if (launch++ == 0)
			plan->launches =
				budget_launches(plan, budget_now(plan) - began);
	}
	plan->interrupted = stopped(plan);
	plan->launches_cut = plan->interrupted ? 0 : planned - launch;
	plan->launches = planned - plan->launches_cut;
	plan->elapsed_ns = budget_now(plan) - began;
}

int measure(struct plan *plan)
{
	uint32_t *order;
	int r;

	r = reserve(plan);
	if (r < 0)
		return r;
	order = calloc(plan->cell_count + 1, sizeof(*order));
	if (!order)
		return -ENOMEM;
	measure_launches(plan, order);
	free(order);
	r = summarise(plan);
	if (r == 0)
		judge_again(plan);
	return r;
}
