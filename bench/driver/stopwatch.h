/* SPDX-License-Identifier: MIT */
/*
 * stopwatch.h - the clock that every measurement reads, and the cost of a
 * reading.
 *
 * CLOCK_MONOTONIC_RAW where a reading costs at most twice as much as a reading
 * of CLOCK_MONOTONIC, else CLOCK_MONOTONIC (which NTP may slew by 0.05 %).
 * Either clock is the same for all processes of the host, in integer
 * nanoseconds.
 */
#ifndef RIGBENCH_STOPWATCH_H
#define RIGBENCH_STOPWATCH_H

#include <stdint.h>
#include <time.h>

struct stopwatch {
	clockid_t clock;
	const char *name;
	uint64_t resolution_ns; /* smallest step seen between two readings */
	uint64_t cost_ns;       /* median of back-to-back readings */
	uint64_t cost_p99_ns;
	uint64_t other_cost_ns; /* cost of the clock that was not chosen */
};

static inline uint64_t stopwatch_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Measure both clocks (about 10 ms) and choose. */
void stopwatch_choose(struct stopwatch *watch);

#endif
