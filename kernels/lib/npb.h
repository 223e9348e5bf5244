/* SPDX-License-Identifier: MIT */
/*
 * npb.h - NPB's random numbers: x <- 5^13 x mod 2^46; a kernel uses 2^-46 x.
 *
 * Numbers of 46 bits fit a product that wraps at 2^64, and so integers are
 * enough.  Any number of the stream is found at once, wherever a rank's part
 * begins.
 */
#ifndef KERNELS_NPB_H
#define KERNELS_NPB_H

#include <stdint.h>

#define NPB_FACTOR UINT64_C(1220703125)
#define NPB_BITS   46
#define NPB_MASK   ((UINT64_C(1) << NPB_BITS) - 1)

/* 2^-46 */
#define NPB_UNIT 0x1p-46

/* The words of a `class` parameter are letters; this is the help. */
#define NPB_CLASS_HELP "NPB's problem class"

static inline uint64_t npb_next(uint64_t *state)
{
	*state = *state * NPB_FACTOR & NPB_MASK;
	return *state;
}

/* The state after `steps` numbers from `seed`. */
static inline uint64_t npb_at(uint64_t seed, uint64_t steps)
{
	for (uint64_t by = NPB_FACTOR; steps; steps >>= 1, by = by * by)
		if (steps & 1)
			seed = seed * by;
	return seed & NPB_MASK;
}

#endif
