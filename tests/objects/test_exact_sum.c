/* SPDX-License-Identifier: MIT */
/*
 * test_exact_sum.c - sums that do not depend on the order: equal bits however
 * the numbers are dealt out, and the right bits.
 *
 * Numbers are made from their index alone, and hold everything by which
 * ordinary sums differ.  The right sum comes from integers of 128 bits where
 * all numbers are multiples of the same number, else from
 * test_exact_sum_python.py (math.fsum, fractions); the ranks' sums are compared
 * with rig_sum.
 */
#include "lib/harness.h"

#include <complex.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

static const int sizes[] = { 1, 2, 3, 5, 8, 4, 6, 7, 9, 64 };
#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 5)

static const int types[] = { RIG_FLOAT32, RIG_FLOAT64, RIG_COMPLEX64,
			     RIG_COMPLEX128 };
#define TYPES 4

/* The kinds of numbers. */
enum kind { PLAIN, WIDE, CANCELS, DENORMAL, INFINITE, CLASHES, NAN_TOO, KINDS };

#define NUMBERS 3001 /* odd, so that not all pairs cancel */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 32;
}

/* A number from -1 to 1. */
static double fraction(uint64_t i)
{
	return (double)(int64_t)mix(i) / 9223372036854775808.0;
}

/* Number `i`; of a type whose exponents go to 2^`range`. */
static double number(enum kind kind, size_t i, int range)
{
	double x = fraction(i);
	int wide = (int)(mix(i + 77) % (unsigned)(2 * range - 80)) - range + 40;

	switch (kind) {
	case PLAIN:
		return x;
	case WIDE:
		return ldexp(x, wide);
	case CANCELS:
		/* Pairs that cancel, far apart; the rest is small. */
		return i < NUMBERS / 2 ? ldexp(fraction(i), range / 2)
		       : i < NUMBERS - 1
			       ? -ldexp(fraction(i - NUMBERS / 2), range / 2)
			       : ldexp(x, -range / 2);
	case DENORMAL:
		return ldexp(x, range == 128 ? -140 : -1060);
	case INFINITE:
		return i == 1234 ? (double)INFINITY : ldexp(x, range - 2);
	case CLASHES:
		return i % 1000 == 7 ? (i % 2 ? 1 : -1) * (double)INFINITY : x;
	case NAN_TOO:
		return i == 2000 ? -(double)NAN : x;
	case KINDS:
		break;
	}
	return 0;
}

static size_t parts_of(int type)
{
	return type == RIG_COMPLEX64 || type == RIG_COMPLEX128 ? 2 : 1;
}

static bool is_wide(int type)
{
	return type == RIG_FLOAT64 || type == RIG_COMPLEX128;
}

static void put_number(void *x, size_t at, int type, enum kind kind, size_t i)
{
	for (size_t p = 0; p < parts_of(type); p++)
		if (is_wide(type))
			((double *)x)[at * parts_of(type) + p] =
				number(kind, i + p * NUMBERS, 1024);
		else
			((float *)x)[at * parts_of(type) + p] =
				(float)number(kind, i + p * NUMBERS, 128);
}

/* The sum of numbers `first`, first + step, ... below NUMBERS, by rig_sum. */
static void wanted_sum(void *sum, int type, enum kind kind, size_t first,
		       size_t step)
{
	double x[2];

	for (size_t p = 0; p < parts_of(type); p++) {
		struct rig_sum all = { 0 };

		for (size_t i = first; i < NUMBERS; i += step) {
			put_number(x, 0, type, kind, i);
			if (is_wide(type))
				rig_sum_add(&all, &x[p], 1, RIG_FLOAT64);
			else
				rig_sum_add(&all, (float *)x + p, 1,
					    RIG_FLOAT32);
		}
		if (is_wide(type))
			((double *)sum)[p] = rig_sum_float64(&all);
		else
			((float *)sum)[p] = rig_sum_float32(&all);
	}
}

/* ---- rig_sum ---- */

__extension__ typedef __int128 int128;

/* The nearest double to n / 2^80: the compiler's conversion rounds once. */
START_TEST(a_sum_is_rounded_once)
{
	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct rig_sum sum = { 0 };
		const int count = 1 + (int)(mix(seed) % 50);
		int128 exact = 0;

		for (int i = 0; i < count; i++) {
			uint64_t bits = mix(seed * 100 + (uint64_t)i);
			int shift = (int)(mix(bits) % 60);
			int64_t value = (int64_t)bits >> 11;
			double x = ldexp((double)value, shift - 80);

			/* Every other sum cancels but for the last bits. */
			if (seed % 2 && i == count - 1)
				x = -(double)exact / 0x1p80;
			ck_assert_int_eq(rig_sum_add(&sum, &x, 1, RIG_FLOAT64),
					 0);
			exact += (int128)(x * 0x1p80);
		}
		ck_assert(rig_sum_float64(&sum) == (double)exact / 0x1p80);
		ck_assert(rig_sum_float32(&sum) ==
			  (float)exact / (float)0x1p80);
	}
}
END_TEST

