/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_sort.c - sort on data with many equal items; and verify finds
 * torn items, and equal items that have changed places.
 */
#include "kernels/kernels_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <kernels/builtin.h>
#include <runner/dtype.h>
#include <runner/kernel_run.h>
#include <runrig/runrig.h>

#include "lib/harness.h"

#define COUNT    30011
#define ITEM_MAX 32

static const char *const dtypes[] = { "uint8",      "int16",    "float32",
				      "int64",      "float64",  "complex64",
				      "complex128", "float128", "complex256" };

/* How item i of `bytes` bytes is filled: small numbers; among floats also tiny
 * numbers, zeros and NaNs. */
typedef uint32_t fill_fn(size_t i);

static uint32_t scattered(size_t i)
{
	uint32_t x = (uint32_t)i * 2654435761u;

	return (x ^ x >> 15) * 2246822519u >> 4;
}

static uint32_t one_value(size_t i)
{
	(void)i;
	return 7;
}

static uint32_t two_values(size_t i)
{
	return scattered(i) % 2;
}

static uint32_t half_equal(size_t i)
{
	return i % 2 ? 100 : scattered(i);
}

static uint32_t few_values(size_t i)
{
	return scattered(i) % 5;
}

/* Nearly all are the greatest there is. */
static uint32_t greatest(size_t i)
{
	return i % 100 ? UINT32_MAX : scattered(i);
}

static fill_fn *const fills[] = { one_value,  two_values, half_equal,
				  few_values, greatest,   scattered };

/* Rig sort up with an array of `dtype` of the user's. */
static void rig_sort(struct kernel_run *run, struct rig_pool *pool,
		     const char *dtype, const char *stable)
{
	struct rig_array given = { .count = COUNT };
	char why[WHY_BYTES];

	ck_assert_int_eq(dtype_parse(dtype, &given, why, sizeof(why)), 0);
	ck_assert_int_eq(kernel_run_init(run, &kernel_sort), 0);
	ck_assert_int_eq(kernel_run_set(run, stable), 0);
	kernel_run_give(run, 0, &given, NULL, 0);
	ck_assert_msg(kernel_run_check(run) == 0, "%s", run->why);
	ck_assert_msg(kernel_run_make(run, pool) == 0, "%s", run->why);
}

static char *data_of(const struct kernel_run *run)
{
	return rig_segment_data(run->arrays[0].segment);
}

static void sort_it(struct kernel_run *run)
{
	ck_assert_int_eq(kernel_run_digest(run, false), 0);
	ck_assert_msg(kernel_run_run(run) == 0, "%s", run->why);
}

/* verify's answer about the present data. */
static int judge(struct kernel_run *run)
{
	ck_assert_int_eq(kernel_run_digest(run, true), 0);
	return kernel_run_verify(run);
}

static struct rig_pool *pool_of(int workers)
{
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = workers }),
			 0);
	return pool;
}

/* Sort the array; the bytes go to `sorted`. */
static void sort_fill(struct rig_pool *pool, const char *dtype, fill_fn *fill,
		      const char *stable, char *sorted)
{
	struct kernel_run run;
	size_t bytes, part;

	rig_sort(&run, pool, dtype, stable);
	bytes = run.arrays[0].bytes / COUNT;
	part = bytes < sizeof(uint32_t) ? bytes : sizeof(uint32_t);
	for (size_t i = 0; i < COUNT; i++) {
		uint32_t word = fill(i);

		for (size_t at = 0; at < bytes; at += part)
			memcpy(data_of(&run) + i * bytes + at, &word, part);
	}
	sort_it(&run);
	ck_assert_msg(judge(&run) == 0, "%s %s: %s", dtype, stable, run.why);
	memcpy(sorted, data_of(&run), COUNT * bytes);
	kernel_run_finish(&run);
}

