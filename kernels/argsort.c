/* SPDX-License-Identifier: MIT */
/*
 * argsort.c - the places of an array's elements in ascending order of these.
 *
 * A sample sort of keys with their places (sort_pairs.h).  Equal elements keep
 * the order they came in, as NumPy's kind="stable" has it; both zeros are equal,
 * and so are all that are no numbers, which come last.
 *
 * The proof needs no more than neighbours: where each pair of an element and its
 * place is greater than the one before, no place comes twice, and as many places
 * as there are elements are all of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <runrig/kernel.h>

#include <runner/arguments.h>
#include <kernels/builtin.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/sort_pairs.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>

#define LENGTH_DEFAULT 10000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */

/* Places that are a block of the proof. */
#define BLOCK 2048

enum { X, ORDER, DEALT, NOTES, COUNTS };

struct argsort_args {
	struct rig_kernel_args header;
	size_t length;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct argsort_args, length),
	  .fallback = "10M",
	  .max = LENGTH_MAX },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct argsort_args *args = given;

	return args->length;
}

static uint64_t count_items(const void *given)
{
	const struct argsort_args *args = given;

	return args->header.arrays[X].count;
}

/* Two pairs of an item, of two words each. */
static uint64_t count_dealt(const void *given)
{
	return 4 * count_items(given);
}

static uint64_t count_counts(const void *given)
{
	(void)given;
	return SAMPLE_COUNTS;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct argsort_args *args = given;
	int r = convert_check(&args->header.arrays[X], "argsort", why,
			      why_bytes);

	return r < 0 ? r
		     : arguments_length(&args->header, LENGTH_DEFAULT,
					&args->length, why, why_bytes);
}

static size_t private_bytes(const void *given, int size)
{
	(void)given;
	(void)size;
	return sample_memory(sizeof(uint64_t));
}

/* Uniform in -1 to 1. */
static int prepare(struct rig_team *team)
{
	const struct argsort_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = (double)(int64_t)share_scatter(i) * 0x1p-63;
	return rig_team_barrier(team);
}

static struct sort_order order_of(const struct argsort_args *args)
{
	const struct rig_array *x = &args->header.arrays[X];

	return sort_order_of(x->dtype, x->item_bytes, true);
}

static int run(struct rig_team *team)
{
	const struct argsort_args *args = rig_team_args(team);
	struct sort_order by = order_of(args);
	struct sample sample = {
		.team = team,
		.length = args->length,
		.x = rig_team_data(team, ORDER),
		.dealt = rig_team_data(team, DEALT),
		.notes = rig_team_data(team, NOTES),
		.totals = rig_team_data(team, COUNTS),
		.memory = malloc(sample_memory(sizeof(uint64_t))),
	};
	int r;

	if (!sample.memory)
		return rig_team_fail(team, -ENOMEM, "argsort: no memory");
	sample.places = sample.totals + SAMPLE_BUCKETS;
	r = sort_pairs(&sample, &by, rig_team_data(team, X),
		       args->header.arrays[X].item_bytes);
	free(sample.memory);
	return r;
}

static int digest(struct rig_team *team)
{
	const struct argsort_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[0] = sum_strip(team, X, args->header.arrays[X].item_bytes,
			    share_next(team, args->length));
	return 0;
}

/* Does place i hold an element, and is it above the one before? */
static bool is_right(struct rig_team *team, const struct sort_order *by,
		     size_t i)
{
	const struct argsort_args *args = rig_team_args(team);
	size_t bytes = args->header.arrays[X].item_bytes;
	const uint64_t *order = rig_team_data(team, ORDER);
	const char *x = rig_team_data(team, X);
	uint64_t key, before;

	if (order[i] >= args->length)
		return false;
	if (i == 0 || order[i - 1] >= args->length)
		return i == 0;
	key = pair_key(by, x, order[i], bytes);
	before = pair_key(by, x, order[i - 1], bytes);
	return key > before || (key == before && order[i] > order[i - 1]);
}

static int check_span(struct rig_team *team, struct rig_span span)
{
	struct sort_order by = order_of(rig_team_args(team));

	for (size_t i = span.begin; i < span.end; i++)
		if (!is_right(team, &by, i))
			return rig_team_fail(team, -EBADMSG,
					     "argsort: place %zu of the order "
					     "is wrong",
					     i);
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct argsort_args *args = rig_team_args(team);

	if (args->header.found[0] != args->header.digest[0])
		return rig_team_fail(team, -EBADMSG, "argsort: x was changed");
	return check_span(team, share_next(team, args->length));
}

/* The last block is empty: nothing holds the others together. */
static uint64_t blocks(const void *given)
{
	const struct argsort_args *args = given;

	return args->length / BLOCK + 2;
}

static int prove(struct rig_team *team, uint64_t block, const void *before)
{
	const struct argsort_args *args = rig_team_args(team);
	size_t begin = block * BLOCK, end = begin + BLOCK;

	(void)before;
	return check_span(
		team, (struct rig_span){
			      begin, end < args->length ? end : args->length });
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
	  .count = count_generated },
	{ .name = "order",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_INT64,
	  .count = count_items },
	{ .name = "dealt",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_dealt },
	{ .name = "notes",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count_items },
	{ .name = "counts",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_counts },
	{ 0 },
};

const struct rig_kernel kernel_argsort = {
	.version = RIG_KERNEL_VERSION,
	.name = "argsort",
	.summary = "the places of an array's elements in ascending order",
	.verified = "each element and its place against the ones before",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct argsort_args),
	.items = items,
	.item = "items",
	.check = check,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
	.blocks = blocks,
	.prove = prove,
};
