/* SPDX-License-Identifier: MIT */
/*
 * checker_clock.h - clock.h for code that the checker drives: a moment that is the
 * same in every run, for the time is no part of the state.
 */
#ifndef RUNRIG_CLOCK_H
#define RUNRIG_CLOCK_H

#include <stdint.h>

static inline uint64_t clock_ns(void)
{
	return 0;
}

static inline uint64_t clock_after(uint64_t ns)
{
	return ns;
}

#endif
