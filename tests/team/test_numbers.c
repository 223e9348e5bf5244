/* SPDX-License-Identifier: MIT */
/*
 * test_numbers.c - reductions of NaN, of infinity, of zeros, of 16-bit numbers, of
 * truth values, and of values with a place.
 *
 * One rank of many has the odd value, at some elements; every rank computes the
 * expected result, one rank after the other in rank order.
 */
#include "lib/harness.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/elements.h"
#include "lib/job_pool.h"
#include "team/half.h"

static const int sizes[] = { 1, 2, 3, 5, 17 };
#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 3)

/* Elements of a line, of whole contributions, of slices, and of pieces of slices. */
static const size_t lengths[] = { 1, 3, 7, 129, 700, 9001 };
#define LENGTHS     (sizeof(lengths) / sizeof(*lengths))
#define LENGTH_MAX  9001
#define ELEMENT_MAX 32

/* --- halves --- */

static int fraction_of(int type)
{
	return type == RIG_FLOAT16 ? 10 : 7;
}

/* The same number, or none both; zeros of both signs are the same. */
static bool same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

START_TEST(every_half_is_widened_and_rounded_back)
{
	const int type = _i ? RIG_BFLOAT16 : RIG_FLOAT16;

	for (int bits = 0; bits < 1 << 16; bits++) {
		const uint16_t half = (uint16_t)bits;
		const void *from[] = { &half };
		uint16_t out = 0;

		half_fold(&out, from, 1, 1, type, RIG_SUM);
		if (isnan(element_wide(half, fraction_of(type))))
			ck_assert(isnan(element_wide(out, fraction_of(type))));
		else
			ck_assert_int_eq(out, half);
	}
}
END_TEST

START_TEST(sums_and_products_of_halves_are_rounded_once)
{
	enum { N = 100000 };
	static uint16_t x[3][N], out[N];
	const void *from[] = { x[0], x[1], x[2] };
	const int type = _i & 1 ? RIG_BFLOAT16 : RIG_FLOAT16;
	const int op = _i & 2 ? RIG_PROD : RIG_SUM;
	uint64_t state = 4711;

	for (int i = 0; i < 3 * N; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		x[i / N][i % N] = (uint16_t)(state >> 40);
	}
	half_fold(out, from, 3, N, type, op);
	for (int i = 0; i < N; i++) {
		const int bits = fraction_of(type);
		float all = (float)element_wide(x[0][i], bits);

		for (int k = 1; k < 3; k++) {
			const float next = (float)element_wide(x[k][i], bits);

			all = op == RIG_SUM ? all + next : all * next;
		}
		if (isnan(all))
			ck_assert(isnan(element_wide(out[i], bits)));
		else
			ck_assert_msg(
				out[i] == (uint16_t)element_narrow(all, bits),
				"%x %x %x: %x, not %x", x[0][i], x[1][i],
				x[2][i], out[i],
				(uint16_t)element_narrow(all, bits));
	}
}
END_TEST

/* --- elements of any type --- */

static void put(void *data, int type, size_t i, double x, int at)
{
	switch (type) {
	case RIG_FLOAT16:
	case RIG_BFLOAT16:
		((uint16_t *)data)[i] =
			(uint16_t)element_narrow(x, fraction_of(type));
		break;
	case RIG_FLOAT32:
		((float *)data)[i] = (float)x;
		break;
	case RIG_FLOAT64:
		((double *)data)[i] = x;
		break;
	case RIG_FLOAT128:
		((long double *)data)[i] = x;
		break;
#define PUT(NAME, DTYPE)                                                       \
	case DTYPE:                                                            \
		((struct NAME *)data)[i].value =                               \
			(__typeof__(((struct NAME *)data)->value))x;           \
		((struct NAME *)data)[i].at = at;                              \
		break
		PUT(rig_int16_at32, RIG_INT16_AT32);
		PUT(rig_int64_at32, RIG_INT64_AT32);
		PUT(rig_int32_at, RIG_INT32_AT);
		PUT(rig_int64_at, RIG_INT64_AT);
		PUT(rig_float32_at, RIG_FLOAT32_AT);
		PUT(rig_float64_at, RIG_FLOAT64_AT);
		PUT(rig_float64_at32, RIG_FLOAT64_AT32);
		PUT(rig_float128_at32, RIG_FLOAT128_AT32);
	default:
		abort();
	}
}

