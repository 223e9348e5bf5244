/* SPDX-License-Identifier: MIT */
/*
 * cell.h - a contender in its turns: opened, warmed up, visited, closed.
 */
#ifndef RIGBENCH_CELL_H
#define RIGBENCH_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/budget.h"

/* Has the user stopped the run? */
static inline bool plan_stopped(const struct plan *plan)
{
	return plan->stop && *plan->stop;
}

/* Is the time until_ns over?  0: never. */
static inline bool plan_past(const struct plan *plan, uint64_t until_ns)
{
	return until_ns && budget_now(plan) >= until_ns;
}

/* The cell has failed (-ENOTSUP: is skipped) for the reason `why`, and is closed. */
void cell_fail(struct cell *cell, int code, const char *why);
void cell_close(struct cell *cell);

/* Open the cell, find the number of operations of a sample, and warm up, until
 * until_ns at most (0: no limit).  `again`: the cell was open before in this launch. */
void cell_open(struct plan *plan, struct cell *cell, uint64_t until_ns,
	       bool again);

/* Take a sample: an untimed part first, then the timed operations. */
void cell_visit(struct plan *plan, struct cell *cell,
		struct sample_origin origin);

/* Time operations one by one, verify the results, read the bindings back, and close
 * the cell.  `hurry`: the time of this contest is up, and a tail that an earlier launch
 * has seen is not measured again. */
void cell_finish(struct cell *cell, bool hurry);

#endif
