/* SPDX-License-Identifier: MIT */
/*
 * test_operation.c - every operation of a reduction on every type, and ranks that
 * call different verbs, after which the same operations are right again.
 */
#include "lib/harness.h"

#include <errno.h>
#include <string.h>

#include <runrig/runrig.h>

#include "collective_parts.h"

/* Ranks have these numbers for every operation: any type holds the numbers and their
 * product. */
static int64_t has(int rank)
{
	return rank == 0 ? 2 : rank == 1 ? 3 : 1;
}

/* One rank after the other; with a single rank, the rank's elements. */
static int64_t folded(int op, int size)
{
	int64_t all = has(0);

	for (int i = 1; i < size; i++) {
		const int64_t x = has(i);

		switch (op) {
		case RIG_SUM:
			all += x;
			break;
		case RIG_PROD:
			all *= x;
			break;
		case RIG_MIN:
			all = x < all ? x : all;
			break;
		case RIG_MAX:
			all = x > all ? x : all;
			break;
		case RIG_LAND:
			all = all && x;
			break;
		case RIG_LOR:
			all = all || x;
			break;
		case RIG_LXOR:
			all = !all != !x;
			break;
		case RIG_BAND:
			all &= x;
			break;
		case RIG_BOR:
			all |= x;
			break;
		default:
			all ^= x;
		}
	}
	return all;
}

#define ELEMENTS 700 /* beyond a line, and slices of more than two ranks */

