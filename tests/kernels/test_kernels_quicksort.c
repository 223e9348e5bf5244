/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_quicksort.c - keys sorted in each kind of vectors that this CPU has:
 * every count around the bounds of registers and blocks, many patterns, and too few
 * divisions.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/quicksort.h>
#include <kernels/lib/sort_keys.h>

#include "lib/harness.h"

/* More than the keys that are sorted in registers, and some blocks. */
#define SMALL 700

/* Keys from which on a pivot is chosen among more, and beyond. */
#define LARGE 20011

/* Bytes before and behind the keys, which stay. */
#define GUARD 0x5a

static uint64_t scattered(uint64_t i)
{
	i = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	i = (i ^ i >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return i ^ i >> 29;
}

/* Key i of `count`. */
typedef uint64_t pattern_fn(uint64_t i, uint64_t count);

static uint64_t random_keys(uint64_t i, uint64_t count)
{
	return scattered(i + count);
}

static uint64_t three_keys(uint64_t i, uint64_t count)
{
	return scattered(i + count) % 3;
}

static uint64_t one_key(uint64_t i, uint64_t count)
{
	(void)i;
	return count % 2 ? 0 : UINT64_MAX;
}

static uint64_t ascending(uint64_t i, uint64_t count)
{
	(void)count;
	return i;
}

static uint64_t descending(uint64_t i, uint64_t count)
{
	return count - i;
}

static uint64_t organ_pipe(uint64_t i, uint64_t count)
{
	return i < count / 2 ? i : count - i;
}

static uint64_t saw(uint64_t i, uint64_t count)
{
	(void)count;
	return i % 17;
}

/* The least and the greatest there are. */
static uint64_t extremes(uint64_t i, uint64_t count)
{
	uint64_t r = scattered(i + count);

	return r % 3 == 0 ? UINT64_MAX - r / 3 % 2 : r % 3 == 1 ? 0 : r;
}

/* Where the pivot is looked for are the least keys, and so again in most of what
 * is left. */
static uint64_t poor_pivots(uint64_t i, uint64_t count)
{
	uint64_t step = count / 15 + 1;

	return i % step < 20 ? i : scattered(i) >> 8;
}

/* Sorted but for some. */
static uint64_t nearly(uint64_t i, uint64_t count)
{
	return scattered(i + count) % 50 == 0 ? scattered(i) : i << 20;
}

static pattern_fn *const patterns[] = { random_keys, three_keys,  one_key,
					ascending,   descending,  organ_pipe,
					saw,         poor_pivots, extremes,
					nearly };

#define PATTERNS (int)(sizeof(patterns) / sizeof(*patterns))

static int by_key8(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int by_key4(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* In this process: keys to be sorted, in the midst of `space`, which has no
 * alignment, and what is due. */
struct trial {
	char space[LARGE * 8 + 2 * 64 + 1], *keys;
	uint64_t due[LARGE];
	size_t count, bytes;
};

static void fill(struct trial *t, pattern_fn *pattern, size_t count,
		 size_t bytes)
{
	t->keys = t->space + 65;
	t->count = count;
	t->bytes = bytes;
	memset(t->space, GUARD, 65);
	memset(t->keys + count * bytes, GUARD, 64);
	for (size_t i = 0; i < count; i++) {
		uint64_t key = pattern(i, count);

		memcpy(t->keys + i * bytes, &key, bytes);
	}
	memcpy(t->due, t->keys, count * bytes);
	qsort(t->due, count, bytes, bytes == 8 ? by_key8 : by_key4);
}

static bool is_guarded(const struct trial *t)
{
	const char *end = t->keys + t->count * t->bytes;

	for (size_t i = 0; i < 64; i++)
		if (t->keys[-1 - (int)i] != GUARD || end[i] != GUARD)
			return false;
	return true;
}

static void check_sorted(const struct trial *t, int pattern)
{
	ck_assert_msg(memcmp(t->keys, t->due, t->count * t->bytes) == 0 &&
			      is_guarded(t),
		      "pattern %d, %zu keys of %zu bytes", pattern, t->count,
		      t->bytes);
}

static void sort_one(struct trial *t, enum quicksort_kind by, int pattern,
		     size_t count, size_t bytes)
{
	fill(t, patterns[pattern], count, bytes);
	if (quicksort(by, t->keys, count, bytes))
		check_sorted(t, pattern);
	else
		ck_assert_msg(by == QUICKSORT_NONE,
			      "pattern %d, %zu keys of %zu bytes given up",
			      pattern, count, bytes);
}

/* All counts of the first, the bounds of the rest. */
START_TEST(every_count_is_sorted)
{
	struct trial *t = calloc(1, sizeof(*t));

	for (enum quicksort_kind by = QUICKSORT_NONE; by <= quicksort_best();
	     by++)
		for (size_t count = 0; count <= SMALL; count++) {
			if (_i > 1 && count > 70 && count % 16 > 1 &&
			    count % 16 < 15)
				continue;
			sort_one(t, by, _i, count, 4);
			sort_one(t, by, _i, count, 8);
		}
	free(t);
}
END_TEST

START_TEST(many_keys_are_sorted)
{
	struct trial *t = calloc(1, sizeof(*t));

	for (enum quicksort_kind by = QUICKSORT_NONE; by <= quicksort_best();
	     by++) {
		sort_one(t, by, _i, LARGE, 4);
		sort_one(t, by, _i, LARGE, 8);
		sort_one(t, by, _i, 8192, 8);
		sort_one(t, by, _i, 4099, 4);
	}
	free(t);
}
END_TEST

/* The keys are still those that were there. */
START_TEST(too_few_divisions_lose_no_key)
{
	struct trial *t = calloc(1, sizeof(*t));

	for (enum quicksort_kind by = QUICKSORT_NONE; by <= quicksort_best();
	     by++)
		for (unsigned depth = 0; depth < 4; depth++)
			for (size_t bytes = 4; bytes <= 8; bytes += 4) {
				fill(t, random_keys, LARGE, bytes);
				ck_assert(!quicksort_within(by, t->keys, LARGE,
							    bytes, depth));
				qsort(t->keys, LARGE, bytes,
				      bytes == 8 ? by_key8 : by_key4);
				check_sorted(t, 0);
			}
	free(t);
}
END_TEST

/* The kernels call this: the result must not depend on the CPU. */
START_TEST(lines_of_floats_are_sorted)
{
	struct sort_order by = sort_order_of(RIG_FLOAT64, 8, false);
	static double x[LARGE], other[LARGE];

	for (size_t count = 0; count < LARGE; count = count * 2 + 1) {
		size_t nans = 0;

		for (size_t i = 0; i < count; i++) {
			uint64_t r = scattered(i);

			x[i] = r % 7 == 0   ? (double)NAN
			       : r % 7 == 1 ? -0.0
			       : r % 7 == 2 ? 0.0
			       : r % 7 == 3 ? -(double)INFINITY
					    : (double)(int64_t)r;
			nans += x[i] != x[i];
		}
		sort_keys_line(&by, 8, (char *)x, (char *)other, count);
		for (size_t i = 1; i + nans < count; i++)
			ck_assert(x[i - 1] < x[i] ||
				  (x[i - 1] == x[i] &&
				   signbit(x[i - 1]) >= signbit(x[i])));
		for (size_t i = count - nans; i < count; i++)
			ck_assert(x[i] != x[i]);
	}
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels: quicksort");
	TCase *tcase = make_tcase("keys", 60);

	tcase_add_loop_test(tcase, every_count_is_sorted, 0, PATTERNS);
	tcase_add_loop_test(tcase, many_keys_are_sorted, 0, PATTERNS);
	tcase_add_test(tcase, too_few_divisions_lose_no_key);
	tcase_add_test(tcase, lines_of_floats_are_sorted);
	suite_add_tcase(suite, tcase);
	return suite;
}
