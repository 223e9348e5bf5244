/* SPDX-License-Identifier: MIT */
/*
 * stats.c - order statistics, Hodges-Lehmann, bootstrap.
 *
 * Blocks of a launch share the launch's pages and luck: blocks are not
 * independent, and launches are.  Where there are enough launches for an
 * interval (six) the launch is the unit, and n is small but honest.
 */
#include "driver/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE_TAIL 0.025 /* each side of a 95 % interval */
#define Z95             1.959963984540054
#define EXACT_RANKS     70   /* exact binomial below, normal from here */
#define EXACT_PAIRS     50   /* exact signed-rank distribution up to here */
#define EXACT_SHIFT     40   /* exact rank-sum distribution up to here */
#define RESAMPLES       1000 /* resamples of the bootstrap */
#define BOOTSTRAP_SEED  UINT64_C(0x72756e726967)

uint64_t stats_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Uniform in 0..n-1: the high half of a product, rejecting the short last
 * interval (Lemire 2019). */
static uint32_t random_below(uint64_t *state, uint32_t n)
{
	uint32_t floor = (uint32_t)(-n) % n;
	uint64_t product;

	do
		product = (stats_random(state) >> 32) * n;
	while ((uint32_t)product < floor);
	return (uint32_t)(product >> 32);
}

