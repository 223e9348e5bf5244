/* SPDX-License-Identifier: MIT */
/*
 * histogram.c - the number of items in each of equal bins, or the sum of the
 * weights of the items in each bin.
 *
 * Bins are NumPy's: bin i holds the items that are at least edge i and less
 * than edge i + 1; the last bin also holds items equal to `high`.  All other
 * items are left out, and the result tells their number.  Without low= or high=
 * the bins reach from the least to the greatest item.  Edges are doubles; where
 * items are float32 or float16, edges are rounded to the items' dtype.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/histogram_bins.h>
#include <runner/dtype.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define BINS_MAX       16777216.0
#define BOUND_MAX      1e300

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data, uniform in 0 to 1",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct histogram_args, length),
	  .fallback = "20M",
	  .max = LENGTH_MAX },
	{ .name = "bins",
	  .help = "how many",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct histogram_args, bins),
	  .fallback = "256",
	  .min = 1,
	  .max = BINS_MAX },
	{ .name = "low",
	  .help = "where the first bin begins; nothing: at the least item",
	  .kind = RIG_PARAM_TEXT,
	  .offset = offsetof(struct histogram_args, low),
	  .fallback = "" },
	{ .name = "high",
	  .help = "where the last one ends; nothing: at the greatest item",
	  .kind = RIG_PARAM_TEXT,
	  .offset = offsetof(struct histogram_args, high),
	  .fallback = "" },
	{ .name = "density",
	  .help = "yes: parts of all in the bins, divided by a bin's width",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct histogram_args, density),
	  .fallback = "no",
	  .choices = "no yes" },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct histogram_args *args = given;

	return args->length;
}

static uint64_t count_bins(const void *given)
{
	const struct histogram_args *args = given;

	return args->bins;
}

static uint64_t count_edges(const void *given)
{
	return count_bins(given) + 1;
}

static uint64_t count_range(const void *given)
{
	(void)given;
	return RANGE_COUNT;
}

static uint64_t count_parts(const void *given)
{
	return weighted_parts(count_bins(given), weighs(given));
}

/* A bin between equal edges could never hold an item: an error where the user
 * gives low= and high=, and accepted where the items' range makes the bins. */
static int check_edges(const struct histogram_args *args, char *why,
		       size_t why_bytes)
{
	double low = args->low_bound, high = args->high_bound;
	struct bins bins = bins_between(args, low, high);

	for (size_t i = 0; i < bins.count; i++) {
		if (edge(&bins, i, bins.dtype) < edge(&bins, i + 1, bins.dtype))
			continue;
		snprintf(why, why_bytes,
			 "low=%.17g high=%.17g are too close for bins=%zu: "
			 "%s has not as many numbers between them",
			 low, high, bins.count,
			 rig_dtype_name(convert_whole(bins.dtype)
						? RIG_FLOAT64
						: bins.dtype));
		return -EINVAL;
	}
	return 0;
}

/* A bound as the user typed the bound. */
static int parse_bound(const char *name, const char *text, uint32_t *has,
		       double *bound, char *why, size_t why_bytes)
{
	char *end = NULL;

	*has = *text != 0;
	*bound = *text ? strtod(text, &end) : 0;
	if (!*text || (end > text && !*end && fabs(*bound) <= BOUND_MAX))
		return 0;
	snprintf(why, why_bytes,
		 "%s=%.80s is not a number from -1e+300 to 1e+300", name, text);
	return -EINVAL;
}

static int check_range(struct histogram_args *args, char *why, size_t why_bytes)
{
	int r = parse_bound("low", args->low, &args->has_low, &args->low_bound,
			    why, why_bytes);

	if (r == 0)
		r = parse_bound("high", args->high, &args->has_high,
				&args->high_bound, why, why_bytes);
	if (r < 0 || !args->has_low || !args->has_high)
		return r;
	if (args->low_bound < args->high_bound)
		return check_edges(args, why, why_bytes);
	snprintf(why, why_bytes, "low=%g is not below high=%g", args->low_bound,
		 args->high_bound);
	return -EINVAL;
}

static int check_weights(const struct histogram_args *args, char *why,
			 size_t why_bytes)
{
	const struct rig_array *arrays = args->header.arrays;

	if (!weighs(args))
		return 0;
	if (arrays[WEIGHTS].count != arrays[X].count) {
		snprintf(why, why_bytes,
			 "weights has %" PRIu64 " elements, and x %" PRIu64
			 ": they are to have as many",
			 arrays[WEIGHTS].count, arrays[X].count);
		return -EINVAL;
	}
	return convert_check(&arrays[WEIGHTS], "histogram's weights", why,
			     why_bytes);
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct histogram_args *args = given;
	int r = convert_check(&args->header.arrays[X], "histogram", why,
			      why_bytes);

	if (r == 0)
		r = check_weights(args, why, why_bytes);
	if (r == 0)
		r = arguments_length(&args->header, LENGTH_DEFAULT,
				     &args->length, why, why_bytes);
	if (r == 0)
		r = check_range(args, why, why_bytes);
	return r < 0 ? r
		     : convert_result(&args->header.arrays[COUNTS],
				      weighs(args) || args->density
					      ? RIG_FLOAT64
					      : RIG_UINT64,
				      why, why_bytes);
}