/* *at is -1 where elements have no place. */
static double get(const void *data, int type, size_t i, int *at)
{
	*at = -1;
	switch (type) {
	case RIG_FLOAT16:
	case RIG_BFLOAT16:
		return element_wide(((const uint16_t *)data)[i],
				    fraction_of(type));
	case RIG_FLOAT32:
		return ((const float *)data)[i];
	case RIG_FLOAT64:
		return ((const double *)data)[i];
	case RIG_FLOAT128:
		return (double)((const long double *)data)[i];
#define GET(NAME, DTYPE)                                                       \
	case DTYPE:                                                            \
		*at = (int)((const struct NAME *)data)[i].at;                  \
		return (double)((const struct NAME *)data)[i].value
		GET(rig_int16_at32, RIG_INT16_AT32);
		GET(rig_int64_at32, RIG_INT64_AT32);
		GET(rig_int32_at, RIG_INT32_AT);
		GET(rig_int64_at, RIG_INT64_AT);
		GET(rig_float32_at, RIG_FLOAT32_AT);
		GET(rig_float64_at, RIG_FLOAT64_AT);
		GET(rig_float64_at32, RIG_FLOAT64_AT32);
		GET(rig_float128_at32, RIG_FLOAT128_AT32);
	default:
		abort();
	}
}

static bool is_whole(int type)
{
	return type == RIG_INT32_AT || type == RIG_INT64_AT ||
	       type == RIG_INT16_AT32 || type == RIG_INT64_AT32;
}

/* --- one odd value among many --- */

/* Element `element` of rank `who` is `x`. */
struct odd {
	int type;
	double x;
	int who;
	size_t element;
};

/* Falling with the rank, but for two equal values at the end. */
static double value_of(const struct odd *odd, int rank, int size, size_t i)
{
	if (rank == odd->who && i == odd->element)
		return odd->x;
	return (double)(20 - (rank == size - 1 ? rank - 1 : rank)) +
	       (double)(i % 5);
}

static int place_of(int rank, size_t i)
{
	return (rank * 7 + (int)i) % 19;
}

/* The result of ranks 0 to `last`: a NaN is before every number. */
static double pick(const struct odd *odd, int op, int last, int size, size_t i,
		   int *at)
{
	const bool most = op == RIG_MAX || op == RIG_MAXLOC;
	double best = value_of(odd, 0, size, i);

	*at = place_of(0, i);
	for (int k = 1; k <= last; k++) {
		const double x = value_of(odd, k, size, i);
		const bool before = isnan(x) ? !isnan(best)
				    : most   ? x > best
					     : x < best;

		if (before || (same(x, best) && place_of(k, i) < *at)) {
			best = x;
			*at = place_of(k, i);
		}
	}
	return best;
}

static int expect(struct rig_team *team, const struct odd *odd, int op,
		  const char *verb, const void *got, int last, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int at, found_at;
		const double wanted =
			pick(odd, op, last, rig_team_size(team), i, &at);
		const double found = get(got, odd->type, i, &found_at);

		if (!same(found, wanted) || (found_at >= 0 && found_at != at))
			return rig_team_fail(
				team, -EBADMSG,
				"%s, type %d, op %d, %g of rank %d at %zu of "
				"%zu: element %zu is %g at %d, not %g at %d",
				verb, odd->type, op, odd->x, odd->who,
				odd->element, n, i, found, found_at, wanted,
				at);
	}
	return 0;
}

static char send[LENGTH_MAX * ELEMENT_MAX], recv[LENGTH_MAX * ELEMENT_MAX];

static int try_op(struct rig_team *team, const struct odd *odd, int op,
		  size_t n)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_request *request = NULL;
	int r;

	/* The bytes between value and place have no meaning. */
	memset(send, 0xa0 + rank, n * ELEMENT_MAX);
	for (size_t i = 0; i < n; i++)
		put(send, odd->type, i, value_of(odd, rank, size, i),
		    place_of(rank, i));
	r = rig_team_allreduce(team, send, recv, n, odd->type, op);
	if (r == 0)
		r = expect(team, odd, op, "allreduce", recv, size - 1, n);
	if (r == 0)
		r = rig_team_scan(team, send, recv, n, odd->type, op);
	if (r == 0)
		r = expect(team, odd, op, "scan", recv, rank, n);
	if (r == 0)
		r = rig_team_iallreduce(team, send, recv, n, odd->type, op,
					&request);
	if (r == 0)
		r = rig_team_wait(team, &request, NULL);
	if (r == 0)
		r = expect(team, odd, op, "iallreduce", recv, size - 1, n);
	if (r == 0)
		r = rig_team_reduce(team, send, recv, n, odd->type, op, 0);
	if (r == 0 && rank == 0)
		r = expect(team, odd, op, "reduce", recv, size - 1, n);
	return r;
}

