/* SPDX-License-Identifier: MIT */
/*
 * test_spans.c - rig_pool_trace(): the spans in a lane, the spans without room, and
 * the spans that a death leaves.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/harness.h"

#define SPANS 64

/* Two reductions, and a message for which rank 1 may have to wait. */
static int talk(struct rig_team *team)
{
	double x = 1;
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++)
		r = rig_team_allreduce(team, RIG_IN_PLACE, &x, 1, RIG_FLOAT64,
				       RIG_SUM);
	if (r < 0)
		return r;
	return rig_team_rank(team) == 0
		       ? rig_team_send(team, &x, 1, RIG_FLOAT64, 1, 0)
		       : rig_team_recv(team, &x, 1, RIG_FLOAT64, 0, 0, NULL);
}

static int die_waiting(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

static struct rig_pool *make_pool(size_t spans)
{
	struct rig_pool *pool = NULL;

	ck_assert_msg(rig_pool_create(&pool,
				      &(struct rig_pool_options){
					      .workers = 2, .trace = spans }) ==
			      0,
		      "%s", rig_why());
	return pool;
}

static int count_kind(const struct rig_trace_span *spans, ssize_t n,
		      enum rig_trace_kind kind, const char *name)
{
	int count = 0;

	for (ssize_t i = 0; i < n; i++)
		count += spans[i].kind == kind &&
			 strcmp(spans[i].name, name) == 0;
	return count;
}

START_TEST(test_messages_and_collectives_are_waits)
{
	struct rig_pool *pool = make_pool(SPANS);
	struct rig_trace_span spans[SPANS];
	uint64_t lost = 1;
	ssize_t n;

	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = talk }), 0);
	n = rig_pool_trace(pool, 1, spans, SPANS, &lost);
	ck_assert_uint_eq(lost, 0);
	ck_assert_int_eq(count_kind(spans, n, RIG_TRACE_KERNEL, "talk"), 1);
	ck_assert_int_eq(count_kind(spans, n, RIG_TRACE_WAIT, "allreduce"), 2);
	ck_assert_int_le(count_kind(spans, n, RIG_TRACE_WAIT, "recv"), 1);
	for (ssize_t i = 0; i < n; i++) {
		ck_assert(spans[i].ended);
		ck_assert_uint_le(spans[i].begin_ns, spans[i].end_ns);
		if (spans[i].kind == RIG_TRACE_WAIT)
			ck_assert_ptr_nonnull(strstr(spans[i].where, "talk"));
	}
	/* Fewer are copied than there are. */
	ck_assert_int_eq(rig_pool_trace(pool, 1, spans, 1, NULL), n);
	n = rig_pool_trace(pool, -1, spans, SPANS, NULL);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(count_kind(spans, n, RIG_TRACE_RUN, "talk"), 1);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(test_what_there_is_no_room_for_is_counted)
{
	struct rig_pool *pool = make_pool(3);
	struct rig_trace_span spans[SPANS];
	uint64_t lost = 0;
	ssize_t n;

	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = talk }), 0);
	n = rig_pool_trace(pool, 1, spans, SPANS, &lost);
	ck_assert_int_gt(n, 0);
	/* attach, talk and one reduction had room. */
	ck_assert_int_eq(count_kind(spans, n, RIG_TRACE_WAIT, "allreduce"), 1);
	ck_assert_uint_ge(lost, 1);
	ck_assert_uint_le(lost, 2);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(test_a_death_and_the_team_after_it)
{
	struct rig_pool *pool = make_pool(SPANS);
	struct rig_trace_span spans[SPANS];
	int unfinished = 0;
	ssize_t n;

	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = die_waiting }),
		-EOWNERDEAD);
	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = talk }), 0);
	n = rig_pool_trace(pool, 0, spans, SPANS, NULL);
	for (ssize_t i = 0; i < n; i++) {
		unfinished += !spans[i].ended;
		ck_assert(spans[i].ended || spans[i].run == 0);
	}
	ck_assert_int_ge(unfinished, 1);
	ck_assert_int_eq(count_kind(spans, n, RIG_TRACE_KERNEL, "die_waiting"),
			 1);
	ck_assert_int_eq(count_kind(spans, n, RIG_TRACE_KERNEL, "talk"), 1);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(test_wrong_use)
{
	struct rig_pool *pool = make_pool(0);

	ck_assert_int_eq(rig_pool_trace(pool, 0, NULL, 0, NULL), -EINVAL);
	rig_pool_destroy(pool);
	pool = make_pool(1);
	ck_assert_int_eq(rig_pool_trace(pool, 2, NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_trace(pool, -2, NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_trace(pool, 1, NULL, 0, NULL), 0);
	rig_pool_destroy(pool);
	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = 1,
						 .trace = RIG_TRACE_MAX + 1 }),
			 -EINVAL);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("spans");
	TCase *tcase = make_tcase("trace", 20);

	tcase_add_test(tcase, test_messages_and_collectives_are_waits);
	tcase_add_test(tcase, test_what_there_is_no_room_for_is_counted);
	tcase_add_test(tcase, test_a_death_and_the_team_after_it);
	tcase_add_test(tcase, test_wrong_use);
	suite_add_tcase(suite, tcase);
	return suite;
}
