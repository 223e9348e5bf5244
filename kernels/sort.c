/* SPDX-License-Identifier: MIT */
/*
 * sort.c - an array in ascending order: a sample sort with radix sorts inside.
 *
 * An item becomes a key, an unsigned number of the same size and order
 * (sort_keys.h): not-a-numbers come last, as NumPy has them.
 *
 *	1  everybody draws the same sample and takes splitters from it, so that
 *	   buckets are about equal whatever the distribution
 *	2  each chunk notes its items' buckets, and how many go to each
 *	3  each bucket's counts become places, chunk after chunk
 *	4  each chunk deals its keys out to the second array
 *	5  each bucket, small enough for the cache, is sorted by radix between the
 *	   two arrays and ends as items in the first
 *
 * with barriers between.  Neither chunks nor buckets depend on the team.
 *
 * With stable=yes items that compare as equal keep the order they came in:
 * those that differ in their bits all the same, which are the zeros and the
 * not-a-numbers, have a bucket of their own each, and there nothing is left to
 * do once the keys are dealt, in order.
 *
 * Complex numbers and those of float128 have no such keys: see sort_wide.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/kernel.h>

#include "builtin.h"
#include "clones.h"
#include "share.h"
#include "sort_keys.h"
#include "sort_wide.h"
#include "sum.h"

#define LENGTH_DEFAULT 10000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */
#define SEED_MAX       4294967295.0

#define RADIX 256

/* Items up to which a bucket is sorted by insertion. */
#define FEW 48

enum { X, DEALT, NOTES, COUNTS };
enum { ITEMS, ZEROS, NANS }; /* words of a digest */

struct sort_args {
	struct rig_kernel_args header;
	size_t length;
	uint64_t seed;
	uint32_t stable;
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "elements of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct sort_args, length),
	  .fallback = "10M",
	  .max = LENGTH_MAX },
	{ .name = "seed",
	  .help = "of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct sort_args, seed),
	  .fallback = "0",
	  .max = SEED_MAX },
	{ .name = "stable",
	  .help = "yes: -0.0 and 0.0, and all that is no number, stay in the "
		  "order they came in; no: in that of their bits",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct sort_args, stable),
	  .fallback = "no",
	  .choices = "no yes" },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct sort_args *args = given;

	return args->length;
}

static size_t item_bytes(const struct sort_args *args)
{
	return args->header.arrays[X].item_bytes;
}

static bool is_wide(const struct sort_args *args)
{
	return sort_wide_knows(args->header.arrays[X].dtype);
}

static uint64_t count_dealt(const void *given)
{
	const struct sort_args *args = given;

	return args->header.arrays[X].count * item_bytes(args);
}

static uint64_t count_notes(const void *given)
{
	const struct sort_args *args = given;

	return args->header.arrays[X].count;
}

/* Keys of each bucket, then where each chunk's next one goes. */
static uint64_t count_counts(const void *given)
{
	(void)given;
	return BUCKETS + CHUNKS * BUCKETS;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct sort_args *args = given;
	const struct rig_array *x = &args->header.arrays[X];

	if ((sort_dtype(x->dtype) == SORT_DTYPES &&
	     !sort_wide_knows(x->dtype)) ||
	    x->swapped) {
		snprintf(why, why_bytes,
			 "sort takes numbers and bool, in this machine's byte "
			 "order");
		return -EINVAL;
	}
	if (args->header.given && args->length != x->count &&
	    args->length != LENGTH_DEFAULT) {
		snprintf(why, why_bytes,
			 "length=%zu, but the array given has %zu elements",
			 args->length, (size_t)x->count);
		return -EINVAL;
	}
	args->length = x->count;
	return 0;
}

/* Samples and splitters; counts of digits and places. */
static size_t private_bytes(const void *given, int size)
{
	const struct sort_args *args = given;

	(void)size;
	if (is_wide(args))
		return sort_wide_memory(item_bytes(args));
	return (SAMPLES + BUCKETS + 8 * RADIX + 2 * BUCKETS) * sizeof(uint64_t);
}