struct told {
	int type;
};

/* Every rank, and in large teams the first rank, a middle rank and the last. */
static int each_rank(struct rig_team *team, int type, double x, size_t n)
{
	const bool places = type >= RIG_INT32_AT;
	const int size = rig_team_size(team);
	int r = 0;

	for (int who = 0; r == 0 && who<size; who += size> 5 ? 8 : 1) {
		const size_t parts = (size_t)(size > 1 ? size - 1 : 1);
		const struct odd odd = { type, x, who,
					 (n - 1) * (size_t)who / parts };

		r = try_op(team, &odd, places ? RIG_MINLOC : RIG_MIN, n);
		if (r == 0)
			r = try_op(team, &odd, places ? RIG_MAXLOC : RIG_MAX,
				   n);
	}
	return r;
}

static int odd_ones(struct rig_team *team)
{
	static const double odd[] = { NAN, -INFINITY, INFINITY, -0.0, 3 };
	const struct told *told = rig_team_args(team);
	const bool many = rig_team_size(team) > 5;
	int r = 0;

	for (size_t k = 0; k < LENGTHS - many; k++)
		for (size_t i = 0; r == 0 && i < sizeof(odd) / sizeof(*odd);
		     i += many && i == 0 ? 3 : 1) {
			if (is_whole(told->type) && odd[i] != 3)
				continue;
			r = each_rank(team, told->type, odd[i], lengths[k]);
		}
	return r;
}

static const int types[] = {
	RIG_FLOAT16,       RIG_BFLOAT16,   RIG_FLOAT32,    RIG_FLOAT64,
	RIG_FLOAT128,      RIG_INT32_AT,   RIG_INT64_AT,   RIG_FLOAT32_AT,
	RIG_FLOAT64_AT,    RIG_INT16_AT32, RIG_INT64_AT32, RIG_FLOAT64_AT32,
	RIG_FLOAT128_AT32,
};
#define TYPES ((int)(sizeof(types) / sizeof(*types)))

