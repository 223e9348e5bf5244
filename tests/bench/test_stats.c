/* SPDX-License-Identifier: MIT */
/*
 * test_stats.c - statistics against known samples and published tables.
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

/* Times made by a law give the parameters of the law back. */
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

/* The statistics of compare: two runs of the same show a difference in no more
 * than one of a hundred cells, and a quarter more is found. */
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

Suite *make_suite(void)
{
	Suite *suite = suite_create("stats");
	TCase *statistics = make_tcase("statistics", 20);

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
	return suite;
}
