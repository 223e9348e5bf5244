/* SPDX-License-Identifier: MIT */
/*
 * test_budget.c - a budget is a bound, and all rows have a part of the budget.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <driver/budget.h>
#include <driver/measure.h>

#include "bench/timed.h"
#include "lib/harness.h"

/* Fewest and most samples of a cell. */
static void count_samples(const struct plan *plan, size_t *least, size_t *most)
{
	*least = SIZE_MAX;
	*most = 0;
	for (size_t i = 0; i < plan->cell_count; i++) {
		size_t n = plan->cells[i].n;

		*least = n < *least ? n : *least;
		*most = n > *most ? n : *most;
	}
}

START_TEST(a_budget_cuts_blocks_of_all_rows_alike)
{
	struct plan plan;
	size_t least;
	size_t most;

	/* Without a budget 20 cells take 6 launches of 10 s. */
	timed_plan(&plan, 30 * S, 10,
		   (struct timed_arg){ .run_ns = 20 * MS, .value = 5 });
	plan.blocks = 30;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(timed_spent(&plan), 36 * S);
	ck_assert_uint_ge(timed_spent(&plan), 24 * S);
	ck_assert_uint_eq(plan.launches, 6);
	ck_assert_uint_eq(plan.launches_cut, 0);
	ck_assert_uint_gt(plan.blocks_cut, 0);
	count_samples(&plan, &least, &most);
	ck_assert_uint_ge(least, 6);
	ck_assert_uint_le(most, least + 12);
	plan_free(&plan);
}
END_TEST

