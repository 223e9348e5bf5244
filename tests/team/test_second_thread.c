/* SPDX-License-Identifier: MIT */
/*
 * test_second_thread.c - one thread of a rank calls verbs: in a kernel any other
 * thread is refused, and leaves no trace; in a rank that has joined any thread may
 * call.
 */
#include "lib/harness.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

/* In this process: the verbs of the test, and the arguments. */
struct stand {
	struct rig_team *team;
	struct rig_team *part; /* a team split off */
	void *memory;          /* memory of rig_team_alloc() */
	struct rig_request *open, *plan;
	char why[4096]; /* the calls that were not refused */
};

static void expect(struct stand *stand, const char *name, int r)
{
	const size_t told = strlen(stand->why);

	if (r != -EINVAL || !strstr(rig_why(), "another thread"))
		snprintf(stand->why + told, sizeof(stand->why) - told,
			 "%s: %d; ", name, r);
}

#define CALL(verb, ...) expect(stand, #verb, verb(__VA_ARGS__));

/* Every function that is given a team, with zeros: whatever else is wrong, the thread
 * is wrong first. */
static void call_every(struct stand *stand)
{
	static char zeros[4096];
	void *zero = zeros;
	struct rig_team *team = stand->team;

#include "every_call.h"
}

/* With arguments that would do in the rank's thread. */
static void call_right(struct stand *stand)
{
	struct rig_team *team = stand->team;
	struct rig_request *request = NULL;
	struct rig_share share;
	int index = 0, some[2];
	double one = 1, all[8];
	uint64_t before;
	bool flag = false;

	CALL(rig_team_barrier, stand->part)
	CALL(rig_team_free, stand->part)
	CALL(rig_team_iallreduce, team, &one, all, 1, RIG_FLOAT64, RIG_SUM,
	     &request)
	CALL(rig_team_dealloc, team, stand->memory)
	CALL(rig_team_release, team, stand->memory)
	CALL(rig_team_cancel, team, &stand->open, &flag)
	CALL(rig_team_wait, team, &stand->open, NULL)
	CALL(rig_team_waitall, team, 1, &stand->open, NULL)
	CALL(rig_team_waitany, team, 1, &stand->open, &index, NULL)
	CALL(rig_team_waitsome, team, 1, &stand->open, &index, some, NULL)
	CALL(rig_team_test, team, &stand->open, &flag, NULL)
	CALL(rig_team_testany, team, 1, &stand->open, &index, &flag, NULL)
	CALL(rig_team_testsome, team, 1, &stand->open, &index, some, NULL)
	CALL(rig_team_fetch_add, team, stand->memory, 1, 0, &before)
	CALL(rig_team_start, team, &stand->plan)
	CALL(rig_team_startall, team, 1, &stand->plan)
	CALL(rig_team_request_free, team, &stand->plan)
	CALL(rig_share_begin, &share, team, 9, RIG_SHARE_DYNAMIC, 1)
}

static void *call_all(void *arg)
{
	struct stand *stand = arg;

	/* In a worker's first line no thread is wrong: any thread may ask. */
	if (rig_team_size(stand->team) < 1 ||
	    rig_team_strip(stand->team, 8).end > 8)
		snprintf(stand->why, sizeof(stand->why), "size or strip");
	call_every(stand);
	call_right(stand);
	return NULL;
}

/* The refused calls have changed nothing: all goes on as in any kernel. */
static int goes_on(struct stand *stand)
{
	struct rig_team *team = stand->team;
	const int size = rig_team_size(team), self = rig_team_rank(team);
	int own = self, sum = 0, r;

	r = rig_team_barrier(team);
	if (r == 0)
		r = rig_team_allreduce(team, &own, &sum, 1, RIG_INT32, RIG_SUM);
	if (r == 0 && sum != size * (size - 1) / 2)
		r = -EBADMSG;
	/* The receive that was open all the time. */
	if (r == 0)
		r = rig_team_send(team, &own, 1, RIG_INT32, (self + 1) % size,
				  7);
	if (r == 0)
		r = rig_team_wait(team, &stand->open, NULL);
	if (r == 0)
		r = rig_team_start(team, &stand->plan);
	if (r == 0)
		r = rig_team_wait(team, &stand->plan, NULL);
	if (r == 0)
		r = rig_team_request_free(team, &stand->plan);
	if (r == 0)
		r = rig_team_free(stand->part);
	return r < 0 ? r : rig_team_dealloc(team, stand->memory);
}

