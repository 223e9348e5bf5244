/* SPDX-License-Identifier: MIT */
/*
 * test_match.c - ranks that make different calls are found, also where no rank looks
 * at another rank: at the next barrier, or when the run ends.
 */
#include "lib/harness.h"

#include <errno.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

/* The difference; in every case no rank reads another rank's contribution. */
enum wrong {
	WRONG_ROOT,    /* each rank takes itself for the root */
	WRONG_COUNT,   /* and has another number of elements */
	WRONG_OP,      /* each rank gives to the next rank another operation */
	WRONG_VERB,    /* rank 0 calls something else */
	ONE_MORE,      /* rank 0 calls once more */
	OTHER_ORDER,   /* the others call after the barrier */
	FIRST_OF_MANY, /* as WRONG_COUNT, and more differences behind */
	WRONGS
};

/* The team of the call, and the call that synchronises after the difference. */
enum after {
	IN_ALL_BARRIER,     /* in the team of all: a barrier */
	IN_ALL_END,         /* nothing but the end of the run */
	IN_DUP_BARRIER,     /* in the barrier of a team of the same ranks */
	IN_DUP_ALL_BARRIER, /* the barrier of all */
	IN_DUP_END,
	IN_HALF_ALL_BARRIER, /* in a team of every other rank */
	IN_HALF_END,
	AFTERS
};

struct told {
	enum wrong wrong;
	enum after after;
	int busy; /* messages are open, and memory is counted in */
};

static __attribute__((noinline)) int calls_wrong(struct rig_team *team,
						 enum wrong wrong)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	int64_t x[64] = { 0 }, y[64];
	int r = 0;

	switch (wrong) {
	case WRONG_ROOT:
		return rig_team_bcast(team, x, 1, RIG_INT64, rank);
	case FIRST_OF_MANY:
	case WRONG_COUNT:
		r = rig_team_bcast(team, x, 1 + (size_t)rank, RIG_INT64, rank);
		for (int i = 0; wrong == FIRST_OF_MANY && r == 0 && i < 3; i++)
			r = rig_team_bcast(team, x, 57, RIG_INT64, rank);
		return r;
	case WRONG_OP:
		return rig_team_reduce(team, x, y, 1, RIG_INT64,
				       rank ? RIG_MAX : RIG_SUM,
				       (rank + 1) % size);
	case WRONG_VERB:
		if (rank == 0)
			return rig_team_bcast(team, x, 1, RIG_INT64, 0);
		return rig_team_scatter(team, x, 1, RIG_INT64, y, 1, RIG_INT64,
					rank);
	case ONE_MORE:
	case OTHER_ORDER:
		if (rank == 0)
			r = rig_team_bcast(team, x, 1, RIG_INT64, 0);
		return r;
	default:
		return -ENOSYS;
	}
}

static __attribute__((noinline)) int meets(struct rig_team *team)
{
	int r = rig_team_barrier(team);

	__asm__ volatile("" : "+r"(r)); /* no tail call */
	return r;
}

static int chooses(struct rig_team *team, enum after after,
		   struct rig_team **part)
{
	switch (after) {
	case IN_DUP_BARRIER:
	case IN_DUP_ALL_BARRIER:
	case IN_DUP_END:
		return rig_team_dup(team, part);
	case IN_HALF_ALL_BARRIER:
	case IN_HALF_END:
		return rig_team_split(team, rig_team_rank(team) % 2, 0, part);
	default:
		*part = team;
		return 0;
	}
}

/* All ranks make the same calls, and not every call is looked at. */
static int calls_alike(struct rig_team *team, int times)
{
	const int size = rig_team_size(team);
	int64_t x[9] = { 0 }, y[9];
	int r = 0;

	for (int i = 0; r == 0 && i < times; i++) {
		r = rig_team_bcast(team, x, 1 + (size_t)i % 7, RIG_INT64,
				   i * 3 % size);
		if (r == 0 && i % 3 == 0)
			r = rig_team_reduce(team, x, y, 2, RIG_INT64, RIG_SUM,
					    i % size);
		if (r == 0 && i % 5 == 0)
			r = rig_team_allreduce(team, x, y, 3, RIG_INT64,
					       RIG_MAX);
		if (r == 0 && i % 4 == 0)
			r = rig_team_barrier(team);
	}
	return r;
}

/* A message is on the way around, and the next rank's counter is changed. */
static int is_busy(struct rig_team *team, int *token,
		   struct rig_request **request)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const int next = (rank + 1) % size, last = (rank + size - 1) % size;
	void *memory = NULL;
	int r = rig_team_alloc(team, 64, &memory);

	if (r == 0)
		r = rig_team_irecv(team, token, 1, RIG_INT32, last, 7, request);
	if (r == 0)
		r = rig_team_fetch_add(team, memory, 1, next, NULL);
	return r;
}

