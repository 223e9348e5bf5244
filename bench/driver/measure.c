/* SPDX-License-Identifier: MIT */
/*
 * measure.c - randomised complete blocks, again for every launch.
 *
 * Drift of the machine hits all cells of a block alike, so ratios are taken
 * within blocks; luck with pages and addresses changes from launch to launch,
 * so intervals are taken over launches.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/budget.h"
#include "driver/cell.h"

/* Show the contest that is measured now, and how long the rest of the run
 * takes. */
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
	uint32_t seq; /* visits so far */
	uint64_t began_ns;
	uint64_t until_ns; /* the end of the contest; 0: no limit */
	uint32_t *order;   /* room for the numbers of its cells */
	uint64_t *random;
};

/* Each cell once, in random order. */
static void measure_block(struct plan *plan, struct contest_run *c,
			  uint32_t block)
{
	size_t cells = c->end - c->begin;

	stats_shuffle(c->order, cells, c->random);
	for (size_t i = 0; i < cells && !stopped(plan); i++)
		cell_visit(plan, &plan->cells[c->begin + c->order[i]],
			   (struct sample_origin){ c->launch, c->opening, block,
						   c->seq++ });
}

/* Blocks `from` to `to`; false: the time was up before.  A block begins where half
 * of the block fits. */
static bool measure_blocks(struct plan *plan, struct contest_run *c,
			   uint32_t from, uint32_t to)
{
	uint64_t block_ns = 0;

	for (uint32_t block = from; block < to; block++) {
		uint64_t began = budget_now(plan);

		if (block && c->until_ns &&
		    began + block_ns / 2 >= c->until_ns) {
			plan->blocks_cut += plan->blocks - block;
			return false;
		}
		measure_block(plan, c, block);
		block_ns = budget_now(plan) - began;
		if (block > 0)
			plan->optional_ns += block_ns;
	}
	return true;
}

size_t plan_contest_end(const struct plan *plan, size_t begin)
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

	for (size_t i = 0; i < plan->cell_count; i = plan_contest_end(plan, i))
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

/* A cell without a sample that the budget left no time for. */
static void skip_cell(struct cell *cell)
{
	if (cell->status != CELL_OK || cell->n)
		return;
	cell_fail(cell, -ENOTSUP, "the budget ended before its turn");
	cell->no_turn = true;
}

/* How much slower the roof may have been measured than a cell: virtual machines
 * change their speed by a factor of two for minutes. */
#define SWING 2