static double sum_of(int count, const double *x)
{
	struct rig_sum sum = { 0 };

	ck_assert_int_eq(rig_sum_add(&sum, x, (size_t)count, RIG_FLOAT64), 0);
	return rig_sum_float64(&sum);
}

START_TEST(the_ends_of_the_range_are_right)
{
	const double most = DBL_MAX, least = DBL_TRUE_MIN;
	const double inf = (double)INFINITY;
	uint64_t bits;
	double x;

	ck_assert(sum_of(0, NULL) == 0 && !signbit(sum_of(0, NULL)));
	x = sum_of(1, (double[]){ -0.0 });
	ck_assert(x == 0 && !signbit(x));
	ck_assert(sum_of(1, (double[]){ least }) == least);
	ck_assert(sum_of(3, (double[]){ least, -3 * least, least }) == -least);
	ck_assert(sum_of(2, (double[]){ DBL_MIN, -least }) == DBL_MIN - least);
	ck_assert(sum_of(3, (double[]){ most, most, -most }) == most);
	ck_assert(sum_of(2, (double[]){ most, most }) == inf);
	ck_assert(sum_of(2, (double[]){ -most, -most }) == -inf);
	/* Half a unit more than the largest is half way to infinity. */
	ck_assert(sum_of(2, (double[]){ most, 0x1p970 }) == inf);
	ck_assert(sum_of(3, (double[]){ most, 0x1p970, -least }) == most);
	ck_assert(sum_of(3, (double[]){ 1, 0x1p-53, 0 }) == 1);
	ck_assert(sum_of(3, (double[]){ 1, 0x1p-53, least }) == 1 + 0x1p-52);
	ck_assert(sum_of(3, (double[]){ 1, 0x1p-53, -least }) == 1);
	ck_assert(sum_of(3, (double[]){ 1, 0x1p-52, 0x1p-53 }) == 1 + 0x1p-51);
	ck_assert(sum_of(2, (double[]){ most, -inf }) == -inf);
	x = sum_of(2, (double[]){ inf, -inf });
	memcpy(&bits, &x, sizeof(x));
	ck_assert_uint_eq(bits, UINT64_C(0x7ff8000000000000));
	x = sum_of(3, (double[]){ 1, -(double)NAN, inf });
	memcpy(&bits, &x, sizeof(x));
	ck_assert_uint_eq(bits, UINT64_C(0x7ff8000000000000));
}
END_TEST

/* A float is not a double rounded again. */
START_TEST(floats_are_rounded_once_too)
{
	struct rig_sum sum = { 0 };
	const float x[] = { 1, 0x1p-24f, 0x1p-80f };
	const float y[] = { FLT_MAX, 0x1p103f };
	const float z[] = { FLT_TRUE_MIN, FLT_TRUE_MIN };

	rig_sum_add(&sum, x, 3, RIG_FLOAT32);
	ck_assert(rig_sum_float32(&sum) == 1 + 0x1p-23f);
	sum = (struct rig_sum){ 0 };
	rig_sum_add(&sum, y, 2, RIG_FLOAT32);
	ck_assert(isinf(rig_sum_float32(&sum)));
	sum = (struct rig_sum){ 0 };
	rig_sum_add(&sum, z, 2, RIG_FLOAT32);
	ck_assert(rig_sum_float32(&sum) == 2 * FLT_TRUE_MIN);
	ck_assert_int_eq(rig_sum_add(&sum, z, 2, RIG_INT32), -EINVAL);
}
END_TEST

START_TEST(parts_of_a_sum_have_the_bytes_of_the_whole)
{
	struct rig_sum whole = { 0 }, parts[7] = { 0 }, merged = { 0 };

	for (size_t i = 0; i < NUMBERS; i++) {
		double x = number((enum kind)_i, i, 1024);

		rig_sum_add(&whole, &x, 1, RIG_FLOAT64);
		rig_sum_add(&parts[mix(i) % 7], &x, 1, RIG_FLOAT64);
	}
	for (int i = 6; i >= 0; i--)
		rig_sum_merge(&merged, &parts[i]);
	ck_assert_int_eq(memcmp(&whole, &merged, sizeof(whole)), 0);
}
END_TEST

START_TEST(many_numbers_carry)
{
	static double x[100000];
	struct rig_sum sum = { 0 };

	for (size_t i = 0; i < 100000; i++)
		x[i] = -0x1.fffffffffffffp+31;
	for (int i = 0; i < 50; i++)
		rig_sum_add(&sum, x, 100000, RIG_FLOAT64);
	ck_assert(rig_sum_float64(&sum) ==
		  (double)((long double)x[0] * 5000000));
}
END_TEST

