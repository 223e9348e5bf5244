/* SPDX-License-Identifier: MIT */
/*
 * unique.c - the different elements of an array in ascending order, and how often
 * each element occurs.
 *
 * A copy of the array is sorted (sort_keys.h).  In the copy elements that
 * compare as equal have the same bits: both zeros are 0.0, and all NaNs are a
 * single NaN, as with NumPy's equal_nan.  Then the first element of each run of
 * equal elements goes to `values`, and the begins of the runs tell their
 * lengths.
 *
 * The proof: values ascend, and the sum of a hash of each element of the array
 * equals the sum of the values' hashes times their counts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/sample.h>
#include <kernels/lib/sort_keys.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 10000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */

enum { X, VALUES, COUNTS, SORTED, DEALT, NOTES, PLACES };
enum { UNCHANGED, HASHES }; /* words of a digest */

struct unique_args {
	struct rig_kernel_args header;
	size_t length;
	size_t different;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct unique_args, length),
	  .fallback = "10M",
	  .max = LENGTH_MAX },
	{ .name = "different",
	  .help = "of generated data: so many different ones at most",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct unique_args, different),
	  .fallback = "1M",
	  .min = 1,
	  .max = LENGTH_MAX },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct unique_args *args = given;

	return args->length;
}

static uint64_t count_items(const void *given)
{
	const struct unique_args *args = given;

	return args->header.arrays[X].count;
}

static size_t item_bytes(const struct unique_args *args)
{
	return args->header.arrays[X].item_bytes;
}

static uint64_t count_bytes(const void *given)
{
	return count_items(given) * item_bytes(given);
}

static uint64_t count_places(const void *given)
{
	(void)given;
	return SAMPLE_COUNTS;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct unique_args *args = given;
	struct rig_array *arrays = args->header.arrays;
	int r = convert_check(&arrays[X], "unique", why, why_bytes);

	if (r == 0)
		r = arguments_length(&args->header, LENGTH_DEFAULT,
				     &args->length, why, why_bytes);
	return r < 0 ? r
		     : convert_result(&arrays[VALUES], arrays[X].dtype, why,
				      why_bytes);
}

static size_t private_bytes(const void *given, int size)
{
	(void)size;
	return sample_memory(item_bytes(given));
}

static int prepare(struct rig_team *team)
{
	const struct unique_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = (double)(share_scatter(i) % args->different) - 7;
	return rig_team_barrier(team);
}

/* In this process. */
struct distinct {
	struct sort_order by;
	bool truth;     /* the item true of bool, which any bit makes */
	uint64_t quiet; /* the item that stands for all NaNs */
};

static struct distinct distinct_of(const struct unique_args *args)
{
	uint32_t dtype = args->header.arrays[X].dtype;
	uint64_t infinity = sort_dtypes[sort_dtype(dtype)].infinity;

	return (struct distinct){
		.by = sort_order_of(dtype, item_bytes(args), true),
		.truth = dtype == RIG_BOOL,
		.quiet = infinity | (infinity & -infinity) >> 1,
	};
}

/* Item i, in the form that all equal items share. */
static uint64_t item_at(const struct distinct *d, const char *items, size_t i,
			size_t bytes)
{
	uint64_t item = sort_load(items, i, bytes), key;

	if (d->truth)
		return item != 0;
	if (!d->by.stable)
		return item;
	key = sort_key(&d->by, item, bytes);
	return sort_is_zero(&d->by, key)  ? 0
	       : sort_is_nan(&d->by, key) ? d->quiet
					  : item;
}

static void copy_strip(struct rig_team *team, const struct unique_args *args)
{
	struct rig_span own = rig_team_strip(team, args->length);
	struct distinct d = distinct_of(args);
	const char *x = rig_team_data(team, X);
	char *to = rig_team_data(team, SORTED);
	size_t bytes = item_bytes(args);

	for (size_t i = own.begin; i < own.end; i++)
		sort_store(to, i, bytes, item_at(&d, x, i, bytes));
}

static int sort_copy(struct rig_team *team, const struct unique_args *args)
{
	size_t bytes = item_bytes(args);
	struct sort_order by =
		sort_order_of(args->header.arrays[X].dtype, bytes, false);
	struct sample sample = {
		.team = team,
		.length = args->length,
		.x = rig_team_data(team, SORTED),
		.dealt = rig_team_data(team, DEALT),
		.notes = rig_team_data(team, NOTES),
		.totals = rig_team_data(team, PLACES),
		.memory = malloc(sample_memory(bytes)),
	};
	int r;

	if (!sample.memory)
		return rig_team_fail(team, -ENOMEM, "unique: no memory");
	sample.places = sample.totals + SAMPLE_BUCKETS;
	r = sort_keys(&sample, &by, bytes);
	free(sample.memory);
	return r;
}

static bool is_first(const char *sorted, size_t i, size_t bytes)
{
	return i == 0 ||
	       sort_load(sorted, i, bytes) != sort_load(sorted, i - 1, bytes);
}

/* The number of runs that begin in each chunk; then, for each run, its value
 * and its begin.  Returns the number of runs. */
