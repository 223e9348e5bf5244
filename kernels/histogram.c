/* SPDX-License-Identifier: MIT */
/*
 * histogram.c - how many items lie in each of a number of equal bins.
 *
 * Each rank counts its strip in memory of its own, for counters that are shared
 * would be fought for, and then adds its counts to the result.  Bins are those
 * of NumPy: bin i holds what is at least edge i and less than edge i + 1, the
 * last one also what is equal to `high`; all else is left out.  Edges are
 * doubles; where items are float32 or float16, edges are rounded to that dtype.
 */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <runner/dtype.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>
#include <kernels/lib/order_sum.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define BINS_MAX       16777216.0

enum { X, COUNTS };

struct histogram_args {
	struct rig_kernel_args header;
	size_t length;
	size_t bins;
	double low, high;
};

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
	  .help = "where the first bin begins",
	  .kind = RIG_PARAM_REAL,
	  .offset = offsetof(struct histogram_args, low),
	  .fallback = "0",
	  .min = -1e300,
	  .max = 1e300 },
	{ .name = "high",
	  .help = "where the last one ends",
	  .kind = RIG_PARAM_REAL,
	  .offset = offsetof(struct histogram_args, high),
	  .fallback = "1",
	  .min = -1e300,
	  .max = 1e300 },
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

/* In this process. */
struct bins {
	size_t count;
	double low, width;    /* edge i is low + i * width, and then rounded */
	double first, last;   /* edges */
	double power;         /* of two, by which small items are multiplied */
	double scale;         /* bins in a width of 1, after that */
	enum rig_dtype dtype; /* that edges are rounded to */
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

/* `dtype` is bins->dtype.  It is an argument so that loops can give a constant,
 * which makes them faster. */
INLINE double edge(const struct bins *bins, size_t i, enum rig_dtype dtype)
{
	if (i == bins->count)
		return bins->last;
	return as_item(dtype, bins->low + (double)i * bins->width);
}

static struct bins bins_of(const struct histogram_args *args)
{
	enum rig_dtype dtype = args->header.arrays[X].dtype;
	double all = args->high - args->low;
	/* Or the inverse of a range of denormals would be infinite. */
	double power = all < 1 ? 0x1p100 : 1;