START_TEST(one_that_is_no_number_infinite_or_zero_is_not_lost)
{
	make_pool(sizes[_i]);
	for (int t = 0; t < TYPES; t++) {
		const struct told told = { types[t] };

		ck_assert_msg(run_args(odd_ones, &told, sizeof(told)) == 0,
			      "%d ranks: %s", sizes[_i], rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

/* --- truth --- */

static const unsigned char truths[] = { 0, 1, 2, 4, 255, 0, 128 };

static bool truth_of(int rank, size_t i)
{
	return truths[((size_t)rank * 3 + i) % sizeof(truths)];
}

static bool folded(int op, int last, size_t i)
{
	bool all = truth_of(0, i);

	for (int k = 1; k <= last; k++) {
		const bool x = truth_of(k, i);

		all = op == RIG_LAND || op == RIG_BAND ? all && x
		      : op == RIG_LOR || op == RIG_BOR ? all || x
						       : all != x;
	}
	return all;
}

static int hold(struct rig_team *team, const char *verb, int op,
		const unsigned char *got, int last, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (got[i] != folded(op, last, i))
			return rig_team_fail(team, -EBADMSG,
					     "%s, op %d, %zu of %zu: %d", verb,
					     op, i, n, got[i]);
	return 0;
}

static int any_byte_is_true(struct rig_team *team)
{
	static unsigned char it[LENGTH_MAX], all[LENGTH_MAX];
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_request *request = NULL;
	int r = 0;

	for (size_t i = 0; i < LENGTH_MAX; i++)
		it[i] = truths[((size_t)rank * 3 + i) % sizeof(truths)];
	for (size_t k = 0; k < LENGTHS; k++)
		for (int op = RIG_LAND; r == 0 && op <= RIG_BXOR; op++) {
			const size_t n = lengths[k];

			r = rig_team_allreduce(team, it, all, n, RIG_BOOL, op);
			if (r == 0)
				r = hold(team, "allreduce", op, all, size - 1,
					 n);
			if (r == 0)
				r = rig_team_scan(team, it, all, n, RIG_BOOL,
						  op);
			if (r == 0)
				r = hold(team, "scan", op, all, rank, n);
			if (r == 0)
				r = rig_team_iscan(team, it, all, n, RIG_BOOL,
						   op, &request);
			if (r == 0)
				r = rig_team_wait(team, &request, NULL);
			if (r == 0)
				r = hold(team, "iscan", op, all, rank, n);
		}
	return r;
}

START_TEST(every_byte_but_0_is_true)
{
	make_pool(sizes[_i]);
	ck_assert_msg(run(any_byte_is_true) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* --- an operation with an argument --- */

/* A sum; the argument counts its elements. */
static void counted(const void *in, void *inout, size_t count, int type,
		    void *arg)
{
	const int64_t *x = in;
	int64_t *y = inout;

	(void)type;
	for (size_t i = 0; i < count; i++)
		y[i] += x[i];
	*(size_t *)arg += count;
}

static int with_argument(struct rig_team *team)
{
	static size_t calls[2];
	const int size = rig_team_size(team);
	const int ops[] = { rig_op_create_arg(counted, &calls[0]),
			    rig_op_create_arg(counted, &calls[1]) };
	int64_t one[100], all[100];
	int r = 0;

	if (ops[0] < 0 || ops[0] == ops[1] ||
	    ops[0] != rig_op_create_arg(counted, &calls[0]) ||
	    rig_op_create_arg(NULL, NULL) != -EINVAL ||
	    rig_op_create(NULL) != -EINVAL)
		return rig_team_fail(team, -EBADMSG, "%d and %d", ops[0],
				     ops[1]);
	for (size_t i = 0; i < 100; i++)
		one[i] = (int64_t)i;
	for (int k = 0; r == 0 && k < 2; k++) {
		calls[0] = calls[1] = 0;
		r = rig_team_allreduce(team, one, all, 100, RIG_INT64, ops[k]);
		if (r == 0 && (all[99] != 99 * size || calls[!k] ||
			       (size > 1 && !calls[k])))
			r = rig_team_fail(team, -EBADMSG, "op %d: %d", k,
					  (int)all[99]);
	}
	return r;
}

START_TEST(an_operation_has_its_argument)
{
	make_pool(sizes[_i]);
	ck_assert_msg(run(with_argument) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* --- many halves --- */

/* 2048 and many ones: two by two in float16 every one would be lost. */
static int adds_halves(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const struct told *told = rig_team_args(team);
	const int bits = fraction_of(told->type);
	const double large = ldexp(1, bits + 1);
	static uint16_t it[700], all[700];
	struct rig_request *request = NULL;
	uint16_t wanted = (uint16_t)element_narrow(large + size - 1, bits);
	int r = 0;

	for (size_t i = 0; i < 700; i++)
		it[i] = (uint16_t)element_narrow(rank == 0 ? large : 1, bits);
	for (size_t n = 1; r == 0 && n <= 700; n += 233) {
		r = rig_team_allreduce(team, it, all, n, told->type, RIG_SUM);
		if (r == 0 && (all[0] != wanted || all[n - 1] != wanted))
			return rig_team_fail(team, -EBADMSG, "%zu: %g", n,
					     element_wide(all[0], bits));
		r = rig_team_iallreduce(team, it, all, n, told->type, RIG_SUM,
					&request);
		if (r == 0)
			r = rig_team_wait(team, &request, NULL);
		if (r == 0 && (all[0] != wanted || all[n - 1] != wanted))
			return rig_team_fail(team, -EBADMSG, "i: %zu: %g", n,
					     element_wide(all[0], bits));
	}
	return r;
}

START_TEST(what_halves_bring_is_not_lost_on_the_way)
{
	const int kinds[] = { RIG_FLOAT16, RIG_BFLOAT16 };

	make_pool(sizes[_i]);
	for (int k = 0; k < 2; k++) {
		const struct told told = { kinds[k] };

		ck_assert_msg(run_args(adds_halves, &told, sizeof(told)) == 0,
			      "%d ranks: %s", sizes[_i], rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("numbers");
	TCase *tcase = make_tcase("numbers", 60);

	tcase_add_loop_test(tcase, every_half_is_widened_and_rounded_back, 0,
			    2);
	tcase_add_loop_test(tcase, sums_and_products_of_halves_are_rounded_once,
			    0, 4);
	tcase_add_loop_test(tcase,
			    one_that_is_no_number_infinite_or_zero_is_not_lost,
			    0, SIZES);
	tcase_add_loop_test(tcase, every_byte_but_0_is_true, 0, SIZES);
	tcase_add_loop_test(tcase, what_halves_bring_is_not_lost_on_the_way, 0,
			    SIZES);
	tcase_add_loop_test(tcase, an_operation_has_its_argument, 0, SIZES);
	suite_add_tcase(suite, tcase);
	return suite;
}
