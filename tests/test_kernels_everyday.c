/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_everyday.c - the everyday kernels by teams of several sizes, and
 * that verify finds what is wrong.
 */
#include "kernels_table.h"

#include <math.h>

#include <kernels/widen.h>

#include "harness.h"

static const struct kernel_row rows[] = {
	{ "pi", "points=1000003", 0 },
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
	{ "life", "side=1024 generations=1103 pattern=rpentomino", 0 },
	{ "heat", "n=33", 0 },
	{ "heat", "n=0", 0 },
	{ "heat", "n=1", 0 },
	{ "heat", "n=2", 0 },
	{ "heat", "n=3 tolerance=0", 0 },
	{ "heat", "n=17 tolerance=1e-9", 0 },
	{ "sort", "length=1000003", 0 },
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
	{ "sum", "length=1000003", 2 },
	{ "sum", "length=0", 2 },
	{ "sum", "length=1", 2 },
	{ "min", "length=4099", 2 },
	{ "min", "length=1", 2 },
	{ "max", "length=4099", 2 },
	{ "max", "length=1", 2 },
	{ "norm", "length=100003", 2 },
	{ "norm", "length=1025", 2 },
	{ "norm", "length=1", 2 },
	{ "dot", "length=1000003", 3 },
	{ "dot", "length=0", 3 },
	{ "dot", "length=1", 3 },
	{ "scan", "length=1000003", 0 },
	{ "scan", "length=1000003 kind=exclusive", 0 },
	{ "scan", "length=0", 0 },
	{ "scan", "length=1", 0 },
	{ "scan", "length=2 kind=exclusive", 0 },
	{ "scan", "length=1025", 0 },
	{ "kmeans", "points=10007", 1 },
	{ "kmeans", "points=10007", 2 },
	{ "kmeans", "points=1009 dims=7 k=3", 1 },
	{ "kmeans", "points=5 k=5 dims=1", 1 },
	{ "kmeans", "points=1 k=1 iterations=0", 1 },
	{ "histogram", "length=1000003", 1 },
	{ "histogram", "length=0", 1 },
	{ "histogram", "length=7 bins=1", 1 },
	{ "histogram", "length=10007 bins=999 low=0.25 high=0.75", 1 },
};

START_TEST(same_answer_for_any_team)
{
	kernels_check_row(&rows[_i]);
}
END_TEST

static const char *const dtypes[] = {
	"bool",   "int8",   "int16",  "int32",   "int64",   "uint8",
	"uint16", "uint32", "uint64", "float32", "float64",
};

static const struct kernel_row given[] = {
	{ "sort", "", 0 }, { "sort", "stable=yes", 0 },
	{ "sum", "", 0 },  { "min", "", 0 },
	{ "max", "", 0 },  { "histogram", "low=-100 high=1000", 0 },
	{ "norm", "", 0 },
};

/* Which no not-a-number, and no bool, has an answer for. */
static const struct kernel_row wholes[] = {
	{ "scan", "", 0 },
	{ "scan", "kind=exclusive", 0 },
	{ "kmeans", "dims=1 k=3 iterations=20", 0 },
};

/* Random bits: as floats they are huge, tiny, infinite, and no numbers. */
START_TEST(every_dtype)
{
	for (size_t g = 0; g < sizeof(given) / sizeof(*given); g++) {
		kernels_check_given(&given[g], dtypes[_i], 1, 2);
		kernels_check_given(&given[g], dtypes[_i], 5003, 3);
		kernels_check_given(&given[g], dtypes[_i], 20011, 2);
	}
}
END_TEST

START_TEST(every_whole_dtype)
{
	for (size_t g = 0; g < sizeof(wholes) / sizeof(*wholes); g++) {
		kernels_check_given(&wholes[g], dtypes[_i], 3, 5);
		kernels_check_given(&wholes[g], dtypes[_i], 5003, 3);
	}
}
END_TEST

/* A running sum of what may be infinite is one; of anything it is made. */
START_TEST(floats_scan)
{
	kernels_check_given(&wholes[0], _i ? "float32" : "float64", 5003, 3);
}
END_TEST

START_TEST(float16_sorts)
{
	kernels_check_given(&given[0], "float16", 10007, 3);
	kernels_check_given(&given[1], "float16", 10007, 3);
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

/* Each one is what it is; what lies between two goes to the nearer, and from the
 * middle to the even one, which above the greatest is infinity. */
START_TEST(float16_is_widened_exactly_and_rounded_to_even)
{
	for (uint32_t i = 0; i < 65536; i++) {
		uint16_t bits = (uint16_t)i, next = (uint16_t)(i + 1);
		double wide, middle;

		widen_to_double(RIG_FLOAT16, &bits, 0, 1, &wide);
		if (isnan(half_of(bits))) {
			ck_assert(isnan(wide));
			ck_assert(isnan(half_of(widen_float16_of(wide))));
			continue;
		}
		ck_assert(wide == half_of(bits));
		ck_assert(signbit(wide) == signbit(half_of(bits)));
		ck_assert_uint_eq(widen_float16_of(wide), bits);
		if (isinf(wide))
			continue;
		middle = isinf(half_of(next)) ? copysign(65520, wide)
					      : (wide + half_of(next)) / 2;
		ck_assert_uint_eq(widen_float16_of(middle), bits + bits % 2);
		ck_assert_uint_eq(widen_float16_of(nextafter(middle, 0)), bits);
		ck_assert_uint_eq(
			widen_float16_of(nextafter(middle, 2 * middle)), next);
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
	{ "list-reverse", "length=10 end=11", 0 },
	{ "list-reverse", "length=10 begin=11", 0 },
	{ "heat", "tolerance=-1", 0 },
	{ "min", "length=0", 0 },
	{ "sum", "op=max", 0 },
	{ "histogram", "bins=0", 0 },
	{ "histogram", "low=1", 0 },
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
	tcase_add_loop_test(tcase, every_dtype, 0,
			    sizeof(dtypes) / sizeof(*dtypes));
	tcase_add_loop_test(tcase, every_whole_dtype, 1,
			    9); /* int8 to uint64 */
	tcase_add_loop_test(tcase, floats_scan, 0, 2);
	tcase_add_test(tcase, float16_sorts);
	tcase_add_test(tcase, float16_is_widened_exactly_and_rounded_to_even);
	tcase_add_loop_test(tcase, refuses_parameters, 0,
			    sizeof(wrong) / sizeof(*wrong));
	suite_add_tcase(suite, tcase);
	return suite;
}