	return (struct bins){
		.count = args->bins,
		.low = args->low,
		.width = all / (double)args->bins,
		.first = as_item(dtype, args->low),
		.last = as_item(dtype, args->high),
		.power = power,
		.scale = (double)args->bins / (all * power),
		.dtype = dtype,
	};
}

/* A bin between equal edges could hold nothing, whatever the items are. */
static int check_edges(const struct histogram_args *args, char *why,
		       size_t why_bytes)
{
	struct bins bins = bins_of(args);

	for (size_t i = 0; i < bins.count; i++) {
		if (edge(&bins, i, bins.dtype) < edge(&bins, i + 1, bins.dtype))
			continue;
		snprintf(why, why_bytes,
			 "low=%.17g high=%.17g are too close for bins=%zu: "
			 "%s has not as many numbers between them",
			 args->low, args->high, bins.count,
			 rig_dtype_name(convert_whole(bins.dtype)
						? RIG_FLOAT64
						: bins.dtype));
		return -EINVAL;
	}
	return 0;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct histogram_args *args = given;
	int r = convert_check(&args->header.arrays[X], "histogram", why,
			      why_bytes);

	if (r == 0)
		r = arguments_length(&args->header, LENGTH_DEFAULT,
				     &args->length, why, why_bytes);
	if (r < 0)
		return r;
	if (!(args->low < args->high)) {
		snprintf(why, why_bytes, "low=%g is not below high=%g",
			 args->low, args->high);
		return -EINVAL;
	}
	return check_edges(args, why, why_bytes);
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

	return args->bins * sizeof(uint64_t);
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
	/* By rounding, the guess may be off, seldom by more than one. */
	while (x < edge(bins, bin, dtype))
		bin--;
	while (bin + 1 < bins->count && x >= edge(bins, bin + 1, dtype))
		bin++;
	return bin;
}

INLINE void add_as(enum rig_dtype dtype, const struct bins *bins,
		   uint64_t *counts, const any_double *items, size_t count)
{
	/* A copy: the compiler sees that stores to counts do not change it. */
	const struct bins own = *bins;

	for (size_t i = 0; i < count; i++)
		if (items[i] >= own.first && items[i] <= own.last)
			counts[find(&own, items[i], dtype)]++;
}

static void add(const struct bins *bins, uint64_t *counts,
		const any_double *items, size_t count)
{
	switch (bins->dtype) {
	case RIG_FLOAT16:
		add_as(RIG_FLOAT16, bins, counts, items, count);
		break;
	case RIG_FLOAT32:
		add_as(RIG_FLOAT32, bins, counts, items, count);
		break;
	default:
		add_as(RIG_FLOAT64, bins, counts, items, count);
	}
}

static int run(struct rig_team *team)
{
	const struct histogram_args *args = rig_team_args(team);
	struct rig_span strip = world_strip(team, args->length);
	struct rig_span own = rig_team_strip(team, args->bins);
	_Atomic uint64_t *counts = rig_team_data(team, COUNTS);
	struct bins bins = bins_of(args);
	uint64_t *mine = calloc(args->bins, sizeof(*mine));
	double room[SHARE_CHUNK];
	int r;

	if (!mine)
		return rig_team_fail(team, -ENOMEM,
				     "histogram: no memory for %zu bins",
				     args->bins);
	for (size_t b = own.begin; b < own.end; b++)
		atomic_store_explicit(counts + b, 0, memory_order_relaxed);
	for (size_t i = strip.begin; i < strip.end; i += SHARE_CHUNK) {
		size_t end = strip.end - i < SHARE_CHUNK ? strip.end
							 : i + SHARE_CHUNK;

		add(&bins, mine,
		    convert_doubles(args->header.arrays[X].dtype,
				    rig_team_data(team, X), i, end, room),
		    end - i);
	}
	/* All counts are zero before anybody adds to them. */
	rig_team_barrier(team);
	for (size_t b = 0; b < args->bins; b++)
		if (mine[b])
			atomic_fetch_add_explicit(counts + b, mine[b],
						  memory_order_relaxed);
	free(mine);
	r = rig_team_barrier(team);
	return r < 0 ? r
		     : world_sums(team, rig_team_data(team, COUNTS),
				  args->bins);
}

/* The same by bisection, which takes nothing but the edges themselves. */
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

/* Every rank counts the next one's items again, and has all counts then. */
static int verify_bins(struct rig_team *team, const struct histogram_args *args,
		       uint64_t *want)
{
	struct rig_span strip = share_next(team, args->length);
	struct rig_span own = share_next(team, args->bins);
	struct bins bins = bins_of(args);
	const uint64_t *counts = rig_team_data(team, COUNTS);
	double x;
	int r;

	for (size_t i = strip.begin; i < strip.end; i++) {
		convert_to_double(args->header.arrays[X].dtype,
				  rig_team_data(team, X), i, i + 1, &x);
		if (x >= bins.first && x <= bins.last)
			want[halve(&bins, x)]++;
	}
	r = rig_team_allreduce(team, RIG_IN_PLACE, want, args->bins, RIG_UINT64,
			       RIG_SUM);
	for (size_t b = own.begin; b < own.end && r == 0; b++)
		if (counts[b] != want[b])
			r = rig_team_fail(team, -EBADMSG,
					  "histogram: bin %zu has %" PRIu64
					  ", expected %" PRIu64,
					  b, counts[b], want[b]);
	return r;
}

/* The items, which are only read: the same before and after. */
static int digest(struct rig_team *team)
{
	const struct histogram_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[0] = sum_strip(team, X, args->header.arrays[X].item_bytes,
			    share_next(team, args->length));
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct histogram_args *args = rig_team_args(team);
	uint64_t *want;
	int r;

	if (args->header.found[0] != args->header.digest[0])
		return rig_team_fail(team, -EBADMSG,
				     "histogram: the items have changed");
	want = calloc(args->bins, sizeof(*want));
	if (!want)
		return rig_team_fail(team, -ENOMEM,
				     "histogram: no memory to verify");
	r = verify_bins(team, args, want);
	free(want);
	return r;
}

/* Items of a block; the last block is the counts themselves. */
#define BLOCK 2048

static size_t blocks_of(const struct histogram_args *args)
{
	return args->length / BLOCK + (args->length % BLOCK != 0);
}

static uint64_t blocks(const void *given)
{
	return blocks_of(given) + 1;
}

static int by_bin(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The bins of a block's items, in order; returns how many are in one. */
static size_t find_bins(struct rig_team *team,
			const struct histogram_args *args, size_t begin,
			uint32_t found[BLOCK])
{
	size_t end =
		args->length - begin < BLOCK ? args->length : begin + BLOCK;
	struct bins bins = bins_of(args);
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

/* A bin has at least what one block has put there. */
static int prove_block(struct rig_team *team, const struct histogram_args *args,
		       size_t begin)
{
	const uint64_t *counts = rig_team_data(team, COUNTS);
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
	const uint64_t *counts = rig_team_data(team, COUNTS);
	uint64_t left = args->length;

	for (size_t b = 0; b < args->bins; b++) {
		if (counts[b] > left)
			return rig_team_fail(team, -EBADMSG,
					     "histogram: the bins have more "
					     "items than the %zu there are",
					     args->length);
		left -= counts[b];
	}
	return 0;
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	(void)before;
	const struct histogram_args *args = rig_team_args(team);

	return block == blocks_of(args)
		       ? prove_counts(team, args)
		       : prove_block(team, args, block * BLOCK);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .any_order = true,
	  .count = count_generated },
	{ .name = "counts",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_UINT64,
	  .count = count_bins },
	{ 0 },
};

const struct rig_kernel kernel_histogram = {
	.version = RIG_KERNEL_VERSION,
	.name = "histogram",
	.summary = "how many items lie in each of a number of equal bins",
	.verified = "each item counted again by another rank, by search among "
		    "the bins' edges",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct histogram_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.hosts = 1,
	.verify = verify,
	.blocks = blocks,
	.prove = prove,
};