/* One operation on one type, short and long, whole and in part. */
#define CHECK(TYPE, DTYPE, OP)                                                 \
	do {                                                                   \
		static TYPE it[ELEMENTS], all[ELEMENTS];                       \
		const TYPE wanted = (TYPE)folded(OP, size);                    \
		const TYPE lower = (TYPE)folded(OP, rank + 1);                 \
                                                                               \
		for (size_t i = 0; i < ELEMENTS; i++)                          \
			it[i] = (TYPE)has(rank);                               \
		for (size_t n = 1; r == 0 && n <= ELEMENTS;                    \
		     n += ELEMENTS - 1) {                                      \
			r = rig_team_allreduce(team, it, all, n, DTYPE, OP);   \
			if (r == 0 &&                                          \
			    (all[0] != wanted || all[n - 1] != wanted))        \
				r = rig_team_fail(team, -EBADMSG,              \
						  "allreduce " #DTYPE          \
						  " " #OP);                    \
			if (r == 0)                                            \
				r = rig_team_scan(team, it, all, n, DTYPE,     \
						  OP);                         \
			if (r == 0 &&                                          \
			    (all[0] != lower || all[n - 1] != lower))          \
				r = rig_team_fail(team, -EBADMSG,              \
						  "scan " #DTYPE " " #OP);     \
		}                                                              \
		if (r < 0)                                                     \
			return r;                                              \
	} while (0)

#define CHECK_COMPLEX(TYPE, DTYPE)                                             \
	CHECK(TYPE, DTYPE, RIG_SUM);                                           \
	CHECK(TYPE, DTYPE, RIG_PROD)

#define CHECK_REAL(TYPE, DTYPE)                                                \
	CHECK_COMPLEX(TYPE, DTYPE);                                            \
	CHECK(TYPE, DTYPE, RIG_MIN);                                           \
	CHECK(TYPE, DTYPE, RIG_MAX)

#define CHECK_INTEGER(TYPE, DTYPE)                                             \
	CHECK_REAL(TYPE, DTYPE);                                               \
	CHECK(TYPE, DTYPE, RIG_LAND);                                          \
	CHECK(TYPE, DTYPE, RIG_LOR);                                           \
	CHECK(TYPE, DTYPE, RIG_LXOR);                                          \
	CHECK(TYPE, DTYPE, RIG_BAND);                                          \
	CHECK(TYPE, DTYPE, RIG_BOR);                                           \
	CHECK(TYPE, DTYPE, RIG_BXOR)

#define EACH(NAME, CHECKS)                                                     \
	static int NAME(struct rig_team *team)                                 \
	{                                                                      \
		const int rank = rig_team_rank(team);                          \
		const int size = rig_team_size(team);                          \
		int r = 0;                                                     \
                                                                               \
		CHECKS;                                                        \
		return r;                                                      \
	}

EACH(of_int8, CHECK_INTEGER(int8_t, RIG_INT8))
EACH(of_int16, CHECK_INTEGER(int16_t, RIG_INT16))
EACH(of_int32, CHECK_INTEGER(int32_t, RIG_INT32))
EACH(of_int64, CHECK_INTEGER(int64_t, RIG_INT64))
EACH(of_uint8, CHECK_INTEGER(uint8_t, RIG_UINT8))
EACH(of_uint16, CHECK_INTEGER(uint16_t, RIG_UINT16))
EACH(of_uint32, CHECK_INTEGER(uint32_t, RIG_UINT32))
EACH(of_uint64, CHECK_INTEGER(uint64_t, RIG_UINT64))
EACH(of_float32, CHECK_REAL(float, RIG_FLOAT32))
EACH(of_float64, CHECK_REAL(double, RIG_FLOAT64))
EACH(of_float128, CHECK_REAL(long double, RIG_FLOAT128))
EACH(of_complex64, CHECK_COMPLEX(float _Complex, RIG_COMPLEX64))
EACH(of_complex128, CHECK_COMPLEX(double _Complex, RIG_COMPLEX128))
EACH(of_complex256, CHECK_COMPLEX(long double _Complex, RIG_COMPLEX256))

/* The lower place of equal values counts. */
#define PLACED(NAME, TYPE, DTYPE)                                              \
	static int NAME(struct rig_team *team)                                 \
	{                                                                      \
		const int rank = rig_team_rank(team);                          \
		const int size = rig_team_size(team);                          \
		struct TYPE at = { 0 }, found = { 0 };                         \
		int r;                                                         \
                                                                               \
		at.value = (__typeof__(at.value))(rank % 3);                   \
		at.at = 100 - rank;                                            \
		r = rig_team_allreduce(team, &at, &found, 1, DTYPE,            \
				       RIG_MINLOC);                            \
		if (r == 0 && (found.value != 0 ||                             \
			       found.at != 100 - (size - 1) / 3 * 3))          \
			r = rig_team_fail(team, -EBADMSG, "minloc " #DTYPE);   \
		if (r == 0)                                                    \
			r = rig_team_allreduce(team, &at, &found, 1, DTYPE,    \
					       RIG_MAXLOC);                    \
		if (r == 0 && size > 2 &&                                      \
		    (found.value != 2 || found.at != 98 - (size - 3) / 3 * 3)) \
			r = rig_team_fail(team, -EBADMSG, "maxloc " #DTYPE);   \
		return r;                                                      \
	}

PLACED(of_int32_at, rig_int32_at, RIG_INT32_AT)
PLACED(of_int64_at, rig_int64_at, RIG_INT64_AT)
PLACED(of_float32_at, rig_float32_at, RIG_FLOAT32_AT)
PLACED(of_float64_at, rig_float64_at, RIG_FLOAT64_AT)

/* The logical operations, which bool has. */
static int of_bool(struct rig_team *team)
{
	const bool it = rig_team_rank(team) != 0;
	const int size = rig_team_size(team);
	const bool wanted[] = { false, size > 1, (size - 1) % 2 };
	bool all;
	int r = 0;

	for (int op = RIG_LAND; r == 0 && op <= RIG_BXOR; op++) {
		r = rig_team_allreduce(team, &it, &all, 1, RIG_BOOL, op);
		if (r == 0 && all != wanted[(op - RIG_LAND) % 3])
			r = rig_team_fail(team, -EBADMSG, "bool, op %d", op);
	}
	return r;
}

static int every_operation(struct rig_team *team)
{
	static int (*const each[])(struct rig_team *) = {
		of_bool,      of_int8,       of_int16,      of_int32,
		of_int64,     of_uint8,      of_uint16,     of_uint32,
		of_uint64,    of_float32,    of_float64,    of_float128,
		of_complex64, of_complex128, of_complex256, of_int32_at,
		of_int64_at,  of_float32_at, of_float64_at
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(each) / sizeof(*each); i++)
		r = each[i](team);
	return r;
}

START_TEST(every_operation_on_every_type)
{
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = sizes[_i] }),
			 0);
	ck_assert_msg(rig_pool_run(pool,
				   &(struct rig_job){
					   .kernel = every_operation }) == 0,
		      "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static int other_root(struct rig_team *team)
{
	int x = 0, r;

	r = rig_team_bcast(team, &x, 1, RIG_INT32, rig_team_rank(team));
	return r < 0 ? r
		     : rig_team_allreduce(team, RIG_IN_PLACE, &x, 1, RIG_INT32,
					  RIG_SUM);
}

static int other_verb(struct rig_team *team)
{
	int x = 0, y;

	if (rig_team_rank(team) == 0)
		return rig_team_allreduce(team, &x, &y, 1, RIG_INT32, RIG_SUM);
	return rig_team_scan(team, &x, &y, 1, RIG_INT32, RIG_SUM);
}

static int other_count(struct rig_team *team)
{
	int x[2] = { 0, 0 };

	return rig_team_allreduce(team, RIG_IN_PLACE, x,
				  1 + (size_t)rig_team_rank(team), RIG_INT32,
				  RIG_SUM);
}

static int waits_for_ever(struct rig_team *team)
{
	int x = 0;

	if (rig_team_rank(team) == 0)
		return 0;
	return rig_team_bcast(team, &x, 1, RIG_INT32, 0);
}

START_TEST(ranks_that_call_differently_are_named)
{
	rig_kernel_fn *kernels[] = { other_root, other_verb, other_count };
	const char *words[] = { "bcast", "scan", "count 2" };
	const char *where[] = { "other_root", "other_verb", "other_count" };
	const char *first;
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = kernels[_i] }),
		-EINVAL);
	ck_assert_msg(strstr(rig_why(), words[_i]), "%s", rig_why());
	first = strstr(strchr(rig_why(), ' '), where[_i]);
	ck_assert_msg(first && strstr(first + 1, where[_i]), "%s", rig_why());
	/* The pool goes on, and half-done calls do not matter. */
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){ .kernel = every_operation }),
		0);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(a_root_that_never_comes_is_a_deadlock)
{
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(
		rig_pool_create(
			&pool, &(struct rig_pool_options){ .workers = 2 + _i }),
		0);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){ .kernel = waits_for_ever }),
		-EDEADLK);
	ck_assert_msg(strstr(rig_pool_report(pool)->text, "waiting in bcast"),
		      "%s", rig_pool_report(pool)->text);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){ .kernel = waits_for_ever }),
		-EDEADLK);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("operation");
	TCase *right = make_tcase("right", 60);
	TCase *wrong = make_tcase("wrong", 20);

	tcase_add_loop_test(right, every_operation_on_every_type, 0, SIZES);
	suite_add_tcase(suite, right);

	tcase_add_loop_test(wrong, ranks_that_call_differently_are_named, 0, 3);
	tcase_add_loop_test(wrong, a_root_that_never_comes_is_a_deadlock, 0, 3);
	suite_add_tcase(suite, wrong);
	return suite;
}
