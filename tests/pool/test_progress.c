/* SPDX-License-Identifier: MIT */
/*
 * test_progress.c - the progress that ranks report, and the progress that the caller
 * reads: during a run, between runs, and after a death.
 *
 * Ranks report a share, count themselves in, and wait until the test lets the ranks
 * go on, so that the test looks at a run that stands still.
 */
#include "lib/harness.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>

#include <runrig/runrig.h>

#define RANKS 3

/* A share is a store of these bits. */
#define CLOSE 1e-6

/* For a share: the rank says none. */
#define QUIET (-INFINITY)

/* In the segment: ranks that have reported, and whether all may go on. */
struct stage {
	_Atomic int arrived;
	_Atomic int go;
};

/* The report of each rank; the rank that dies (plus 1) when all may go on; and
 * whether the ranks report through teams that were split off. */
struct script {
	double shares[RANKS];
	int dies;
	int halves;
};

static struct rig_pool *pool;
static struct rig_segment *segment;
static struct stage *stage;

static void setup(void)
{
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = RANKS }),
		0);
	ck_assert_int_eq(
		rig_segment_create(&segment, NULL, sizeof(*stage), NULL), 0);
	stage = rig_segment_data(segment);
}

static void teardown(void)
{
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}

static int speaks(struct rig_team *team)
{
	const struct script *script = rig_team_args(team);
	struct stage *at = rig_team_data(team, 0);
	int rank = rig_team_rank(team);
	struct rig_team *speaker = team;

	if (script->halves && rig_team_split(team, rank % 2, 0, &speaker) < 0)
		return -EINVAL;
	if (script->shares[rank] != QUIET)
		rig_team_progress(speaker, script->shares[rank]);
	at->arrived++;
	while (!at->go)
		sched_yield();
	if (script->dies == rank + 1)
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

static void begin(const struct script *script)
{
	stage->arrived = stage->go = 0;
	ck_assert_int_eq(
		rig_pool_submit(
			pool,
			&(struct rig_job){
				.kernel = speaks,
				.segments = { { .name = rig_segment_name(
							segment) } },
				.args = script,
				.args_bytes = sizeof(*script) }),
		0);
}

static void await(int ranks)
{
	while (stage->arrived < ranks)
		sched_yield();
}

static int end(void)
{
	stage->go = 1;
	return rig_pool_wait(pool, RIG_FOREVER);
}

/* The progress that the caller reads in a run of `script` that stands still. */
static double heard(const struct script *script)
{
	double share;

	begin(script);
	await(RANKS);
	share = rig_pool_progress(pool);
	ck_assert_int_eq(end(), 0);
	return share;
}

static double heard_of(double first, double second, double third)
{
	return heard(&(struct script){ .shares = { first, second, third } });
}

START_TEST(it_is_the_mean_over_the_ranks)
{
	ck_assert_double_eq(rig_pool_progress(pool), 0);
	ck_assert_double_eq_tol(heard_of(1, 0.5, 0.3), 0.6, CLOSE);
	ck_assert_double_eq_tol(heard_of(0.03, 0, 0), 0.01, CLOSE);
	/* Nothing runs. */
	ck_assert_double_eq(rig_pool_progress(pool), 0);
}
END_TEST

START_TEST(a_kernel_that_says_nothing_is_unknown)
{
	ck_assert_double_eq(heard_of(QUIET, QUIET, QUIET), 0);
	ck_assert_double_eq_tol(heard_of(1, 1, 1), 1, CLOSE);
	/* Not the progress of the run before. */
	ck_assert_double_eq(heard_of(QUIET, QUIET, QUIET), 0);
}
END_TEST

START_TEST(nonsense_is_within_bounds)
{
	ck_assert_double_eq(heard_of(NAN, -1, -1e300), 0);
	ck_assert_double_eq(heard_of(INFINITY, 0, 0), 1);
	ck_assert_double_eq(heard_of(100, 100, 100), 1);
	/* A rank that has done other ranks' work has done more than the rank's own. */
	ck_assert_double_eq_tol(heard_of(1.5, 0.9, 0.3), 0.9, CLOSE);
}
END_TEST

START_TEST(a_part_of_the_team_speaks_for_its_ranks)
{
	ck_assert_double_eq_tol(
		heard(&(struct script){ .shares = { 0.3, 0.6, 0.9 },
					.halves = 1 }),
		0.6, CLOSE);
}
END_TEST

/* A rank that has not begun the run does not count with the share of the last run. */
START_TEST(what_was_said_in_the_run_before_does_not_count)
{
	struct rig_worker worker;

	ck_assert_double_eq_tol(heard_of(1, 1, 1), 1, CLOSE);
	ck_assert_int_eq(rig_pool_worker(pool, RANKS - 1, &worker), 0);
	ck_assert_int_eq(kill(worker.pid, SIGSTOP), 0);
	begin(&(struct script){ .shares = { 0.3, 0.6, 0.9 } });
	await(RANKS - 1);
	ck_assert_double_eq_tol(rig_pool_progress(pool), 0.3, CLOSE);
	ck_assert_int_eq(kill(worker.pid, SIGCONT), 0);
	await(RANKS);
	ck_assert_double_eq_tol(rig_pool_progress(pool), 0.6, CLOSE);
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(a_death_leaves_nothing_of_it)
{
	const struct script dies = { .shares = { 0.5, 0.5, 0.5 }, .dies = 2 };
	for (int i = 0; i < 2; i++) {
		begin(&dies);
		await(RANKS);
		ck_assert_double_eq_tol(rig_pool_progress(pool), 0.5, CLOSE);
		ck_assert_int_eq(end(), -EOWNERDEAD);
		ck_assert_double_eq(rig_pool_progress(pool), 0);
		ck_assert_double_eq(heard_of(QUIET, QUIET, QUIET), 0);
		ck_assert_double_eq_tol(heard_of(0.3, 0, 0), 0.1, CLOSE);
	}
}
END_TEST

static void *looks(void *share)
{
	await(RANKS);
	*(double *)share = rig_pool_progress(pool);
	stage->go = 1;
	return NULL;
}

START_TEST(another_thread_hears_it)
{
	const struct script script = { .shares = { 0.2, 0.4, 0.6 } };
	pthread_t thread;
	double share = 0;

	stage->arrived = stage->go = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, looks, &share), 0);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){
				     .kernel = speaks,
				     .segments = { { .name = rig_segment_name(
							     segment) } },
				     .args = &script,
				     .args_bytes = sizeof(script) }),
		0);
	pthread_join(thread, NULL);
	ck_assert_double_eq_tol(share, 0.4, CLOSE);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("progress");
	TCase *tcase = make_tcase("progress", 30);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, it_is_the_mean_over_the_ranks);
	tcase_add_test(tcase, a_kernel_that_says_nothing_is_unknown);
	tcase_add_test(tcase, nonsense_is_within_bounds);
	tcase_add_test(tcase, a_part_of_the_team_speaks_for_its_ranks);
	tcase_add_test(tcase, what_was_said_in_the_run_before_does_not_count);
	tcase_add_test(tcase, a_death_leaves_nothing_of_it);
	tcase_add_test(tcase, another_thread_hears_it);
	suite_add_tcase(suite, tcase);
	return suite;
}
