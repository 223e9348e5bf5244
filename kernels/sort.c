/* SPDX-License-Identifier: MIT */
/*
 * sort.c - an array in ascending order: a sample sort with radix sorts inside.
 *
 * An item becomes a key, an unsigned number of the same size and order.  Keys
 * that are equal are the same bits, so the order is total and a sort of it
 * stable: -0.0 before 0.0, and not-a-numbers last, as NumPy has them.
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
#include "sum.h"

#define LENGTH_DEFAULT 10000000
#define LENGTH_MAX     9007199254740992.0 /* 2^53 */

#define BUCKETS 256
#define SAMPLES (BUCKETS * 16)
#define CHUNKS  256
#define RADIX   256

/* Items up to which a bucket is sorted by insertion. */
#define FEW 48

/* Items up to which one rank alone is quickest. */
#define ONE_BUCKET 4096

enum { X, DEALT, NOTES, COUNTS };
enum kind { UNSIGNED, SIGNED, FLOAT };

struct sort_args {
	struct rig_kernel_args header;
	size_t length;
	uint64_t seed;
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
	  .max = LENGTH_MAX },
	{ 0 },
};

static const struct {
	enum rig_dtype dtype;
	enum kind kind;
	uint64_t infinity; /* of FLOAT: its bits */
} dtypes[] = {
	{ RIG_BOOL, UNSIGNED, 0 },
	{ RIG_INT8, SIGNED, 0 },
	{ RIG_INT16, SIGNED, 0 },
	{ RIG_INT32, SIGNED, 0 },
	{ RIG_INT64, SIGNED, 0 },
	{ RIG_UINT8, UNSIGNED, 0 },
	{ RIG_UINT16, UNSIGNED, 0 },
	{ RIG_UINT32, UNSIGNED, 0 },
	{ RIG_UINT64, UNSIGNED, 0 },
	{ RIG_FLOAT16, FLOAT, UINT64_C(0x7c00) },
	{ RIG_FLOAT32, FLOAT, UINT64_C(0x7f800000) },
	{ RIG_FLOAT64, FLOAT, UINT64_C(0x7ff0000000000000) },
};

#define DTYPES (sizeof(dtypes) / sizeof(*dtypes))

static size_t dtype_index(const struct sort_args *args)
{
	size_t i = 0;

	while (i < DTYPES && dtypes[i].dtype != args->header.arrays[X].dtype)
		i++;
	return i;
}

static uint64_t count_generated(const void *given)
{
	const struct sort_args *args = given;

	return args->length;
}

