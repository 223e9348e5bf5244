/* SPDX-License-Identifier: MIT */
/*
 * latency_histogram.h - the count of each latency: log-linear bins of 3 %.
 *
 * The size is fixed: counting neither allocates nor grows, and a histogram may
 * lie in shared memory.
 */
#ifndef RIGBENCH_LATENCY_HISTOGRAM_H
#define RIGBENCH_LATENCY_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* 32 bins a power of two, from 0 ns to beyond an hour. */
#define HISTOGRAM_STEPS 32
#define HISTOGRAM_BINS  (38 * HISTOGRAM_STEPS)

struct histogram {
	uint64_t n;
	uint64_t max;
	uint64_t bin[HISTOGRAM_BINS];
};

static inline size_t histogram_bin(uint64_t ns)
{
	int top = 63 - __builtin_clzll(ns | HISTOGRAM_STEPS);
	size_t bin =
		(size_t)(top - 5) * HISTOGRAM_STEPS + (size_t)(ns >> (top - 5));

	return bin < HISTOGRAM_BINS ? bin : HISTOGRAM_BINS - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
	h->bin[histogram_bin(ns)]++;
	h->n++;
	if (ns > h->max)
		h->max = ns;
}

/* The least value in a bin. */
static inline uint64_t histogram_floor(size_t bin)
{
	size_t top = bin / HISTOGRAM_STEPS;

	if (top < 2)
		return bin;
	return (uint64_t)(bin % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << (top - 1);
}

/* The value that a share q of the counted values does not exceed; 0: empty. */
static inline uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < HISTOGRAM_BINS; i++) {
		seen += h->bin[i];
		if ((double)seen >= q * (double)h->n && h->bin[i])
			return histogram_floor(i);
	}
	return 0;
}

#endif
