/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_everyday.c - the everyday kernels by teams of several sizes, and
 * verify finds wrong results.
 */
#include "kernels/kernels_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kernels/lib/strips.h>
#include <runner/convert.h>

#include "lib/harness.h"

static const struct kernel_row rows[] = {
	{ "pi", "points=200003", 0 },
	{ "pi", "points=0", 0 },
	{ "pi", "points=1 seed=7", 0 },
	{ "pi", "points=2 seed=4294967295", 0 },
	{ "mandelbrot", "side=203 iterations=500", 0 },
	{ "mandelbrot", "side=203 iterations=500 share=static", 0 },
	{ "mandelbrot", "side=203 iterations=500 share=guided chunk=1", 0 },
	{ "mandelbrot", "side=0", 0 },
	{ "mandelbrot", "side=1 iterations=1", 0 },
	{ "mandelbrot", "side=7 chunk=100 iterations=17", 0 },
	{ "life", "side=0", 0 },
	{ "life", "side=1 generations=3", 0 },
	{ "life", "side=2 generations=3", 0 },
	{ "life", "side=131 generations=10", 0 },
	{ "life", "side=67 generations=0", 0 },
	{ "life", "side=64 generations=400 pattern=glider", 0 },
	{ "life", "side=5 generations=21 pattern=glider", 0 },
	{ "life", "side=67 generations=10 frames=2", 2 },
	{ "life", "side=67 generations=10 frames=11", 0 },
	{ "life", "side=0 generations=7 frames=3", 0 },
	{ "heat", "n=33", 0 },
	{ "heat", "n=0", 0 },
	{ "heat", "n=1", 0 },
	{ "heat", "n=2", 0 },
	{ "heat", "n=3 tolerance=0", 0 },
	{ "heat", "n=17 tolerance=1e-9", 0 },
	{ "sort", "length=200003", 0 },
	{ "sort", "length=0", 0 },
	{ "sort", "length=1", 0 },
	{ "sort", "length=2", 0 },
	{ "sort", "length=47 seed=3", 0 },
	{ "sort", "length=4096", 0 },
	{ "sort", "length=4097", 0 },
	{ "sort", "length=0 stable=yes", 0 },
	{ "sort", "length=47 stable=yes", 0 },
	{ "sort", "length=20011 stable=yes", 0 },
	{ "matvec", "rows=503 columns=701", 2 },
	{ "matvec", "rows=0 columns=5", 2 },
	{ "matvec", "rows=3 columns=1", 2 },
	{ "matvec", "rows=7 columns=0", 2 },
	{ "nbody", "bodies=5 steps=1000", 0 },
	{ "nbody", "bodies=5 steps=77", 0 },
	{ "nbody", "bodies=5 steps=0", 0 },
	{ "nbody", "bodies=0", 0 },
	{ "nbody", "bodies=1", 0 },
	{ "nbody", "bodies=257 steps=5", 0 },
	{ "sum", "length=200003", 2 },
	{ "sum", "length=0", 2 },
	{ "sum", "length=1", 2 },
	{ "min", "length=4099", 2 },
	{ "min", "length=300011", 2 },
	{ "max", "length=300011", 2 },
	{ "norm", "length=300011", 2 },
	{ "var", "length=300011", 2 },
	{ "min", "length=1", 2 },
	{ "max", "length=4099", 2 },
	{ "max", "length=1", 2 },
	{ "norm", "length=100003", 2 },
	{ "norm", "length=1025", 2 },
	{ "norm", "length=1", 2 },
	{ "mean", "length=100003", 2 },
	{ "var", "length=100003 ddof=1", 2 },
	{ "std", "length=1025", 2 },
	{ "prod", "length=100003", 2 },
	{ "count-nonzero", "length=4099", 2 },
	{ "argmin", "length=4099", 2 },
	{ "argmax", "length=1", 2 },
	{ "argsort", "length=20011", 1 },
	{ "argsort", "length=47", 1 },
	{ "argsort", "length=0", 1 },
	{ "unique", "length=20011 different=999", 1 },
	{ "unique", "length=20011 different=999", 2 },
	{ "unique", "length=1", 1 },
	{ "unique", "length=0", 1 },
	{ "quantile", "length=20011 q=0.3", 2 },
	{ "median", "length=20012", 2 },
	{ "bincount", "length=20011", 1 },
	{ "cumprod", "length=20011", 2 },
	{ "clip", "length=20011 low=100 high=200", 0 },
	{ "dot", "length=200003", 3 },
	{ "evaluate", "expr=sum(x*y) length=100003", 2 },
	{ "dot", "length=0", 3 },
	{ "dot", "length=1", 3 },
	{ "scan", "length=200003", 0 },
	{ "scan", "length=200003 kind=exclusive", 0 },
	{ "scan", "length=0", 0 },
	{ "scan", "length=1", 0 },
	{ "scan", "length=2 kind=exclusive", 0 },
	{ "scan", "length=1025", 0 },
	{ "kmeans", "points=10007", 1 },
	{ "kmeans", "points=10007", 2 },
	{ "kmeans", "points=1009 dims=7 k=3", 1 },
	{ "kmeans", "points=5 k=5 dims=1", 1 },
	{ "kmeans", "points=1 k=1 iterations=0", 1 },
	{ "kmeans", "points=0", 1 },
	{ "histogram", "length=200003", 1 },
	{ "histogram", "length=0", 1 },
	{ "histogram", "length=7 bins=1", 1 },
	{ "histogram", "length=10007 bins=999 low=0.25 high=0.75", 1 },
};

