/* SPDX-License-Identifier: MIT */
/*
 * histogram_proof.c - the proof of a histogram: each item's bin is found again, by
 * search among the edges, and the results follow from the counts.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <kernels/lib/histogram_bins.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/strips.h>

/* The bin of an item by bisection, which takes nothing but the edges themselves. */
static size_t halve(const struct bins *bins, double x)
{
	size_t low = 0;
	size_t high = bins->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (x < edge(bins, middle, bins->dtype))
			high = middle;
		else
			low = middle;
	}
	return low;
}

static void halve_all(const struct weighted *w, size_t begin, size_t end,
		      size_t *to)
{
	const struct histogram_args *args = w->given;
	struct bins bins = bins_of(w->team);

	for (size_t i = begin; i < end; i++) {
		double x;

		convert_to_double(args->header.arrays[X].dtype,
				  rig_team_data(w->team, X), i, i + 1, &x);
		to[i - begin] = x >= bins.first && x <= bins.last
					? halve(&bins, x)
					: WEIGHT_NONE;
	}
}

/* The results follow from the tallies. */
static int check_results(struct rig_team *team,
			 const struct histogram_args *args)
{
	struct rig_span own = share_next(team, args->bins);
	struct bins bins = bins_of(team);
	const union number *tallies = rig_team_data(team, TALLIES);
	const uint64_t *wholes = rig_team_data(team, COUNTS);
	const double *reals = rig_team_data(team, COUNTS);
	const double *edges = rig_team_data(team, EDGES);
	bool whole = !weighs(args) && !args->density;
	long double all = 0;

	for (size_t b = 0; b < args->bins; b++)
		all += weighs(args) ? (long double)tallies[b].real
				    : (long double)tallies[b].whole;
	for (size_t b = own.begin; b < own.end; b++) {
		double low = edge(&bins, b, bins.dtype);
		double high = edge(&bins, b + 1, bins.dtype);
		long double due = weighs(args) ? (long double)tallies[b].real
					       : (long double)tallies[b].whole;

		if (args->density)
			due = due / (high - low) / all;
		if (edges[b] != low || edges[b + 1] != high)
			return rig_team_fail(team, -EBADMSG,
					     "histogram: the edges of bin %zu "
					     "are wrong",
					     b);
		if (whole ? wholes[b] == tallies[b].whole
			  : fabsl(reals[b] - due) <= fabsl(due) * 1e-9 ||
				    !isfinite((double)due))
			continue;
		return rig_team_fail(team, -EBADMSG,
				     "histogram: the result of bin %zu is "
				     "wrong",
				     b);
	}
	return 0;
}

static int check_outside(struct rig_team *team, const struct weighted *w)
{
	const double *range = rig_team_data(team, RANGE);
	double outside = histogram_outside(w, share_next(team, w->length)),
	       all = 0;
	int r = rig_team_allreduce(team, &outside, &all, 1, RIG_FLOAT64,
				   RIG_SUM);

	if (r == 0 && all != range[OUTSIDE])
		r = rig_team_fail(team, -EBADMSG,
				  "histogram: %.0f items lie outside, expected "
				  "%.0f",
				  range[OUTSIDE], all);
	return r;
}

/* The items, which are only read: the same before and after. */
int histogram_digest(struct rig_team *team)
{
	const struct histogram_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[X] = sum_strip(team, X, args->header.arrays[X].item_bytes,
			    share_next(team, args->length));
	sums[WEIGHTS] = sum_strip(
		team, WEIGHTS, args->header.arrays[WEIGHTS].item_bytes,
		share_next(team, args->header.arrays[WEIGHTS].count));
	return 0;
}

int histogram_verify(struct rig_team *team)
{
	const struct histogram_args *args = rig_team_args(team);
	const struct rig_kernel_args *header = &args->header;
	struct weighted w = histogram_items(team, halve_all);
	const double *range = rig_team_data(team, RANGE);
	double found[2];
	int r;

	if (header->found[X] != header->digest[X] ||
	    header->found[WEIGHTS] != header->digest[WEIGHTS])
		return rig_team_fail(team, -EBADMSG,
				     "histogram: the items have changed");
	r = histogram_range(team, team, share_next(team, args->length), found);
	if (r == 0 && (found[LOW] != range[LOW] || found[HIGH] != range[HIGH]))
		r = rig_team_fail(team, -EBADMSG,
				  "histogram: the bins reach from %.17g to "
				  "%.17g, expected %.17g to %.17g",
				  range[LOW], range[HIGH], found[LOW],
				  found[HIGH]);
	if (r == 0)
		r = weighted_check(&w, rig_team_data(team, TALLIES), args->bins,
				   "histogram");
	if (r == 0)
		r = check_outside(team, &w);
	return r < 0 ? r : check_results(team, args);
}

/* Items of a block; the last block is the counts themselves. */
#define BLOCK 2048

static size_t blocks_of(const struct histogram_args *args)
{
	return args->length / BLOCK + (args->length % BLOCK != 0);
}

uint64_t histogram_blocks(const void *given)
{
	/* Sums of weights are proved as a whole. */
	return weighs(given) ? 0 : blocks_of(given) + 1;
}

static int by_bin(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The bins of a block's items, in order; returns how many items are in a
 * bin. */
static size_t find_bins(struct rig_team *team,
			const struct histogram_args *args, size_t begin,
			uint32_t found[BLOCK])
{
	size_t end =
		args->length - begin < BLOCK ? args->length : begin + BLOCK;
	struct bins bins = bins_of(team);
	size_t count = 0;
	double x;

	for (size_t i = begin; i < end; i++) {
		convert_to_double(args->header.arrays[X].dtype,
				  rig_team_data(team, X), i, i + 1, &x);
		if (x >= bins.first && x <= bins.last)
			found[count++] = (uint32_t)halve(&bins, x);
	}
	qsort(found, count, sizeof(*found), by_bin);
	return count;
}

/* A bin has at least as many items as a single block put into the bin. */
static int prove_block(struct rig_team *team, const struct histogram_args *args,
		       size_t begin)
{
	const uint64_t *counts = rig_team_data(team, TALLIES);
	uint32_t found[BLOCK];
	size_t count = find_bins(team, args, begin, found);

	for (size_t i = 0, same = 0; i < count; i++) {
		same = i && found[i] == found[i - 1] ? same + 1 : 1;
		if (counts[found[i]] < same)
			return rig_team_fail(
				team, -EBADMSG,
				"histogram: bin %" PRIu32 " has %" PRIu64
				", and elements %zu to %zu alone have %zu",
				found[i], counts[found[i]], begin,
				begin + BLOCK, same);
	}
	return 0;
}

/* All bins together have no more than there is. */
static int prove_counts(struct rig_team *team,
			const struct histogram_args *args)
{
	const uint64_t *counts = rig_team_data(team, TALLIES);
	uint64_t left = args->length;

	for (size_t b = 0; b < args->bins; b++) {
		if (counts[b] > left)
			return rig_team_fail(team, -EBADMSG,
					     "histogram: the bins have more "
					     "items than the %zu there are",
					     args->length);
		left -= counts[b];
	}
	return check_results(team, args);
}

int histogram_prove(struct rig_team *team, uint64_t block, const void *before)
{
	(void)before;
	const struct histogram_args *args = rig_team_args(team);

	return block == blocks_of(args)
		       ? prove_counts(team, args)
		       : prove_block(team, args, block * BLOCK);
}