static double bytes_moved(const void *given)
{
	const struct histogram_args *args = given;

	return (double)args->length * args->header.arrays[X].item_bytes;
}

static size_t private_bytes(const void *given, int size)
{
	(void)size;
	const struct histogram_args *args = given;

	return weighted_memory(args->bins);
}

static int prepare(struct rig_team *team)
{
	const struct histogram_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = (double)(share_scatter(i) >> 11) * 0x1p-53;
	return rig_team_barrier(team);
}

/* The bin of an item between the first and the last edge. */
INLINE size_t find(const struct bins *bins, double x, enum rig_dtype dtype)
{
	double guess = (x - bins->low) * bins->power * bins->scale;
	size_t bin = bins->count - 1;

	if (guess < (double)bins->count)
		bin = guess > 0 ? (size_t)guess : 0;
	/* Because of rounding the guess may be wrong, seldom by more than 1. */
	while (x < edge(bins, bin, dtype))
		bin--;
	while (bin + 1 < bins->count && x >= edge(bins, bin + 1, dtype))
		bin++;
	return bin;
}

INLINE void find_as(enum rig_dtype dtype, const struct bins *bins,
		    const any_double *items, size_t count, size_t *to)
{
	/* A copy: the compiler sees that no store changes the bins. */
	const struct bins own = *bins;

	for (size_t i = 0; i < count; i++)
		to[i] = items[i] >= own.first && items[i] <= own.last
				? find(&own, items[i], dtype)
				: WEIGHT_NONE;
}

/* ---- the run ---- */

static void find_all(const struct weighted *w, size_t begin, size_t end,
		     size_t *to)
{
	const struct histogram_args *args = w->given;
	struct bins bins = bins_of(w->team);
	double room[SHARE_CHUNK];
	const any_double *items =
		convert_doubles(args->header.arrays[X].dtype,
				rig_team_data(w->team, X), begin, end, room);

	switch (bins.dtype) {
	case RIG_FLOAT16:
		find_as(RIG_FLOAT16, &bins, items, end - begin, to);
		break;
	case RIG_FLOAT32:
		find_as(RIG_FLOAT32, &bins, items, end - begin, to);
		break;
	default:
		find_as(RIG_FLOAT64, &bins, items, end - begin, to);
	}
}

struct weighted histogram_items(struct rig_team *team,
				void (*find_bins)(const struct weighted *,
						  size_t, size_t, size_t *))
{
	const struct histogram_args *args = rig_team_args(team);

	return (struct weighted){
		.team = team,
		.given = args,
		.length = args->length,
		.bins = args->bins,
		.weights = weighs(args) ? rig_team_data(team, WEIGHTS) : NULL,
		.dtype = args->header.arrays[WEIGHTS].dtype,
		.find = find_bins,
	};
}

/* The greatest of -x and of x; infinite where an item is no number. */
CLONES static void widen(const any_double *x, size_t count, double most[2])
{
	double low = most[0], high = most[1];
	int64_t none = 0;

	for (size_t i = 0; i < count; i++) {
		low = -x[i] > low ? -x[i] : low;
		high = x[i] > high ? x[i] : high;
		none |= x[i] != x[i];
	}
	most[0] = none ? INFINITY : low;
	most[1] = none ? INFINITY : high;
}

int histogram_range(struct rig_team *team, struct rig_team *all,
		    struct rig_span span, double range[2])
{
	const struct histogram_args *args = rig_team_args(team);
	double most[2] = { -INFINITY, -INFINITY }, room[SHARE_CHUNK];
	int r = 0;

	range[LOW] = args->low_bound;
	range[HIGH] = args->high_bound;
	if (args->has_low && args->has_high)
		return 0;
	for (size_t i = span.begin; i < span.end; i += SHARE_CHUNK) {
		size_t end =
			span.end - i < SHARE_CHUNK ? span.end : i + SHARE_CHUNK;

		widen(convert_doubles(args->header.arrays[X].dtype,
				      rig_team_data(team, X), i, end, room),
		      end - i, most);
	}
	r = rig_team_allreduce(all, RIG_IN_PLACE, most, 2, RIG_FLOAT64,
			       RIG_MAX);
	if (!args->has_low)
		range[LOW] = args->length ? -most[0] : 0;
	if (!args->has_high)
		range[HIGH] = args->length ? most[1] : 1;
	if (range[LOW] == range[HIGH]) {
		range[LOW] -= 0.5;
		range[HIGH] += 0.5;
	}
	return r;
}