static int summarise(struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; i < plan->cell_count && r == 0; i++) {
		struct cell *cell = &plan->cells[i];

		if (plan->budget_ns && !plan->interrupted)
			skip_cell(cell);
		/* Nothing else keeps a sound cell from its first samples. */
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

		end = plan_contest_end(plan, i);
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

/* Open and warm up the cells that are closed, in a random order: the first pages
 * go to another cell each time. */
static void open_cells(struct plan *plan, struct contest_run *c)
{
	size_t cells = c->end - c->begin;
	uint64_t now = budget_now(plan);
	/* Half of the time of this opening at most for warm-ups, the same for
	 * each cell. */
	uint64_t longest_ns = 0;
	uint64_t warm = c->until_ns > now ? (c->until_ns - now) / 2 /
						    (c->openings - c->opening)
					  : 0;

	stats_shuffle(c->order, cells, c->random);
	for (size_t k = 0; k < cells && !stopped(plan); k++) {
		struct cell *cell = &plan->cells[c->begin + c->order[k]];

		if (cell->state || (cell->what.once && c->opening))
			continue;
		/* Launchers and interpreters take their time to start, and
		 * contenders of a contest prepare alike. */
		if (cell->open_ns > longest_ns)
			longest_ns = cell->open_ns;
		if (budget_spent(plan) || !budget_has(plan, longest_ns)) {
			skip_cell(cell);
			continue;
		}
		cell_open(plan, cell,
			  c->until_ns ? now + warm * (k + 1) / cells : 0,
			  c->opening > 0);
		if (cell->open_ns > longest_ns)
			longest_ns = cell->open_ns;
	}
}

/* How many launches fit is known better with each contest of the first launch that
 * is open.  What opening took for the contests that follow, too, is no part of this
 * contest's time. */
static void plan_launches(struct plan *plan, struct contest_run *c)
{
	uint64_t begin_ns = c->began_ns;

	if (c->launch == 0)
		plan->launches = budget_launches(plan, c->end);
	for (size_t k = c->begin; k < c->end; k++)
		begin_ns += plan->cells[k].kept_ns;
	c->until_ns = budget_until(plan, c->launch, begin_ns, c->end - c->begin,
				   plan->cell_count - c->begin);
}

/* A part of the blocks, with new processes and pages; false: the time is up. */
static bool measure_opening(struct plan *plan, struct contest_run *c)
{
	const bool last = c->opening + 1 == c->openings;
	bool going;

	open_cells(plan, c);
	if (c->opening == 0)
		plan_launches(plan, c);
	going = measure_blocks(plan, c, plan->blocks * c->opening / c->openings,
			       plan->blocks * (c->opening + 1) / c->openings) &&
		!stopped(plan);
	for (size_t k = c->begin; k < c->end && going && !last; k++)
		if (!stays_open(&plan->cells[k]))
			cell_finish(plan, &plan->cells[k],
				    past(plan, c->until_ns));
	return going;
}

/* A contest in a launch: the openings share the blocks. */
static void measure_contest(struct plan *plan, struct contest_run *c)
{
	bool going = true;

	c->openings =
		plan->openings < plan->blocks ? plan->openings : plan->blocks;
	for (c->opening = 0; c->opening < c->openings && going; c->opening++) {
		const uint64_t began = budget_now(plan);
		const uint64_t optional_ns = plan->optional_ns;

		going = measure_opening(plan, c);
		/* A budget may cut all openings but the first. */
		if (c->opening)
			plan->optional_ns =
				optional_ns + budget_now(plan) - began;
	}
	for (size_t k = c->begin; k < c->end; k++)
		if (stopped(plan))
			cell_close(&plan->cells[k]);
		else
			cell_finish(plan, &plan->cells[k],
				    past(plan, c->until_ns));
}

/* The budget left no time for the contest. */
static void skip_contest(struct plan *plan, size_t begin, size_t end)
{
	for (size_t k = begin; k < end; k++)
		skip_cell(&plan->cells[k]);
}

/* Between launches nothing stays. */
static void end_launch(const struct plan *plan)
{
	for (size_t i = 0; i < plan->cell_count; i++)
		if (plan->cells[i].what.ops->end_launch)
			plan->cells[i].what.ops->end_launch();
}

static void measure_launch(struct plan *plan, uint32_t launch, uint32_t *order,
			   uint64_t *random)
{
	size_t contests = contest_count(plan);
	size_t left = contests;
	uint64_t began;

	for (size_t i = 0, end; i < plan->cell_count && !stopped(plan);
	     i = end, left--) {
		end = plan_contest_end(plan, i);
		if (budget_spent(plan)) {
			skip_contest(plan, i, end);
			continue;
		}
		say(plan, plan->cells[i].what.contest, launch,
		    (launch + 1) * contests - left, plan->launches * contests);
		began = budget_now(plan);
		measure_contest(plan,
				&(struct contest_run){
					.begin = i,
					.end = end,
					.launch = launch,
					.began_ns = began,
					.until_ns = budget_until(
						plan, launch, began, end - i,
						plan->cell_count - i),
					.order = order,
					.random = random });
		if (launch == 0)
			plan->launches = budget_launches(plan, end);
	}
}

/* Launches until they are done, stopped, or the budget is spent. */
static void measure_launches(struct plan *plan, uint32_t *order)
{
	uint64_t began = budget_now(plan);
	uint64_t random = plan->seed;
	uint32_t launch = 0;

	plan->first_ns = began;
	plan->launches_planned = plan->launches;

	while (launch < plan->launches && !stopped(plan) &&
	       (launch == 0 || !budget_spent(plan))) {
		measure_launch(plan, launch, order, &random);
		end_launch(plan);
		launch++;
	}
	plan->interrupted = stopped(plan);
	plan->launches = plan->launches_planned;
	plan->launches_cut = plan->interrupted ? 0 : plan->launches - launch;
	plan->launches -= plan->launches_cut;
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
