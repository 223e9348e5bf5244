/* SPDX-License-Identifier: MIT */
/*
 * test_measure.c - statistics against known samples, the order of blocks, and
 * contenders that are slow, lying or wrong.
 *
 * Nothing here takes a time: the contenders note begin and end on a clock of
 * their own making, inside the window the driver gives them, or measure a value
 * from a fixed sequence.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <driver/fit.h>
#include <driver/measure.h>

#include "lib/harness.h"

#define NEAR(a, b) ck_assert_double_eq_tol((a), (b), 1e-9)

START_TEST(median_and_quantiles_of_known_samples)
{
	double odd[] = { 5, 1, 4, 2, 3 };
	double even[] = { 4, 1, 3, 2 };
	double ten[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

	NEAR(stats_median(odd, 5), 3);
	NEAR(stats_median(even, 4), 2.5);
	NEAR(stats_quantile(ten, 10, 0.9), 9.5);
	NEAR(stats_quantile(ten, 10, 0.99), 10);
	ck_assert(isnan(stats_quantile(ten, 0, 0.5)));
}
END_TEST

/* The exact binomial table: n = 6 gives 1..6, 10 gives 2..9, 20 gives 6..15. */
START_TEST(median_ranks_are_the_tables)
{
	static const size_t table[][3] = {
		{ 6, 1, 6 },   { 8, 1, 8 },    { 9, 2, 8 },    { 10, 2, 9 },
		{ 20, 6, 15 }, { 30, 10, 21 }, { 50, 18, 33 },
	};
	size_t low;
	size_t high;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		ck_assert(stats_quantile_ranks(table[i][0], 0.5, &low, &high));
		ck_assert_uint_eq(low, table[i][1]);
		ck_assert_uint_eq(high, table[i][2]);
	}
	/* R8: floor((n - 1.96 sqrt n) / 2), ceil(1 + (n + 1.96 sqrt n) / 2) */
	ck_assert(stats_quantile_ranks(100, 0.5, &low, &high));
	ck_assert_uint_eq(low, 40);
	ck_assert_uint_eq(high, 61);
	ck_assert(!stats_quantile_ranks(5, 0.5, &low, &high));
	ck_assert(!stats_quantile_ranks(0, 0.5, &low, &high));
}
END_TEST

/* Times made by a law give its parameters back. */
START_TEST(laws_are_found_again)
{
	static const int workers[] = { 1, 2, 4, 8, 16 };
	struct fit_amdahl amdahl;
	struct fit_usl usl;
	double times[5];

	for (int i = 0; i < 5; i++)
		times[i] = 0.07 + 0.93 / workers[i];
	ck_assert_int_eq(fit_amdahl(workers, times, 5, &amdahl), 0);
	NEAR(amdahl.serial, 0.07);
	/* Amdahl's law is USL without coherency. */
	ck_assert_int_eq(fit_usl(workers, times, 5, &usl), 0);
	NEAR(usl.contention, 0.07);
	NEAR(usl.coherency, 0);
	NEAR(fit_karp_flatt(4, times[2]), 0.07);
	for (int i = 0; i < 5; i++)
		times[i] = (1 + 0.02 * (workers[i] - 1) +
			    0.003 * workers[i] * (workers[i] - 1)) /
			   workers[i];
	ck_assert_int_eq(fit_usl(workers, times, 5, &usl), 0);
	NEAR(usl.contention, 0.02);
	NEAR(usl.coherency, 0.003);
}
END_TEST

START_TEST(a_law_wants_enough_counts)
{
	static const int workers[] = { 1, 2, 2, 2, 1 };
	static const int three[] = { 1, 2, 3 };
	static const double times[] = { 1, 0.5, 0.5, 0.5, 1 };
	struct fit_amdahl amdahl;
	struct fit_usl usl;

	ck_assert_int_eq(fit_amdahl(workers, times, 5, &amdahl), -EINVAL);
	ck_assert_int_eq(fit_usl(workers, times, 5, &usl), -EINVAL);
	ck_assert_int_eq(fit_amdahl(three, times, 3, &amdahl), 0);
	ck_assert_int_eq(fit_usl(three, times, 3, &usl), -EINVAL);
}
END_TEST

/* Hollander & Wolfe's way by hand: Walsh averages of 1..6, and the signed-rank
 * table says that T = 0 is the only value in the 2.5 % tail of n = 6. */
