/* SPDX-License-Identifier: MIT */
/*
 * test_cancel.c - the caller ends runs and maps: from another thread, from a signal
 * handler, at any moment; the pool afterwards; and rig_pool_fd(), by which a poll
 * loop learns of an end.
 *
 * RUNRIG_CANCELS=1000 is how many cancels come at random moments (60).
 */
#include "lib/harness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/clock.h"
#include "lib/job_pool.h"

#define RANKS 2
#define ITEMS 100

/* The run that another thread is to cancel has ended. */
static _Atomic bool ended;

static void setup(void)
{
	make_pool(RANKS);
}

static void teardown(void)
{
	rig_pool_destroy(pool);
}

static int stays(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		for (;;)
			(void)pause();
	return rig_team_barrier(team);
}

static int computes(struct rig_team *team)
{
	volatile bool forever = true;

	while (forever)
		(void)team;
	return 0;
}

static int counts(struct rig_team *team)
{
	const int one = 1;
	int sum = 0;
	int r = rig_team_allreduce(team, &one, &sum, 1, RIG_INT32, RIG_SUM);

	*(int *)rig_team_result(team) = sum;
	return r;
}

static void next_run_is_right(void)
{
	int sum = 0, r;

	r = rig_pool_run(pool,
			 &(struct rig_job){ .kernel = counts,
					    .result = &sum,
					    .result_bytes = sizeof(sum) });
	ck_assert_msg(r == 0, "%s", rig_why());
	ck_assert_int_eq(sum, RANKS);
}

static int cancel_after(long ns)
{
	const struct timespec time = { .tv_nsec = ns };

	nanosleep(&time, NULL);
	return rig_pool_cancel(pool);
}

static void *cancels_once(void *arg)
{
	(void)cancel_after(*(const long *)arg);
	return NULL;
}

/* The run may not have begun. */
static void *cancels_later(void *arg)
{
	while (cancel_after(*(const long *)arg) < 0 && !ended)
		;
	return NULL;
}

