/* SPDX-License-Identifier: MIT */
/*
 * bincount.c - how often each of 0, 1, 2, ... occurs in an array of integers, or
 * the sum of the weights of the elements with each value.
 *
 * Element 3 of the result counts the threes.  The result reaches to the
 * greatest element, and at least to minlength=. bins= is the memory for the
 * result: no element may be as great.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/weighted.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 20000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define BINS_MAX       16777216.0

enum { X, COUNTS, WEIGHTS, PARTS };

struct bincount_args {
	struct rig_kernel_args header;
	size_t length;
	size_t bins;
	size_t minlength;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data, 0 to 999",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct bincount_args, length),
	  .fallback = "20M",
	  .max = LENGTH_MAX },
	{ .name = "bins",
	  .help = "elements are below it",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct bincount_args, bins),
	  .fallback = "64Ki",
	  .min = 1,
	  .max = BINS_MAX },
	{ .name = "minlength",
	  .help = "elements of the result at least",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct bincount_args, minlength),
	  .fallback = "0",
	  .max = BINS_MAX },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct bincount_args *args = given;

	return args->length;
}

static uint64_t count_bins(const void *given)
{
	const struct bincount_args *args = given;

	return args->bins;
}

static bool weighs(const struct bincount_args *args)
{
	return args->header.arrays[WEIGHTS].dims > 0;
}

static uint64_t count_parts(const void *given)
{
	return weighted_parts(count_bins(given), weighs(given));
}

static int check_items(const struct bincount_args *args, char *why,
		       size_t why_bytes)
{
	const struct rig_array *arrays = args->header.arrays;

	if (!convert_knows(&arrays[X]) || !convert_whole(arrays[X].dtype)) {
		snprintf(why, why_bytes,
			 "bincount takes bool and integers, in this machine's "
			 "byte order");
		return -EINVAL;
	}
	if (weighs(args) && !convert_knows(&arrays[WEIGHTS]))
		return convert_check(&arrays[WEIGHTS], "bincount's weights",
				     why, why_bytes);
	if (weighs(args) && arrays[WEIGHTS].count != arrays[X].count) {
		snprintf(why, why_bytes,
			 "weights has %" PRIu64 " elements, and x %" PRIu64
			 ": they are to have as many",
			 arrays[WEIGHTS].count, arrays[X].count);
		return -EINVAL;
	}
	if (args->minlength > args->bins) {
		snprintf(why, why_bytes, "minlength=%zu is more than bins=%zu",
			 args->minlength, args->bins);
		return -EINVAL;
	}
	return 0;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct bincount_args *args = given;
	int r = check_items(args, why, why_bytes);

	if (r == 0)
		r = arguments_length(&args->header, LENGTH_DEFAULT,
				     &args->length, why, why_bytes);
	return r < 0 ? r
		     : convert_result(&args->header.arrays[COUNTS],
				      weighs(args) ? RIG_FLOAT64 : RIG_INT64,
				      why, why_bytes);
}

static double bytes_moved(const void *given)
{
	const struct bincount_args *args = given;

	return (double)args->length * args->header.arrays[X].item_bytes;
}

static size_t private_bytes(const void *given, int size)
{
	(void)size;
	return weighted_memory(count_bins(given));
}

static int prepare(struct rig_team *team)
{
	const struct bincount_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	int64_t *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = (int64_t)(share_scatter(i) % 1000 % args->bins);
	return rig_team_barrier(team);
}

/* A negative integer is a large number without a sign. */
static void find(const struct weighted *w, size_t begin, size_t end,
		 size_t *bins)
{
	const struct bincount_args *args = w->given;
	uint64_t items[SHARE_CHUNK];

	convert_to_64(args->header.arrays[X].dtype, rig_team_data(w->team, X),
		      begin, end, items);
	for (size_t i = 0; i < end - begin; i++)
		bins[i] = items[i] < args->bins ? items[i] : WEIGHT_NONE;
}

static struct weighted weighted_of(struct rig_team *team)
{
	const struct bincount_args *args = rig_team_args(team);