/* Generated data: uniform in -1 to 1. */
static double value_at(const struct sort_args *args, size_t i)
{
	return (double)(int64_t)share_scatter(i + (args->seed << 32)) * 0x1p-63;
}

static int prepare(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	double *x = rig_team_data(team, X);

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = value_at(args, i);
	return rig_team_barrier(team);
}

/* In this process: one rank's view of a run. */
struct sorting {
	struct rig_team *team;
	size_t bytes; /* of an item */
	size_t length;
	char *x, *dealt;
	uint8_t *notes;
	uint64_t *totals, *places;
	uint64_t *splitters; /* buckets - 1 of them, then the highest key */
	struct sort_order by;
};

INLINE uint64_t key_at(const struct sorting *s, const char *items, size_t i,
		       size_t bytes)
{
	return sort_key(&s->by, sort_load(items, i, bytes), bytes);
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Buckets of their own for those that are equal and of other bits, at the cost
 * of three splitters out of as many places. */
static void split_equals(struct sorting *s)
{
	s->splitters[BUCKETS / 4] = s->by.zero;
	s->splitters[BUCKETS / 2] = s->by.zero + 2;
	s->splitters[BUCKETS / 4 * 3] = s->by.nan;
	qsort(s->splitters, BUCKETS - 1, sizeof(*s->splitters), order);
}

/* The same splitters in every rank; too few items need none. */
INLINE void split(struct sorting *s, uint64_t *samples, size_t bytes)
{
	size_t step = s->length / SAMPLES;

	for (size_t i = 0; i < SAMPLES; i++)
		samples[i] =
			step ? sort_least(&s->by,
					  key_at(s, s->x,
						 i * step + share_scatter(i) %
								    step,
						 bytes))
			     : s->by.nan;
	qsort(samples, SAMPLES, sizeof(*samples), order);
	for (size_t b = 0; b + 1 < BUCKETS; b++)
		s->splitters[b] = samples[(b + 1) * (SAMPLES / BUCKETS)];
	s->splitters[BUCKETS - 1] = UINT64_MAX;
	if (s->by.stable)
		split_equals(s);
}

/* How many splitters are at most the key: a search without a branch. */
INLINE size_t bucket_of(const struct sorting *s, uint64_t key)
{
	const uint64_t *at = s->splitters;
	size_t bucket = 0;

	for (size_t half = BUCKETS / 2; half > 0; half /= 2)
		bucket += at[bucket + half - 1] <= key ? half : 0;
	return bucket;
}

INLINE void note(const struct sorting *s, size_t chunk, size_t bytes)
{
	struct rig_span span = rig_strip(s->length, (int)chunk, CHUNKS);
	uint64_t *places = s->places + chunk * BUCKETS;
	uint64_t found[BUCKETS] = { 0 };

	for (size_t i = span.begin; i < span.end; i++)
		s->notes[i] = (uint8_t)bucket_of(s, key_at(s, s->x, i, bytes));
	for (size_t i = span.begin; i < span.end; i++)
		found[s->notes[i]]++;
	memcpy(places, found, sizeof(found));
}

INLINE void deal(const struct sorting *s, size_t chunk, const uint64_t *firsts,
		 size_t bytes)
{
	struct rig_span span = rig_strip(s->length, (int)chunk, CHUNKS);
	uint64_t next[BUCKETS];

	for (size_t b = 0; b < BUCKETS; b++)
		next[b] = firsts[b] + s->places[chunk * BUCKETS + b];
	for (size_t i = span.begin; i < span.end; i++)
		sort_store(s->dealt, next[s->notes[i]]++, bytes,
			   key_at(s, s->x, i, bytes));
}

INLINE void insertion(char *keys, size_t count, size_t bytes)
{
	for (size_t i = 1; i < count; i++) {
		uint64_t key = sort_load(keys, i, bytes);
		size_t at = i;

		for (; at > 0 && sort_load(keys, at - 1, bytes) > key; at--)
			sort_store(keys, at, bytes,
				   sort_load(keys, at - 1, bytes));
		sort_store(keys, at, bytes, key);
	}
}

/* One digit of all keys; counts become places. */
INLINE void pass(char *restrict to, const char *restrict from, size_t count,
		 size_t digit, uint64_t counts[RADIX], size_t bytes)
{
	uint64_t next = 0;

	for (size_t d = 0; d < RADIX; d++) {
		uint64_t found = counts[d];

		counts[d] = next;
		next += found;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t key = sort_load(from, i, bytes);

		sort_store(to, counts[key >> 8 * digit & (RADIX - 1)]++, bytes,
			   key);
	}
}

/* Sort keys by radix, lowest digit first, skipping digits that all share;
 * returns where the sorted ones are: `keys` or `other`. */
INLINE char *radix(char *keys, char *other, size_t count, size_t bytes)
{
	uint64_t counts[8][RADIX];
	uint64_t first = sort_load(keys, 0, bytes);

	memset(counts, 0, bytes * sizeof(counts[0]));
	for (size_t i = 0; i < count; i++) {
		uint64_t key = sort_load(keys, i, bytes);

		for (size_t d = 0; d < bytes; d++)
			counts[d][key >> 8 * d & (RADIX - 1)]++;
	}
	for (size_t d = 0; d < bytes; d++) {
		char *swap = keys;

		if (counts[d][first >> 8 * d & (RADIX - 1)] == count)
			continue;
		pass(other, keys, count, d, counts[d], bytes);
		keys = other;
		other = swap;
	}
	return keys;
}

/* Items first to end - 1, dealt as keys, sorted into x; `equal`: they are in
 * order as they are. */
INLINE void finish(const struct sorting *s, size_t first, size_t end,
		   bool equal, size_t bytes)
{
	char *x = s->x + first * bytes;
	char *keys = s->dealt + first * bytes;
	size_t count = end - first;

	if (count > FEW && !equal)
		keys = radix(keys, x, count, bytes);
	else if (!equal)
		insertion(keys, count, bytes);
	for (size_t i = 0; i < count; i++)
		sort_store(x, i, bytes,
			   sort_item(&s->by, sort_load(keys, i, bytes), bytes));
}

/* Few items: one rank does it all. */
INLINE int sort_few(const struct sorting *s, size_t bytes)
{
	if (rig_team_rank(s->team) == 0) {
		for (size_t i = 0; i < s->length; i++)
			sort_store(s->dealt, i, bytes,
				   key_at(s, s->x, i, bytes));
		finish(s, 0, s->length, false, bytes);
	}
	return rig_team_barrier(s->team);
}

/* The own buckets are those whose first item lies in the own strip of items,
 * so that ranks have about as many items. */
INLINE void finish_own(const struct sorting *s, const uint64_t *firsts,
		       size_t bytes)
{
	struct rig_span strip = rig_team_strip(s->team, s->length);
	size_t zeros = s->by.stable ? bucket_of(s, s->by.zero) : BUCKETS;
	size_t nans = s->by.stable ? bucket_of(s, s->by.nan) : BUCKETS;

	for (size_t b = 0; b < BUCKETS; b++)
		if (firsts[b] >= strip.begin && firsts[b] < strip.end &&
		    s->totals[b])
			finish(s, firsts[b], firsts[b] + s->totals[b],
			       b == zeros || b == nans, bytes);
}

INLINE int sort_many(struct sorting *s, uint64_t *memory, size_t bytes)
{
	struct rig_span chunks = rig_team_strip(s->team, CHUNKS);
	uint64_t firsts[BUCKETS], next = 0;

	s->splitters = memory + SAMPLES;
	split(s, memory, bytes);
	for (size_t c = chunks.begin; c < chunks.end; c++)
		note(s, c, bytes);
	rig_team_barrier(s->team);
	sort_place(s->totals, s->places, rig_team_strip(s->team, BUCKETS));
	rig_team_barrier(s->team);
	for (size_t b = 0; b < BUCKETS; b++) {
		firsts[b] = next;
		next += s->totals[b];
	}
	for (size_t c = chunks.begin; c < chunks.end; c++)
		deal(s, c, firsts, bytes);
	rig_team_barrier(s->team);
	finish_own(s, firsts, bytes);
	return rig_team_barrier(s->team);
}

INLINE int sort_sized(struct sorting *s, uint64_t *memory, size_t bytes)
{
	return s->length <= ONE_BUCKET && !s->by.stable
		       ? sort_few(s, bytes)
		       : sort_many(s, memory, bytes);
}

static int sort(struct sorting *s, uint64_t *memory)
{
	switch (s->bytes) {
	case 1:
		return sort_sized(s, memory, 1);
	case 2:
		return sort_sized(s, memory, 2);
	case 4:
		return sort_sized(s, memory, 4);
	default:
		return sort_sized(s, memory, 8);
	}
}

static struct sort_order order_of(const struct sort_args *args)
{
	return sort_order_of(args->header.arrays[X].dtype, item_bytes(args),
			     args->stable);
}

static int run_wide(struct rig_team *team, const struct sort_args *args,
		    void *memory)
{
	uint64_t *counts = rig_team_data(team, COUNTS);
	struct sort_wide sort = {
		.team = team,
		.dtype = args->header.arrays[X].dtype,
		.length = args->length,
		.x = rig_team_data(team, X),
		.dealt = rig_team_data(team, DEALT),
		.notes = rig_team_data(team, NOTES),
		.totals = counts,
		.places = counts + BUCKETS,
	};

	return sort_wide(&sort, memory);
}

static int run_keys(struct rig_team *team, const struct sort_args *args,
		    void *memory)
{
	uint64_t *counts = rig_team_data(team, COUNTS);
	struct sorting s = {
		.team = team,
		.bytes = item_bytes(args),
		.length = args->length,
		.x = rig_team_data(team, X),
		.dealt = rig_team_data(team, DEALT),
		.notes = rig_team_data(team, NOTES),
		.totals = counts,
		.places = counts + BUCKETS,
		.by = order_of(args),
	};

	return sort(&s, memory);
}

static int run(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	bool wide = is_wide(args);
	void *memory = malloc(wide ? sort_wide_memory(item_bytes(args))
				   : (SAMPLES + BUCKETS) * sizeof(uint64_t));
	int r;

	if (!memory)
		return rig_team_fail(team, -ENOMEM, "sort: no memory");
	r = wide ? run_wide(team, args, memory) : run_keys(team, args, memory);
	free(memory);
	return r;
}

/* What does not tell the order: both before and after, the same. */
static uint64_t sum_of(const struct sort_args *args, const char *x,
		       struct rig_span strip)
{
	return sum_items(x + strip.begin * item_bytes(args),
			 strip.end - strip.begin, item_bytes(args), 0, 0);
}

/* What tells the order of those that are equal and of other bits: each with
 * its place among its like, for which all before the strip are counted. */
static void sum_equals(const struct sort_args *args, const char *x,
		       struct rig_span strip, uint64_t *sums)
{
	struct sort_order by = order_of(args);
	size_t bytes = item_bytes(args);
	size_t places[] = { [ZEROS] = 0, [NANS] = 0 };

	if (!by.stable)
		return;
	for (size_t i = 0; i < strip.end; i++) {
		uint64_t key = sort_key(&by, sort_load(x, i, bytes), bytes);
		int like = sort_is_zero(&by, key) ? ZEROS : NANS;

		if (like == NANS && !sort_is_nan(&by, key))
			continue;
		if (i >= strip.begin)
			sums[like] += sum_items(x + i * bytes, 1, bytes,
						places[like], 1);
		places[like]++;
	}
}

static int digest(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	struct rig_span strip = share_next(team, args->length);
	const char *x = rig_team_data(team, X);
	uint64_t *sums = rig_team_result(team);

	sums[ITEMS] = sum_of(args, x, strip);
	sums[ZEROS] = sums[NANS] = 0;
	if (!is_wide(args))
		sum_equals(args, x, strip, sums);
	return 0;
}

static int not_in_order(struct rig_team *team, size_t i)
{
	return rig_team_fail(team, -EBADMSG,
			     "sort: element %zu is less than the one before it",
			     i);
}

static int verify_wide(struct rig_team *team, const struct sort_args *args)
{
	uint32_t dtype = args->header.arrays[X].dtype;
	size_t bytes = item_bytes(args);
	struct rig_span strip = share_next(team, args->length);
	const char *x = rig_team_data(team, X);

	for (size_t i = strip.begin ? strip.begin : 1; i < strip.end; i++)
		if (sort_wide_before(dtype, x + i * bytes, x + (i - 1) * bytes))
			return not_in_order(team, i);
	return 0;
}

static int verify_order(struct rig_team *team, const struct sort_args *args)
{
	size_t bytes = item_bytes(args);
	struct rig_span strip = share_next(team, args->length);
	const char *x = rig_team_data(team, X);
	struct sort_order by = order_of(args);
	uint64_t before = 0;

	for (size_t i = strip.begin ? strip.begin - 1 : 0; i < strip.end; i++) {
		uint64_t key = sort_least(
			&by, sort_key(&by, sort_load(x, i, bytes), bytes));

		if (key < before)
			return not_in_order(team, i);
		before = key;
	}
	return 0;
}

/* The sums of what is there and of what was, as far as one rank sees: they are
 * equal for all of the array. */
static int verify_items(struct rig_team *team, const struct sort_args *args)
{
	struct rig_span all = { 0, args->length };
	uint64_t found = args->header.found[ITEMS];
	uint64_t want = args->header.digest[ITEMS];

	if (!args->header.given) {
		found = sum_of(args, rig_team_data(team, X), all);
		want = 0;
		for (size_t i = 0; i < args->length; i++) {
			double value = value_at(args, i);

			want += sum_items(&value, 1, sizeof(value), 0, 0);
		}
	}
	if (found != want)
		return rig_team_fail(
			team, -EBADMSG,
			"sort: the items are not those that were there "
			"(sum %016" PRIx64 ", expected %016" PRIx64 ")",
			found, want);
	for (int like = ZEROS; like <= NANS; like++)
		if (args->header.found[like] != args->header.digest[like])
			return rig_team_fail(team, -EBADMSG,
					     "sort: %s are not in the order "
					     "they came in",
					     like == ZEROS ? "zeros"
							   : "not-a-numbers");
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	int r = is_wide(args) ? verify_wide(team, args)
			      : verify_order(team, args);

	if (r == 0 && rig_team_rank(team) == 0)
		r = verify_items(team, args);
	return r;
}

const struct rig_kernel kernel_sort = {
	.name = "sort",
	.summary = "an array in ascending order, in place",
	.verified = "the order of all neighbours, and a sum of the items "
		    "before and after; stable=yes: the order of those that are "
		    "equal too, but for complex numbers and float128",
	.params = params,
	.arrays = { { .name = "x",
		      .dtype = RIG_FLOAT64,
		      .any_dtype = true,
		      .input = true,
		      .output = true,
		      .count = count_generated },
		    { .name = "dealt",
		      .dtype = RIG_UINT8,
		      .count = count_dealt },
		    { .name = "notes",
		      .dtype = RIG_UINT8,
		      .count = count_notes },
		    { .name = "counts",
		      .dtype = RIG_UINT64,
		      .count = count_counts } },
	.args_bytes = sizeof(struct sort_args),
	.check = check,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
};