START_TEST(paired_location_of_known_samples)
{
	static const double d[] = { 1, 2, 3, 4, 5, 6 };
	struct stats_interval x;

	ck_assert_int_eq(stats_paired(d, 6, &x), 0);
	NEAR(x.estimate, 3.5);
	ck_assert(x.known);
	NEAR(x.low, 1);
	NEAR(x.high, 6);
	ck_assert_int_eq(stats_paired(d, 5, &x), 0);
	ck_assert(!x.known);
	ck_assert_int_eq(stats_paired(d, 0, &x), 0);
	ck_assert(!x.known);
}
END_TEST

/* n = 10: the table's critical value is 8, so the interval runs from the ninth
 * smallest to the ninth largest of 55 Walsh averages. */
START_TEST(paired_interval_uses_the_signed_rank_table)
{
	double d[10];
	double walsh[55];
	struct stats_interval x;
	size_t n = 0;

	for (int i = 0; i < 10; i++)
		d[i] = (i + 1) * (i + 1);
	for (int i = 0; i < 10; i++)
		for (int j = i; j < 10; j++)
			walsh[n++] = (d[i] + d[j]) / 2;
	stats_sort(walsh, n);
	ck_assert_int_eq(stats_paired(d, 10, &x), 0);
	NEAR(x.low, walsh[8]);
	NEAR(x.high, walsh[46]);
}
END_TEST

/* The rank-sum table for 6 and 6: U = 5 is critical, so the sixth of 36. */
START_TEST(unpaired_shift_of_known_samples)
{
	static const double x[] = { 1, 2, 3, 4, 5, 6 };
	static const double y[] = { 11, 12, 13, 14, 15, 16 };
	struct stats_interval s;

	ck_assert_int_eq(stats_shift(x, 6, y, 6, 0.025, &s), 0);
	NEAR(s.estimate, 10);
	ck_assert(s.known);
	NEAR(s.low, 7);
	NEAR(s.high, 13);
	/* U = 2 is critical for 99 %: the third of 36. */
	ck_assert_int_eq(stats_shift(x, 6, y, 6, 0.005, &s), 0);
	NEAR(s.low, 6);
	NEAR(s.high, 14);
	ck_assert_int_eq(stats_shift(x, 3, y, 3, 0.025, &s), 0);
	ck_assert(!s.known);
}
END_TEST

/*
 * A machine that is noisy as machines are: pages and addresses of a launch
 * move it by 3 %, samples spread over 2 %, and one in ten is disturbed and up
 * to half as long again.
 */
