/* SPDX-License-Identifier: MIT */
/*
 * test_pool.c - jobs handed to a pool: the arguments that kernels get, the results,
 * codes and words that the caller gets back, limits, and sizes of pools.
 */
#include "lib/harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "pool/caller.h"
#include "base/clock.h"

#include "pool_parts.h"

/* ---- arguments, results, codes */

static int adds(struct rig_team *team)
{
	const int *terms = rig_team_args(team);
	int *result = rig_team_result(team);

	if (rig_team_args_bytes(team) != 2 * sizeof(*terms))
		return -EINVAL;
	if (result[0] || ((uintptr_t)result & 15))
		return -EBADMSG;
	result[0] = terms[0] + terms[1] + rig_team_rank(team);
	return 0;
}

START_TEST(arguments_and_results_travel)
{
	const int terms[] = { 40, 2 };
	int result = 0, of_rank;

	/* Twice: the slots are zeroed in between. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(run(&(struct rig_job){
					 .kernel = adds,
					 .args = terms,
					 .args_bytes = sizeof(terms),
					 .result = &result,
					 .result_bytes = sizeof(result) }),
				 0);
		ck_assert_int_eq(result, 42);
		for (int rank = 0; rank < RANKS; rank++) {
			ck_assert_int_eq(rig_pool_result(pool, rank, &of_rank,
							 sizeof(of_rank)),
					 0);
			ck_assert_int_eq(of_rank, 42 + rank);
			ck_assert_int_eq(rig_pool_code(pool, rank), 0);
		}
	}
	ck_assert_int_eq(rig_pool_result(pool, RANKS, &of_rank, 4), -EINVAL);
	ck_assert_int_eq(rig_pool_result(pool, -1, &of_rank, 4), -EINVAL);
	ck_assert_int_eq(rig_pool_result(pool, 0, &of_rank, RIG_RESULT_MAX + 1),
			 -EINVAL);
}
END_TEST

static int echoes_much(struct rig_team *team)
{
	const unsigned char *bytes = rig_team_args(team);

	for (size_t i = 0; i < rig_team_args_bytes(team); i++)
		if (bytes[i] != i % 251)
			return -EBADMSG;
	memset(rig_team_result(team), 9, RIG_RESULT_MAX);
	return rig_team_args_bytes(team) == RIG_ARGS_MAX ? 0 : -EINVAL;
}

START_TEST(as_much_as_fits)
{
	unsigned char args[RIG_ARGS_MAX], result[RIG_RESULT_MAX];
	struct rig_job job = { .kernel = echoes_much,
			       .args = args,
			       .args_bytes = sizeof(args),
			       .result = result,
			       .result_bytes = sizeof(result) };

	for (size_t i = 0; i < sizeof(args); i++)
		args[i] = (unsigned char)(i % 251);
	ck_assert_int_eq(run(&job), 0);
	for (size_t i = 0; i < sizeof(result); i++)
		ck_assert_int_eq(result[i], 9);
	job.args_bytes++;
	ck_assert_int_eq(run(&job), -EINVAL);
	job.args_bytes--;
	job.result_bytes++;
	ck_assert_int_eq(run(&job), -EINVAL);
}
END_TEST

START_TEST(malformed_jobs_are_refused)
{
	const struct rig_job jobs[] = {
		{ 0 },
		{ .kernel = nothing, .name = "also" },
		{ .name = "no-such-kernel" },
		{ .name = ":" },
		{ .name = ":main" },
		{ .name = "lib.so:" },
		{ .kernel = nothing, .args_bytes = 1 },
		{ .kernel = nothing, .result_bytes = 1 },
		{ .kernel = nothing, .segments = { { .name = "" } } },
		{ .kernel = nothing, .segments = { { .name = "a/b" } } },
	};

	ck_assert_int_eq(run(&jobs[_i]), -EINVAL);
	ck_assert_str_ne(rig_why(), "");
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
}
END_TEST

START_TEST(no_pool_is_an_error)
{
	struct rig_worker worker;
	char byte;

	ck_assert_int_eq(
		rig_pool_run(NULL, &(struct rig_job){ .kernel = nothing }),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "NULL"));
	ck_assert_int_eq(rig_pool_wait(NULL, 0), -EINVAL);
	ck_assert_int_eq(rig_pool_replicate(NULL, "any"), -EINVAL);
	ck_assert_int_eq(rig_pool_replicate(pool, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_create(NULL, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_run(pool, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_submit(NULL, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_map(NULL, &(struct rig_map){ 0 }), -EINVAL);
	ck_assert_int_eq(rig_pool_map(pool, NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_cancel(NULL), -EINVAL);
	ck_assert(rig_pool_progress(NULL) == 0);
	ck_assert_int_eq(rig_pool_size(NULL), -EINVAL);
	ck_assert_int_eq(rig_pool_code(NULL, 0), -EINVAL);
	ck_assert_int_eq(rig_pool_result(NULL, 0, &byte, 1), -EINVAL);
	ck_assert_int_eq(rig_pool_result(pool, 0, NULL, 1), -EINVAL);
	ck_assert_int_eq(rig_pool_worker(NULL, 0, &worker), -EINVAL);
	ck_assert_int_eq(rig_pool_worker(pool, 0, NULL), -EINVAL);
	ck_assert_ptr_null(rig_pool_plan(NULL));
	ck_assert_ptr_null(rig_pool_report(NULL));
	ck_assert(!rig_pool_oversubscribed(NULL));
	ck_assert_int_eq(rig_pool_trace(NULL, 0, NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	rig_pool_destroy(NULL);
}
END_TEST

static int fails_in_words(struct rig_team *team)
{
	int rank = rig_team_rank(team);

	if (rank == 1)
		return rig_team_fail(team, -EBADMSG, "element %d is wrong", 17);
	/* The other ranks wait in a barrier, and the run must end all the same. */
	return rig_team_barrier(team);
}