/* Rows of the long form. */
static const struct kernel_row long_rows[] = {
	{ "life", "side=1024 generations=1103 pattern=rpentomino", 0 },
	{ "sort", "length=1000003", 0 },
	{ "scan", "length=1000003", 0 },
	{ "histogram", "length=1000003", 1 },
};

START_TEST(same_answer_for_any_team)
{
	kernels_check_row(&rows[_i]);
}
END_TEST

START_TEST(same_answer_of_long_runs)
{
	kernels_check_row(&long_rows[_i]);
}
END_TEST

/* The words to which a random size is added, and the largest size. */
static const struct random_row {
	const char *kernel, *words;
	int answer;
	uint32_t most;
} random_rows[] = {
	{ "mandelbrot", "iterations=50 side=", 0, 100 },
	{ "life", "generations=7 side=", 0, 200 },
	{ "sort", "length=", 0, 30000 },
	{ "sort", "stable=yes length=", 0, 30000 },
	{ "matvec", "columns=97 rows=", 2, 500 },
	{ "matvec", "rows=53 columns=", 2, 3000 },
	{ "sum", "length=", 2, 30000 },
	{ "norm", "length=", 2, 30000 },
	{ "dot", "length=", 3, 30000 },
	{ "scan", "length=", 0, 30000 },
	{ "scan", "kind=exclusive length=", 0, 30000 },
	{ "kmeans", "k=5 dims=3 points=", 1, 5000 },
	{ "histogram", "length=", 1, 30000 },
	{ "histogram", "length=9973 bins=", 1, 3000 },
};

#define RANDOM_SIZES 2

/* The words of a failure have the size and the workers; KERNELS_SEED in the
 * environment repeats the sizes of the seed. */
START_TEST(random_sizes)
{
	const struct random_row *random = &random_rows[_i];
	const char *given = getenv("KERNELS_SEED");
	uint64_t seed =
		given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	char words[80];
	struct kernel_row row = { random->kernel, words, random->answer };

	fprintf(stderr, "KERNELS_SEED=%" PRIu64 "\n", seed);
	for (uint64_t i = 0; i < RANDOM_SIZES; i++) {
		uint64_t lot = share_scatter(share_scatter(seed) + i);

		snprintf(words, sizeof(words), "%s%" PRIu64, random->words,
			 5 + lot % random->most);
		kernels_check_once(&row, 1 + (int)((lot >> 32) % 6));
	}
}
END_TEST

static const char *const dtypes[] = {
	"bool",   "int8",   "int16",  "int32",   "int64",   "uint8",
	"uint16", "uint32", "uint64", "float16", "float32", "float64",
};

