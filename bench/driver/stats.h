/* SPDX-License-Identifier: MIT */
/*
 * stats.h - the only place where samples become statements.
 *
 * Everything is distribution-free: medians, order statistics, Hodges-Lehmann
 * with Wilcoxon's intervals, a bootstrap with a fixed seed.  No sample is ever
 * dropped.  All functions are pure; the comment of a function that sorts says
 * so.
 */
#ifndef RIGBENCH_STATS_H
#define RIGBENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below this many values there is no 95 % interval of a median at all. */
#define STATS_CI_MIN 6

/* An estimate and its 95 % interval; `known` is false where n is too small. */
struct stats_interval {
	double estimate;
	double low, high;
	bool known;
};

/* A summary of one cell's samples; p99 needs 500 samples and p999 needs 5000,
 * else each is NaN. */
struct stats_summary {
	size_t n;
	double min, p90, p99, p999, max;
	struct stats_interval p50;
	double mad;             /* median absolute deviation */
	size_t outliers;        /* beyond 10 robust sigma; counted, kept */
	double between, within; /* variance of launch medians; mean of the
				  * variances within a launch */
};

/* splitmix64: advances *state and returns 64 random bits. */
uint64_t stats_random(uint64_t *state);

/* A uniformly random order of 0..n-1. */
void stats_shuffle(uint32_t *order, size_t n, uint64_t *state);

void stats_sort(double *x, size_t n);

/* A quantile of sorted values; the mean of the two around a quantile that falls
 * between two values. */
double stats_quantile(const double *sorted, size_t n, double q);

/* The median; sorts. */
double stats_median(double *x, size_t n);

/*
 * The ranks (from 1) between which the q-quantile lies with 95 % confidence:
 * exact binomial below 70 values, normal approximation from there.  Returns
 * false where no such ranks exist.
 */
bool stats_quantile_ranks(size_t n, double q, size_t *low, size_t *high);

/*
 * Location of paired differences: Hodges-Lehmann estimate with the interval of
 * Wilcoxon's signed-rank test (exact to 50 pairs).  -ENOMEM or 0.
 */
int stats_paired(const double *difference, size_t n,
		 struct stats_interval *out);

/*
 * Shift from x to y, unpaired: Hodges-Lehmann with Mann-Whitney's interval
 * (exact to 40 values in all), beyond either end of which lies a probability of
 * at most `tail`: 0.025 for 95 %.  -ENOMEM or 0.
 */
int stats_shift(const double *x, size_t nx, const double *y, size_t ny,
		double tail, struct stats_interval *out);

/*
 * Summarise values[0..n-1], of which values with the same launch[] belong to
 * one launch.  The median's interval is taken over launch medians where there
 * are six launches or more, else by a bootstrap within launches.  0 or -ENOMEM.
 */
int stats_summarise(const double *values, const uint32_t *launch, size_t n,
		    struct stats_summary *out);

/*
 * Paired log ratios of two series that were visited in the same blocks:
 * log(b/a), reduced to a median per launch where there are six launches or
 * more.  `pairs` has room for n; returns the number of ratios.
 */
size_t stats_log_ratios(const double *a, const double *b,
			const uint32_t *launch, size_t n, double *pairs);

#endif