START_TEST(values_that_are_frequent)
{
	static char alone[COUNT * ITEM_MAX], shared[COUNT * ITEM_MAX];
	struct rig_pool *one = pool_of(1), *three = pool_of(3);

	for (size_t f = 0; f < 2 * sizeof(fills) / sizeof(*fills); f++) {
		const char *stable = f % 2 ? "stable=yes" : "stable=no";

		sort_fill(one, dtypes[_i], fills[f / 2], stable, alone);
		sort_fill(three, dtypes[_i], fills[f / 2], stable, shared);
		ck_assert_mem_eq(alone, shared, sizeof(alone));
	}
	rig_pool_destroy(three);
	rig_pool_destroy(one);
}
END_TEST

/* The imaginary parts of two neighbours are exchanged: the order stays. */
START_TEST(a_torn_item_is_found)
{
	struct rig_pool *pool = pool_of(3);
	struct kernel_run run;
	double *x, other;

	rig_sort(&run, pool, "complex128", "stable=no");
	x = (double *)data_of(&run);
	for (size_t i = 0; i < COUNT; i++) {
		x[2 * i] = scattered(i);
		x[2 * i + 1] = (double)i;
	}
	sort_it(&run);
	ck_assert_int_eq(judge(&run), 0);
	other = x[2 * 17 + 1];
	x[2 * 17 + 1] = x[2 * 18 + 1];
	x[2 * 18 + 1] = other;
	ck_assert_int_eq(judge(&run), -EBADMSG);
	ck_assert_msg(strstr(run.why, "not those that were there"), "%s",
		      run.why);
	kernel_run_finish(&run);
	rig_pool_destroy(pool);
}
END_TEST

/* Small numbers: many are equal, though no number is frequent; zeros have
 * either sign. */
static void fill_small(char *x, size_t bytes, size_t part)
{
	for (size_t at = 0; at < COUNT * bytes; at += part) {
		long double wide = scattered(at) % (at % bytes ? 2 : 1000);
		double middle;
		float narrow;

		if (wide == 0 && scattered(at + 1) % 2)
			wide = -0.0L;
		middle = (double)wide;
		narrow = (float)wide;
		memset(x + at, 0, part);
		if (part == sizeof(narrow))
			memcpy(x + at, &narrow, part);
		else if (part == sizeof(middle))
			memcpy(x + at, &middle, part);
		else
			memcpy(x + at, &wide, part);
	}
}

/* Exchange two neighbours that compare as equal and have different bits: among
 * the least items, which are all zero. */
static void exchange_equals(char *x, size_t bytes)
{
	char one[2 * sizeof(long double)];

	while (memcmp(x, x + bytes, bytes) == 0)
		x += bytes;
	memcpy(one, x, bytes);
	memcpy(x, x + bytes, bytes);
	memcpy(x + bytes, one, bytes);
}

START_TEST(equal_items_that_changed_places_are_found)
{
	static const struct {
		const char *dtype;
		size_t part;
	} kinds[] = { { "float32", 4 },
		      { "float64", 8 },
		      { "complex64", 4 },
		      { "complex128", 8 },
		      { "float128", sizeof(long double) },
		      { "complex256", sizeof(long double) } };
	struct rig_pool *pool = pool_of(2);
	struct kernel_run run;
	size_t bytes;

	rig_sort(&run, pool, kinds[_i].dtype, "stable=yes");
	bytes = run.arrays[0].bytes / COUNT;
	fill_small(data_of(&run), bytes, kinds[_i].part);
	sort_it(&run);
	ck_assert_msg(judge(&run) == 0, "%s", run.why);
	exchange_equals(data_of(&run), bytes);
	ck_assert_int_eq(judge(&run), -EBADMSG);
	ck_assert_msg(strstr(run.why, "order they came in"), "%s", run.why);
	kernel_run_finish(&run);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels: sort");
	TCase *tcase = make_tcase("given data", 60);

	tcase_add_loop_test(tcase, values_that_are_frequent, 0,
			    sizeof(dtypes) / sizeof(*dtypes));
	tcase_add_test(tcase, a_torn_item_is_found);
	tcase_add_loop_test(tcase, equal_items_that_changed_places_are_found, 0,
			    6);
	suite_add_tcase(suite, tcase);
	return suite;
}