static int calls(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_request *request = NULL;
	struct rig_team *part = NULL;
	int64_t value = 0;
	int token = 0;
	int r = chooses(team, told->after, &part);

	if (r == 0)
		r = calls_alike(part, 50);
	if (r == 0 && told->busy)
		r = is_busy(team, &token, &request);
	if (r == 0)
		r = calls_wrong(part, told->wrong);
	if (r == 0 && told->after == IN_DUP_BARRIER)
		r = meets(part);
	if (r == 0 && (told->after == IN_ALL_BARRIER ||
		       told->after == IN_DUP_ALL_BARRIER ||
		       told->after == IN_HALF_ALL_BARRIER))
		r = meets(team);
	if (r == 0 && told->wrong == OTHER_ORDER && rank)
		r = rig_team_bcast(part, &value, 1, RIG_INT64, 0);
	if (r == 0 && told->busy)
		r = rig_team_send(team, &token, 1, RIG_INT32, (rank + 1) % size,
				  7);
	if (r == 0 && told->busy)
		r = rig_team_wait(team, &request, NULL);
	return r;
}

static int agrees(struct rig_team *team)
{
	struct rig_team *part = NULL, *half = NULL;
	int r = rig_team_dup(team, &part);

	if (r == 0)
		r = rig_team_split(team, rig_team_rank(team) % 2, 0, &half);
	for (int i = 0; r == 0 && i < 5; i++) {
		r = calls_alike(part, 7 * i);
		if (r == 0)
			r = calls_alike(half, 3 * i + rig_team_rank(team) % 2);
		if (r == 0)
			r = calls_alike(team, 5 * i);
		if (r == 0)
			r = rig_team_barrier(team);
	}
	if (r == 0)
		r = rig_team_free(part);
	return r;
}

/* More than 16 ranks exceed the CPUs of a small machine; and a team by lines. */
static const int sizes[] = { 2, 3, 5, 18 };
#define SIZES (harness_long() ? (int)(sizeof(sizes) / sizeof(*sizes)) : 3)

static int run_told(rig_kernel_fn *kernel, const struct told *told)
{
	return run_args(kernel, told, sizeof(*told));
}

static bool in_half(enum after after)
{
	return after == IN_HALF_ALL_BARRIER || after == IN_HALF_END;
}

static bool at_end(enum after after)
{
	return after == IN_ALL_END || after == IN_DUP_END ||
	       after == IN_HALF_END;
}

/* The words name both calls, and from where. */
static void check_words(const struct told *told, int size)
{
	static const char *const first[WRONGS] = {
		[WRONG_ROOT] = "rank 0 calls bcast(count 1, ",
		[WRONG_COUNT] = "rank 0 calls bcast(count 1, ",
		[WRONG_OP] = "rank 0 calls reduce(count 1, ",
		[WRONG_VERB] = "rank 0 calls bcast(count 1, ",
		[ONE_MORE] = "rank 0 calls bcast(count 1, ",
		[OTHER_ORDER] = "rank 0 calls bcast(count 1, ",
		[FIRST_OF_MANY] = "rank 0 calls bcast(count 1, ",
	};
	const char *why = rig_why(), *site = strstr(why, "at calls_wrong+");

	ck_assert_msg(site, "%s", why);
	ck_assert_msg(!strstr(why, "count 57"), "%s", why);
	/* With more than two ranks the report names any two that differ. */
	if (size == 2)
		ck_assert_msg(strstr(why, first[told->wrong]), "%s", why);
	if (told->wrong < ONE_MORE || told->wrong == FIRST_OF_MANY)
		ck_assert_msg(strstr(site + 1, "at calls_wrong+"), "%s", why);
	else if (at_end(told->after))
		ck_assert_msg(strstr(why, " returns"), "%s", why);
	else if (told->wrong == ONE_MORE)
		ck_assert_msg(strstr(why, "barrier") &&
				      strstr(why, "at meets+"),
			      "%s", why);
}

static void try(const struct told *told, int size)
{
	const int r = run_told(calls, told);

	ck_assert_msg(r == -EINVAL, "%d ranks, wrong %d, after %d%s: %d: %s",
		      size, (int)told->wrong, (int)told->after,
		      told->busy ? ", busy" : "", r,
		      rig_pool_report(pool)->text);
	check_words(told, size);
}

/* Halves of fewer than two ranks are always right; and a rank without a next call
 * makes the call not later, but not at all. */
static bool makes_sense(const struct told *told, int size)
{
	if (in_half(told->after) && size < 3)
		return false;
	return told->wrong != OTHER_ORDER ||
	       (!in_half(told->after) && !at_end(told->after));
}

