/* SPDX-License-Identifier: MIT */
/*
 * test_nonblocking_ends.c - wrong use of non-blocking collectives and of plans, and
 * deaths within: the run fails in words, and the pool goes on.
 */
#include "lib/harness.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

static int64_t word, words[8];

/* A run that is well after each end. */
static int sums_ranks(struct rig_team *team)
{
	const int64_t rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_request *request;
	int64_t sum = 0;
	int r = rig_team_iallreduce(team, &rank, &sum, 1, RIG_INT64, RIG_SUM,
				    &request);

	if (r == 0)
		r = rig_team_wait(team, &request, NULL);
	return r == 0 && sum != size * (size - 1) / 2 ? -EBADMSG : r;
}

static int joins_not(struct rig_team *team)
{
	struct rig_request *request;
	int r;

	if (rig_team_rank(team) == 1)
		return rig_team_barrier(team);
	r = rig_team_iallreduce(team, &word, words, 1, RIG_INT64, RIG_SUM,
				&request);
	return r ? r : rig_team_wait(team, &request, NULL);
}

static int other_root(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_ibcast(team, &word, 1, RIG_INT64,
				rig_team_rank(team) == 2 ? 1 : 0, &request);

	return r ? r : rig_team_wait(team, &request, NULL);
}

/* Each rank is the root, and no rank looks at another. */
static int all_are_roots(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_ibcast(team, &word, 1, RIG_INT64, rig_team_rank(team),
				&request);

	r = r ? r : rig_team_wait(team, &request, NULL);
	return r;
}

static int other_gather(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_igather(team, &word, 1, RIG_INT64, words, 1, RIG_INT64,
				 rig_team_rank(team) == 2 ? 1 : 0, &request);

	r = r ? r : rig_team_wait(team, &request, NULL);
	return r;
}

static int other_operation(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_iallreduce(team, &word, words, 1, RIG_INT64,
				    rig_team_rank(team) ? RIG_SUM : RIG_MAX,
				    &request);

	return r ? r : rig_team_wait(team, &request, NULL);
}

static int other_length(struct rig_team *team)
{
	const size_t counts[] = { 1, 1, 1 }, displs[] = { 0, 1, 2 };
	struct rig_request *request;
	int r = rig_team_igatherv(team, words, rig_team_rank(team) == 2 ? 2 : 1,
				  RIG_INT64, words + 4, counts, displs,
				  RIG_INT64, 0, &request);

	return r ? r : rig_team_wait(team, &request, NULL);
}

static int returns_open(struct rig_team *team)
{
	struct rig_request *request;

	return rig_team_ibarrier(team, &request);
}

static int starts_twice(struct rig_team *team)
{
	struct rig_request *plan;
	int r = rig_team_barrier_init(team, &plan);

	if (r == 0)
		r = rig_team_start(team, &plan);
	return r ? r : rig_team_start(team, &plan);
}

static int frees_started(struct rig_team *team)
{
	struct rig_request *plan;
	int r = rig_team_barrier_init(team, &plan);

	if (r == 0)
		r = rig_team_start(team, &plan);
	return r ? r : rig_team_request_free(team, &plan);
}

static int starts_no_plan(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_ibarrier(team, &request);

	return r ? r : rig_team_start(team, &request);
}

static int frees_team_with_plan(struct rig_team *team)
{
	struct rig_team *copy = NULL;
	struct rig_request *plan;
	int r = rig_team_dup(team, &copy);

	if (r == 0)
		r = rig_team_barrier_init(copy, &plan);
	return r ? r : rig_team_free(copy);
}

static int has_no_such_type(struct rig_team *team)
{
	struct rig_request *request;

	return rig_team_ialltoallv(team, words, NULL, NULL, 99, words, NULL,
				   NULL, 99, &request);
}

