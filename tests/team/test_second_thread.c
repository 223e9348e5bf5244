/* SPDX-License-Identifier: MIT */
/*
 * test_second_thread.c - one thread of a rank calls verbs: in a kernel any other thread
 * is refused, and leaves no trace; a rank that has joined has whichever thread calls.
 */
#include "lib/harness.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

/* In this process: the verbs to be called, and what they are called with. */
struct stand {
	struct rig_team *team;
	struct rig_team *part; /* a team split off */
	void *memory;          /* of rig_team_alloc() */
	struct rig_request *open;
	char why[256]; /* a verb that was not refused */
};

static void expect(struct stand *stand, const char *name, int r)
{
	if (stand->why[0])
		return;
	if (r != -EINVAL || !strstr(rig_why(), "another thread"))
		snprintf(stand->why, sizeof(stand->why), "%s: %d, %s", name, r,
			 rig_why());
}

#define EXPECT(verb, ...) expect(stand, #verb, rig_team_##verb(__VA_ARGS__))

static void call_collectives(struct stand *stand)
{
	struct rig_team *team = stand->team, *half = NULL;
	struct rig_request *request = NULL;
	double one = 1, all[8] = { 0 };
	struct rig_share share;
	void *more = NULL;

	EXPECT(barrier, team);
	EXPECT(barrier, stand->part);
	EXPECT(bcast, team, &one, 1, RIG_FLOAT64, 0);
	EXPECT(reduce, team, &one, all, 1, RIG_FLOAT64, RIG_SUM, 0);
	EXPECT(allreduce, team, &one, all, 1, RIG_FLOAT64, RIG_SUM);
	EXPECT(scan, team, &one, all, 1, RIG_FLOAT64, RIG_SUM);
	EXPECT(gather, team, &one, 1, RIG_FLOAT64, all, 1, RIG_FLOAT64, 0);
	EXPECT(allgather, team, &one, 1, RIG_FLOAT64, all, 1, RIG_FLOAT64);
	EXPECT(alltoall, team, all, 1, RIG_FLOAT64, all + 4, 1, RIG_FLOAT64);
	EXPECT(iallreduce, team, &one, all, 1, RIG_FLOAT64, RIG_SUM, &request);
	EXPECT(split, team, 0, 0, &half);
	EXPECT(split_type, team, RIG_LEVEL_HOST, 0, &half);
	EXPECT(dup, team, &half);
	EXPECT(free, stand->part);
	EXPECT(alloc, team, 64, &more);
	EXPECT(dealloc, team, stand->memory);
	expect(stand, "share",
	       rig_share_begin(&share, team, 9, RIG_SHARE_DYNAMIC, 1));
}

static void call_messages(struct stand *stand)
{
	struct rig_team *team = stand->team;
	const int self = rig_team_rank(team);
	struct rig_request *request = NULL;
	struct rig_message *message = NULL;
	int one = 1, other = 0, index = 0, some[2];
	const void *data = NULL;
	bool flag = false;

	EXPECT(send, team, &one, 1, RIG_INT32, self, 1);
	EXPECT(ssend, team, &one, 1, RIG_INT32, self, 1);
	EXPECT(recv, team, &other, 1, RIG_INT32, self, 1, NULL);
	EXPECT(sendrecv, team, &one, 1, RIG_INT32, self, 1, &other, 1,
	       RIG_INT32, self, 1, NULL);
	EXPECT(isend, team, &one, 1, RIG_INT32, self, 1, &request);
	EXPECT(irecv, team, &other, 1, RIG_INT32, self, 1, &request);
	EXPECT(probe, team, self, 1, NULL);
	EXPECT(iprobe, team, self, 1, &flag, NULL);
	EXPECT(improbe, team, self, 1, &flag, &message, NULL);
	EXPECT(lend, team, stand->memory, 1, RIG_INT32, self, 1, &request);
	EXPECT(borrow, team, &data, self, 1, NULL);
	EXPECT(release, team, stand->memory);
	EXPECT(cancel, team, &stand->open, &flag);
	EXPECT(wait, team, &stand->open, NULL);
	EXPECT(waitall, team, 1, &stand->open, NULL);
	EXPECT(waitany, team, 1, &stand->open, &index, NULL);
	EXPECT(waitsome, team, 1, &stand->open, &index, some, NULL);
	EXPECT(test, team, &stand->open, &flag, NULL);
	EXPECT(testany, team, 1, &stand->open, &index, &flag, NULL);
	EXPECT(testsome, team, 1, &stand->open, &index, some, NULL);
	EXPECT(put, team, stand->memory, &one, sizeof(one), self);
	EXPECT(fetch_add, team, stand->memory, 1, self, NULL);
	EXPECT(lock, team, stand->memory, self);
}

static void *call_all(void *arg)
{
	struct stand *stand = arg;

	/* A worker's first line has no wrong thread: any may ask these. */
	if (rig_team_size(stand->team) < 1 ||
	    rig_team_strip(stand->team, 8).end > 8)
		snprintf(stand->why, sizeof(stand->why), "size or strip");
	call_collectives(stand);
	call_messages(stand);
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
	/* The receive that was open all along. */
	if (r == 0)
		r = rig_team_send(team, &own, 1, RIG_INT32, (self + 1) % size,
				  7);
	if (r == 0)
		r = rig_team_wait(team, &stand->open, NULL);
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
	/* The next run has a thread of its own, too. */
	for (int i = 0; i < 2; i++)
		ck_assert_msg(run(has_a_second_thread) == 0, "%s",
			      rig_pool_report(pool)->text);
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
	tcase_add_test(threads, a_joined_rank_has_the_thread_that_calls);
	suite_add_tcase(suite, threads);
	return suite;
}
