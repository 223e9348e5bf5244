/* SPDX-License-Identifier: MIT */
/*
 * test_turns.c - several ready messages have turns, some are taken at once, and a
 * polling rank lets others run.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

/* A message from the rank to the rank, received: a request that is complete. */
static int complete_one(struct rig_team *team, int tag, int *value,
			struct rig_request **request)
{
	int r = rig_team_send(team, &tag, 1, RIG_INT32, rig_team_rank(team),
			      tag);

	return r ? r
		 : rig_team_irecv(team, value, 1, RIG_INT32,
				  rig_team_rank(team), tag, request);
}

static int any_in_turn(struct rig_team *team)
{
	struct rig_request *requests[3];
	int values[3], taken[3] = { 0 }, r = 0;

	for (int i = 0; r == 0 && i < 3; i++)
		r = complete_one(team, i, &values[i], &requests[i]);
	for (int k = 0; r == 0 && k < 30; k++) {
		bool done = true;
		int index = -1;

		if (k % 2)
			r = rig_team_waitany(team, 3, requests, &index, NULL);
		else
			r = rig_team_testany(team, 3, requests, &index, &done,
					     NULL);
		if (r == 0 && (!done || index < 0))
			return rig_team_fail(team, -EBADMSG, "none is done");
		if (r == 0) {
			taken[index]++;
			r = complete_one(team, index, &values[index],
					 &requests[index]);
		}
	}
	for (int i = 0; r == 0 && i < 3; i++)
		if (taken[i] != 10)
			r = rig_team_fail(team, -EBADMSG, "%d, %d and %d",
					  taken[0], taken[1], taken[2]);
	return r ? r : rig_team_waitall(team, 3, requests, NULL);
}

