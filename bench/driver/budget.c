/* SPDX-License-Identifier: MIT */
/*
 * budget.c - an equal part for every launch, and within a launch for every
 * cell that is left: a whole table with wider intervals.
 */
#include "driver/budget.h"

#include <inttypes.h>
#include <stdio.h>

/* The time one by one at the end of a launch, of a contender that has it. */
#define TAIL_NS UINT64_C(5000000)

/* The time to open a contender: processes of ours; a peer with its launcher or its
 * interpreter. */
#define OPEN_NS      UINT64_C(2000000)
#define OPEN_PEER_NS UINT64_C(300000000)

uint64_t budget_now(const struct plan *plan)
{
	return plan->now ? plan->now() : stopwatch_ns(plan->watch.clock);
}

bool budget_spent(const struct plan *plan)
{
	return plan->budget_ns &&
	       budget_now(plan) - plan->began_ns >= plan->budget_ns;
}

uint64_t budget_until(const struct plan *plan, uint32_t launch,
		      uint64_t begin_ns, size_t cells, size_t left)
{
	uint64_t end = plan->began_ns +
		       plan->budget_ns / plan->launches * (launch + 1);

	if (!plan->budget_ns)
		return 0;
	if (begin_ns >= end || !left)
		return begin_ns;
	return begin_ns + (end - begin_ns) / left * cells;
}

size_t budget_missed(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->cell_count; i++)
		count += plan->cells[i].no_turn;
	return count;
}

bool budget_has(const struct plan *plan, uint64_t ns)
{
	uint64_t spent = budget_now(plan) - plan->began_ns;

	return !plan->budget_ns ||
	       spent + ns <= plan->budget_ns + plan->budget_ns / 20;
}

/* The time that open() took for what the rest of the launch uses. */
static uint64_t kept_ns(const struct plan *plan)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < plan->cell_count; i++)
		ns += plan->cells[i].kept_ns;
	return ns;
}

uint32_t budget_launches(const struct plan *plan, size_t cells)
{
	uint64_t spent = budget_now(plan) - plan->first_ns;
	uint64_t kept = kept_ns(plan);
	uint64_t calibration;
	uint64_t budget;
	uint64_t least;

	if (!plan->budget_ns || !cells)
		return plan->launches_planned;
	/* Every cell costs the same; what is kept for later cells costs once. */
	spent -= plan->optional_ns + plan->calibration_ns + kept;
	least = spent / cells * plan->cell_count + kept;
	calibration = plan->calibration_ns / cells * plan->cell_count;
	budget = plan->budget_ns > calibration ? plan->budget_ns - calibration
					       : 0;
	if (!least || budget / least >= plan->launches_planned)
		return plan->launches_planned;
	return budget < 2 * least ? 1 : (uint32_t)(budget / least);
}

static uint64_t sample_ns(const struct plan *plan, const struct cell *cell)
{
	return cell->what.batch_ns ? cell->what.batch_ns : plan->batch_ns;
}

/* Warm-ups and tails of all openings; a later opening warms up a quarter. */
static uint64_t warm_ns(const struct plan *plan, const struct cell *cell)
{
	uint64_t openings = cell->what.peer                 ? 1
			    : plan->openings < plan->blocks ? plan->openings
							    : plan->blocks;

	return plan->warmup_ns + (openings - 1) * plan->warmup_ns / 4 +
	       openings * (cell->what.ops->each ? TAIL_NS : 0);
}

uint64_t budget_estimate_ns(const struct plan *plan)
{
	uint64_t launch = 0;

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];
		uint64_t sample = sample_ns(plan, cell);

		launch += cell->what.peer ? OPEN_PEER_NS : OPEN_NS;
		if (cell->what.once)
			launch += sample;
		else
			launch += warm_ns(plan, cell) +
				  sample * 9 / 8 * plan->blocks;
	}
	return launch * plan->launches;
}

uint64_t budget_left_ns(const struct plan *plan, size_t done, size_t parts)
{
	uint64_t spent = budget_now(plan) - plan->began_ns;
	uint64_t left;

	if (!done)
		left = budget_estimate_ns(plan);
	else
		left = spent / done * (parts - done);
	if (!plan->budget_ns)
		return left;
	if (spent >= plan->budget_ns)
		return 0;
	return left < plan->budget_ns - spent ? left : plan->budget_ns - spent;
}

void budget_format(char *text, size_t bytes, uint64_t ns)
{
	uint64_t seconds = (ns + 999999999) / 1000000000;
	uint64_t minutes = (seconds + 30) / 60;

	if (seconds < 100)
		snprintf(text, bytes, "%" PRIu64 " s", seconds);
	else if (minutes < 100)
		snprintf(text, bytes, "%" PRIu64 " min", minutes);
	else
		snprintf(text, bytes, "%" PRIu64 " h %" PRIu64 " min",
			 minutes / 60, minutes % 60);
}
