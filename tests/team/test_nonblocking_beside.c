/* SPDX-License-Identifier: MIT */
/*
 * test_nonblocking_beside.c - non-blocking collectives beside messages, blocking verbs
 * and the verbs of another team; and the same bits as the blocking verbs give.
 */
#include "lib/harness.h"

#include <errno.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

/* Sums are under way all the time, while ranks meet, send and reduce. */
static int overlaps(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const int next = (rank + 1) % size, before = (rank + size - 1) % size;
	struct rig_request *requests[4] = { NULL };
	int64_t own[4], sums[4], got, all;
	int r = 0;

	for (int round = 0; r == 0 && round < 50; round++) {
		for (int i = 0; r == 0 && i < 3; i++) {
			own[i] = rank + i;
			r = rig_team_iallreduce(team, &own[i], &sums[i], 1,
						RIG_INT64, RIG_SUM,
						&requests[i]);
		}
		own[3] = rank + round;
		if (r == 0)
			r = rig_team_irecv(team, &got, 1, RIG_INT64, before, 5,
					   &requests[3]);
		if (r == 0)
			r = rig_team_barrier(team);
		if (r == 0)
			r = rig_team_send(team, &own[3], 1, RIG_INT64, next, 5);
		if (r == 0)
			r = rig_team_allreduce(team, &own[3], &all, 1,
					       RIG_INT64, RIG_SUM);
		for (int left = 4, which; r == 0 && left; left--) {
			r = rig_team_waitany(team, 4, requests, &which, NULL);
			if (r == 0 && which < 0)
				r = -EBADF;
		}
		for (int i = 0; r == 0 && i < 3; i++)
			if (sums[i] != size * (size - 1) / 2 + i * size)
				r = -EBADMSG;
		if (r == 0 && (got != before + round ||
			       all != size * (size - 1) / 2 + round * size))
			r = -EBADMSG;
	}
	return r;
}

/* Sums on two teams that overlap, tested for until both are complete. */
static int tests_until_done(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_request *requests[2] = { NULL };
	int64_t own = rank, sums[2] = { 0 }, wanted = 0;
	struct rig_team *part = NULL;
	bool done = false;
	int r = rig_team_split(team, rank % 2, -rank, &part);

	for (int i = rank % 2; i < size; i += 2)
		wanted += i;
	if (r == 0)
		r = rig_team_iallreduce(part, &own, &sums[0], 1, RIG_INT64,
					RIG_SUM, &requests[0]);
	if (r == 0)
		r = rig_team_iallreduce(team, &own, &sums[1], 1, RIG_INT64,
					RIG_SUM, &requests[1]);
	while (r == 0 && !done)
		r = rig_team_testall(team, 2, requests, &done, NULL);
	if (r == 0 && (requests[0] || requests[1] || sums[0] != wanted ||
		       sums[1] != size * (size - 1) / 2))
		r = -EBADMSG;
	return r ? r : rig_team_free(part);
}

/* The blocking verb gives the same bits, where the order shows. */
static int same_bits(struct rig_team *team)
{
	const int rank = rig_team_rank(team);
	double own[300], here[300], there[300];
	struct rig_request *request;
	int r = 0;

	for (int i = 0; i < 300; i++)
		own[i] = 1.0 / (double)(1 + i + 7 * rank);
	for (size_t n = 1; r == 0 && n <= 300; n += 13) {
		r = rig_team_allreduce(team, own, here, n, RIG_FLOAT64,
				       RIG_SUM);
		if (r == 0)
			r = rig_team_iallreduce(team, own, there, n,
						RIG_FLOAT64, RIG_SUM, &request);
		if (r == 0)
			r = rig_team_wait(team, &request, NULL);
		if (r == 0 && memcmp(here, there, n * sizeof(*here)) != 0)
			r = rig_team_fail(team, -EBADMSG,
					  "%zu elements: other bits", n);
	}
	return r;
}

START_TEST(beside_messages_and_blocking_verbs)
{
	rig_kernel_fn *const kernels[] = { overlaps, tests_until_done,
					   same_bits };

	for (int size = 2; size <= 20; size += 6) {
		make_pool(size);
		ck_assert_msg(run(kernels[_i]) == 0, "%d ranks: %s", size,
			      rig_why());
		rig_pool_destroy(pool);
	}
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("nonblocking beside");
	TCase *others = make_tcase("others", 30);

	tcase_add_loop_test(others, beside_messages_and_blocking_verbs, 0, 3);
	suite_add_tcase(suite, others);
	return suite;
}
