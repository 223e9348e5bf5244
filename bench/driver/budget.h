/* SPDX-License-Identifier: MIT */
/*
 * budget.h - how the time that a run may take is shared out.
 */
#ifndef RIGBENCH_BUDGET_H
#define RIGBENCH_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver/measure.h"

uint64_t budget_now(const struct plan *plan);

/* Is there a budget, and is all of it spent? */
bool budget_spent(const struct plan *plan);

/* When a contest of launch number `launch` has to end that began at `begin_ns`, and
 * has `cells` of the `left` cells that the launch has yet to measure; 0: there is no
 * budget. */
uint64_t budget_until(const struct plan *plan, uint32_t launch,
		      uint64_t begin_ns, size_t cells, size_t left);

/* The number of rows that the budget ended before. */
size_t budget_missed(const struct plan *plan);

/* Is there time for something that takes so long?  A budget may be exceeded by a
 * twentieth. */
bool budget_has(const struct plan *plan, uint64_t ns);

/* How many launches fit, when the first has measured so many cells; 1 at least, and
 * never more than were planned.  What a launch takes at the least counts: all cells
 * opened, and two samples of each.  What the first launch alone does, which is to
 * find the length of samples, counts once. */
uint32_t budget_launches(const struct plan *plan, size_t cells);

/* The time that the plan takes without a budget, by the times that are known
 * before anything has run: warm-ups, samples, tails. */
uint64_t budget_estimate_ns(const struct plan *plan);

/* How much of the run is left, when `done` of `parts` equal parts are done. */
uint64_t budget_left_ns(const struct plan *plan, size_t done, size_t parts);

/* "40 s", "3 min", "2 h 20 min" */
void budget_format(char *text, size_t bytes, uint64_t ns);

#endif