static int refuse_range(struct rig_team *team, const double range[2])
{
	if (!isfinite(range[LOW]) || !isfinite(range[HIGH]))
		return rig_team_fail(team, -EINVAL,
				     "histogram: an item is infinite, or not a "
				     "number: say low= and high=");
	return rig_team_fail(team, -EINVAL,
			     "histogram: the bins would reach from %g to %g: "
			     "say low= and high=",
			     range[LOW], range[HIGH]);
}

/* Rank 0 checks all bins. */
static void finish(struct rig_team *team, const struct histogram_args *args)
{
	struct rig_span own = rig_team_strip(team, args->bins);
	struct bins bins = bins_of(team);
	double *edges = rig_team_data(team, EDGES);
	double *reals = rig_team_data(team, COUNTS), all = 0;
	uint64_t *wholes = rig_team_data(team, COUNTS);
	const union number *tallies = rig_team_data(team, TALLIES);

	for (size_t b = own.begin; b < own.end; b++)
		edges[b] = edge(&bins, b, bins.dtype);
	if (rig_team_rank(team) == 0)
		edges[args->bins] = bins.last;
	for (size_t b = 0; b < args->bins && args->density; b++)
		all += weighs(args) ? tallies[b].real
				    : (double)tallies[b].whole;
	for (size_t b = own.begin; b < own.end; b++) {
		double tally = weighs(args) ? tallies[b].real
					    : (double)tallies[b].whole;
		double width = edge(&bins, b + 1, bins.dtype) - edges[b];

		if (args->density)
			reals[b] = tally / width / all;
		else if (weighs(args))
			reals[b] = tally;
		else
			wholes[b] = tallies[b].whole;
	}
}

double histogram_outside(const struct weighted *w, struct rig_span span)
{
	size_t bins[SHARE_CHUNK], outside = 0;

	for (size_t i = span.begin; i < span.end; i += SHARE_CHUNK) {
		size_t end =
			span.end - i < SHARE_CHUNK ? span.end : i + SHARE_CHUNK;

		w->find(w, i, end, bins);
		for (size_t k = 0; k < end - i; k++)
			outside += bins[k] == WEIGHT_NONE;
	}
	return (double)outside;
}

/* Without weights the counts are enough; the sum of doubles that are whole
 * numbers is exact. */
static int find_outside(struct rig_team *team, const struct weighted *w)
{
	const uint64_t *tallies = rig_team_data(team, TALLIES);
	double *range = rig_team_data(team, RANGE), outside, all = 0;
	int r = 0;

	if (w->weights) {
		outside = histogram_outside(w, world_strip(team, w->length));
		r = rig_team_allreduce(rig_team_world(team), &outside, &all, 1,
				       RIG_FLOAT64, RIG_SUM);
	} else {
		uint64_t inside = 0;

		for (size_t b = 0; b < w->bins; b++)
			inside += tallies[b];
		all = (double)(w->length - inside);
	}
	if (rig_team_rank(team) == 0)
		range[OUTSIDE] = all;
	return r;
}

static int run(struct rig_team *team)
{
	const struct histogram_args *args = rig_team_args(team);
	struct weighted w = histogram_items(team, find_all);
	double *range = rig_team_data(team, RANGE), found[2];
	int r = histogram_range(team, rig_team_world(team),
				world_strip(team, args->length), found);

	if (r < 0)
		return r;
	if (!(found[LOW] < found[HIGH]) || !isfinite(found[LOW]) ||
	    !isfinite(found[HIGH]))
		return refuse_range(team, found);
	if (rig_team_rank(team) == 0)
		memcpy(range, found, sizeof(found));
	rig_team_barrier(team);
	r = weighted_count(&w, rig_team_data(team, TALLIES),
			   rig_team_data(team, PARTS));
	if (r < 0)
		return r;
	finish(team, args);
	r = find_outside(team, &w);
	return r < 0 ? r : rig_team_barrier(team);
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const double *range = data[RANGE];

	(void)given;
	snprintf(text, bytes, "outside = %.0f, low = %.17g, high = %.17g",
		 range[OUTSIDE], range[LOW], range[HIGH]);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_generated },
	{ .name = "counts",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_UINT64,
	  .any_dtype = true,
	  .count = count_bins },
	{ .name = "edges",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .optional = true,
	  .count = count_edges },
	{ .name = "weights",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .optional = true },
	{ .name = "tallies",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_bins },
	{ .name = "parts",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_parts },
	{ .name = "range",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_range },
	{ 0 },
};

const struct rig_kernel kernel_histogram = {
	.version = RIG_KERNEL_VERSION,
	.name = "histogram",
	.summary = "how many items lie in each of a number of equal bins, or "
		   "the sums of weights",
	.verified = "each item counted again by another rank, by search among "
		    "the bins' edges",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct histogram_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = histogram_digest,
	.run = run,
	.hosts = 1,
	.verify = histogram_verify,
	.blocks = histogram_blocks,
	.prove = histogram_prove,
	.result = result,
};
