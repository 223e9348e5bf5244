/* SPDX-License-Identifier: MIT */
/*
 * plan.c - the plan of a run: cases, how often, for how long.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/measure.h"

void plan_init(struct plan *plan)
{
	*plan = (struct plan){
		.launches = 6,
		.blocks = 11,
		.openings = 1,
		.batch_ns = 2000000,
		.warmup_ns = 200000000,
		.warmup_max_ns = 2000000000,
		.min_effect = 0.02,
	};
	stopwatch_choose(&plan->watch);
	plan->began_ns = stopwatch_ns(plan->watch.clock);
	plan->seed = stopwatch_ns(CLOCK_REALTIME) % 1000000000;
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->cell_count; i++) {
		free((void *)(uintptr_t)plan->cells[i].what.arg);
		free(plan->cells[i].values);
		free(plan->cells[i].launch);
		free(plan->cells[i].origin);
		free(plan->cells[i].histogram);
	}
	free(plan->cells);
	plan->cells = NULL;
	plan->cell_count = 0;
}

static int add_one(struct plan *plan, const struct bench_case *what, int twin)
{
	struct cell *cells;
	struct cell *cell;
	void *arg = NULL;

	cells = realloc(plan->cells, (plan->cell_count + 1) * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	plan->cells = cells;
	if (what->arg_bytes) {
		arg = malloc(what->arg_bytes);
		if (!arg)
			return -ENOMEM;
		memcpy(arg, what->arg, what->arg_bytes);
	}
	cell = &cells[plan->cell_count++];
	*cell = (struct cell){ .what = *what, .twin = twin };
	cell->what.arg = arg;
	return 0;
}

int plan_add(struct plan *plan, const struct bench_case *what)
{
	int first = (int)plan->cell_count;
	struct bench_case again = *what;
	int r;

	r = add_one(plan, what, -1);
	if (r < 0 || !what->again)
		return r;
	snprintf(again.name, sizeof(again.name), "%.30s (again)", what->name);
	return add_one(plan, &again, first);
}

void plan_keep_peers(struct plan *plan,
		     bool (*wanted)(const char *arg, const char *peer),
		     const char *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->cell_count; i++) {
		struct cell *cell = &plan->cells[i];

		if (cell->what.peer && !wanted(arg, cell->what.peer)) {
			free((void *)(uintptr_t)cell->what.arg);
			continue;
		}
		/* A repetition stands right behind what it repeats. */
		if (cell->twin >= 0)
			cell->twin = (int)kept - 1;
		plan->cells[kept++] = *cell;
	}
	plan->cell_count = kept;
}

const struct cell *plan_find(const struct plan *plan, const char *contest,
			     const char *name)
{
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (strcmp(cell->what.contest, contest) == 0 &&
		    strcmp(cell->what.name, name) == 0)
			return cell;
	}
	return NULL;
}

bool cell_trusted(const struct cell *cell)
{
	return cell->again <= AGAIN_MAX;
}

size_t plan_untrusted(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->cell_count; i++)
		count += !cell_trusted(&plan->cells[i]) &&
			 (i == 0 ||
			  strcmp(plan->cells[i].what.contest,
				 plan->cells[i - 1].what.contest) != 0);
	return count;
}
