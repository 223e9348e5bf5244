/* SPDX-License-Identifier: MIT */
/*
 * clock.h - CLOCK_MONOTONIC as one number of nanoseconds.
 */
#ifndef RUNRIG_CLOCK_H
#define RUNRIG_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* `ns` from now; RIG_FOREVER where the sum would wrap. */
static inline uint64_t clock_after(uint64_t ns)
{
	uint64_t now = clock_ns();

	return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

#endif