START_TEST(what_nobody_looks_at_is_found_at_the_next_barrier_or_at_the_end)
{
	const int size = sizes[_i];

	make_pool(size);
	for (int wrong = 0; wrong < WRONGS; wrong++)
		for (int after = 0; after < AFTERS; after++) {
			struct told told = { (enum wrong)wrong,
					     (enum after)after, 0 };

			if (!makes_sense(&told, size))
				continue;
			try(&told, size);
			told.busy = 1;
			if (after == IN_ALL_BARRIER)
				try(&told, size);
		}
	ck_assert_msg(run_told(agrees, &(struct told){ 0 }) == 0, "%s",
		      rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static int one_or_all_call(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	int64_t x = 0;
	int r = 0;

	if (told->busy || rig_team_rank(team) == 0)
		r = rig_team_bcast(team, &x, 1, RIG_INT64, 0);
	return r == 0 ? meets(team) : r;
}

/* The same numbers in the same places. */
START_TEST(what_was_called_in_an_earlier_run_is_not_this_one_s)
{
	make_pool(2 + _i);
	for (int i = 0; i < 3; i++) {
		ck_assert_msg(run_told(one_or_all_call,
				       &(struct told){ .busy = 1 }) == 0,
			      "%s", rig_why());
		ck_assert_int_eq(
			run_told(one_or_all_call, &(struct told){ .busy = 0 }),
			-EINVAL);
		ck_assert_msg(strstr(rig_why(), "calls barrier at meets+"),
			      "%s", rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(who_calls_the_same_is_left_alone)
{
	make_pool(sizes[_i]);
	for (int i = 0; i < 5; i++)
		ck_assert_msg(run_told(agrees, &(struct told){ 0 }) == 0, "%s",
			      rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

static __attribute__((noinline)) int reduces(struct rig_team *team)
{
	int64_t x = 1, all = 0;
	int r = rig_team_allreduce(team, &x, &all, 1, RIG_INT64, RIG_SUM);

	__asm__ volatile("" : "+r"(r)); /* no tail call */
	return r;
}

/* The last rank comes to the barrier first.  No rank has anything to look at before
 * all ranks wait. */
static int other_order(struct rig_team *team)
{
	const struct told *told = rig_team_args(team);
	struct rig_team *part = NULL;
	int r = chooses(team, told->after, &part);

	if (r < 0)
		return r;
	if (rig_team_rank(team) == rig_team_size(team) - 1) {
		r = meets(team);
		return r < 0 ? r : reduces(part);
	}
	r = reduces(part);
	return r < 0 ? r : meets(team);
}

START_TEST(a_barrier_before_and_after_a_call_is_no_deadlock)
{
	const struct told told[] = { { .after = IN_ALL_BARRIER },
				     { .after = IN_DUP_ALL_BARRIER } };

	make_pool(sizes[_i]);
	for (size_t i = 0; i < 2; i++) {
		const int r = run_told(other_order, &told[i]);
		const char *why = rig_why();

		ck_assert_msg(r == -EINVAL, "%d: %s", r, why);
		ck_assert_msg(strstr(why, "calls allreduce(count 1, type int64,"
					  " op SUM) at reduces+"),
			      "%s", why);
		ck_assert_msg(strstr(why, "calls barrier at meets+"), "%s",
			      why);
	}
	rig_pool_destroy(pool);
}
END_TEST

static int own_reason(struct rig_team *team)
{
	int64_t x = 0;
	int r = rig_team_bcast(team, &x, 1, RIG_INT64, 0);

	if (r == 0 && rig_team_rank(team) == 1)
		return rig_team_fail(team, -ENODATA, "nothing to do");
	return r == 0 && rig_team_rank(team) == 0
		       ? rig_team_bcast(team, &x, 1, RIG_INT64, 0)
		       : r;
}

/* A rank that fails leaves calls out: the failure is reported, not the missing calls. */
START_TEST(a_rank_that_fails_has_its_own_reason)
{
	make_pool(2 + _i);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(run_told(own_reason, &(struct told){ 0 }),
				 -ENODATA);
		ck_assert_msg(strstr(rig_why(), "nothing to do"), "%s",
			      rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("match");
	TCase *agree = make_tcase("agree", 60);

	tcase_add_loop_test(
		agree,
		what_nobody_looks_at_is_found_at_the_next_barrier_or_at_the_end,
		0, SIZES);
	tcase_add_loop_test(agree,
			    what_was_called_in_an_earlier_run_is_not_this_one_s,
			    0, 2);
	tcase_add_loop_test(agree,
			    a_barrier_before_and_after_a_call_is_no_deadlock, 0,
			    SIZES);
	tcase_add_loop_test(agree, who_calls_the_same_is_left_alone, 0, SIZES);
	tcase_add_loop_test(agree, a_rank_that_fails_has_its_own_reason, 0, 2);
	suite_add_tcase(suite, agree);
	return suite;
}