static uint64_t find_runs(struct rig_team *team, const struct unique_args *args)
{
	struct rig_span own = rig_team_strip(team, SAMPLE_CHUNKS);
	const char *sorted = rig_team_data(team, SORTED);
	uint64_t *begins = rig_team_data(team, COUNTS);
	uint64_t *found = rig_team_data(team, PLACES);
	char *values = rig_team_data(team, VALUES);
	size_t bytes = item_bytes(args);
	uint64_t at = 0, all = 0;

	for (size_t c = own.begin; c < own.end; c++) {
		struct rig_span span =
			rig_strip(args->length, (int)c, SAMPLE_CHUNKS);

		found[c] = 0;
		for (size_t i = span.begin; i < span.end; i++)
			found[c] += is_first(sorted, i, bytes);
	}
	rig_team_barrier(team);
	for (size_t c = 0; c < SAMPLE_CHUNKS; c++) {
		at += c < own.begin ? found[c] : 0;
		all += found[c];
	}
	for (size_t c = own.begin; c < own.end; c++) {
		struct rig_span span =
			rig_strip(args->length, (int)c, SAMPLE_CHUNKS);

		for (size_t i = span.begin; i < span.end; i++) {
			if (!is_first(sorted, i, bytes))
				continue;
			begins[at] = i;
			sort_store(values, at++, bytes,
				   sort_load(sorted, i, bytes));
		}
	}
	rig_team_barrier(team);
	return all;
}

/* Replace the begins of runs by their lengths. */
static void count_runs(struct rig_team *team, const struct unique_args *args,
		       uint64_t runs)
{
	struct rig_span own = rig_team_strip(team, runs);
	uint64_t *counts = rig_team_data(team, COUNTS);
	uint64_t end = own.end < runs ? counts[own.end] : args->length;

	rig_team_barrier(team);
	for (size_t i = own.begin; i < own.end; i++)
		counts[i] = (i + 1 < own.end ? counts[i + 1] : end) - counts[i];
}

static int run(struct rig_team *team)
{
	const struct unique_args *args = rig_team_args(team);
	uint64_t *lengths = rig_team_result(team);
	uint64_t runs;
	int r;

	copy_strip(team, args);
	rig_team_barrier(team);
	r = sort_copy(team, args);
	if (r < 0)
		return r;
	runs = find_runs(team, args);
	count_runs(team, args, runs);
	lengths[VALUES] = lengths[COUNTS] = runs;
	return rig_team_barrier(team);
}

static uint64_t hash_strip(struct rig_team *team,
			   const struct unique_args *args)
{
	struct rig_span strip = share_next(team, args->length);
	struct distinct d = distinct_of(args);
	const char *x = rig_team_data(team, X);
	size_t bytes = item_bytes(args);
	uint64_t sum = 0;

	for (size_t i = strip.begin; i < strip.end; i++) {
		uint64_t item = item_at(&d, x, i, bytes);

		sum += sum_items(&item, 1, sizeof(item), 0, 0);
	}
	return sum;
}

static int digest(struct rig_team *team)
{
	const struct unique_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[UNCHANGED] = sum_strip(team, X, item_bytes(args),
				    share_next(team, args->length));
	sums[HASHES] = hash_strip(team, args);
	return 0;
}

/* Adds up the values' hashes, each as often as the value occurs. */
static int verify_values(struct rig_team *team, const struct unique_args *args,
			 uint64_t *sum)
{
	struct rig_span strip =
		share_next(team, args->header.arrays[VALUES].count);
	const uint64_t *counts = rig_team_data(team, COUNTS);
	const char *values = rig_team_data(team, VALUES);
	struct distinct d = distinct_of(args);
	size_t bytes = item_bytes(args);

	for (size_t i = strip.begin; i < strip.end; i++) {
		uint64_t item = sort_load(values, i, bytes);

		if (i > 0 &&
		    sort_key(&d.by, item, bytes) <=
			    sort_key(&d.by, sort_load(values, i - 1, bytes),
				     bytes))
			return rig_team_fail(team, -EBADMSG,
					     "unique: value %zu is not above "
					     "the one before it",
					     i);
		/* Times 2^60 some hashes vanish. */
		if (counts[i] == 0 || counts[i] > args->length)
			return rig_team_fail(team, -EBADMSG,
					     "unique: value %zu occurs %" PRIu64
					     " times",
					     i, counts[i]);
		*sum += counts[i] * sum_items(&item, 1, sizeof(item), 0, 0);
	}
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct unique_args *args = rig_team_args(team);
	uint64_t sums[2] = { 0, 0 };
	int r;

	if (args->header.found[UNCHANGED] != args->header.digest[UNCHANGED])
		return rig_team_fail(team, -EBADMSG, "unique: x was changed");
	r = verify_values(team, args, &sums[0]);
	if (r < 0)
		return r;
	sums[1] = hash_strip(team, args);
	r = rig_team_allreduce(team, RIG_IN_PLACE, sums, 2, RIG_UINT64,
			       RIG_SUM);
	if (r == 0 && sums[0] != sums[1])
		r = rig_team_fail(team, -EBADMSG,
				  "unique: values and counts are not those of "
				  "the array");
	return r;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct unique_args *args = given;

	(void)data;
	snprintf(text, bytes, "different = %" PRIu64,
		 args->header.arrays[VALUES].count);
}

static double items(const void *given, void *const data[])
{
	(void)data;
	return (double)count_items(given);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "x",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .any_order = true,
	  .count = count_generated },
	{ .name = "values",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .shortens = true,
	  .count = count_items },
	{ .name = "counts",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_INT64,
	  .optional = true,
	  .shortens = true,
	  .count = count_items },
	{ .name = "sorted",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count_bytes },
	{ .name = "dealt",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count_bytes },
	{ .name = "notes",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count_items },
	{ .name = "places",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_places },
	{ 0 },
};

const struct rig_kernel kernel_unique = {
	.version = RIG_KERNEL_VERSION,
	.name = "unique",
	.summary = "the different elements of an array, and how often each "
		   "occurs",
	.verified = "the order of all values, and a hash of each element "
		    "against those of the values times their counts",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct unique_args),
	.items = items,
	.item = "items",
	.check = check,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
	.result = result,
};