static int dies(struct rig_team *team)
{
	struct rig_request *request;
	int r = rig_team_iallreduce(team, &word, words, 1, RIG_INT64, RIG_SUM,
				    &request);

	if (rig_team_rank(team) == 1)
		(void)raise(SIGKILL);
	return r ? r : rig_team_wait(team, &request, NULL);
}

/* A wait for plans that are not started ends at once; the plans go with the
 * run. */
static int rests(struct rig_team *team)
{
	struct rig_request *plans[2], *none = NULL;
	struct rig_status status;
	bool done = false;
	int which = 0;
	int r = rig_team_barrier_init(team, &plans[0]);

	if (r == 0)
		r = rig_team_allreduce_init(team, &word, words, 1, RIG_INT64,
					    RIG_SUM, &plans[1]);
	if (r == 0)
		r = rig_team_waitall(team, 2, plans, NULL);
	if (r == 0)
		r = rig_team_test(team, &plans[0], &done, &status);
	if (r == 0 && (!done || !plans[0] || status.source != RIG_PROC_NULL))
		r = -EBADF;
	if (r == 0)
		r = rig_team_waitany(team, 2, plans, &which, NULL);
	if (r == 0 && which != -1)
		r = -EBADF;
	if (r == 0)
		r = rig_team_startall(team, 2, plans);
	for (int i = 0; r == 0 && i < 2; i++)
		r = rig_team_waitany(team, 2, plans, &which, NULL);
	if (r == 0)
		r = rig_team_request_free(team, &none);
	return r;
}

static const struct {
	rig_kernel_fn *kernel;
	int r;
	const char *words[3];
} ends[] = {
	{ joins_not,
	  -EDEADLK,
	  { "deadlock", "iallreduce (joins_not+", "barrier 1 (" } },
	{ other_root,
	  -EINVAL,
	  { "root 1) at other_root+", "root 0) at other_root+", "ibcast" } },
	{ all_are_roots, -EINVAL, { "root 1) at all_are_roots+", "ibcast" } },
	{ other_gather,
	  -EINVAL,
	  { "root 1) at other_gather+", "root 0) at other_gather+",
	    "igather" } },
	{ other_operation,
	  -EINVAL,
	  { "op SUM", "op MAX", "at other_operation+" } },
	{ other_length,
	  -EINVAL,
	  { "igatherv: rank 2 sends 16 bytes, 8 are expected" } },
	{ returns_open, -EINVAL, { "1 request that is not complete" } },
	{ starts_twice, -EINVAL, { "barrier_init is started already" } },
	{ frees_started, -EINVAL, { "barrier_init is started: wait" } },
	{ starts_no_plan, -EINVAL, { "is no plan" } },
	{ frees_team_with_plan, -EINVAL, { "rig_team_request_free()" } },
	{ has_no_such_type, -EINVAL, { "no type number " } },
	{ dies, -EOWNERDEAD, { "rank 1", "SIGKILL" } },
	{ rests, 0, { NULL } },
};
#define ENDS ((int)(sizeof(ends) / sizeof(*ends)))

START_TEST(each_end_is_told)
{
	make_pool(3);
	/* Twice: the pool goes on after the end. */
	for (int i = 0; i < 2; i++) {
		int r = run(ends[_i].kernel);
		const char *text = rig_pool_report(pool)->text;

		ck_assert_msg(r == ends[_i].r, "%d: %s", r, rig_why());
		for (int k = 0; k < 3 && ends[_i].words[k]; k++)
			ck_assert_msg(strstr(text, ends[_i].words[k]) != NULL,
				      "no \"%s\" in: %s", ends[_i].words[k],
				      text);
		ck_assert_msg(run(sums_ranks) == 0, "%s", rig_why());
	}
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("nonblocking ends");
	TCase *wrong = make_tcase("wrong", 20);

	tcase_add_loop_test(wrong, each_end_is_told, 0, ENDS);
	suite_add_tcase(suite, wrong);
	return suite;
}