static int all_fail(struct rig_team *team)
{
	return rig_team_fail(team, -ENOTTY, "rank %d of %d",
			     rig_team_rank(team), rig_team_size(team));
}

static int fails_without_words(struct rig_team *team)
{
	return rig_team_rank(team) == RANKS - 1 ? -ENOSYS : 0;
}

static int fails_while_others_compute(struct rig_team *team)
{
	volatile bool forever = true;

	if (rig_team_rank(team) == 0)
		return rig_team_fail(team, -EBADMSG, "no use");
	while (forever)
		;
	return 0;
}

START_TEST(an_error_ends_the_run_for_all)
{
	rig_kernel_fn *kernels[] = { fails_in_words, all_fail,
				     fails_without_words,
				     fails_while_others_compute };
	const int codes[] = { -EBADMSG, -ENOTTY, -ENOSYS, -EBADMSG };
	const int ranks[] = { 1, 0, RANKS - 1, 0 };
	const char *words[] = { "element 17 is wrong", "rank 0 of 3",
				"returned -38", "no use" };
	const struct rig_report *report;

	ck_assert_int_eq(run(&(struct rig_job){ .kernel = kernels[_i] }),
			 codes[_i]);
	ck_assert_msg(strstr(rig_why(), words[_i]) != NULL, "%s", rig_why());
	report = rig_pool_report(pool);
	ck_assert_int_eq(report->end, RIG_END_FAILED);
	ck_assert_int_eq(report->rank, ranks[_i]);
	ck_assert_int_eq(report->wait_status, 0);
	ck_assert_int_eq(rig_pool_code(pool, ranks[_i]), codes[_i]);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	ck_assert_int_eq(rig_pool_report(pool)->end, RIG_END_OK);
	ck_assert_int_eq(rig_pool_code(pool, ranks[_i]), 0);
}
END_TEST

/* ---- submit, wait, limits */

START_TEST(submit_then_wait)
{
	const int ms = 50;
	struct rig_job job = nap(&ms);

	ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), -EINVAL);
	ck_assert_int_eq(rig_pool_submit(pool, &job), 0);
	ck_assert_int_eq(rig_pool_wait(pool, 0), -ETIMEDOUT);
	ck_assert_int_eq(rig_pool_wait(pool, clock_after(1000000)), -ETIMEDOUT);
	ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), 0);
	ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), -EINVAL);
}
END_TEST

START_TEST(destroyed_in_the_middle_of_a_run)
{
	const int ms = 1000000;
	struct rig_job job = nap(&ms);

	ck_assert_int_eq(rig_pool_submit(pool, &job), 0);
}
END_TEST

START_TEST(a_limit_ends_the_run)
{
	const int ms = 1000000;
	struct rig_job job = nap(&ms);

	job.limit_ns = 20000000;
	ck_assert_int_eq(run(&job), -ETIMEDOUT);
	ck_assert_int_eq(rig_pool_report(pool)->end, RIG_END_LIMIT);
	ck_assert_ptr_nonnull(strstr(rig_why(), "0.020 s"));
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing,
						.limit_ns = RIG_FOREVER }),
			 0);
}
END_TEST

/* A job that is stopped from outside, as by Ctrl-Z, for longer than the limit; when
 * the job goes on, all but 20 ms of the limit is left. */
static int stopped_in_a_run(int rank, void *arg)
{
	const int ms = 100;
	struct rig_job job = nap(&ms);
	pid_t group = getpid(), stopper;
	int r;

	(void)rank;
	(void)arg;
	if (setpgid(0, 0) < 0)
		return 1;
	setup();
	job.limit_ns = UINT64_C(2000000000);
	stopper = fork();
	if (stopper == 0) {
		(void)setpgid(0, 0);
		(void)poll(NULL, 0, 20);
		(void)kill(-group, SIGSTOP);
		(void)poll(NULL, 0, 2500);
		(void)kill(-group, SIGCONT);
		_exit(0);
	}
	r = run(&job);
	(void)waitpid(stopper, NULL, 0);
	teardown();
	return r == 0 ? 0 : 2;
}

START_TEST(a_limit_waits_while_the_job_is_stopped)
{
	ck_assert_int_eq(run_workers(1, stopped_in_a_run, NULL), 0);
}
END_TEST

/* ---- hosts of all kinds */

static int global = 1;