/* ---- a team's sums ---- */

struct told {
	int type;
	enum kind kind;
	uint64_t deal; /* how the numbers are dealt out */
};

static size_t bytes_of(int type)
{
	return parts_of(type) * (is_wide(type) ? 8 : 4);
}

/* Numbers, some of which were dealt to this rank, in the rank's own order. */
static int sums_parts(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	const uint64_t size = (uint64_t)rig_team_size(team);
	char *x = malloc(NUMBERS * bytes_of(told->type));
	size_t count = 0;
	int r;

	if (!x)
		return -ENOMEM;
	for (size_t k = 0; k < NUMBERS; k++) {
		size_t i = (k * 1000 + told->deal) % NUMBERS;

		if (mix(i ^ told->deal << 32) % size ==
		    (uint64_t)rig_team_rank(team))
			put_number(x, count++, told->type, told->kind, i);
	}
	r = rig_team_sum(team, x, count, told->type, rig_team_result(team));
	free(x);
	return r;
}

START_TEST(a_sum_has_the_same_bits_in_any_team)
{
	struct rig_pool *pool;
	char wanted[16], got[16];

	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = sizes[_i] }),
			 0);
	for (int t = 0; t<TYPES; t += sizes[_i]> 9 ? 3 : 1)
		for (int kind = 0; kind < KINDS; kind++) {
			const struct told told = { types[t], (enum kind)kind,
						   (uint64_t)(_i + 1) };
			const size_t bytes = bytes_of(types[t]);

			wanted_sum(wanted, types[t], (enum kind)kind, 0, 1);
			ck_assert_msg(rig_pool_run(pool,
						   &(struct rig_job){
							   .kernel = sums_parts,
							   .args = &told,
							   .args_bytes = sizeof(
								   told) }) ==
					      0,
				      "%s", rig_why());
			for (int rank = 0; rank < sizes[_i]; rank++) {
				ck_assert_int_eq(
					rig_pool_result(pool, rank, got, bytes),
					0);
				ck_assert_msg(memcmp(got, wanted, bytes) == 0,
					      "type %d, kind %d, rank %d",
					      types[t], kind, rank);
			}
		}
	rig_pool_destroy(pool);
}
END_TEST

/* ---- the operations ---- */

#define COUNT_MAX 1500

/* Element `e` is the sum over the ranks; rank r has a single number, by `deal`:
 * number e + COUNT_MAX * (the rank's place). */
static size_t dealt(const struct told *told, size_t e, int rank, int size)
{
	size_t place = ((size_t)rank * (told->deal % 2 ? 1 : (size_t)size - 1) +
			told->deal + e) %
		       (size_t)size;

	return (e * 7 + place * 501) % NUMBERS;
}

static void right_element(const struct told *told, size_t e, int last, int size,
			  void *out)
{
	char x[16];

	for (size_t p = 0; p < parts_of(told->type); p++) {
		struct rig_sum sum = { 0 };

		for (int i = 0; i <= last; i++) {
			put_number(x, 0, told->type, told->kind,
				   dealt(told, e, i, size));
			rig_sum_add(&sum, x + p * (is_wide(told->type) ? 8 : 4),
				    1,
				    is_wide(told->type) ? RIG_FLOAT64
							: RIG_FLOAT32);
		}
		if (is_wide(told->type))
			((double *)out)[p] = rig_sum_float64(&sum);
		else
			((float *)out)[p] = rig_sum_float32(&sum);
	}
}

static int compare(struct rig_team *team, const char *what, const char *got,
		   size_t first, size_t count, int last)
{
	const struct told *told = rig_team_args(team);
	const size_t bytes = bytes_of(told->type);
	double wanted[2];

	for (size_t e = 0; e < count; e++) {
		right_element(told, first + e, last, rig_team_size(team),
			      wanted);
		if (memcmp(got + e * bytes, wanted, bytes) != 0)
			return rig_team_fail(team, -EBADMSG,
					     "%s: rank %d, element %zu", what,
					     rig_team_rank(team), first + e);
	}
	return 0;
}

