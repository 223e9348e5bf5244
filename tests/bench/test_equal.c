/* SPDX-License-Identifier: MIT */
/*
 * test_equal.c - equal contenders are measured as equal, and a contest whose A and A
 * differ is no result.
 */
#include <driver/budget.h>
#include <driver/measure.h>

#include "bench/timed.h"
#include "lib/harness.h"

START_TEST(a_contest_whose_a_and_a_differ_is_no_result)
{
	struct comparison c;
	struct plan plan;

	timed_plan(&plan, 0, 0, (struct timed_arg){ .value = 5 });
	plan.warmup_ns = plan.warmup_max_ns = 0;
	timed_add(&plan, 0, "sound", true, (struct timed_arg){ .value = 100 });
	timed_add(&plan, 0, "other", false, (struct timed_arg){ .value = 300 });
	timed_add(&plan, 1, "odd", true, (struct timed_arg){ .value = 100 });
	timed_add(&plan, 1, "other", false, (struct timed_arg){ .value = 300 });
	timed_add(&plan, 2, "once", false, (struct timed_arg){ .value = 100 });
	((struct timed_arg *)(uintptr_t)plan.cells[4].what.arg)->value = 200;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert(cell_trusted(&plan.cells[0]));
	ck_assert(!cell_trusted(&plan.cells[3]));
	ck_assert(!cell_trusted(&plan.cells[5]));
	ck_assert_double_eq_tol(plan.cells[5].again, 2, 1e-9);
	ck_assert_double_eq(plan.cells[6].again, 0);
	ck_assert_uint_eq(plan_untrusted(&plan), 1);
	ck_assert_int_eq(
		measure_compare(&plan, &plan.cells[0], &plan.cells[2], &c), 0);
	ck_assert_int_eq(c.verdict, VERDICT_A_FASTER);
	ck_assert_int_eq(
		measure_compare(&plan, &plan.cells[3], &plan.cells[5], &c), 0);
	ck_assert_int_eq(c.verdict, VERDICT_NOT_SHOWN);
	plan_free(&plan);
}
END_TEST

/* The ratio of A to A where every second contender that is timed_opened is twice as slow,
 * and the opening of each sample. */
static double lucky_again(uint32_t openings, uint32_t *last)
{
	struct plan plan;
	double again;

	timed_plan(&plan, 0, 0, (struct timed_arg){ .value = 5 });
	plan.warmup_ns = plan.warmup_max_ns = 0;
	plan.blocks = 12;
	plan.launches = 4;
	plan.openings = openings;
	timed_add(&plan, 0, "lucky", true,
		  (struct timed_arg){ .value = 100, .lucky = true });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.cells[0].n, 48);
	for (size_t i = 0; i < 48; i++)
		ck_assert_uint_eq(plan.cells[0].origin[i].opening,
				  plan.cells[0].origin[i].block * openings /
					  12);
	*last = plan.cells[0].origin[47].opening;
	again = plan.cells[0].again;
	plan_free(&plan);
	return again;
}

START_TEST(luck_is_drawn_out_within_a_launch)
{
	uint32_t last;

	ck_assert_double_le(lucky_again(6, &last), AGAIN_MAX);
	ck_assert_uint_eq(last, 5);
	/* With one opening a launch, each of four launches keeps its luck. */
	ck_assert_double_gt(lucky_again(1, &last), AGAIN_MAX);
	ck_assert_uint_eq(last, 0);
}
END_TEST

START_TEST(equal_contenders_have_samples_of_equal_length)
{
	/* The last count is the number of all tries. */
	static const int disturbed[] = { 0, 1, 2, 99 };
	struct plan plan;

	for (size_t i = 0; i < 4; i++) {
		struct timed_arg arg = { .run_ns = MS,
					 .value = 100,
					 .disturbed = disturbed[i] };
		struct bench_case what = { .contest = "contest",
					   .name = "a",
					   .unit = "ns",
					   .again = true,
					   .ops = &timed_ops,
					   .arg = &arg,
					   .arg_bytes = sizeof(arg) };

		timed_plan(&plan, 0, 0, arg);
		plan.batch_ns = 2 * MS;
		plan.blocks = 2;
		plan.launches = 1;
		ck_assert_int_eq(plan_add(&plan, &what), 0);
		/* The second contender is never disturbed. */
		((struct timed_arg *)(uintptr_t)plan.cells[1].what.arg)
			->disturbed = 0;
		ck_assert_int_eq(measure(&plan), 0);
		ck_assert_uint_eq(plan.cells[0].count, plan.cells[1].count);
		/* 2 ms of 100 ns: the disturbance made no sample shorter. */
		if (i < 3)
			ck_assert_uint_eq(plan.cells[0].count, 20000);
		plan_free(&plan);
	}
}
END_TEST

START_TEST(a_sample_is_short_where_little_of_it_is_timed)
{
	/* 100 ns are timed of each 10 us. */
	struct timed_arg arg = { .operation_ns = 10000, .value = 100 };
	struct bench_case what = { .contest = "contest",
				   .name = "a",
				   .unit = "ns",
				   .ops = &timed_ops,
				   .arg = &arg,
				   .arg_bytes = sizeof(arg) };
	struct plan plan;

	timed_plan(&plan, 0, 0, arg);
	plan.batch_ns = 2 * MS;
	plan.blocks = 2;
	plan.launches = 1;
	ck_assert_int_eq(plan_add(&plan, &what), 0);
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.cells[0].count, 800);
	plan_free(&plan);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("equal");
	TCase *equal = make_tcase("equal", 20);

	tcase_add_test(equal, a_contest_whose_a_and_a_differ_is_no_result);
	tcase_add_test(equal, luck_is_drawn_out_within_a_launch);
	tcase_add_test(equal, equal_contenders_have_samples_of_equal_length);
	tcase_add_test(equal, a_sample_is_short_where_little_of_it_is_timed);
	suite_add_tcase(suite, equal);
	return suite;
}