static size_t item_bytes(const struct sort_args *args)
{
	return args->header.arrays[X].item_bytes;
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

	if (dtype_index(args) == DTYPES || x->swapped) {
		snprintf(why, why_bytes,
			 "sort takes integers, bool and floats of up to 8 "
			 "bytes, in this machine's byte order");
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
	(void)given;
	(void)size;
	return (SAMPLES + BUCKETS + 8 * RADIX + 2 * BUCKETS) * sizeof(uint64_t);
}

/* 64 bits that tell nothing of their neighbours. */
static uint64_t scatter(uint64_t at)
{
	at = (at + 1) * UINT64_C(0x9e3779b97f4a7c15);
	at = (at ^ at >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	at = (at ^ at >> 27) * UINT64_C(0x94d049bb133111eb);
	return at ^ at >> 31;
}

/* Generated data: uniform in -1 to 1. */
static double value_at(const struct sort_args *args, size_t i)
{
	return (double)(int64_t)scatter(i + (args->seed << 32)) * 0x1p-63;
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
	size_t length, buckets;
	char *x, *dealt;
	uint8_t *notes;
	uint64_t *totals, *places;
	uint64_t *splitters; /* buckets - 1 of them, then the highest key */
	enum kind kind;
	uint64_t sign, lowest; /* the sign bit; FLOAT: minus infinity's key */
};

/* `bytes` is a constant wherever these two are used. */
INLINE uint64_t load(const char *items, size_t i, size_t bytes)
{
	uint64_t word = 0;

	memcpy(&word, items + i * bytes, bytes);
	return word;
}

INLINE void store(char *items, size_t i, size_t bytes, uint64_t word)
{
	memcpy(items + i * bytes, &word, bytes);
}

INLINE uint64_t mask_of(size_t bytes)
{
	return bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * bytes) - 1;
}

/* Floats: the negative ones turned round below the others; then minus infinity
 * becomes 0, and what lay below it, which is no number, wraps to the top. */
INLINE uint64_t key_of(const struct sorting *s, uint64_t item, size_t bytes)
{
	if (s->kind == UNSIGNED)
		return item;
	if (s->kind == SIGNED)
		return item ^ s->sign;
	item = item & s->sign ? ~item : item | s->sign;
	return (item - s->lowest) & mask_of(bytes);
}

INLINE uint64_t item_of(const struct sorting *s, uint64_t key, size_t bytes)
{
	if (s->kind == UNSIGNED)
		return key;
	if (s->kind == SIGNED)
		return key ^ s->sign;
	key = (key + s->lowest) & mask_of(bytes);
	return (key & s->sign ? key ^ s->sign : ~key) & mask_of(bytes);
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The same splitters in every rank. */
INLINE void split(struct sorting *s, uint64_t *samples, size_t bytes)
{
	size_t step = s->length / SAMPLES;

	for (size_t i = 0; i < SAMPLES; i++)
		samples[i] = key_of(
			s, load(s->x, i * step + scatter(i) % step, bytes),
			bytes);
	qsort(samples, SAMPLES, sizeof(*samples), order);
	for (size_t b = 0; b + 1 < s->buckets; b++)
		s->splitters[b] = samples[(b + 1) * (SAMPLES / BUCKETS)];
	s->splitters[BUCKETS - 1] = UINT64_MAX;
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
		s->notes[i] = (uint8_t)bucket_of(
			s, key_of(s, load(s->x, i, bytes), bytes));
	for (size_t i = span.begin; i < span.end; i++)
		found[s->notes[i]]++;
	memcpy(places, found, sizeof(found));
}

/* Of the own buckets: places from 0 on, chunk after chunk. */
static void place(const struct sorting *s, struct rig_span buckets)
{
	for (size_t b = buckets.begin; b < buckets.end; b++) {
		uint64_t next = 0;

		for (size_t c = 0; c < CHUNKS; c++) {
			uint64_t found = s->places[c * BUCKETS + b];

			s->places[c * BUCKETS + b] = next;
			next += found;
		}
		s->totals[b] = next;
	}
}

INLINE void deal(const struct sorting *s, size_t chunk, const uint64_t *firsts,
		 size_t bytes)
{
	struct rig_span span = rig_strip(s->length, (int)chunk, CHUNKS);
	uint64_t next[BUCKETS];

	for (size_t b = 0; b < BUCKETS; b++)
		next[b] = firsts[b] + s->places[chunk * BUCKETS + b];
	for (size_t i = span.begin; i < span.end; i++)
		store(s->dealt, next[s->notes[i]]++, bytes,
		      key_of(s, load(s->x, i, bytes), bytes));
}

INLINE void insertion(char *keys, size_t count, size_t bytes)
{
	for (size_t i = 1; i < count; i++) {
		uint64_t key = load(keys, i, bytes);
		size_t at = i;

		for (; at > 0 && load(keys, at - 1, bytes) > key; at--)
			store(keys, at, bytes, load(keys, at - 1, bytes));
		store(keys, at, bytes, key);
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
		uint64_t key = load(from, i, bytes);

		store(to, counts[key >> 8 * digit & (RADIX - 1)]++, bytes, key);
	}
}

/* Sort keys by radix, lowest digit first, skipping digits that all share;
 * returns where the sorted ones are: `keys` or `other`. */
INLINE char *radix(char *keys, char *other, size_t count, size_t bytes)
{
	uint64_t counts[8][RADIX];
	uint64_t first = load(keys, 0, bytes);

	memset(counts, 0, bytes * sizeof(counts[0]));
	for (size_t i = 0; i < count; i++) {
		uint64_t key = load(keys, i, bytes);

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

/* Items first to end - 1, dealt as keys, sorted into x. */
INLINE void finish(const struct sorting *s, size_t first, size_t end,
		   size_t bytes)
{
	char *x = s->x + first * bytes;
	char *keys = s->dealt + first * bytes;
	size_t count = end - first;

	if (count > FEW)
		keys = radix(keys, x, count, bytes);
	else
		insertion(keys, count, bytes);
	for (size_t i = 0; i < count; i++)
		store(x, i, bytes, item_of(s, load(keys, i, bytes), bytes));
}

/* Few items: one rank does it all. */
INLINE int sort_few(const struct sorting *s, size_t bytes)
{
	if (rig_team_rank(s->team) == 0) {
		for (size_t i = 0; i < s->length; i++)
			store(s->dealt, i, bytes,
			      key_of(s, load(s->x, i, bytes), bytes));
		finish(s, 0, s->length, bytes);
	}
	return rig_team_barrier(s->team);
}

/* The own buckets are those whose first item lies in the own strip of items,
 * so that ranks have about as many items. */
INLINE void finish_own(const struct sorting *s, const uint64_t *firsts,
		       size_t bytes)
{
	struct rig_span strip = rig_team_strip(s->team, s->length);

	for (size_t b = 0; b < BUCKETS; b++)
		if (firsts[b] >= strip.begin && firsts[b] < strip.end &&
		    s->totals[b])
			finish(s, firsts[b], firsts[b] + s->totals[b], bytes);
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
	place(s, rig_team_strip(s->team, BUCKETS));
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
	return s->length <= ONE_BUCKET ? sort_few(s, bytes)
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

static int run(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	size_t dtype = dtype_index(args);
	struct sorting s = {
		.team = team,
		.bytes = item_bytes(args),
		.length = args->length,
		.buckets = BUCKETS,
		.x = rig_team_data(team, X),
		.dealt = rig_team_data(team, DEALT),
		.notes = rig_team_data(team, NOTES),
		.totals = rig_team_data(team, COUNTS),
		.kind = dtypes[dtype].kind,
		.sign = UINT64_C(1) << (8 * item_bytes(args) - 1),
	};
	uint64_t *memory = malloc((SAMPLES + BUCKETS) * sizeof(*memory));
	int r;

	if (!memory)
		return rig_team_fail(team, -ENOMEM, "sort: no memory");
	s.places = s.totals + BUCKETS;
	/* Of minus infinity: its bits, turned round. */
	s.lowest = ~(dtypes[dtype].infinity | s.sign) & mask_of(s.bytes);
	r = sort(&s, memory);
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

static int digest(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	uint64_t *sums = rig_team_result(team);

	sums[0] = sum_of(args, rig_team_data(team, X),
			 share_next(team, args->length));
	return 0;
}

static int verify_order(struct rig_team *team, const struct sort_args *args)
{
	size_t dtype = dtype_index(args);
	size_t bytes = item_bytes(args);
	struct rig_span strip = share_next(team, args->length);
	const char *x = rig_team_data(team, X);
	struct sorting s = {
		.kind = dtypes[dtype].kind,
		.sign = UINT64_C(1) << (8 * bytes - 1),
	};

	s.lowest = ~(dtypes[dtype].infinity | s.sign) & mask_of(bytes);
	for (size_t i = strip.begin ? strip.begin : 1; i < strip.end; i++)
		if (key_of(&s, load(x, i - 1, bytes), bytes) >
		    key_of(&s, load(x, i, bytes), bytes))
			return rig_team_fail(team, -EBADMSG,
					     "sort: element %zu is less than "
					     "the one before it",
					     i);
	return 0;
}

/* The sums of what is there and of what was, as far as one rank sees: they are
 * equal for all of the array. */
static int verify_items(struct rig_team *team, const struct sort_args *args)
{
	struct rig_span all = { 0, args->length };
	uint64_t found = args->header.found[0];
	uint64_t want = args->header.digest[0];

	if (!args->header.given) {
		found = sum_of(args, rig_team_data(team, X), all);
		want = 0;
		for (size_t i = 0; i < args->length; i++) {
			double value = value_at(args, i);

			want += sum_items(&value, 1, sizeof(value), 0, 0);
		}
	}
	if (found == want)
		return 0;
	return rig_team_fail(team, -EBADMSG,
			     "sort: the items are not those that were there "
			     "(sum %016" PRIx64 ", expected %016" PRIx64 ")",
			     found, want);
}

static int verify(struct rig_team *team)
{
	const struct sort_args *args = rig_team_args(team);
	int r = verify_order(team, args);

	if (r == 0 && rig_team_rank(team) == 0)
		r = verify_items(team, args);
	return r;
}

const struct rig_kernel kernel_sort = {
	.name = "sort",
	.summary = "an array in ascending order, in place, stable",
	.verified = "the order of all neighbours, and a sum of the items "
		    "before and after",
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
