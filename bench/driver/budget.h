/* SPDX-License-Identifier: MIT */
/*
 * budget.h - how a run's time is divided.
 */
#ifndef RIGBENCH_BUDGET_H
#define RIGBENCH_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver/measure.h"

uint64_t budget_now(const struct plan *plan);

/* Is there a budget, and is the budget spent? */
bool budget_spent(const struct plan *plan);

/* The time at which the next contest of launch number `launch` has to end; the
 * contest has `cells` of the `left` cells that the launch has yet to measure. 0:
 * there is no budget. */
uint64_t budget_until(const struct plan *plan, uint32_t launch, size_t cells,
		      size_t left);

/* The number of launches that fit, when the first took first_ns; 1 at least, and never
 * more than the plan has. */
uint32_t budget_launches(const struct plan *plan, uint64_t first_ns);

/* The time that the plan takes without a budget, by the times known before the run:
 * warm-ups, samples, tails. */
uint64_t budget_estimate_ns(const struct plan *plan);

/* How much of the run is left, when `done` of `parts` equal parts are done. */
uint64_t budget_left_ns(const struct plan *plan, size_t done, size_t parts);

/* "40 s", "3 min", "2 h 20 min" */
void budget_format(char *text, size_t bytes, uint64_t ns);

#endif