	return (struct weighted){
		.team = team,
		.given = args,
		.length = args->length,
		.bins = args->bins,
		.weights = weighs(args) ? rig_team_data(team, WEIGHTS) : NULL,
		.dtype = args->header.arrays[WEIGHTS].dtype,
		.find = find,
	};
}

/* The greatest element plus 1; and the first element that is in no bin, counted
 * from the end: length where every element is in a bin. */
struct reach {
	uint64_t end, outside;
};

static int find_reach(struct rig_team *team, struct reach *all)
{
	const struct bincount_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, args->length);
	struct reach mine = { 0, 0 };
	uint64_t item;

	for (size_t i = own.begin; i < own.end; i++) {
		convert_to_64(args->header.arrays[X].dtype,
			      rig_team_data(team, X), i, i + 1, &item);
		if (item >= args->bins && mine.outside == 0)
			mine.outside = args->length - i;
		else if (item < args->bins && item >= mine.end)
			mine.end = item + 1;
	}
	return rig_team_allreduce(team, &mine, all, 2, RIG_UINT64, RIG_MAX);
}

static int refuse(struct rig_team *team, size_t i)
{
	const struct bincount_args *args = rig_team_args(team);
	enum rig_dtype dtype = args->header.arrays[X].dtype;
	uint64_t item;

	convert_to_64(dtype, rig_team_data(team, X), i, i + 1, &item);
	return rig_team_fail(team, -EINVAL,
			     convert_signed(dtype)
				     ? "bincount: element %zu is %" PRId64
				       ": 0 to %zu are counted, bins=%zu"
				     : "bincount: element %zu is %" PRIu64
				       ": 0 to %zu are counted, bins=%zu",
			     i, (int64_t)item, args->bins - 1, args->bins);
}

static int run(struct rig_team *team)
{
	const struct bincount_args *args = rig_team_args(team);
	struct weighted w = weighted_of(team);
	uint64_t *lengths = rig_team_result(team);
	struct reach reach;
	int r = find_reach(team, &reach);

	if (r < 0)
		return r;
	if (reach.outside)
		return refuse(team, args->length - reach.outside);
	lengths[COUNTS] =
		reach.end > args->minlength ? reach.end : args->minlength;
	return weighted_count(&w, rig_team_data(team, COUNTS),
			      rig_team_data(team, PARTS));
}

static int digest(struct rig_team *team)
{
	const struct bincount_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[X] = sum_strip(team, X, args->header.arrays[X].item_bytes,
			    share_next(team, args->length));
	sums[WEIGHTS] = sum_strip(
		team, WEIGHTS, args->header.arrays[WEIGHTS].item_bytes,
		share_next(team, args->header.arrays[WEIGHTS].count));
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct bincount_args *args = rig_team_args(team);
	const struct rig_kernel_args *header = &args->header;
	struct weighted w = weighted_of(team);
	struct reach reach;
	int r;

	if (header->found[X] != header->digest[X] ||
	    header->found[WEIGHTS] != header->digest[WEIGHTS])
		return rig_team_fail(team, -EBADMSG,
				     "bincount: the items have changed");
	r = find_reach(team, &reach);
	if (r == 0 &&
	    header->arrays[COUNTS].count !=
		    (reach.end > args->minlength ? reach.end : args->minlength))
		return rig_team_fail(team, -EBADMSG,
				     "bincount: the result has %" PRIu64
				     " elements",
				     header->arrays[COUNTS].count);
	return r < 0 ? r
		     : weighted_check(&w, rig_team_data(team, COUNTS),
				      header->arrays[COUNTS].count, "bincount");
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INPUT,
	  .dtype = RIG_INT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_generated },
	{ .name = "counts",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_INT64,
	  .any_dtype = true,
	  .shortens = true,
	  .count = count_bins },
	{ .name = "weights",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .optional = true },
	{ .name = "parts",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_parts },
	{ 0 },
};

const struct rig_kernel kernel_bincount = {
	.version = RIG_KERNEL_VERSION,
	.name = "bincount",
	.summary =
		"how often each of 0, 1, 2, ... occurs, or the sum of weights",
	.verified = "each element counted again by another rank; sums of "
		    "weights within the rounding that is due",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct bincount_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
};