static int has_a_second_thread(struct rig_team *team)
{
	const int size = rig_team_size(team), self = rig_team_rank(team);
	struct stand stand = { .team = team };
	pthread_t thread;
	int got = -1, r = rig_team_split(team, 0, 0, &stand.part);

	if (r == 0)
		r = rig_team_alloc(team, 64, &stand.memory);
	if (r == 0)
		r = rig_team_barrier_init(team, &stand.plan);
	if (r == 0)
		r = rig_team_irecv(team, &got, 1, RIG_INT32,
				   (self + size - 1) % size, 7, &stand.open);
	if (r < 0)
		return r;
	if (pthread_create(&thread, NULL, call_all, &stand))
		return -EAGAIN;
	pthread_join(thread, NULL);
	if (stand.why[0])
		return rig_team_fail(team, -EBADMSG, "%s", stand.why);
	r = goes_on(&stand);
	return r == 0 && got != (self + size - 1) % size ? -EBADMSG : r;
}

START_TEST(a_second_thread_of_a_worker_is_refused)
{
	make_pool(2);
	/* The next run has another thread, too. */
	for (int i = 0; i < 2; i++)
		ck_assert_msg(run(has_a_second_thread) == 0, "%s",
			      rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

static void *takes_parts(void *arg)
{
	struct rig_span part;

	while (rig_share_next(arg, &part))
		;
	return NULL;
}

/* The kernel returns 0, and has not done the work that the other thread was to take. */
static int shares_with_a_thread(struct rig_team *team)
{
	struct rig_share share;
	pthread_t thread;
	int r = rig_share_begin(&share, team, 100, RIG_SHARE_DYNAMIC, 1);

	if (r < 0)
		return r;
	if (pthread_create(&thread, NULL, takes_parts, &share))
		return -EAGAIN;
	pthread_join(thread, NULL);
	return 0;
}

START_TEST(parts_taken_by_a_second_thread_fail_the_run)
{
	make_pool(2);
	ck_assert_int_eq(run(shares_with_a_thread), -EINVAL);
	ck_assert_msg(strstr(rig_why(), "another thread"), "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static void *meets(void *arg)
{
	struct rig_team *team = arg;
	int own = 1, sum = 0;

	if (rig_team_barrier(team) < 0 ||
	    rig_team_allreduce(team, &own, &sum, 1, RIG_INT32, RIG_SUM) < 0 ||
	    sum != 1)
		return arg;
	return NULL;
}

/* One thread after another. */
static int hands_on(int rank, void *arg)
{
	struct rig_team *team;
	pthread_t thread;
	void *bad = NULL;

	(void)rank;
	(void)arg;
	if (rig_join(&team, NULL) < 0 || meets(team))
		return 1;
	if (pthread_create(&thread, NULL, meets, team))
		return 2;
	pthread_join(thread, &bad);
	if (bad || meets(team))
		return 3;
	return rig_leave() < 0 ? 4 : 0;
}

START_TEST(a_joined_rank_has_the_thread_that_calls)
{
	ck_assert_int_eq(run_workers(1, hands_on, NULL), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("second_thread");
	TCase *threads = make_tcase("threads", 20);

	tcase_add_test(threads, a_second_thread_of_a_worker_is_refused);
	tcase_add_test(threads, parts_taken_by_a_second_thread_fail_the_run);
	tcase_add_test(threads, a_joined_rank_has_the_thread_that_calls);
	suite_add_tcase(suite, threads);
	return suite;
}