static int reduces(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	const int size = rig_team_size(team), rank = rig_team_rank(team);
	const size_t n = size > 9 ? 40 : told->deal > 1 ? COUNT_MAX : 3;
	const size_t bytes = bytes_of(told->type);
	const int op = RIG_SUM | RIG_REPRODUCIBLE, root = size / 2;
	struct rig_span strip = rig_team_strip(team, n);
	size_t *counts = calloc((size_t)size, sizeof(*counts));
	char *send = malloc(n * bytes), *recv = malloc(n * bytes);
	int r = counts && send && recv ? 0 : -ENOMEM;

	for (size_t e = 0; r == 0 && e < n; e++)
		put_number(send, e, told->type, told->kind,
			   dealt(told, e, rank, size));
	for (int i = 0; r == 0 && i < size; i++)
		counts[i] =
			rig_strip(n, i, size).end - rig_strip(n, i, size).begin;
	if (r == 0)
		r = rig_team_allreduce(team, send, recv, n, told->type, op);
	if (r == 0)
		r = compare(team, "allreduce", recv, 0, n, size - 1);
	if (r == 0)
		r = rig_team_reduce(team, send, recv, n, told->type, op, root);
	if (r == 0 && rank == root)
		r = compare(team, "reduce", recv, 0, n, size - 1);
	if (r == 0)
		r = rig_team_scan(team, send, recv, n, told->type, op);
	if (r == 0)
		r = compare(team, "scan", recv, 0, n, rank);
	if (r == 0)
		r = rig_team_exscan(team, send, recv, n, told->type, op);
	if (r == 0 && rank > 0)
		r = compare(team, "exscan", recv, 0, n, rank - 1);
	if (r == 0)
		r = rig_team_reduce_scatter(team, send, recv, counts,
					    told->type, op);
	if (r == 0)
		r = compare(team, "reduce_scatter", recv, strip.begin,
			    strip.end - strip.begin, size - 1);
	if (r == 0) {
		memcpy(recv, send, n * bytes);
		r = rig_team_allreduce(team, RIG_IN_PLACE, recv, n, told->type,
				       op);
	}
	if (r == 0)
		r = compare(team, "allreduce in place", recv, 0, n, size - 1);
	free(counts);
	free(send);
	free(recv);
	return r;
}

START_TEST(each_element_is_the_nearest_to_its_sum)
{
	struct rig_pool *pool;

	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = sizes[_i] }),
			 0);
	for (int t = 0; t<TYPES; t += sizes[_i]> 9 ? 3 : 1)
		for (int kind = 0; kind < KINDS; kind++)
			for (uint64_t deal = 1; deal < 3; deal++) {
				const struct told told = { types[t],
							   (enum kind)kind,
							   deal };

				ck_assert_msg(
					rig_pool_run(
						pool,
						&(struct rig_job){
							.kernel = reduces,
							.args = &told,
							.args_bytes = sizeof(
								told) }) == 0,
					"type %d, kind %d: %s", types[t], kind,
					rig_why());
			}
	rig_pool_destroy(pool);
}
END_TEST

static int marks(struct rig_team *team)
{
	const int op = RIG_REPRODUCIBLE;
	int64_t one = 1, all;
	double x = 1, y;
	int r = rig_team_allreduce(team, &one, &all, 1, RIG_INT64,
				   RIG_SUM | op);

	if (r == 0 && all != rig_team_size(team))
		return rig_team_fail(team, -EBADMSG, "of integers");
	if (rig_team_allreduce(team, &x, &y, 1, RIG_FLOAT64, RIG_PROD | op) !=
		    -EINVAL ||
	    rig_team_allreduce(team, &x, &y, 1, RIG_FLOAT64, RIG_MAX | op) !=
		    -EINVAL ||
	    rig_team_sum(team, &x, 1, RIG_INT64, &y) != -EINVAL)
		return rig_team_fail(team, -EBADMSG, "no such sum");
	return r;
}

/* A rank marks the operation as reproducible, and the other rank does not. */
static int disagree(struct rig_team *team)
{
	double x = 1, y;

	return rig_team_allreduce(
		team, &x, &y, 1, RIG_FLOAT64,
		rig_team_rank(team) ? RIG_SUM : RIG_SUM | RIG_REPRODUCIBLE);
}

START_TEST(what_cannot_be_reproducible_is_refused)
{
	struct rig_pool *pool;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 3 }),
		0);
	ck_assert_msg(
		rig_pool_run(pool, &(struct rig_job){ .kernel = marks }) == 0,
		"%s", rig_why());
	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = disagree }),
		-EINVAL);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("sum");
	TCase *alone = make_tcase("alone", 30);
	TCase *teams = make_tcase("teams", 60);

	tcase_add_test(alone, a_sum_is_rounded_once);
	tcase_add_test(alone, the_ends_of_the_range_are_right);
	tcase_add_test(alone, floats_are_rounded_once_too);
	tcase_add_loop_test(alone, parts_of_a_sum_have_the_bytes_of_the_whole,
			    0, KINDS);
	tcase_add_test(alone, many_numbers_carry);
	tcase_add_loop_test(teams, a_sum_has_the_same_bits_in_any_team, 0,
			    SIZES);
	tcase_add_loop_test(teams, each_element_is_the_nearest_to_its_sum, 0,
			    SIZES);
	tcase_add_test(teams, what_cannot_be_reproducible_is_refused);
	suite_add_tcase(suite, alone);
	suite_add_tcase(suite, teams);
	return suite;
}
