/* SPDX-License-Identifier: MIT */
/*
 * stopwatch.c - choose the clock by its measured cost.
 */
#include "driver/stopwatch.h"

#include <stddef.h>

#define READS 100000

/* A longer step is an interruption, and counts as STEP_MAX. */
#define STEP_MAX 4096

static uint64_t step_at(const uint32_t *count, uint32_t rank)
{
	uint32_t seen = 0;
	uint64_t step = 0;

	for (step = 0; step < STEP_MAX; step++) {
		seen += count[step];
		if (seen > rank)
			break;
	}
	return step;
}

static void measure(clockid_t clock, struct stopwatch *watch)
{
	uint32_t count[STEP_MAX + 1] = { 0 };
	uint64_t last = stopwatch_ns(clock);

	for (int i = 0; i < READS; i++) {
		uint64_t now = stopwatch_ns(clock);
		uint64_t step = now - last;

		count[step < STEP_MAX ? step : STEP_MAX]++;
		last = now;
	}
	watch->clock = clock;
	watch->resolution_ns = 1;
	while (watch->resolution_ns < STEP_MAX && !count[watch->resolution_ns])
		watch->resolution_ns++;
	watch->cost_ns = step_at(count, READS / 2);
	watch->cost_p99_ns = step_at(count, READS / 100 * 99);
}

void stopwatch_choose(struct stopwatch *watch)
{
	struct stopwatch raw = { .name = "CLOCK_MONOTONIC_RAW" };
	struct stopwatch slewed = { .name = "CLOCK_MONOTONIC" };

	measure(CLOCK_MONOTONIC_RAW, &raw);
	measure(CLOCK_MONOTONIC, &slewed);
	raw.other_cost_ns = slewed.cost_ns;
	slewed.other_cost_ns = raw.cost_ns;
	*watch = raw.cost_ns <= 2 * slewed.cost_ns ? raw : slewed;
}