/* Which an infinity or a not-a-number has an answer for. */
static const struct kernel_row given[] = {
	{ "sort", "", 0 },
	{ "sort", "stable=yes", 0 },
	{ "sum", "", 2 },
	{ "min", "", 2 },
	{ "max", "", 2 },
	{ "norm", "", 2 },
	{ "mean", "", 2 },
	{ "var", "", 2 },
	{ "any", "", 2 },
	{ "count-nonzero", "", 2 },
	{ "argmin", "", 2 },
	{ "argsort", "", 1 },
	{ "unique", "", 1 },
	{ "median", "", 2 },
	{ "dot", "", 3 },
	{ "matvec", "", 2 },
	{ "histogram", "low=-100 high=1000", 1 },
	{ "scan", "", 0 },
	{ "scan", "kind=exclusive", 0 },
};

#define LENGTHS 2
static const struct {
	size_t count;
	int team;
} lengths[LENGTHS] = { { 1, 2 }, { 5003, 3 } };

/* Whether the test of number `test` takes type `d`: a third of the types in the
 * short form, another third in the next test. */
static bool is_turn_of(size_t d, int test)
{
	return harness_long() || (d + (size_t)test) % 3 == 0;
}

static bool is_scan_of_bool(const struct kernel_row *row, const char *dtype)
{
	return strcmp(row->kernel, "scan") == 0 && strcmp(dtype, "bool") == 0;
}

START_TEST(every_dtype)
{
	const struct kernel_row *row = &given[_i / LENGTHS];
	size_t count = lengths[_i % LENGTHS].count;
	int team = lengths[_i % LENGTHS].team;

	for (size_t d = 0; d < sizeof(dtypes) / sizeof(*dtypes); d++)
		if (is_turn_of(d, _i) && !is_scan_of_bool(row, dtypes[d]))
			kernels_check_given(row, dtypes[d], count, team,
					    FLOATS_FINITE);
}
END_TEST

START_TEST(hostile_floats)
{
	for (int d = 9; d < 12; d++) {
		if (!is_turn_of((size_t)d, _i))
			continue;
		kernels_check_given(&given[_i], dtypes[d], 20011, 3,
				    FLOATS_INFINITE);
		kernels_check_given(&given[_i], dtypes[d], 20011, 2,
				    FLOATS_NAN);
	}
}
END_TEST

/* Which wants numbers. */
START_TEST(every_dtype_has_means)
{
	static const struct kernel_row means = { "kmeans",
						 "dims=1 k=3 iterations=20",
						 1 };

	kernels_check_given(&means, dtypes[_i], 3, 5, FLOATS_FINITE);
	kernels_check_given(&means, dtypes[_i], 5003, 3, FLOATS_FINITE);
}
END_TEST

/* By two bits of the last place, but the first chunk. */
static void spoil_floats(void *items, size_t count)
{
	float *x = items;

	for (size_t i = SHARE_CHUNK; i < count; i++)
		x[i] = nextafterf(nextafterf(x[i], INFINITY), INFINITY);
}

/* A change in the last chunk, larger than any error of the chunk's
 * additions. */
static void spoil_doubles(void *items, size_t count)
{
	double *x = items;

	for (size_t i = count - count % SHARE_CHUNK; i < count; i++)
		x[i] += fabs(x[i]) * 0x1p-42;
}

/* All items wrong together, by little: rounding is no excuse. */
START_TEST(scan_finds_a_few_ulps)
{
	static const struct kernel_row scan = { "scan", "", 0 };

	if (_i)
		kernels_check_found(&scan, "float64", 1000000, 2,
				    spoil_doubles);
	else
		kernels_check_found(&scan, "float32", 1000000, 2, spoil_floats);
}
END_TEST

/* By the definition: a sign, an exponent, a fraction. */
static double half_of(uint16_t bits)
{
	int exponent = bits >> 10 & 31, fraction = bits & 1023;
	double size = exponent == 31 ? (fraction ? NAN : INFINITY)
		      : exponent     ? ldexp(1024 + fraction, exponent - 25)
				     : ldexp(fraction, -24);

	return bits >> 15 ? -size : size;
}

/* Each float16 converts to itself.  A number between two goes to the nearer,
 * and from the middle to the even float16, which above the greatest is
 * infinity. */
