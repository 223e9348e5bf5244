/* SPDX-License-Identifier: MIT */
/*
 * chance.h - random numbers from a seed, so that a failure can be replayed.
 */
#ifndef RUNRIG_TEST_CHANCE_H
#define RUNRIG_TEST_CHANCE_H

#include <stdint.h>

/* The next number; the seed is not 0, and moves on.  xorshift64*, by George
 * Marsaglia and Sebastiano Vigna. */
static inline uint64_t chance_next(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * UINT64_C(2685821657736338717);
}

/* A number from 0 to end - 1. */
static inline uint64_t chance_below(uint64_t *seed, uint64_t end)
{
	return (chance_next(seed) >> 16) % end;
}

#endif
