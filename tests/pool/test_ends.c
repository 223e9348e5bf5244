/* SPDX-License-Identifier: MIT */
/*
 * test_ends.c - ends of a run besides a worker's death in the run: a worker that is
 * idle, a worker that stops, the warden; and the results that stay until the next run.
 */
#include "lib/harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/process.h"

#include "death_parts.h"

static int meets(struct rig_team *team)
{
	return rig_team_barrier(team);
}

/* Each rank leaves a result, and then rank 1 dies. */
static int leaves_results_and_dies(struct rig_team *team)
{
	int *result = rig_team_result(team);

	*result = 100 + rig_team_rank(team);
	(void)rig_team_barrier(team);
	if (rig_team_rank(team) == 1)
		abort();
	return rig_team_rank(team) == 2 ? 0 : rig_team_barrier(team);
}

static int leaves_results(struct rig_team *team)
{
	*(int *)rig_team_result(team) = 100 + rig_team_rank(team);
	return 0;
}

/* The results of a user's run stay while the library has jobs: a segment that the
 * workers populate, and a segment that the workers let go. */
START_TEST(what_a_run_left_stays_until_the_next)
{
	rig_kernel_fn *kernel = _i ? leaves_results : leaves_results_and_dies;
	const char *name = rig_segment_name(segment);
	const struct rig_report *report = rig_pool_report(pool);
	struct rig_segment *other;
	char text[4096];
	int codes[RANKS], result;

	(void)rig_pool_run(
		pool, &(struct rig_job){ .kernel = kernel,
					 .segments = { { .name = name } } });
	ck_assert_int_eq(report->end, _i ? RIG_END_OK : RIG_END_DEATH);
	snprintf(text, sizeof(text), "%s", report->text);
	for (int i = 0; i < RANKS; i++)
		codes[i] = rig_pool_code(pool, i);
	rig_segment_destroy(segment);
	ck_assert_int_eq(rig_segment_create(
				 &other, NULL, 4096,
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	rig_segment_destroy(other);
	segment = NULL;
	ck_assert_int_eq(report->end, _i ? RIG_END_OK : RIG_END_DEATH);
	ck_assert_int_eq(report->rank, _i ? -1 : 1);
	ck_assert_str_eq(report->text, text);
	for (int i = 0; i < RANKS; i++) {
		ck_assert_int_eq(rig_pool_code(pool, i), codes[i]);
		ck_assert_int_eq(
			rig_pool_result(pool, i, &result, sizeof(result)), 0);
		ck_assert_int_eq(result, 100 + i);
	}
	/* And not longer. */
	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = meets }), 0);
	ck_assert_int_eq(report->end, RIG_END_OK);
	ck_assert_str_eq(report->text, "");
	ck_assert_int_eq(rig_pool_result(pool, 0, &result, sizeof(result)), 0);
	ck_assert_int_eq(result, 0);
}
END_TEST

/* An idle worker dies: nobody is told, and the next run is as ever. */
START_TEST(an_idle_worker_dies)
{
	uint64_t result = 0;
	struct rig_worker worker;

	fill();
	for (int i = 0; i < 20; i++) {
		uint64_t sum = compute();
		int r;

		ck_assert_int_eq(rig_pool_worker(pool, i % RANKS, &worker), 0);
		ck_assert_int_eq(kill(worker.pid, SIGKILL), 0);
		if (i % 2)
			(void)poll(NULL, 0, 5);
		/* The results of the last run can still be read. */
		ck_assert_int_eq(
			rig_pool_result(pool, 0, &result, sizeof(result)), 0);
		ck_assert_uint_eq(result, sum);
		ck_assert_int_eq(rig_pool_code(pool, 1), 0);
		r = rig_pool_run(pool, &(struct rig_job){ .kernel = meets });
		/* The kill may have hit the run of the old team. */
		ck_assert_msg(r == 0 || r == -EOWNERDEAD, "%s", rig_why());
	}
	check_next_run();
}
END_TEST

static int stops_for_ever(struct rig_team *team)
{
	if (rig_team_rank(team) == 1)
		(void)raise(SIGSTOP);
	return rig_team_barrier(team);
}

START_TEST(one_stopped_for_ever_ends_at_the_limit)
{
	const struct rig_report *report;

	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = stops_for_ever,
						      .limit_ns = 100000000 }),
		-ETIMEDOUT);
	report = rig_pool_report(pool);
	ck_assert_int_eq(report->end, RIG_END_LIMIT);
	ck_assert_int_eq(report->ranks[1].state, RIG_STATE_RUNNING);
	check_next_run();
}
END_TEST

static int spins(struct rig_team *team)
{
	while (getppid())
		(void)team;
	return 0;
}

/* The warden dies: the pool is no more, and neither is any worker. */
START_TEST(the_warden_dies)
{
	struct rig_worker worker;
	pid_t warden;

	ck_assert_int_eq(rig_pool_worker(pool, 0, &worker), 0);
	warden = process_parent(worker.pid);
	ck_assert_int_gt(warden, 1);
	if (_i == 0) {
		ck_assert_int_eq(kill(warden, SIGKILL), 0);
		ck_assert_int_eq(
			rig_pool_run(pool,
				     &(struct rig_job){ .kernel = spins }),
			-ECANCELED);
	} else {
		ck_assert_int_eq(
			rig_pool_submit(pool,
					&(struct rig_job){ .kernel = spins }),
			0);
		ck_assert_int_eq(kill(warden, SIGKILL), 0);
		ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), -ECANCELED);
	}
	ck_assert_int_eq(rig_pool_report(pool)->end, RIG_END_WARDEN);
	ck_assert_ptr_nonnull(strstr(rig_why(), "warden"));
	ck_assert(!process_runs(worker.pid));
	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = meets }),
		-ECANCELED);
	ck_assert_int_eq(rig_segment_named(segment), 1);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("ends");
	TCase *worker = make_tcase("worker", 20);
	TCase *warden = make_tcase("warden", 20);

	tcase_add_checked_fixture(worker, setup, teardown);
	tcase_add_loop_test(worker, what_a_run_left_stays_until_the_next, 0, 2);
	tcase_add_test(worker, an_idle_worker_dies);
	tcase_add_test(worker, one_stopped_for_ever_ends_at_the_limit);
	suite_add_tcase(suite, worker);
	tcase_add_checked_fixture(warden, setup, teardown);
	tcase_add_loop_test(warden, the_warden_dies, 0, 2);
	suite_add_tcase(suite, warden);
	return suite;
}