START_TEST(without_a_run_there_is_nothing_to_cancel)
{
	ck_assert_int_eq(rig_pool_cancel(NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_cancel(pool), -EINVAL);
	next_run_is_right();
	ck_assert_int_eq(rig_pool_cancel(pool), -EINVAL);
	next_run_is_right();
}
END_TEST

START_TEST(another_thread_ends_a_run)
{
	rig_kernel_fn *kernels[] = { stays, computes };
	const long later = 20000000;
	pthread_t thread;

	ck_assert_int_eq(
		pthread_create(&thread, NULL, cancels_later, (void *)&later),
		0);
	ck_assert_int_eq(run(kernels[_i]), -EINTR);
	ended = true;
	ck_assert_ptr_nonnull(strstr(rig_why(), "cancelled"));
	pthread_join(thread, NULL);
	ck_assert_int_eq(rig_pool_report(pool)->end, RIG_END_CANCEL);
	ck_assert_int_eq(rig_pool_report(pool)->code, -EINTR);
	next_run_is_right();
	ck_assert_int_eq(rig_pool_report(pool)->end, RIG_END_OK);
}
END_TEST

START_TEST(before_anybody_waits_and_twice)
{
	ck_assert_int_eq(
		rig_pool_submit(pool, &(struct rig_job){ .kernel = stays }), 0);
	ck_assert_int_eq(rig_pool_cancel(pool), 0);
	ck_assert_int_eq(rig_pool_cancel(pool), 0);
	ck_assert_int_eq(rig_pool_wait(pool, 0), -EINTR);
	ck_assert_int_eq(rig_pool_cancel(pool), -EINVAL);
	next_run_is_right();
}
END_TEST

static void on_alarm(int signal)
{
	(void)signal;
	(void)rig_pool_cancel(pool);
}

START_TEST(a_signal_handler_ends_a_run)
{
	/* Again and again: the run may not have begun. */
	const struct itimerval soon = { .it_value = { .tv_usec = 20000 },
					.it_interval = { .tv_usec = 20000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_alarm }, before;

	sigemptyset(&action.sa_mask);
	ck_assert_int_eq(sigaction(SIGALRM, &action, &before), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	ck_assert_int_eq(run(stays), -EINTR);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	ck_assert_int_eq(sigaction(SIGALRM, &before, NULL), 0);
	next_run_is_right();
}
END_TEST

static int waits_at_the_last(struct rig_team *team, size_t index,
			     const void *item, void *result)
{
	(void)team;
	(void)item;
	*(int *)result = (int)index + 1;
	while (index == ITEMS - 1)
		(void)pause();
	return 0;
}

START_TEST(a_map_keeps_what_is_done)
{
	const long later = 100000000;
	int results[ITEMS] = { 0 };
	bool done[ITEMS] = { false };
	pthread_t thread;

	ck_assert_int_eq(
		pthread_create(&thread, NULL, cancels_later, (void *)&later),
		0);
	ck_assert_int_eq(
		rig_pool_map(pool,
			     &(struct rig_map){ .fn = waits_at_the_last,
						.count = ITEMS,
						.chunk = 1,
						.results = results,
						.result_bytes = sizeof(int),
						.done = done }),
		-EINTR);
	ended = true;
	pthread_join(thread, NULL);
	ck_assert(!done[ITEMS - 1]);
	for (int i = 0; i < ITEMS; i++)
		ck_assert_int_eq(results[i], done[i] ? i + 1 : 0);
	next_run_is_right();
}
END_TEST

START_TEST(at_random_moments)
{
	const char *times = getenv("RUNRIG_CANCELS");
	int count = times ? atoi(times) : 60, cancelled = 0;
	unsigned seed = 17;

	for (int i = 0; i < count; i++) {
		long later = rand_r(&seed) % 300000;
		pthread_t thread;
		int r;

		ck_assert_int_eq(
			pthread_create(&thread, NULL, cancels_once, &later), 0);
		r = run(counts);
		ck_assert_msg(r == 0 || r == -EINTR, "%d: %s", r, rig_why());
		cancelled += r < 0;
		pthread_join(thread, NULL);
		next_run_is_right();
	}
	ck_assert_int_le(cancelled, count);
}
END_TEST

/* ---- the descriptor ---- */

/* Is the descriptor readable now, or after `wait_ms` at most? */
static bool readable(int wait_ms)
{
	struct pollfd polled = { rig_pool_fd(pool), POLLIN, 0 };
	int r;

	do
		r = poll(&polled, 1, wait_ms);
	while (r < 0 && errno == EINTR);
	return r == 1 && polled.revents == POLLIN;
}

/* Nothing has happened for `wait_ms`, but for the late ring that a run before may
 * have left: the wait that finds nothing takes the ring away. */
static bool is_quiet(int wait_ms)
{
	for (int late = 0; late < 2; late++) {
		if (!readable(wait_ms))
			return true;
		if (rig_pool_wait(pool, 0) >= 0)
			return false;
	}
	return !readable(wait_ms);
}

/* As a poll loop does: the run's code. */
static int poll_and_wait(void)
{
	int r;

	do
		ck_assert(readable(20000));
	while ((r = rig_pool_wait(pool, 0)) == -ETIMEDOUT &&
	       strstr(rig_why(), "goes on"));
	return r;
}

static void submit(rig_kernel_fn *kernel, uint64_t limit_ns)
{
	ck_assert_int_eq(
		rig_pool_submit(pool,
				&(struct rig_job){ .kernel = kernel,
						   .limit_ns = limit_ns }),
		0);
}

static int fails(struct rig_team *team)
{
	return rig_team_rank(team) ? rig_team_barrier(team) : -ERANGE;
}

static int dies(struct rig_team *team)
{
	if (rig_team_rank(team))
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

static int kills_the_warden(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		(void)kill(getppid(), SIGKILL);
	return stays(team);
}

static int receives(struct rig_team *team)
{
	char byte;

	return rig_team_recv(team, &byte, 1, RIG_UINT8, RIG_ANY_SOURCE, 1,
			     NULL);
}

START_TEST(every_end_is_readable)
{
	static const struct {
		rig_kernel_fn *kernel;
		uint64_t limit_ns;
		int code;
	} ends[] = {
		{ counts, 0, 0 },
		{ fails, 0, -ERANGE },
		{ dies, 0, -EOWNERDEAD },
		{ receives, 0, -EDEADLK },
		{ stays, 30000000, -ETIMEDOUT },
		{ counts, UINT64_C(1000000000000), 0 },
	};

	ck_assert(is_quiet(0));
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		submit(ends[i].kernel, ends[i].limit_ns);
		ck_assert_int_eq(poll_and_wait(), ends[i].code);
		ck_assert_int_eq(rig_pool_wait(pool, 0), -EINVAL);
		ck_assert(is_quiet(0));
	}
	next_run_is_right();
	ck_assert_int_eq(rig_pool_fd(pool), rig_pool_fd(pool));
}
END_TEST

START_TEST(a_run_that_goes_on_is_quiet)
{
	ck_assert(is_quiet(0));
	submit(stays, 0);
	ck_assert(is_quiet(20));
	ck_assert_int_eq(rig_pool_wait(pool, 0), -ETIMEDOUT);
	ck_assert(is_quiet(0));
	ck_assert_int_eq(rig_pool_cancel(pool), 0);
	ck_assert(readable(0));
	ck_assert_int_eq(poll_and_wait(), -EINTR);
	ck_assert(is_quiet(0));
}
END_TEST

START_TEST(asked_for_in_the_middle_of_a_run)
{
	submit(counts, 0);
	ck_assert_int_eq(poll_and_wait(), 0);
	next_run_is_right();
}
END_TEST

START_TEST(a_dead_warden_is_readable)
{
	ck_assert(is_quiet(0));
	submit(kills_the_warden, 0);
	ck_assert_int_eq(poll_and_wait(), -ECANCELED);
	ck_assert(readable(0));
}
END_TEST

START_TEST(a_thread_and_a_handler_wake_who_polls)
{
	const struct itimerval soon = { .it_value = { .tv_usec = 5000 } };
	struct sigaction action = { .sa_handler = on_alarm }, before;
	const long later = 5000000;
	pthread_t thread;

	ck_assert(is_quiet(0));
	submit(stays, 0);
	ck_assert_int_eq(
		pthread_create(&thread, NULL, cancels_once, (void *)&later), 0);
	ck_assert_int_eq(poll_and_wait(), -EINTR);
	pthread_join(thread, NULL);

	sigemptyset(&action.sa_mask);
	ck_assert_int_eq(sigaction(SIGALRM, &action, &before), 0);
	submit(stays, 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	ck_assert_int_eq(poll_and_wait(), -EINTR);
	ck_assert_int_eq(sigaction(SIGALRM, &before, NULL), 0);
	next_run_is_right();
}
END_TEST

START_TEST(a_thousand_runs_are_polled_for)
{
	int sum = 0;

	ck_assert(is_quiet(0));
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(
			rig_pool_submit(pool,
					&(struct rig_job){
						.kernel = counts,
						.result = &sum,
						.result_bytes = sizeof(sum) }),
			0);
		ck_assert_int_eq(poll_and_wait(), 0);
		ck_assert_int_eq(sum, RANKS);
	}
}
END_TEST

START_TEST(no_pool_has_no_descriptor)
{
	ck_assert_int_eq(rig_pool_fd(NULL), -EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "NULL"));
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("cancel");
	TCase *tcase = make_tcase("cancel", 30);
	TCase *many = make_tcase("many", getenv("RUNRIG_CANCELS") ? 0 : 60);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_a_run_there_is_nothing_to_cancel);
	tcase_add_loop_test(tcase, another_thread_ends_a_run, 0, 2);
	tcase_add_test(tcase, before_anybody_waits_and_twice);
	tcase_add_test(tcase, a_signal_handler_ends_a_run);
	tcase_add_test(tcase, a_map_keeps_what_is_done);
	tcase_add_test(tcase, every_end_is_readable);
	tcase_add_test(tcase, a_run_that_goes_on_is_quiet);
	tcase_add_test(tcase, asked_for_in_the_middle_of_a_run);
	tcase_add_test(tcase, a_dead_warden_is_readable);
	tcase_add_test(tcase, a_thread_and_a_handler_wake_who_polls);
	tcase_add_test(tcase, a_thousand_runs_are_polled_for);
	tcase_add_test(tcase, no_pool_has_no_descriptor);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(many, setup, teardown);
	tcase_add_test(many, at_random_moments);
	suite_add_tcase(suite, many);
	return suite;
}