void stats_shuffle(uint32_t *order, size_t n, uint64_t *state)
{
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (size_t i = n; i > 1; i--) {
		uint32_t j = random_below(state, (uint32_t)i);
		uint32_t held = order[i - 1];

		order[i - 1] = order[j];
		order[j] = held;
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_sort(double *x, size_t n)
{
	if (n)
		qsort(x, n, sizeof(*x), ascending);
}

double stats_quantile(const double *sorted, size_t n, double q)
{
	double at = q * (double)n;
	size_t i = (size_t)at;

	if (n == 0)
		return NAN;
	if (i >= n)
		return sorted[n - 1];
	if ((double)i == at && i > 0)
		return (sorted[i - 1] + sorted[i]) / 2;
	return sorted[i];
}

double stats_median(double *x, size_t n)
{
	stats_sort(x, n);
	return stats_quantile(x, n, 0.5);
}

static double binomial(size_t n, size_t k, double q)
{
	double dn = (double)n;
	double dk = (double)k;

	return exp(lgamma(dn + 1) - lgamma(dk + 1) - lgamma(dn - dk + 1) +
		   dk * log(q) + (dn - dk) * log1p(-q));
}

/* Ranks low and high such that fewer than low (more than high - 1) values lie
 * below the quantile with at most 2.5 % probability each. */
static bool exact_ranks(size_t n, double q, size_t *low, size_t *high)
{
	double below = 0;
	double above = 0;
	size_t l = 0;
	size_t h = n + 1;

	while (l < n && below + binomial(n, l, q) <= CONFIDENCE_TAIL)
		below += binomial(n, l++, q);
	while (h > 1 && above + binomial(n, h - 1, q) <= CONFIDENCE_TAIL)
		above += binomial(n, --h, q);
	if (l < 1 || h > n || l > h)
		return false;
	*low = l;
	*high = h;
	return true;
}

bool stats_quantile_ranks(size_t n, double q, size_t *low, size_t *high)
{
	double middle = (double)n * q;
	double half = Z95 * sqrt((double)n * q * (1 - q));
	double l = floor(middle - half);
	double h = ceil(1 + middle + half);

	if (n < EXACT_RANKS)
		return exact_ranks(n, q, low, high);
	if (l < 1 || h > (double)n)
		return false;
	*low = (size_t)l;
	*high = (size_t)h;
	return true;
}

/*
 * How many of the smallest values of a rank statistic have no more than `tail` of
 * all ways, given how many ways lead to each value.
 */
static size_t tail_count(const double *ways, size_t values, double tail)
{
	double all = 0;
	double sum = 0;
	size_t k = 0;

	for (size_t i = 0; i < values; i++)
		all += ways[i];
	while (k < values && sum + ways[k] <= tail * all)
		sum += ways[k++];
	return k;
}

/* Interval of sorted Walsh averages (or differences) from a tail count: the
 * k-th from either end. */
static void interval_from(const double *sorted, size_t n, size_t k,
			  struct stats_interval *out)
{
	out->estimate = stats_quantile(sorted, n, 0.5);
	out->known = k >= 1 && 2 * k <= n + 1;
	out->low = out->known ? sorted[k - 1] : NAN;
	out->high = out->known ? sorted[n - k] : NAN;
}

/* Signed-rank statistic of n pairs: subsets of 1..n by their sum. */
static size_t signed_rank_tail(size_t n)
{
	size_t top = n * (n + 1) / 2;
	double dn = (double)n;
	double mean = dn * (dn + 1) / 4;
	double sd = sqrt(dn * (dn + 1) * (2 * dn + 1) / 24);
	double *ways;
	size_t k;

	if (n > EXACT_PAIRS)
		return (size_t)floor(mean - Z95 * sd);
	ways = calloc(top + 1, sizeof(*ways));
	if (!ways)
		return 0;
	ways[0] = 1;
	for (size_t rank = 1; rank <= n; rank++)
		for (size_t sum = top; sum >= rank; sum--)
			ways[sum] += ways[sum - rank];
	k = tail_count(ways, top + 1, CONFIDENCE_TAIL);
	free(ways);
	return k;
}

int stats_paired(const double *difference, size_t n, struct stats_interval *out)
{
	size_t walsh_count = n * (n + 1) / 2;
	double *walsh;
	size_t k = 0;

	if (n == 0) {
		*out = (struct stats_interval){ NAN, NAN, NAN, false };
		return 0;
	}
	walsh = malloc(walsh_count * sizeof(*walsh));
	if (!walsh)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			walsh[k++] = (difference[i] + difference[j]) / 2;
	stats_sort(walsh, walsh_count);
	interval_from(walsh, walsh_count, signed_rank_tail(n), out);
	free(walsh);
	return 0;
}

/* The number of standard deviations beyond which a normal variable lies with
 * the probability: by halving. */
static double normal_point(double tail)
{
	double low = 0;
	double high = 10;

	while (high - low > 1e-9) {
		double z = (low + high) / 2;

		if (erfc(z / sqrt(2)) / 2 > tail)
			low = z;
		else
			high = z;
	}
	return low;
}

/*
 * Rank-sum statistic U of nx against ny values: ways[i][u] for i of x's and j
 * of y's obeys f(i, j, u) = f(i - 1, j, u - j) + f(i, j - 1, u).  Rows over j
 * are replaced in place.
 */
static size_t rank_sum_tail(size_t nx, size_t ny, double tail)
{
	size_t width = nx * ny + 1;
	double dx = (double)nx;
	double dy = (double)ny;
	double *ways;
	size_t k;

	if (nx + ny > EXACT_SHIFT)
		return (size_t)fmax(
			0, floor(dx * dy / 2 -
				 normal_point(tail) *
					 sqrt(dx * dy * (dx + dy + 1) / 12)));
	ways = calloc((nx + 1) * width, sizeof(*ways));
	if (!ways)
		return 0;
	for (size_t i = 0; i <= nx; i++)
		ways[i * width] = 1; /* j = 0: only u = 0 */
	for (size_t j = 1; j <= ny; j++)
		for (size_t i = 1; i <= nx; i++)
			for (size_t u = j; u < width; u++)
				ways[i * width + u] +=
					ways[(i - 1) * width + u - j];
	k = tail_count(ways + nx * width, width, tail);
	free(ways);
	return k;
}

int stats_shift(const double *x, size_t nx, const double *y, size_t ny,
		double tail, struct stats_interval *out)
{
	size_t pairs = nx * ny;
	double *shift;
	size_t k = 0;

	if (pairs == 0) {
		*out = (struct stats_interval){ NAN, NAN, NAN, false };
		return 0;
	}
	shift = malloc(pairs * sizeof(*shift));
	if (!shift)
		return -ENOMEM;
	for (size_t i = 0; i < nx; i++)
		for (size_t j = 0; j < ny; j++)
			shift[k++] = y[j] - x[i];
	stats_sort(shift, pairs);
	interval_from(shift, pairs, rank_sum_tail(nx, ny, tail), out);
	free(shift);
	return 0;
}

/* The end (exclusive) of the launch that begins at `begin`. */
static size_t launch_end(const uint32_t *launch, size_t n, size_t begin)
{
	size_t end = begin;

	while (end < n && launch[end] == launch[begin])
		end++;
	return end;
}

static double variance(const double *x, size_t n)
{
	double mean = 0;
	double sum = 0;

	if (n < 2)
		return 0;
	for (size_t i = 0; i < n; i++)
		mean += x[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sum / (double)(n - 1);
}

/* A resample: as many values of each launch as the launch has, with
 * replacement. */
static double resample_median(const double *values, const uint32_t *launch,
			      size_t n, double *scratch, uint64_t *state)
{
	for (size_t begin = 0, end; begin < n; begin = end) {
		end = launch_end(launch, n, begin);
		for (size_t i = begin; i < end; i++)
			scratch[i] =
				values[begin +
				       random_below(state,
						    (uint32_t)(end - begin))];
	}
	return stats_median(scratch, n);
}

static int bootstrap(const double *values, const uint32_t *launch, size_t n,
		     struct stats_interval *out)
{
	uint64_t state = BOOTSTRAP_SEED;
	double *scratch = malloc((n + RESAMPLES) * sizeof(*scratch));
	double *medians = scratch + n;

	if (!scratch)
		return -ENOMEM;
	for (size_t i = 0; i < RESAMPLES; i++)
		medians[i] =
			resample_median(values, launch, n, scratch, &state);
	stats_sort(medians, RESAMPLES);
	out->known = n >= STATS_CI_MIN;
	out->low = stats_quantile(medians, RESAMPLES, CONFIDENCE_TAIL);
	out->high = stats_quantile(medians, RESAMPLES, 1 - CONFIDENCE_TAIL);
	free(scratch);
	return 0;
}

/* Interval of the median over launch medians, or by bootstrap. */
static int median_interval(const double *values, const uint32_t *launch,
			   size_t n, const double *medians, size_t launches,
			   struct stats_interval *out)
{
	size_t low;
	size_t high;

	if (!stats_quantile_ranks(launches, 0.5, &low, &high))
		return bootstrap(values, launch, n, out);
	out->known = true;
	out->low = medians[low - 1];
	out->high = medians[high - 1];
	return 0;
}

/* Fill `medians` with a median a launch, sorted; returns the number of
 * medians. */
static size_t launch_medians(const double *values, const uint32_t *launch,
			     size_t n, double *scratch, double *medians,
			     double *within)
{
	size_t launches = 0;

	*within = 0;
	for (size_t begin = 0, end; begin < n; begin = end) {
		size_t count;

		end = launch_end(launch, n, begin);
		count = end - begin;
		memcpy(scratch, values + begin, count * sizeof(*scratch));
		*within += variance(scratch, count);
		medians[launches++] = stats_median(scratch, count);
	}
	*within /= (double)launches;
	stats_sort(medians, launches);
	return launches;
}

/* Median absolute deviation, and how many lie beyond 10 robust sigma. */
static void spread(const double *sorted, size_t n, double *scratch,
		   struct stats_summary *out)
{
	double middle = out->p50.estimate;
	double far;

	for (size_t i = 0; i < n; i++)
		scratch[i] = fabs(sorted[i] - middle);
	out->mad = stats_median(scratch, n);
	far = 10 * 1.4826 * out->mad;
	out->outliers = 0;
	for (size_t i = 0; out->mad > 0 && i < n; i++)
		out->outliers += scratch[i] > far;
}

int stats_summarise(const double *values, const uint32_t *launch, size_t n,
		    struct stats_summary *out)
{
	double *sorted = malloc(3 * n * sizeof(*sorted) + 1);
	double *scratch = sorted + n;
	double *medians = scratch + n;
	size_t launches;
	int r;

	*out = (struct stats_summary){ .n = n };
	if (!sorted)
		return -ENOMEM;
	if (n == 0) {
		free(sorted);
		return 0;
	}
	launches = launch_medians(values, launch, n, scratch, medians,
				  &out->within);
	out->between = variance(medians, launches);
	r = median_interval(values, launch, n, medians, launches, &out->p50);
	memcpy(sorted, values, n * sizeof(*sorted));
	stats_sort(sorted, n);
	out->min = sorted[0];
	out->max = sorted[n - 1];
	out->p50.estimate = stats_quantile(sorted, n, 0.5);
	out->p90 = stats_quantile(sorted, n, 0.9);
	out->p99 = n >= 500 ? stats_quantile(sorted, n, 0.99) : NAN;
	out->p999 = n >= 5000 ? stats_quantile(sorted, n, 0.999) : NAN;
	spread(sorted, n, scratch, out);
	free(sorted);
	return r;
}

size_t stats_log_ratios(const double *a, const double *b,
			const uint32_t *launch, size_t n, double *pairs)
{
	size_t launches = 0;

	for (size_t i = 0; i < n; i++)
		pairs[i] = log(b[i] / a[i]);
	for (size_t i = 0; i < n; i = launch_end(launch, n, i))
		launches++;
	if (launches < STATS_CI_MIN)
		return n;
	launches = 0;
	for (size_t begin = 0, end; begin < n; begin = end) {
		end = launch_end(launch, n, begin);
		/* In place: launches never overtakes begin. */
		pairs[launches++] = stats_median(pairs + begin, end - begin);
	}
	return launches;
}
