/* SPDX-License-Identifier: MIT */
/*
 * test_size.c - sizes that would wrap are refused, at the very edge.
 */
#include "base/size.h"

#include "lib/harness.h"

START_TEST(add_takes_what_fits)
{
	size_t sum = 0;

	ck_assert(size_add(2, 3, &sum));
	ck_assert_uint_eq(sum, 5);
	ck_assert(size_add(SIZE_MAX - 1, 1, &sum));
	ck_assert_uint_eq(sum, SIZE_MAX);
	ck_assert(size_add(SIZE_MAX, 0, &sum));
	ck_assert_uint_eq(sum, SIZE_MAX);
}
END_TEST

START_TEST(add_refuses_what_wraps)
{
	size_t sum = 0;

	ck_assert(!size_add(SIZE_MAX, 1, &sum));
	ck_assert(!size_add(SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, &sum));
}
END_TEST

START_TEST(mul_takes_what_fits)
{
	size_t product = 0;

	ck_assert(size_mul(6, 7, &product));
	ck_assert_uint_eq(product, 42);
	ck_assert(size_mul(SIZE_MAX, 0, &product));
	ck_assert_uint_eq(product, 0);
	ck_assert(size_mul(UINT32_MAX, (size_t)UINT32_MAX + 2, &product));
	ck_assert_uint_eq(product, SIZE_MAX);
}
END_TEST

START_TEST(mul_refuses_what_wraps)
{
	size_t product = 0;

	ck_assert(!size_mul((size_t)UINT32_MAX + 1, (size_t)UINT32_MAX + 1,
			    &product));
	ck_assert(!size_mul(SIZE_MAX / 2 + 1, 2, &product));
}
END_TEST

START_TEST(round_up_goes_to_the_next_multiple)
{
	size_t unit = (size_t)1 << _i;

	ck_assert_uint_eq(size_round_up(0, unit), 0);
	ck_assert_uint_eq(size_round_up(1, unit), unit);
	ck_assert_uint_eq(size_round_up(unit, unit), unit);
	ck_assert_uint_eq(size_round_up(unit + 1, unit),
			  unit == 1 ? 2 : 2 * unit);
	ck_assert_uint_eq(size_round_up(3 * unit - unit / 2, unit), 3 * unit);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("size");
	TCase *tcase = make_tcase("arithmetic", 10);

	tcase_add_test(tcase, add_takes_what_fits);
	tcase_add_test(tcase, add_refuses_what_wraps);
	tcase_add_test(tcase, mul_takes_what_fits);
	tcase_add_test(tcase, mul_refuses_what_wraps);
	tcase_add_loop_test(tcase, round_up_goes_to_the_next_multiple, 0, 22);
	suite_add_tcase(suite, tcase);
	return suite;
}
