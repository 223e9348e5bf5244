/* SPDX-License-Identifier: MIT */
/*
 * test_measure.c - the order of blocks, and contenders that are slow, lying or wrong.
 *
 * No test here takes a time: the contenders note begin and end on a made-up clock,
 * inside the window that the driver gives, or measure a value from a fixed sequence.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <driver/measure.h>

#include "lib/harness.h"

/* A contender whose samples are made up: `value` a little to and fro. */
struct fake_arg {
	double value;
	bool lies;                    /* notes a time from before the run */
	bool corrupts;                /* the result is wrong */
	bool absent;                  /* cannot be had here */
	bool breaks;                  /* the run fails */
	volatile sig_atomic_t *stops; /* the user interrupts the run */
	uint64_t count;               /* operations a sample; 0: 1 */
	bool once;                    /* a launch */
};

struct fake {
	struct fake_arg arg;
	uint64_t random;
	clockid_t clock;
};

static int opened;
/* How many operations each run was of. */
static uint64_t runs[64];
static int run_count;

static int fake_open(const void *arg, clockid_t clock, void **state, char *why)
{
	const struct fake_arg *a = arg;
	struct fake *f;

	if (a->absent) {
		strcpy(why, "there is none");
		return -ENOTSUP;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->arg = *a;
	f->random = (uint64_t)(a->value * 1000) + (uint64_t)opened;
	f->clock = clock;
	opened++;
	*state = f;
	return 0;
}

static int fake_run(void *state, uint64_t count, struct timing *timing,
		    char *why)
{
	struct fake *f = state;

	if (run_count < 64)
		runs[run_count++] = count;
	if (f->arg.stops)
		*f->arg.stops = 1;
	if (f->arg.breaks) {
		strcpy(why, "it broke");
		return -EIO;
	}
	if (f->arg.lies) {
		timing->ranks = 1;
		timing->rank[0].end_ns = stopwatch_ns(f->clock);
		timing->rank[0].begin_ns = 1;
		return 0;
	}
	/* One percent to and fro, and as long as the contender says for any count. */
	timing->measured = true;
	timing->value =
		f->arg.value *
		(0.99 + 0.02 * (double)(stats_random(&f->random) >> 11) /
				9007199254740992.0);
	return 0;
}

static int fake_verify(void *state, char *why)
{
	struct fake *f = state;

	if (!f->arg.corrupts)
		return 0;
	strcpy(why, "word 3 is wrong");
	return -EBADMSG;
}

static void fake_close(void *state)
{
	opened--;
	free(state);
}

static const struct bench_ops fake_ops = {
	.open = fake_open,
	.run = fake_run,
	.verify = fake_verify,
	.close = fake_close,
};

static void add_fake(struct plan *plan, const char *name, bool again,
		     struct fake_arg arg)
{
	struct bench_case what = {
		.contest = "fake",
		.unit = "ns",
		.count = arg.count,
		.count_max = 1,
		.again = again,
		.once = arg.once,
		.ops = &fake_ops,
		.arg = &arg,
		.arg_bytes = sizeof(arg),
	};

	strcpy(what.name, name);
	ck_assert_int_eq(plan_add(plan, &what), 0);
}

static struct plan small_plan(void)
{
	struct plan plan;

	plan_init(&plan);
	plan.seed = 42;
	plan.warmup_ns = 0;
	plan.warmup_max_ns = 0;
	opened = 0;
	run_count = 0;
	return plan;
}

START_TEST(every_block_visits_every_cell_once)
{
	struct plan plan = small_plan();
	uint32_t last_first = 0;
	int changed = 0;

	add_fake(&plan, "a", false, (struct fake_arg){ .value = 10 });
	add_fake(&plan, "b", false, (struct fake_arg){ .value = 20 });
	add_fake(&plan, "c", false, (struct fake_arg){ .value = 30 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_int_eq(opened, 0);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(plan.cells[i].n, 66);
		for (uint32_t k = 0; k < 66; k++) {
			ck_assert_uint_eq(plan.cells[i].origin[k].launch,
					  k / 11);
			ck_assert_uint_eq(plan.cells[i].origin[k].block,
					  k % 11);
		}
	}
	/* The three contenders of a block have its three sequence numbers, and the
	 * first contender changes. */
	for (uint32_t k = 0; k < 66; k++) {
		uint32_t sum = 0;
		uint32_t first = 3;

		for (uint32_t i = 0; i < 3; i++) {
			uint32_t at = plan.cells[i].origin[k].seq - k % 11 * 3;

			ck_assert_uint_lt(at, 3);
			sum += 1u << at;
			first = at == 0 ? i : first;
		}
		ck_assert_uint_eq(sum, 7);
		changed += first != last_first;
		last_first = first;
	}
	ck_assert_int_gt(changed, 20);
	plan_free(&plan);
}
END_TEST

/* An eighth of a sample, one operation at least; nothing before a contender that runs
 * once a launch. */
START_TEST(an_untimed_run_comes_first)
{
	static const struct {
		uint64_t count, untimed;
		bool once;
	} rows[] = { { 1, 1, false },
		     { 8, 1, false },
		     { 16, 2, false },
		     { 1, 0, true } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct plan plan = small_plan();
		int at;

		plan.launches = 1;
		plan.blocks = 3;
		add_fake(&plan, "a", false,
			 (struct fake_arg){ .value = 10,
					    .count = rows[i].count,
					    .once = rows[i].once });
		ck_assert_int_eq(measure(&plan), 0);
		/* The runs before the first visit are the warm-up. */
		at = rows[i].once ? 0 : run_count - 6;
		ck_assert_int_ge(at, 0);
		if (rows[i].once)
			ck_assert_int_eq(run_count, 1);
		for (; at < run_count; at++) {
			if (rows[i].untimed)
				ck_assert_uint_eq(runs[at++], rows[i].untimed);
			ck_assert_uint_eq(runs[at], rows[i].count);
		}
		plan_free(&plan);
	}
}
END_TEST

START_TEST(the_same_cell_twice_shows_no_difference)
{
	struct plan plan = small_plan();
	struct comparison c;

	add_fake(&plan, "a", true, (struct fake_arg){ .value = 100 });
	ck_assert_uint_eq(plan.cell_count, 2);
	ck_assert_int_eq(plan.cells[1].twin, 0);
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_int_eq(
		measure_compare(&plan, &plan.cells[0], &plan.cells[1], &c), 0);
	ck_assert(c.ratio.known);
	ck_assert_int_eq(c.verdict, VERDICT_NOT_SHOWN);
	ck_assert_double_eq_tol(c.ratio.estimate, 1, 0.01);
	plan_free(&plan);
}
END_TEST

START_TEST(ten_percent_slower_is_shown)
{
	struct plan plan = small_plan();
	struct comparison c;

	add_fake(&plan, "a", false, (struct fake_arg){ .value = 100 });
	add_fake(&plan, "slow", false, (struct fake_arg){ .value = 110 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_int_eq(
		measure_compare(&plan, &plan.cells[0], &plan.cells[1], &c), 0);
	ck_assert_int_eq(c.verdict, VERDICT_A_FASTER);
	ck_assert(c.ratio.low > 1.08 && c.ratio.high < 1.12);
	plan_free(&plan);
}
END_TEST

START_TEST(who_lies_corrupts_breaks_or_is_absent_is_caught)
{
	struct plan plan = small_plan();

	add_fake(&plan, "good", false, (struct fake_arg){ .value = 100 });
	add_fake(&plan, "liar", false,
		 (struct fake_arg){ .value = 1, .lies = true });
	add_fake(&plan, "corrupt", false,
		 (struct fake_arg){ .value = 100, .corrupts = true });
	add_fake(&plan, "broken", false,
		 (struct fake_arg){ .value = 100, .breaks = true });
	add_fake(&plan, "absent", false,
		 (struct fake_arg){ .value = 100, .absent = true });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_int_eq(opened, 0);
	ck_assert_int_eq(plan.cells[0].status, CELL_OK);
	ck_assert_uint_eq(plan.cells[0].verified, 6);
	ck_assert_int_eq(plan.cells[1].status, CELL_FAILED);
	ck_assert(plan.cells[1].unverified);
	ck_assert_uint_eq(plan.cells[1].n, 0);
	ck_assert_int_eq(plan.cells[2].status, CELL_FAILED);
	ck_assert(plan.cells[2].unverified);
	ck_assert_str_eq(plan.cells[2].reason, "word 3 is wrong");
	ck_assert_int_eq(plan.cells[3].status, CELL_FAILED);
	ck_assert(!plan.cells[3].unverified);
	ck_assert_str_eq(plan.cells[3].reason, "it broke");
	ck_assert_int_eq(plan.cells[4].status, CELL_SKIPPED);
	ck_assert_str_eq(plan.cells[4].reason, "there is none");
	plan_free(&plan);
}
END_TEST

static volatile sig_atomic_t stop_now;

static void stop_at_third(void *arg, const char *text)
{
	int *calls = arg;

	(void)text;
	if (++*calls == 3)
		stop_now = 1;
}

START_TEST(an_interruption_keeps_what_there_is)
{
	struct plan plan = small_plan();
	int calls = 0;

	stop_now = 0;
	plan.stop = &stop_now;
	plan.progress = stop_at_third;
	plan.progress_arg = &calls;
	add_fake(&plan, "a", false, (struct fake_arg){ .value = 100 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert(plan.interrupted);
	ck_assert_uint_eq(plan.cells[0].n, 22);
	ck_assert_uint_eq(plan.cells[0].summary.n, 22);
	ck_assert_int_eq(opened, 0);
	plan_free(&plan);
}
END_TEST

START_TEST(an_interruption_ends_a_warm_up)
{
	struct plan plan = small_plan();

	stop_now = 0;
	plan.stop = &stop_now;
	add_fake(&plan, "a", false,
		 (struct fake_arg){ .value = 100, .stops = &stop_now });
	ck_assert_int_eq(measure(&plan), 0);
	/* A run under way ends; a run may take long. */
	ck_assert_int_eq(run_count, 1);
	plan_free(&plan);
}
END_TEST

START_TEST(what_an_interruption_leaves_unmeasured_says_so)
{
	struct plan plan = small_plan();
	int calls = 2;

	stop_now = 0;
	plan.stop = &stop_now;
	plan.progress = stop_at_third;
	plan.progress_arg = &calls;
	add_fake(&plan, "a", false, (struct fake_arg){ .value = 100 });
	ck_assert_int_eq(measure(&plan), 0);
	ck_assert_uint_eq(plan.cells[0].n, 0);
	ck_assert_int_eq(plan.cells[0].status, CELL_SKIPPED);
	ck_assert_ptr_nonnull(strstr(plan.cells[0].reason, "interrupted"));
	plan_free(&plan);
}
END_TEST

START_TEST(the_stopwatch_steps_and_costs)
{
	struct stopwatch watch;

	stopwatch_choose(&watch);
	ck_assert_uint_ge(watch.resolution_ns, 1);
	ck_assert_uint_ge(watch.cost_p99_ns, watch.cost_ns);
	ck_assert_ptr_nonnull(watch.name);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("measure");
	TCase *driver = make_tcase("driver", 20);

	tcase_add_test(driver, every_block_visits_every_cell_once);
	tcase_add_test(driver, an_untimed_run_comes_first);
	tcase_add_test(driver, the_same_cell_twice_shows_no_difference);
	tcase_add_test(driver, ten_percent_slower_is_shown);
	tcase_add_test(driver, who_lies_corrupts_breaks_or_is_absent_is_caught);
	tcase_add_test(driver, an_interruption_keeps_what_there_is);
	tcase_add_test(driver, an_interruption_ends_a_warm_up);
	tcase_add_test(driver, what_an_interruption_leaves_unmeasured_says_so);
	tcase_add_test(driver, the_stopwatch_steps_and_costs);
	suite_add_tcase(suite, driver);
	return suite;
}
