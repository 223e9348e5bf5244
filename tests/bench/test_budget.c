/* SPDX-License-Identifier: MIT */
/*
 * test_budget.c - a budget is a bound, and all rows have a part of the budget; a
 * contest whose A and A differ is no result.
 *
 * The clock is a counter that each run of a contender moves on: no test here depends
 * on a real time.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <driver/budget.h>
#include <driver/measure.h>

#include "lib/harness.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

static uint64_t now_ns;

static uint64_t fake_now(void)
{
	return now_ns;
}

struct timed_arg {
	uint64_t open_ns, run_ns;
	bool absent;           /* the machine lacks the contender */
	uint64_t operation_ns; /* beside run_ns, of each operation */
	double value;
	/* Every second contender that is opened is twice as slow. */
	bool lucky;
	/* The first runs, of this number, are disturbed. */
	int disturbed;
	/* The first open() of a launch takes so much longer, for all. */
	uint64_t helper_ns;
};

/* The helper runs, until the launch ends. */
static bool helper_runs;
static uint64_t helper_took_ns;

static double luck;

/* Contenders that were opened. */
static uint32_t opened;

static int timed_open(const void *arg, clockid_t clock, void **state, char *why)
{
	static struct timed_arg args[64];
	static size_t next;
	struct timed_arg *a = &args[next++ % 64];

	*a = *(const struct timed_arg *)arg;
	opened++;
	if (a->lucky) {
		a->value *= luck;
		luck = 3 - luck;
	}
	now_ns += a->open_ns;
	helper_took_ns = helper_runs ? 0 : a->helper_ns;
	now_ns += helper_took_ns;
	if (a->absent)
		return -ENOTSUP;
	helper_runs = true;
	*state = a;
	return 0;
}

static int timed_run(void *state, uint64_t count, struct timing *timing,
		     char *why)
{
	struct timed_arg *a = state;

	now_ns += a->run_ns + count * a->operation_ns;
	timing->measured = true;
	timing->value = a->value;
	if (a->disturbed > 0) {
		a->disturbed--;
		timing->value = 20 * MS / (double)count;
	}
	return 0;
}

static void timed_close(void *state)
{
}

static uint64_t timed_kept(void *state)
{
	return helper_took_ns;
}

static void timed_end_launch(void)
{
	helper_runs = false;
}

static const struct bench_ops timed_ops = {
	.open = timed_open,
	.run = timed_run,
	.close = timed_close,
	.kept_ns = timed_kept,
	.end_launch = timed_end_launch,
};

static void add(struct plan *plan, int contest, const char *name, bool again,
		struct timed_arg arg)
{
	struct bench_case what = { .unit = "ns",
				   .again = again,
				   .count_max = 1,
				   .ops = &timed_ops,
				   .arg = &arg,
				   .arg_bytes = sizeof(arg) };

	snprintf(what.contest, sizeof(what.contest), "contest %d", contest);
	snprintf(what.name, sizeof(what.name), "%s", name);
	ck_assert_int_eq(plan_add(plan, &what), 0);
}

/* `contests` contests of two contenders each. */
static void make_plan(struct plan *plan, uint64_t budget_ns, int contests,
		      struct timed_arg arg)
{
	plan_init(plan);
	plan->seed = 1;
	now_ns = 1000 * S;
	luck = 1;
	opened = 0;
	helper_runs = false;
	plan->now = fake_now;
	plan->began_ns = now_ns;
	plan->budget_ns = budget_ns;
	for (int i = 0; i < contests; i++) {
		add(plan, i, "a", false, arg);
		add(plan, i, "b", false, arg);
	}
}