static int returns_global(struct rig_team *team)
{
	*(int *)rig_team_result(team) = global++;
	return 0;
}

START_TEST(globals_are_a_snapshot)
{
	int seen = 0;
	struct rig_job job = { .kernel = returns_global,
			       .result = &seen,
			       .result_bytes = sizeof(seen) };

	global = 5;
	ck_assert_int_eq(run(&job), 0);
	ck_assert_int_eq(seen, 1);
	ck_assert_int_eq(run(&job), 0);
	ck_assert_int_eq(seen, 2);
	ck_assert_int_eq(global, 5);
}
END_TEST

static int prints(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		printf("kernel %d\n", *(const int *)rig_team_args(team));
	return 0;
}

static int prints_in_order(int rank, void *arg)
{
	(void)rank;
	if (dup2(*(const int *)arg, STDOUT_FILENO) < 0)
		return 1;
	/* Not flushed when the pool is made. */
	printf("begin\n");
	setup();
	for (int i = 0; i < 3; i++) {
		if (run(&(struct rig_job){ .kernel = prints,
					   .args = &i,
					   .args_bytes = sizeof(i) }) != 0)
			return 2;
		fflush(stdout);
		printf("caller %d\n", i);
		fflush(stdout);
	}
	teardown();
	return 0;
}

START_TEST(what_kernels_print_appears_once_and_in_order)
{
	static const char wanted[] = "kernel 0\nbegin\ncaller 0\n"
				     "kernel 1\ncaller 1\n"
				     "kernel 2\ncaller 2\n";
	char got[256] = "";
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(run_workers(1, prints_in_order, &ends[1]), 0);
	ck_assert_int_gt(read(ends[0], got, sizeof(got) - 1), 0);
	ck_assert_str_eq(got, wanted);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* Code that was loaded after the pool was made. */
START_TEST(a_kernel_loaded_later)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rig_job job = { 0 };

	ck_assert_ptr_ne(code, MAP_FAILED);
	*(void **)&job.kernel = code;
	ck_assert_int_eq(run(&job), -EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "path.so:symbol"));
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	munmap(code, 4096);
}
END_TEST

START_TEST(a_kernel_by_name)
{
	ck_assert_int_eq(run(&(struct rig_job){ .name = "/no/such.so:kernel" }),
			 -ENOENT);
	ck_assert_int_eq(run(&(struct rig_job){ .name = "libm.so.6:no_such" }),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(rig_why(), "no_such"));
	/* getpid() takes any argument, and the number that getpid() returns is no
	 * error. */
	ck_assert_int_eq(run(&(struct rig_job){ .name = "libc.so.6:getpid" }),
			 0);
}
END_TEST

START_TEST(bad_options_are_refused)
{
	const struct rig_pool_options bad[] = {
		{ .workers = -1 },
		{ .workers = RIG_WORKERS_MAX + 1 },
		{ .workers = 2, .place = "nonsense:" },
		{ .workers = 2, .barrier = (enum rig_barrier_kind)7 },
	};
	struct rig_pool *none = NULL;

	ck_assert_int_eq(rig_pool_create(&none, &bad[_i]), -EINVAL);
	ck_assert_ptr_null(none);
	ck_assert_str_ne(rig_why(), "");
	rig_pool_destroy(none);
}
END_TEST

START_TEST(of_every_size)
{
	static const int sizes[] = { 1, 2, 5, 16, 64 };
	struct rig_pool *made;

	ck_assert_int_eq(rig_pool_create(&made,
					 &(struct rig_pool_options){
						 .workers = sizes[_i] }),
			 0);
	ck_assert_int_eq(rig_pool_size(made), sizes[_i]);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(
			rig_pool_run(made,
				     &(struct rig_job){
					     .kernel = rig_team_barrier }),
			0);
	rig_pool_destroy(made);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("pool");
	TCase *jobs = make_tcase("jobs", 20);
	TCase *alone = make_tcase("alone", 30);

	tcase_add_checked_fixture(jobs, setup, teardown);
	tcase_add_test(jobs, arguments_and_results_travel);
	tcase_add_test(jobs, as_much_as_fits);
	tcase_add_loop_test(jobs, malformed_jobs_are_refused, 0, 10);
	tcase_add_test(jobs, no_pool_is_an_error);
	tcase_add_loop_test(jobs, an_error_ends_the_run_for_all, 0, 4);
	tcase_add_test(jobs, submit_then_wait);
	tcase_add_test(jobs, destroyed_in_the_middle_of_a_run);
	tcase_add_test(jobs, a_limit_ends_the_run);
	tcase_add_test(jobs, globals_are_a_snapshot);
	tcase_add_test(jobs, a_kernel_loaded_later);
	tcase_add_test(jobs, a_kernel_by_name);
	suite_add_tcase(suite, jobs);

	tcase_add_test(alone, a_limit_waits_while_the_job_is_stopped);
	tcase_add_test(alone, what_kernels_print_appears_once_and_in_order);
	tcase_add_loop_test(alone, bad_options_are_refused, 0, 4);
	tcase_add_loop_test(alone, of_every_size, 0, 5);
	suite_add_tcase(suite, alone);
	return suite;
}