static double normal(uint64_t *random)
{
	double u = (double)((stats_random(random) >> 11) + 1) * 0x1p-53;
	double v = (double)(stats_random(random) >> 11) * 0x1p-53;

	return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static double sample(double launch, uint64_t *random)
{
	double x = exp(launch + 0.02 * normal(random));

	if (stats_random(random) % 10 == 0)
		x *= 1 + (double)(stats_random(random) % 1000) / 2000;
	return x;
}

#define TRIALS       2000
#define MODEL_BLOCKS 11

/* Measure a and b side by side, b `times` as long; the interval of b / a. */
static struct stats_interval paired_trial(uint32_t launches, double times,
					  uint64_t *random)
{
	static double a[10 * MODEL_BLOCKS];
	static double b[10 * MODEL_BLOCKS];
	static double pairs[10 * MODEL_BLOCKS];
	static uint32_t launch[10 * MODEL_BLOCKS];
	struct stats_interval x;
	size_t n = 0;

	for (uint32_t i = 0; i < launches; i++) {
		double luck[2] = { 0.03 * normal(random),
				   0.03 * normal(random) };

		for (int k = 0; k < MODEL_BLOCKS; k++) {
			a[n] = sample(luck[0], random);
			b[n] = times * sample(luck[1], random);
			launch[n++] = i;
		}
	}
	n = stats_log_ratios(a, b, launch, n, pairs);
	if (stats_paired(pairs, n, &x) < 0)
		x.known = false;
	x.estimate = exp(x.estimate);
	x.low = exp(x.low);
	x.high = exp(x.high);
	return x;
}

/* With this seed; the true ratio lies within in 95 of 100 trials, and where
 * there is none no more than 5 in 100 show one. */
START_TEST(intervals_of_ratios_hold_what_they_say)
{
	uint64_t random = 1;
	int held = 0;
	int shown = 0;

	for (int i = 0; i < TRIALS; i++) {
		struct stats_interval x = paired_trial(6, 1.07, &random);

		ck_assert(x.known);
		held += x.low <= 1.07 && x.high >= 1.07;
		x = paired_trial(6, 1, &random);
		shown += verdict_of(&x, 0.02) != VERDICT_NOT_SHOWN;
	}
	ck_assert_int_ge(held, TRIALS * 94 / 100);
	ck_assert_int_lt(held, TRIALS);
	ck_assert_int_le(shown, TRIALS * 5 / 100);
}
END_TEST

START_TEST(ten_percent_is_found_in_nine_of_ten)
{
	uint64_t random = 2;
	int six = 0;
	int ten = 0;

	for (int i = 0; i < TRIALS; i++) {
		struct stats_interval x = paired_trial(6, 1.1, &random);

		six += verdict_of(&x, 0.02) == VERDICT_A_FASTER;
		x = paired_trial(10, 1.1, &random);
		ten += verdict_of(&x, 0.02) == VERDICT_A_FASTER;
	}
	ck_assert_int_ge(six, TRIALS * 90 / 100);
	ck_assert_int_ge(ten, TRIALS * 99 / 100);
}
END_TEST

/* A run's launch medians, of a machine that is `shift` slower. */
static void run_trial(double shift, double *logs, uint64_t *random)
{
	for (int i = 0; i < 6; i++) {
		double luck = shift + 0.03 * normal(random);
		double x[MODEL_BLOCKS];

		for (int k = 0; k < MODEL_BLOCKS; k++)
			x[k] = sample(luck, random);
		logs[i] = log(stats_median(x, MODEL_BLOCKS));
	}
}

/* What compare looks at: two runs of the same show a difference in no more than
 * one of a hundred cells, and a quarter more is found. */
START_TEST(two_runs_of_the_same_show_nothing)
{
	uint64_t random = 3;
	double a[6];
	double b[6];
	int shown = 0;
	int found = 0;

	for (int i = 0; i < TRIALS; i++) {
		struct stats_interval x;

		run_trial(0, a, &random);
		run_trial(0, b, &random);
		ck_assert_int_eq(stats_shift(a, 6, b, 6, 0.005, &x), 0);
		ck_assert(x.known);
		shown += x.low > 0 || x.high < 0;
		run_trial(log(1.25), b, &random);
		ck_assert_int_eq(stats_shift(a, 6, b, 6, 0.005, &x), 0);
		found += x.low > 0;
	}
	ck_assert_int_le(shown, TRIALS / 100);
	ck_assert_int_ge(found, TRIALS * 95 / 100);
}
END_TEST

/* An interval of the median over launch medians holds the true one. */
START_TEST(intervals_of_medians_hold_what_they_say)
{
	double values[6 * MODEL_BLOCKS];
	uint32_t launch[6 * MODEL_BLOCKS];
	uint64_t random = 4;
	/* A disturbed tenth moves the middle of the others by this. */
	double truth = exp(0.02 * 0.1397);
	int held = 0;

	for (int i = 0; i < TRIALS; i++) {
		struct stats_summary s;
		size_t n = 0;

		for (uint32_t k = 0; k < 6; k++) {
			double luck = 0.03 * normal(&random);

			for (int m = 0; m < MODEL_BLOCKS; m++) {
				values[n] = sample(luck, &random);
				launch[n++] = k;
			}
		}
		ck_assert_int_eq(stats_summarise(values, launch, n, &s), 0);
		held += s.p50.low <= truth && s.p50.high >= truth;
	}
	ck_assert_int_ge(held, TRIALS * 95 / 100);
}
END_TEST

START_TEST(summary_keeps_every_outlier)
{
	double values[600];
	uint32_t launch[600];
	struct stats_summary s;

	for (uint32_t i = 0; i < 600; i++) {
		values[i] = 100 + i % 5;
		launch[i] = i / 100;
	}
	values[17] = 5000;
	ck_assert_int_eq(stats_summarise(values, launch, 600, &s), 0);
	NEAR(s.p50.estimate, 102);
	NEAR(s.p50.low, 102);
	NEAR(s.p50.high, 102);
	NEAR(s.max, 5000);
	NEAR(s.mad, 1);
	ck_assert_uint_eq(s.outliers, 1);
	NEAR(s.p99, 104);
	ck_assert(isnan(s.p999));
	NEAR(s.between, 0);
}
END_TEST

START_TEST(few_launches_bootstrap_the_same_interval_each_time)
{
	double values[20];
	uint32_t launch[20];
	struct stats_summary a;
	struct stats_summary b;

	for (uint32_t i = 0; i < 20; i++) {
		values[i] = i;
		launch[i] = i / 10;
	}
	ck_assert_int_eq(stats_summarise(values, launch, 20, &a), 0);
	ck_assert_int_eq(stats_summarise(values, launch, 20, &b), 0);
	ck_assert(a.p50.known);
	ck_assert(a.p50.low < 9.5 && a.p50.high > 9.5);
	ck_assert(a.p50.low == b.p50.low && a.p50.high == b.p50.high);
}
END_TEST

START_TEST(an_effect_is_claimed_only_beyond_interval_and_minimum)
{
	struct stats_interval wide = { 1.1, 0.9, 1.3, true };
	struct stats_interval small = { 1.01, 1.005, 1.015, true };
	struct stats_interval slower = { 1.1, 1.05, 1.15, true };
	struct stats_interval faster = { 0.9, 0.85, 0.95, true };
	struct stats_interval unknown = { 2, 1.5, 3, false };

	ck_assert_int_eq(verdict_of(&wide, 0.02), VERDICT_NOT_SHOWN);
	ck_assert_int_eq(verdict_of(&small, 0.02), VERDICT_NOT_SHOWN);
	ck_assert_int_eq(verdict_of(&slower, 0.02), VERDICT_A_FASTER);
	ck_assert_int_eq(verdict_of(&faster, 0.02), VERDICT_B_FASTER);
	ck_assert_int_eq(verdict_of(&unknown, 0.02), VERDICT_NOT_SHOWN);
}
END_TEST

START_TEST(a_shuffle_is_a_permutation_that_its_seed_decides)
{
	uint32_t a[50];
	uint32_t b[50];
	uint64_t seed_a = 7;
	uint64_t seed_b = 7;
	int seen[50] = { 0 };
	int moved = 0;

	stats_shuffle(a, 50, &seed_a);
	stats_shuffle(b, 50, &seed_b);
	ck_assert_mem_eq(a, b, sizeof(a));
	for (uint32_t i = 0; i < 50; i++) {
		seen[a[i]]++;
		moved += a[i] != i;
	}
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(seen[i], 1);
	ck_assert_int_gt(moved, 30);
	stats_shuffle(b, 50, &seed_b);
	ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

/* A contender whose samples are made up: `value` a little to and fro. */
struct fake_arg {
	double value;
	bool lies;                    /* notes a time from before the run */
	bool corrupts;                /* its result is wrong */
	bool absent;                  /* cannot be had here */
	bool breaks;                  /* its run fails */
	volatile sig_atomic_t *stops; /* the user interrupts its run */
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
	/* One percent to and fro, and as long as it says for any count. */
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
	/* The three of one block have its three sequence numbers, and who
	 * comes first changes. */
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

/* An eighth of a sample, one operation at least; before what is run once a
 * launch, nothing. */
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
		/* What comes before the first visit is the warm-up. */
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
	/* What is running ends; a run may take long. */
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
	TCase *statistics = make_tcase("statistics", 20);
	TCase *driver = make_tcase("driver", 20);

	tcase_add_test(statistics, median_and_quantiles_of_known_samples);
	tcase_add_test(statistics, median_ranks_are_the_tables);
	tcase_add_test(statistics, laws_are_found_again);
	tcase_add_test(statistics, a_law_wants_enough_counts);
	tcase_add_test(statistics, paired_location_of_known_samples);
	tcase_add_test(statistics, paired_interval_uses_the_signed_rank_table);
	tcase_add_test(statistics, unpaired_shift_of_known_samples);
	tcase_add_test(statistics, intervals_of_ratios_hold_what_they_say);
	tcase_add_test(statistics, ten_percent_is_found_in_nine_of_ten);
	tcase_add_test(statistics, two_runs_of_the_same_show_nothing);
	tcase_add_test(statistics, intervals_of_medians_hold_what_they_say);
	tcase_add_test(statistics, summary_keeps_every_outlier);
	tcase_add_test(statistics,
		       few_launches_bootstrap_the_same_interval_each_time);
	tcase_add_test(statistics,
		       an_effect_is_claimed_only_beyond_interval_and_minimum);
	tcase_add_test(statistics,
		       a_shuffle_is_a_permutation_that_its_seed_decides);
	suite_add_tcase(suite, statistics);
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