START_TEST(what_takes_long_to_open_has_fewer_launches)
{
	struct plan plan;
	size_t least;
	size_t most;

	timed_plan(&plan, 30 * S, 10,
		   (struct timed_arg){
			   .open_ns = 500 * MS, .run_ns = 5 * MS, .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(timed_spent(&plan), 36 * S);
	ck_assert_uint_lt(plan.launches, 6);
	ck_assert_uint_ge(plan.launches, 2);
	ck_assert_uint_eq(plan.launches + plan.launches_cut, 6);
	count_samples(&plan, &least, &most);
	ck_assert_uint_ge(least, plan.launches);
	plan_free(&plan);
}
END_TEST

START_TEST(a_budget_that_one_launch_exceeds_is_a_bound_still)
{
	struct plan plan;
	int skipped = 0;

	timed_plan(&plan, 5 * S, 10,
		   (struct timed_arg){
			   .open_ns = 500 * MS, .run_ns = 5 * MS, .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(timed_spent(&plan), 6 * S);
	ck_assert_uint_eq(plan.launches, 1);
	for (size_t i = 0; i < plan.cell_count; i++) {
		const struct cell *cell = &plan.cells[i];

		if (cell->n)
			continue;
		ck_assert_int_eq(cell->status, CELL_SKIPPED);
		ck_assert_str_eq(cell->reason,
				 "the budget ended before its turn");
		skipped++;
	}
	ck_assert_uint_eq(budget_missed(&plan), (size_t)skipped);
	ck_assert_int_gt(skipped, 0);
	ck_assert_int_lt(skipped, 20);
	plan_free(&plan);
}
END_TEST

START_TEST(a_contest_that_takes_long_to_open_ends_with_the_budget)
{
	struct plan plan;
	int skipped = 0;

	timed_plan(&plan, 5 * S, 0, (struct timed_arg){ .value = 5 });
	for (int i = 0; i < 20; i++)
		timed_add(&plan, 0, "one", false,
			  (struct timed_arg){ .open_ns = 500 * MS,
					      .run_ns = 5 * MS,
					      .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(timed_spent(&plan), 6 * S);
	for (size_t i = 0; i < plan.cell_count; i++)
		skipped += plan.cells[i].status == CELL_SKIPPED;
	ck_assert_int_gt(skipped, 0);
	ck_assert_int_lt(skipped, 20);
	plan_free(&plan);
}
END_TEST

START_TEST(a_warm_up_has_its_part_of_the_budget)
{
	struct plan plan;
	size_t least;
	size_t most;

	timed_plan(&plan, 20 * S, 10,
		   (struct timed_arg){ .run_ns = 10 * MS, .value = 5 });
	plan.warmup_ns = 2 * S;
	plan.warmup_max_ns = 20 * S;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(timed_spent(&plan), 24 * S);
	count_samples(&plan, &least, &most);
	ck_assert_uint_ge(least, plan.launches);
	plan_free(&plan);
}
END_TEST

START_TEST(long_operations_leave_no_row_out)
{
	struct plan plan;
	size_t least;
	size_t most;

	/* 20 cells: one window of five in each cell would take 32 s already. */
	timed_plan(&plan, 30 * S, 10,
		   (struct timed_arg){ .run_ns = 200 * MS, .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(timed_spent(&plan), 36 * S);
	count_samples(&plan, &least, &most);
	ck_assert_uint_ge(least, 1);
	plan_free(&plan);
}
END_TEST

START_TEST(a_contest_of_many_has_the_time_of_many)
{
	struct plan plan;
	size_t few;
	size_t many;

	timed_plan(&plan, 30 * S, 0, (struct timed_arg){ .value = 5 });
	for (int i = 0; i < 20; i++)
		timed_add(&plan, i < 18 ? 0 : 1, "one", false,
			  (struct timed_arg){ .run_ns = 20 * MS, .value = 5 });
	plan.blocks = 1000;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(timed_spent(&plan), 36 * S);
	few = plan.cells[0].n;
	many = plan.cells[19].n;
	ck_assert_uint_ge(few, 6);
	ck_assert_uint_le(many, 3 * few);
	ck_assert_uint_le(few, 3 * many);
	plan_free(&plan);
}
END_TEST

START_TEST(the_rest_of_the_time_is_told)
{
	struct plan plan;
	char text[32];

	timed_plan(&plan, 0, 1, (struct timed_arg){ .value = 5 });
	plan.warmup_ns = 100 * MS;
	plan.batch_ns = 8 * MS;
	/* 2 cells, 6 launches, 11 blocks of 9 ms, a warm-up, and 2 ms to open. */
	ck_assert_uint_eq(budget_estimate_ns(&plan), 12 * 201 * MS);
	plan.cells[0].what.peer = "a program";
	ck_assert_uint_eq(budget_estimate_ns(&plan), 6 * (201 + 499) * MS);
	plan.cells[0].what.peer = NULL;
	timed_now_ns += 60 * S;
	ck_assert_uint_eq(budget_left_ns(&plan, 2, 6), 120 * S);
	plan.budget_ns = 100 * S;
	ck_assert_uint_eq(budget_left_ns(&plan, 2, 6), 40 * S);
	timed_now_ns += 60 * S;
	ck_assert_uint_eq(budget_left_ns(&plan, 2, 6), 0);
	budget_format(text, sizeof(text), 40 * S);
	ck_assert_str_eq(text, "40 s");
	budget_format(text, sizeof(text), 180 * S);
	ck_assert_str_eq(text, "3 min");
	budget_format(text, sizeof(text), 8400 * S);
	ck_assert_str_eq(text, "2 h 20 min");
	plan_free(&plan);
}
END_TEST

START_TEST(a_long_operation_that_no_longer_fits_is_left_out)
{
	struct plan plan;
	int measured = 0;

	/* Each cell takes 2 s at the least, and 3 of 4 fit into 7. */
	timed_plan(&plan, 7 * S, 2,
		   (struct timed_arg){ .run_ns = S, .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(timed_spent(&plan), 7 * S + 7 * S / 20);
	for (size_t i = 0; i < plan.cell_count; i++)
		measured += plan.cells[i].n > 0;
	ck_assert_int_ge(measured, 3);
	ck_assert_uint_eq(plan.launches, 1);
	plan_free(&plan);
}
END_TEST

START_TEST(one_launch_that_fits_uses_all_of_the_budget)
{
	struct plan plan;
	size_t least;
	size_t most;

	/* A launch takes 4.1 s at the least, so the budget has room for one launch. */
	timed_plan(&plan, 8 * S, 2,
		   (struct timed_arg){
			   .open_ns = S, .run_ns = 10 * MS, .value = 5 });
	plan.blocks = 1000;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.launches, 1);
	ck_assert_uint_ge(timed_spent(&plan), 7 * S);
	ck_assert_uint_le(timed_spent(&plan), 9 * S);
	count_samples(&plan, &least, &most);
	ck_assert_uint_ge(least, 6);
	plan_free(&plan);
}
END_TEST

START_TEST(a_contender_that_is_not_here_leaves_the_others_their_turn)
{
	struct plan plan;

	timed_plan(&plan, 30 * S, 0, (struct timed_arg){ .value = 5 });
	for (int i = 0; i < 20; i++)
		timed_add(&plan, 0, "one", false,
			  (struct timed_arg){ .run_ns = 5 * MS,
					      .open_ns = MS,
					      .absent = i % 3 == 0,
					      .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(budget_missed(&plan), 0);
	for (size_t i = 0; i < plan.cell_count; i++)
		ck_assert_int_eq(plan.cells[i].status,
				 i % 3 ? CELL_OK : CELL_SKIPPED);
	plan_free(&plan);
}
END_TEST

START_TEST(what_only_the_first_launch_does_costs_no_launch)
{
	/* A contender takes longer to find the length of its samples than to be
	 * measured once. */
	struct timed_arg arg = { .operation_ns = 10000, .value = 10000 };
	struct bench_case what = { .unit = "ns",
				   .ops = &timed_ops,
				   .arg = &arg,
				   .arg_bytes = sizeof(arg) };
	struct plan plan;

	timed_plan(&plan, 8 * S, 0, arg);
	plan.batch_ns = 20 * MS;
	for (int i = 0; i < 20; i++) {
		snprintf(what.contest, sizeof(what.contest), "contest %d", i);
		snprintf(what.name, sizeof(what.name), "a");
		ck_assert_int_eq(plan_add(&plan, &what), 0);
	}
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.launches, 6);
	ck_assert_uint_le(timed_spent(&plan), 8 * S * 12 / 10);
	plan_free(&plan);
}
END_TEST

START_TEST(a_helper_that_all_contests_use_is_started_once)
{
	struct plan plan;

	/* A launch takes 2 s for the helper and 0.8 s for the cells. */
	timed_plan(&plan, 30 * S, 20,
		   (struct timed_arg){
			   .helper_ns = 2 * S, .run_ns = 5 * MS, .value = 5 });
	plan.blocks = 1000;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.launches, 6);
	ck_assert_uint_le(timed_spent(&plan), 36 * S);
	/* The contest that starts the helper has the time of the others. */
	ck_assert_uint_ge(plan.cells[0].n, plan.cells[20].n / 2);
	ck_assert_uint_ge(plan.cells[20].n, plan.cells[0].n / 2);
	plan_free(&plan);
}
END_TEST

START_TEST(more_openings_than_blocks_are_as_many_as_blocks)
{
	struct plan plan;

	timed_plan(&plan, 0, 1,
		   (struct timed_arg){ .run_ns = 10 * MS, .value = 5 });
	plan.blocks = 2;
	plan.launches = 1;
	plan.openings = 9;
	plan.cells[1].what.peer = "stays open";
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.cells[0].n, 2);
	ck_assert_uint_eq(plan.cells[1].n, 2);
	ck_assert_uint_eq(timed_opened, 3);
	plan.cells[1].what.peer = NULL;
	plan_free(&plan);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("budget");
	TCase *budget = make_tcase("budget", 20);

	tcase_add_test(budget, a_budget_cuts_blocks_of_all_rows_alike);
	tcase_add_test(budget, what_takes_long_to_open_has_fewer_launches);
	tcase_add_test(budget,
		       a_budget_that_one_launch_exceeds_is_a_bound_still);
	tcase_add_test(budget,
		       a_contest_that_takes_long_to_open_ends_with_the_budget);
	tcase_add_test(budget, a_warm_up_has_its_part_of_the_budget);
	tcase_add_test(budget, long_operations_leave_no_row_out);
	tcase_add_test(budget, a_contest_of_many_has_the_time_of_many);
	tcase_add_test(budget, the_rest_of_the_time_is_told);
	tcase_add_test(budget,
		       a_long_operation_that_no_longer_fits_is_left_out);
	tcase_add_test(budget, one_launch_that_fits_uses_all_of_the_budget);
	tcase_add_test(
		budget,
		a_contender_that_is_not_here_leaves_the_others_their_turn);
	tcase_add_test(budget, what_only_the_first_launch_does_costs_no_launch);
	tcase_add_test(budget, a_helper_that_all_contests_use_is_started_once);
	tcase_add_test(budget, more_openings_than_blocks_are_as_many_as_blocks);
	suite_add_tcase(suite, budget);
	return suite;
}
