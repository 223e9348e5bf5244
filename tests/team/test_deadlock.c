/* SPDX-License-Identifier: MIT */
/*
 * test_deadlock.c - a deadlock is reported, and nothing else is taken for a deadlock.
 *
 * A test that expects a deadlock sets no limit: only the report ends the run.  A test
 * that expects none makes the ranks look as much like a deadlock as possible.
 */
#include "lib/harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "objects/barrier.h"
#include "team/rank.h"

#define RANKS 4

static struct rig_pool *pool;

static void make_pool(int workers, enum rig_barrier_kind kind)
{
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = workers,
							    .barrier = kind }),
		0);
}

static void setup(void)
{
	make_pool(RANKS, RIG_BARRIER_ADAPTIVE);
}

static void teardown(void)
{
	rig_pool_destroy(pool);
}

static int run(rig_kernel_fn *kernel)
{
	return rig_pool_run(pool, &(struct rig_job){ .kernel = kernel });
}

static int meets_three_times(struct rig_team *team)
{
	for (int i = 0; i < 3; i++)
		(void)rig_team_barrier(team);
	return 0;
}

static int leaves_early(struct rig_team *team)
{
	if (rig_team_rank(team) == 1)
		return 0;
	return rig_team_barrier(team);
}

static int one_barrier_more(struct rig_team *team)
{
	(void)rig_team_barrier(team);
	(void)rig_team_barrier(team);
	if (rig_team_rank(team) == 2)
		(void)rig_team_barrier(team);
	return 0;
}

/* The last rank leaves long after the others have fallen asleep. */
static int leaves_late(struct rig_team *team)
{
	if (rig_team_rank(team) == 0) {
		(void)poll(NULL, 0, 100);
		return 0;
	}
	return rig_team_barrier(team);
}

START_TEST(ranks_that_wait_for_one_that_has_returned)
{
	rig_kernel_fn *kernels[] = { leaves_early, one_barrier_more,
				     leaves_late };
	const int gone[] = { 1, 0, 0 };
	const struct rig_report *report;

	ck_assert_int_eq(run(kernels[_i]), -EDEADLK);
	report = rig_pool_report(pool);
	ck_assert_int_eq(report->end, RIG_END_DEADLOCK);
	ck_assert_int_eq(report->ranks[gone[_i]].state, RIG_STATE_DONE);
	ck_assert_ptr_nonnull(strstr(rig_why(), "deadlock"));
	for (int i = 0; i < RANKS; i++)
		if (report->ranks[i].state != RIG_STATE_DONE)
			ck_assert_int_eq(report->ranks[i].state,
					 RIG_STATE_WAITING);
	/* And the pool goes on. */
	ck_assert_int_eq(run(meets_three_times), 0);
}
END_TEST

/* Which barrier a rank waits at is in the report. */
START_TEST(the_report_names_the_barrier)
{
	const struct rig_report *report;

	ck_assert_int_eq(run(one_barrier_more), -EDEADLK);
	report = rig_pool_report(pool);
	ck_assert_int_eq(report->ranks[2].state, RIG_STATE_WAITING);
	ck_assert_uint_eq(report->ranks[2].epoch, 3);
	ck_assert_ptr_nonnull(strstr(report->text, "rank 2"));
	ck_assert_ptr_nonnull(strstr(report->text, "barrier 3"));
	ck_assert_ptr_nonnull(
		strstr(report->ranks[2].where, "one_barrier_more"));
}
END_TEST

static int computes(struct rig_team *team)
{
	volatile double sum = 0;

	if (rig_team_rank(team) == 0)
		for (long i = 0; i < 100000000; i++)
			sum = sum + 1;
	return rig_team_barrier(team);
}

static int reads(struct rig_team *team)
{
	const int fd = *(const int *)rig_team_args(team);
	char byte;

	if (rig_team_rank(team) == 0) {
		int own[2];

		/* A slow read; `fd` is the caller's. */
		(void)fd;
		if (pipe(own) < 0)
			return -errno;
		if (fork() == 0) {
			(void)poll(NULL, 0, 300);
			(void)!write(own[1], "x", 1);
			_exit(0);
		}
		if (read(own[0], &byte, 1) != 1)
			return -EIO;
		(void)wait(NULL);
		close(own[0]);
		close(own[1]);
	}
	return rig_team_barrier(team);
}

START_TEST(a_rank_that_computes_or_reads_is_none)
{
	const int fd = 0;

	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){ .kernel = _i ? reads : computes,
						.args = &fd,
						.args_bytes = sizeof(fd) }),
		0);
}
END_TEST