START_TEST(float16_is_widened_exactly_and_rounded_to_even)
{
	for (uint32_t i = 0; i < 65536; i++) {
		uint16_t bits = (uint16_t)i, next = (uint16_t)(i + 1);
		double wide, middle;

		convert_to_double(RIG_FLOAT16, &bits, 0, 1, &wide);
		if (isnan(half_of(bits))) {
			ck_assert(isnan(wide));
			ck_assert(isnan(half_of(convert_float16_of(wide))));
			continue;
		}
		ck_assert(wide == half_of(bits));
		ck_assert(signbit(wide) == signbit(half_of(bits)));
		ck_assert_uint_eq(convert_float16_of(wide), bits);
		if (isinf(wide))
			continue;
		middle = isinf(half_of(next)) ? copysign(65520, wide)
					      : (wide + half_of(next)) / 2;
		ck_assert_uint_eq(convert_float16_of(middle), bits + bits % 2);
		ck_assert_uint_eq(convert_float16_of(nextafter(middle, 0)),
				  bits);
		ck_assert_uint_eq(
			convert_float16_of(nextafter(middle, 2 * middle)),
			next);
	}
}
END_TEST

static const struct kernel_row wrong[] = {
	{ "pi", "points=-1", 0 },
	{ "pi", "seed=4294967296", 0 },
	{ "mandelbrot", "iterations=0", 0 },
	{ "mandelbrot", "chunk=0", 0 },
	{ "mandelbrot", "share=fair", 0 },
	{ "life", "side=4 pattern=glider", 0 },
	{ "life", "frames=1", 0 },
	{ "life", "generations=10 frames=12", 0 },
	{ "list-reverse", "length=10 end=11", 0 },
	{ "list-reverse", "length=10 begin=11", 0 },
	{ "heat", "tolerance=-1", 0 },
	{ "min", "length=0", 0 },
	{ "sum", "op=max", 0 },
	{ "histogram", "bins=0", 0 },
	{ "histogram", "low=1 high=1", 0 },
	{ "histogram", "low=x", 0 },
	{ "histogram", "high=1e301", 0 },
	{ "quantile", "q=1.5", 0 },
	{ "quantile", "q=-0.1", 0 },
	{ "bincount", "bins=0", 0 },
	{ "bincount", "bins=7 minlength=8", 0 },
	{ "clip", "low=x", 0 },
	{ "clip", "high=nan", 0 },
	{ "argmin", "length=0", 0 },
	{ "sum", "axis=1", 0 },
	{ "sum", "axis=5", 0 },
	{ "sort", "axis=-2", 0 },
	{ "heat", "sweeps=0", 0 },
	{ "sort", "stable=maybe", 0 },
	{ "kmeans", "points=3 k=4", 0 },
	{ "kmeans", "k=0", 0 },
	{ "kmeans", "dims=0", 0 },
	{ "scan", "kind=both", 0 },
};

START_TEST(refuses_parameters)
{
	kernels_check_refused(&wrong[_i]);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels: everyday");
	TCase *tcase = make_tcase("any team", 60);

	tcase_add_loop_test(tcase, same_answer_for_any_team, 0,
			    sizeof(rows) / sizeof(*rows));
	if (harness_long())
		tcase_add_loop_test(tcase, same_answer_of_long_runs, 0,
				    sizeof(long_rows) / sizeof(*long_rows));
	tcase_add_loop_test(tcase, random_sizes, 0,
			    sizeof(random_rows) / sizeof(*random_rows));
	tcase_add_loop_test(tcase, every_dtype, 0,
			    LENGTHS * sizeof(given) / sizeof(*given));
	tcase_add_loop_test(tcase, hostile_floats, 0,
			    sizeof(given) / sizeof(*given));
	tcase_add_loop_test(tcase, every_dtype_has_means, 0,
			    sizeof(dtypes) / sizeof(*dtypes));
	tcase_add_loop_test(tcase, scan_finds_a_few_ulps, 0, 2);
	tcase_add_test(tcase, float16_is_widened_exactly_and_rounded_to_even);
	tcase_add_loop_test(tcase, refuses_parameters, 0,
			    sizeof(wrong) / sizeof(*wrong));
	suite_add_tcase(suite, tcase);
	return suite;
}
