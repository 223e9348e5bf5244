/* SPDX-License-Identifier: MIT */
/*
 * weighted.c - how many items each bin has, or the sum of the weights of these
 * items.
 */
#include <kernels/lib/weighted.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>

#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>
#include <runner/convert.h>

uint64_t weighted_parts(size_t bins, bool weighted)
{
	return weighted ? (uint64_t)bins * WEIGHT_PARTS : 0;
}

/* Each bin has the sum of its weights, the sum of their absolute values, and
 * the number of items. */
size_t weighted_memory(size_t bins)
{
	return 3 * bins * sizeof(double);
}

static size_t chunk_end(size_t begin, size_t end)
{
	return end - begin < SHARE_CHUNK ? end : begin + SHARE_CHUNK;
}

static void count_span(const struct weighted *w, struct rig_span span,
		       uint64_t *counts)
{
	size_t bins[SHARE_CHUNK];

	for (size_t i = span.begin; i < span.end; i += SHARE_CHUNK) {
		size_t end = chunk_end(i, span.end);

		w->find(w, i, end, bins);
		for (size_t k = 0; k < end - i; k++)
			if (bins[k] != WEIGHT_NONE)
				counts[bins[k]]++;
	}
}

static void add_span(const struct weighted *w, struct rig_span span,
		     double *sums)
{
	size_t bins[SHARE_CHUNK];
	double room[SHARE_CHUNK];

	for (size_t i = span.begin; i < span.end; i += SHARE_CHUNK) {
		size_t end = chunk_end(i, span.end);
		const any_double *weights =
			convert_doubles(w->dtype, w->weights, i, end, room);

		w->find(w, i, end, bins);
		for (size_t k = 0; k < end - i; k++)
			if (bins[k] != WEIGHT_NONE)
				sums[bins[k]] += weights[k];
	}
}

/* Every rank has added its counts: the sums over all hosts. */
static int sum_hosts(const struct weighted *w, uint64_t *to)
{
	int r = rig_team_barrier(w->team);

	return r < 0 ? r : world_sums(w->team, to, w->bins);
}

static int count_all(const struct weighted *w, _Atomic uint64_t *to)
{
	struct rig_span own = rig_team_strip(w->team, w->bins);
	uint64_t *mine = calloc(w->bins, sizeof(*mine));

	if (!mine)
		return rig_team_fail(w->team, -ENOMEM, "no memory for %zu bins",
				     w->bins);
	for (size_t b = own.begin; b < own.end; b++)
		atomic_store_explicit(to + b, 0, memory_order_relaxed);
	count_span(w, world_strip(w->team, w->length), mine);
	/* All counts are zero before anybody adds to them. */
	rig_team_barrier(w->team);
	for (size_t b = 0; b < w->bins; b++)
		if (mine[b])
			atomic_fetch_add_explicit(to + b, mine[b],
						  memory_order_relaxed);
	free(mine);
	return sum_hosts(w, (uint64_t *)to);
}

int weighted_count(const struct weighted *w, void *to, double *parts)
{
	struct rig_span own = world_strip(w->team, WEIGHT_PARTS);
	struct rig_span bins = rig_team_strip(w->team, w->bins);
	double *sums = to;
	int r;

	if (!w->weights)
		return count_all(w, to);
	for (size_t p = own.begin; p < own.end; p++) {
		memset(parts + p * w->bins, 0, w->bins * sizeof(*parts));
		add_span(w, rig_strip(w->length, (int)p, WEIGHT_PARTS),
			 parts + p * w->bins);
	}
	r = world_rows(w->team, parts, WEIGHT_PARTS, w->bins * sizeof(*parts));
	if (r < 0)
		return r;
	for (size_t b = bins.begin; b < bins.end; b++) {
		sums[b] = 0;
		for (size_t p = 0; p < WEIGHT_PARTS; p++)
			sums[b] += parts[p * w->bins + b];
	}
	return rig_team_barrier(w->team);
}

/* The bins of the next rank's items, compared with the result. */
static void tally_next(const struct weighted *w, double *sums, double *sizes,
		       double *counts)
{
	struct rig_span span = share_next(w->team, w->length);

	for (size_t i = span.begin; i < span.end; i++) {
		double weight = 1;
		size_t bin;

		w->find(w, i, i + 1, &bin);
		if (bin == WEIGHT_NONE)
			continue;
		if (w->weights)
			convert_to_double(w->dtype, w->weights, i, i + 1,
					  &weight);
		sums[bin] += weight;
		sizes[bin] += fabs(weight);
		counts[bin]++;
	}
}

/* The error of each addition, here and there, is 2^-53 of the sum of absolute
 * values at most (Higham, Accuracy and Stability of Numerical Algorithms, 2nd
 * ed., 4.2). */
static bool is_sum(double found, double sum, double size, double count)
{
	if (!isfinite(size))
		return found != found || isinf(found) ||
		       (isfinite(found) && isfinite(sum));
	return fabs(found - sum) <= size * 2 * (count + WEIGHT_PARTS) * 0x1p-53;
}

int weighted_check(const struct weighted *w, const void *found, size_t count,
		   const char *kernel)
{
	double *sums = calloc(1, weighted_memory(w->bins));
	double *sizes = sums + w->bins, *counts = sizes + w->bins;
	struct rig_span own = share_next(w->team, count);
	const uint64_t *wholes = found;
	const double *reals = found;
	int r;

	if (!sums)
		return rig_team_fail(w->team, -ENOMEM, "%s: no memory", kernel);
	tally_next(w, sums, sizes, counts);
	r = rig_team_allreduce(w->team, RIG_IN_PLACE, sums, 3 * w->bins,
			       RIG_FLOAT64, RIG_SUM);
	for (size_t b = own.begin; b < own.end && r == 0; b++) {
		if (w->weights &&
		    !is_sum(reals[b], sums[b], sizes[b], counts[b]))
			r = rig_team_fail(w->team, -EBADMSG,
					  "%s: bin %zu has %.17g, expected "
					  "%.17g",
					  kernel, b, reals[b], sums[b]);
		if (!w->weights && (double)wholes[b] != counts[b])
			r = rig_team_fail(w->team, -EBADMSG,
					  "%s: bin %zu has %" PRIu64
					  ", expected %.0f",
					  kernel, b, wholes[b], counts[b]);
	}
	free(sums);
	return r;
}