START_TEST(a_rank_that_is_held_is_none)
{
	struct rig_worker worker;

	ck_assert_int_eq(rig_pool_worker(pool, 1, &worker), 0);
	ck_assert_int_eq(kill(worker.pid, SIGSTOP), 0);
	ck_assert_int_eq(
		rig_pool_submit(
			pool, &(struct rig_job){ .kernel = meets_three_times }),
		0);
	ck_assert_int_eq(rig_pool_wait(pool, 0), -ETIMEDOUT);
	(void)poll(NULL, 0, 300);
	ck_assert_int_eq(rig_pool_wait(pool, 0), -ETIMEDOUT);
	ck_assert_int_eq(kill(worker.pid, SIGCONT), 0);
	ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), 0);
}
END_TEST

static int meets_once(struct rig_team *team)
{
	return rig_team_barrier(team);
}

/*
 * Every epoch asleep, more ranks than CPUs, and a barrier in a segment that is
 * attached anew, so that ranks just out of the team's barrier are at the segment's:
 * released ranks that have not run yet are the rule.
 */
START_TEST(ranks_released_but_not_yet_running_are_none)
{
	struct rig_segment *segment;

	make_pool(3 + _i % 4,
		  _i % 2 ? RIG_BARRIER_PTHREAD : RIG_BARRIER_ADAPTIVE);
	for (int i = 0; i < 60; i++) {
		int r;

		ck_assert_int_eq(
			rig_segment_create(
				&segment, NULL, 4096,
				&(struct rig_segment_options){ .pool = pool }),
			0);
		/* Anew for the workers, too. */
		r = rig_pool_run(
			pool, &(struct rig_job){
				      .kernel = _i < 2 ? meets_once
						       : meets_three_times,
				      .segments = { { .name = rig_segment_name(
							      segment) } } });
		ck_assert_msg(r == 0, "%s", rig_why());
		rig_segment_destroy(segment);
	}
	rig_pool_destroy(pool);
}
END_TEST

/*
 * The same by hand: rank 0 has been released from the team's barrier and has
 * not run since, rank 1 falls asleep at the job's, whose count is lower.
 */
START_TEST(a_target_is_held_against_its_own_barrier)
{
	static char memory[128 << 20] __attribute__((aligned(4096)));
	static char other[4096] __attribute__((aligned(4096)));
	struct layout layout = layout_at(memory, 2);
	struct rig_barrier *jobs = (void *)other;
	static struct rank rank;
	bool released = _i == 0;

	ck_assert_uint_le(layout.bytes, sizeof(memory));
	ck_assert_int_eq(layout_team(&layout, 2, RIG_BARRIER_ADAPTIVE), 0);
	ck_assert_int_eq(rig_barrier_init(jobs, 2, RIG_BARRIER_ADAPTIVE), 0);
	rank_init(&rank, &layout, 1, 2, &(struct patience){ 0 });
	rank.barrier = jobs;

	store_relaxed(&layout.barrier->word, released ? 8 : 6);
	store_relaxed(&layout.ranks[0].target, 8);
	store_relaxed(&layout.ranks[0].state, RIG_STATE_WAITING);
	(void)dispatch_sleeps(layout.dispatch);
	store_relaxed(&jobs->word, 2);
	rank.at_jobs.sleeps(&rank, 4);

	ck_assert_int_eq(load_relaxed(&layout.team->deadlock), !released);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("deadlock");
	TCase *seen = make_tcase("seen", 20);
	TCase *unseen = make_tcase("unseen", 20);
	TCase *released = make_tcase("released", 30);

	tcase_add_checked_fixture(seen, setup, teardown);
	tcase_add_loop_test(seen, ranks_that_wait_for_one_that_has_returned, 0,
			    3);
	tcase_add_test(seen, the_report_names_the_barrier);
	suite_add_tcase(suite, seen);
	tcase_add_checked_fixture(unseen, setup, teardown);
	tcase_add_loop_test(unseen, a_rank_that_computes_or_reads_is_none, 0,
			    2);
	tcase_add_test(unseen, a_rank_that_is_held_is_none);
	suite_add_tcase(suite, unseen);
	tcase_add_loop_test(released,
			    ranks_released_but_not_yet_running_are_none, 0, 4);
	tcase_add_loop_test(released, a_target_is_held_against_its_own_barrier,
			    0, 2);
	suite_add_tcase(suite, released);
	return suite;
}