static uint64_t spent(const struct plan *plan)
{
	return now_ns - plan->began_ns;
}

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
	make_plan(&plan, 30 * S, 10,
		  (struct timed_arg){ .run_ns = 20 * MS, .value = 5 });
	plan.blocks = 30;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(spent(&plan), 36 * S);
	ck_assert_uint_ge(spent(&plan), 24 * S);
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

	make_plan(&plan, 30 * S, 10,
		  (struct timed_arg){
			  .open_ns = 500 * MS, .run_ns = 5 * MS, .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(spent(&plan), 36 * S);
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

	make_plan(&plan, 5 * S, 10,
		  (struct timed_arg){
			  .open_ns = 500 * MS, .run_ns = 5 * MS, .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(spent(&plan), 6 * S);
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

	make_plan(&plan, 5 * S, 0, (struct timed_arg){ .value = 5 });
	for (int i = 0; i < 20; i++)
		add(&plan, 0, "one", false,
		    (struct timed_arg){ .open_ns = 500 * MS,
					.run_ns = 5 * MS,
					.value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(spent(&plan), 6 * S);
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

	make_plan(&plan, 20 * S, 10,
		  (struct timed_arg){ .run_ns = 10 * MS, .value = 5 });
	plan.warmup_ns = 2 * S;
	plan.warmup_max_ns = 20 * S;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(spent(&plan), 24 * S);
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
	make_plan(&plan, 30 * S, 10,
		  (struct timed_arg){ .run_ns = 200 * MS, .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(spent(&plan), 36 * S);
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

	make_plan(&plan, 30 * S, 0, (struct timed_arg){ .value = 5 });
	for (int i = 0; i < 20; i++)
		add(&plan, i < 18 ? 0 : 1, "one", false,
		    (struct timed_arg){ .run_ns = 20 * MS, .value = 5 });
	plan.blocks = 1000;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(spent(&plan), 36 * S);
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

	make_plan(&plan, 0, 1, (struct timed_arg){ .value = 5 });
	plan.warmup_ns = 100 * MS;
	plan.batch_ns = 8 * MS;
	/* 2 cells, 6 launches, 11 blocks of 9 ms, a warm-up, and 2 ms to open. */
	ck_assert_uint_eq(budget_estimate_ns(&plan), 12 * 201 * MS);
	plan.cells[0].what.peer = "a program";
	ck_assert_uint_eq(budget_estimate_ns(&plan), 6 * (201 + 499) * MS);
	plan.cells[0].what.peer = NULL;
	now_ns += 60 * S;
	ck_assert_uint_eq(budget_left_ns(&plan, 2, 6), 120 * S);
	plan.budget_ns = 100 * S;
	ck_assert_uint_eq(budget_left_ns(&plan, 2, 6), 40 * S);
	now_ns += 60 * S;
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

START_TEST(a_contest_whose_a_and_a_differ_is_no_result)
{
	struct comparison c;
	struct plan plan;

	make_plan(&plan, 0, 0, (struct timed_arg){ .value = 5 });
	plan.warmup_ns = plan.warmup_max_ns = 0;
	add(&plan, 0, "sound", true, (struct timed_arg){ .value = 100 });
	add(&plan, 0, "other", false, (struct timed_arg){ .value = 300 });
	add(&plan, 1, "odd", true, (struct timed_arg){ .value = 100 });
	add(&plan, 1, "other", false, (struct timed_arg){ .value = 300 });
	add(&plan, 2, "once", false, (struct timed_arg){ .value = 100 });
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

/* The ratio of A to A where every second contender that is opened is twice as slow,
 * and the opening of each sample. */
static double lucky_again(uint32_t openings, uint32_t *last)
{
	struct plan plan;
	double again;

	make_plan(&plan, 0, 0, (struct timed_arg){ .value = 5 });
	plan.warmup_ns = plan.warmup_max_ns = 0;
	plan.blocks = 12;
	plan.launches = 4;
	plan.openings = openings;
	add(&plan, 0, "lucky", true,
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

		make_plan(&plan, 0, 0, arg);
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

	make_plan(&plan, 0, 0, arg);
	plan.batch_ns = 2 * MS;
	plan.blocks = 2;
	plan.launches = 1;
	ck_assert_int_eq(plan_add(&plan, &what), 0);
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.cells[0].count, 800);
	plan_free(&plan);
}
END_TEST

START_TEST(a_long_operation_that_no_longer_fits_is_left_out)
{
	struct plan plan;
	int measured = 0;

	/* Each cell takes 2 s at the least, and 3 of 4 fit into 7. */
	make_plan(&plan, 7 * S, 2,
		  (struct timed_arg){ .run_ns = S, .value = 5 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_le(spent(&plan), 7 * S + 7 * S / 20);
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
	make_plan(&plan, 8 * S, 2,
		  (struct timed_arg){
			  .open_ns = S, .run_ns = 10 * MS, .value = 5 });
	plan.blocks = 1000;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.launches, 1);
	ck_assert_uint_ge(spent(&plan), 7 * S);
	ck_assert_uint_le(spent(&plan), 9 * S);
	count_samples(&plan, &least, &most);
	ck_assert_uint_ge(least, 6);
	plan_free(&plan);
}
END_TEST

START_TEST(a_contender_that_is_not_here_leaves_the_others_their_turn)
{
	struct plan plan;

	make_plan(&plan, 30 * S, 0, (struct timed_arg){ .value = 5 });
	for (int i = 0; i < 20; i++)
		add(&plan, 0, "one", false,
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
	/* To find the length of its samples takes a contender longer than to be
	 * measured once. */
	struct timed_arg arg = { .operation_ns = 10000, .value = 10000 };
	struct bench_case what = { .unit = "ns",
				   .ops = &timed_ops,
				   .arg = &arg,
				   .arg_bytes = sizeof(arg) };
	struct plan plan;

	make_plan(&plan, 8 * S, 0, arg);
	plan.batch_ns = 20 * MS;
	for (int i = 0; i < 20; i++) {
		snprintf(what.contest, sizeof(what.contest), "contest %d", i);
		snprintf(what.name, sizeof(what.name), "a");
		ck_assert_int_eq(plan_add(&plan, &what), 0);
	}
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.launches, 6);
	ck_assert_uint_le(spent(&plan), 8 * S * 12 / 10);
	plan_free(&plan);
}
END_TEST

START_TEST(a_helper_that_all_contests_use_is_started_once)
{
	struct plan plan;

	/* A launch takes 2 s for the helper and 0.8 s for the cells. */
	make_plan(&plan, 30 * S, 20,
		  (struct timed_arg){
			  .helper_ns = 2 * S, .run_ns = 5 * MS, .value = 5 });
	plan.blocks = 1000;
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.launches, 6);
	ck_assert_uint_le(spent(&plan), 36 * S);
	/* The contest that starts the helper has the time of the others. */
	ck_assert_uint_ge(plan.cells[0].n, plan.cells[20].n / 2);
	ck_assert_uint_ge(plan.cells[20].n, plan.cells[0].n / 2);
	plan_free(&plan);
}
END_TEST

START_TEST(more_openings_than_blocks_are_as_many_as_blocks)
{
	struct plan plan;

	make_plan(&plan, 0, 1,
		  (struct timed_arg){ .run_ns = 10 * MS, .value = 5 });
	plan.blocks = 2;
	plan.launches = 1;
	plan.openings = 9;
	plan.cells[1].what.peer = "stays open";
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.cells[0].n, 2);
	ck_assert_uint_eq(plan.cells[1].n, 2);
	ck_assert_uint_eq(opened, 3);
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
	tcase_add_test(budget, luck_is_drawn_out_within_a_launch);
	tcase_add_test(budget, equal_contenders_have_samples_of_equal_length);
	tcase_add_test(budget, a_sample_is_short_where_little_of_it_is_timed);
	tcase_add_test(budget,
		       a_long_operation_that_no_longer_fits_is_left_out);
	tcase_add_test(budget, one_launch_that_fits_uses_all_of_the_budget);
	tcase_add_test(
		budget,
		a_contender_that_is_not_here_leaves_the_others_their_turn);
	tcase_add_test(budget, what_only_the_first_launch_does_costs_no_launch);
	tcase_add_test(budget, a_helper_that_all_contests_use_is_started_once);
	tcase_add_test(budget, more_openings_than_blocks_are_as_many_as_blocks);
	tcase_add_test(budget, a_contest_whose_a_and_a_differ_is_no_result);
	suite_add_tcase(suite, budget);
	return suite;
}
