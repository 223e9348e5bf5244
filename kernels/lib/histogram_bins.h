/* SPDX-License-Identifier: MIT */
/*
 * histogram_bins.h - the bins of a histogram, and its edges: shared by the kernel
 * (histogram.c) and the kernel's proof (histogram_proof.c).
 */
#ifndef KERNELS_HISTOGRAM_BINS_H
#define KERNELS_HISTOGRAM_BINS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include <runrig/kernel.h>

#include <runner/convert.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/weighted.h>

enum { X, COUNTS, EDGES, WEIGHTS, TALLIES, PARTS, RANGE };

/* The array `range`. */
enum { LOW, HIGH, OUTSIDE, RANGE_COUNT };

struct histogram_args {
	struct rig_kernel_args header;
	size_t length;
	size_t bins;
	char low[RIG_TEXT_BYTES], high[RIG_TEXT_BYTES];
	uint32_t density;
	uint32_t has_low, has_high; /* set by check, with the numbers below */
	double low_bound, high_bound;
};

/* Does the user give a weight for each item? */
static inline bool weighs(const struct histogram_args *args)
{
	return args->header.arrays[WEIGHTS].dims > 0;
}

/* In this process. */
struct bins {
	size_t count;
	double low, width;  /* edge i is low + i * width, and then rounded */
	double first, last; /* edges */
	double power; /* the power of two by which small items are multiplied */
	double scale; /* bins in a width of 1, after the multiplication */
	enum rig_dtype dtype; /* the dtype to which edges are rounded */
};

/* The nearest item of a dtype; beyond its range, the value itself. */
INLINE double as_item(enum rig_dtype dtype, double value)
{
	uint16_t half;
	double item;

	if (dtype == RIG_FLOAT32 && fabs(value) <= FLT_MAX)
		return (double)(float)value;
	if (dtype != RIG_FLOAT16)
		return value;
	half = convert_float16_of(value);
	convert_to_double(dtype, &half, 0, 1, &item);
	return isfinite(item) ? item : value;
}

/* `dtype` is bins->dtype.  The argument lets a loop pass a constant, which
 * makes the loop faster. */
INLINE double edge(const struct bins *bins, size_t i, enum rig_dtype dtype)
{
	if (i == bins->count)
		return bins->last;
	return as_item(dtype, bins->low + (double)i * bins->width);
}

static inline struct bins bins_between(const struct histogram_args *args,
				       double low, double high)
{
	enum rig_dtype dtype = args->header.arrays[X].dtype;
	double all = high - low;
	/* Or the inverse of a range of denormals would be infinite. */
	double power = all < 1 ? 0x1p100 : 1;

	return (struct bins){
		.count = args->bins,
		.low = low,
		.width = all / (double)args->bins,
		.first = as_item(dtype, low),
		.last = as_item(dtype, high),
		.power = power,
		.scale = (double)args->bins / (all * power),
		.dtype = dtype,
	};
}

/* The bins of the found range. */
static inline struct bins bins_of(struct rig_team *team)
{
	const double *range = rig_team_data(team, RANGE);

	return bins_between(rig_team_args(team), range[LOW], range[HIGH]);
}

/* The items of the team's arguments, put into bins by `find_bins`. */
struct weighted histogram_items(struct rig_team *team,
				void (*find_bins)(const struct weighted *,
						  size_t, size_t, size_t *));

/* The range of all items, of which each rank of the team `all` has a span; of none,
 * and of equal items, NumPy's.  Not finite where an item is not. */
int histogram_range(struct rig_team *team, struct rig_team *all,
		    struct rig_span span, double range[2]);

/* How many of a span's items lie in no bin. */
double histogram_outside(const struct weighted *w, struct rig_span span);

/* The kernel's proof (rig_kernel). */
int histogram_digest(struct rig_team *team);
int histogram_verify(struct rig_team *team);
uint64_t histogram_blocks(const void *given);
int histogram_prove(struct rig_team *team, uint64_t block, const void *before);

#endif