START_TEST(any_request_has_its_turn)
{
	make_pool(1);
	ck_assert_msg(run(any_in_turn) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* Each other rank's messages are there before the first is looked for. */
static int probes(struct rig_team *team)
{
	const int size = rig_team_size(team);
	int seen[8] = { 0 }, x = 0, r = 0;

	for (int i = 0; r == 0 && rig_team_rank(team) && i < 20; i++)
		r = rig_team_send(team, &i, 1, RIG_INT32, 0, 0);
	if (r == 0)
		r = rig_team_barrier(team);
	if (r || rig_team_rank(team))
		return r;
	for (int i = 0; r == 0 && i < 20 * (size - 1); i++) {
		struct rig_status status;

		r = rig_team_probe(team, RIG_ANY_SOURCE, 0, &status);
		if (r == 0)
			r = rig_team_recv(team, &x, 1, RIG_INT32, status.source,
					  0, NULL);
		if (r == 0 && seen[status.source]++ > i / (size - 1) + 1)
			r = rig_team_fail(
				team, -EBADMSG, "%d of rank %d among %d",
				seen[status.source], status.source, i + 1);
	}
	return r;
}

START_TEST(any_source_has_its_turn)
{
	make_pool(4);
	ck_assert_msg(run(probes) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static int some(struct rig_team *team)
{
	struct rig_request *requests[5] = { NULL };
	struct rig_status statuses[5];
	int values[5], indices[5], n = -7, r;

	r = rig_team_waitsome(team, 5, requests, &n, indices, statuses);
	if (r || n != RIG_UNDEFINED)
		return rig_team_fail(team, -EBADMSG, "none: %d, %d", r, n);
	r = rig_team_testsome(team, 5, requests, &n, indices, NULL);
	if (r || n != RIG_UNDEFINED)
		return rig_team_fail(team, -EBADMSG, "test: %d, %d", r, n);
	/* 1 and 3 are complete, 2 is not. */
	r = rig_team_irecv(team, &values[2], 1, RIG_INT32, 0, 2, &requests[2]);
	if (r == 0)
		r = rig_team_testsome(team, 5, requests, &n, indices, NULL);
	if (r || n != 0)
		return rig_team_fail(team, -EBADMSG, "not yet: %d, %d", r, n);
	for (int i = 1; r == 0 && i < 4; i += 2)
		r = complete_one(team, i, &values[i], &requests[i]);
	if (r == 0)
		r = rig_team_waitsome(team, 5, requests, &n, indices, statuses);
	if (r || n != 2 || indices[0] != 1 || indices[1] != 3 ||
	    statuses[0].tag != 1 || statuses[1].tag != 3 || values[1] != 1 ||
	    values[3] != 3 || requests[1] || requests[3] || !requests[2])
		return rig_team_fail(team, -EBADMSG, "two: %d, %d", r, n);
	r = rig_team_send(team, &n, 1, RIG_INT32, 0, 2);
	if (r == 0)
		r = rig_team_testsome(team, 5, requests, &n, indices, statuses);
	if (r || n != 1 || indices[0] != 2 || values[2] != 2)
		return rig_team_fail(team, -EBADMSG, "one: %d, %d", r, n);
	return 0;
}

/* Two messages, one too long and one right, are both taken. */
static int some_fail(struct rig_team *team)
{
	struct rig_request *requests[2];
	struct rig_status statuses[2];
	int two[2] = { 1, 2 }, value = 0, indices[2], n = 0;
	int r = rig_team_send(team, two, 2, RIG_INT32, 0, 9);

	if (r == 0)
		r = rig_team_irecv(team, &value, 1, RIG_INT32, 0, 9,
				   &requests[0]);
	if (r == 0)
		r = complete_one(team, 1, &value, &requests[1]);
	if (r == 0 && rig_team_waitsome(team, 2, requests, &n, indices,
					statuses) != -EMSGSIZE)
		return rig_team_fail(team, -EBADMSG, "it is no failure");
	if (r == 0 &&
	    (n != 2 || statuses[0].code != -EMSGSIZE || statuses[1].code != 0))
		return rig_team_fail(team, -EBADMSG, "%d are taken", n);
	return r;
}

START_TEST(some_are_taken_at_once)
{
	make_pool(1);
	ck_assert_msg(run(some) == 0, "%s", rig_why());
	ck_assert_msg(run(some_fail) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static uint64_t switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
}

#define POLLS 400

/* Rank 0 polls for a message that never comes; the others are busy until rank 0 ends. */
static int polls(struct rig_team *team)
{
	atomic_int *over = rig_team_data(team, 0);
	struct rig_request *request = NULL;
	int x, r = 0;

	if (rig_team_rank(team)) {
		while (!atomic_load(over))
			;
		if (rig_team_rank(team) == 1)
			r = rig_team_send(team, &x, 1, RIG_INT32, 0, 1);
		return r;
	}
	r = rig_team_irecv(team, &x, 1, RIG_INT32, 1, 1, &request);
	for (int kind = 0; r == 0 && kind < 3; kind++) {
		const uint64_t before = switches();
		bool done = false;
		int index;

		for (int i = 0; r == 0 && i < POLLS && !done; i++)
			r = kind == 0 ? rig_team_iprobe(team, 1, 2, &done, NULL)
			    : kind == 1
				    ? rig_team_test(team, &request, &done, NULL)
				    : rig_team_testany(team, 1, &request,
						       &index, &done, NULL);
		if (r == 0 && switches() - before < POLLS / 20)
			r = rig_team_fail(team, -EBADMSG,
					  "kind %d: %d polls, %d switches",
					  kind, POLLS,
					  (int)(switches() - before));
	}
	atomic_store(over, 1);
	return r ? r : rig_team_wait(team, &request, NULL);
}

START_TEST(who_polls_lets_others_run)
{
	const int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct rig_segment *segment = NULL;
	struct rig_job job = { .kernel = polls };

	/* Two at least on each CPU. */
	if (cpus > 16)
		return;
	make_pool(2 * cpus + 1);
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 64, NULL), 0);
	job.segments[0].name = rig_segment_name(segment);
	ck_assert_msg(rig_pool_run(pool, &job) == 0, "%s", rig_why());
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("turns");
	TCase *tcase = make_tcase("turns", 60);

	tcase_add_test(tcase, any_request_has_its_turn);
	tcase_add_test(tcase, any_source_has_its_turn);
	tcase_add_test(tcase, some_are_taken_at_once);
	tcase_add_test(tcase, who_polls_lets_others_run);
	suite_add_tcase(suite, tcase);
	return suite;
}
