/* SPDX-License-Identifier: MIT */
/*
 * test_caller.c - pools beside the other acts of callers and kernels: threads, forks,
 * children, signals, pools in kernels, and kernels that take themselves for the
 * caller.
 */
#include "lib/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "pool/caller.h"
#include "base/clock.h"
#include "lib/process.h"

#include "pool_parts.h"

/* ---- kernels that take themselves for something else */

static struct rig_segment *callers;

/* A child of the rank returns from the kernel, as if the child were a rank. */
static int child_returns(struct rig_team *team)
{
	int status, r = -EIO;
	pid_t child = fork();

	if (child == 0)
		return 0;
	if (child > 0 && waitpid(child, &status, 0) == child)
		r = WIFSIGNALED(status) ? 0 : -EBADMSG;
	return r < 0 ? r : rig_team_barrier(team);
}

static int child_meets(struct rig_team *team)
{
	int status, r = -EIO;
	pid_t child = fork();

	if (child == 0)
		_exit(rig_team_barrier(team));
	if (child > 0 && waitpid(child, &status, 0) == child)
		r = WIFSIGNALED(status) ? 0 : -EBADMSG;
	return r < 0 ? r : rig_team_barrier(team);
}

/* A child that lives on, made by fork() or past the C library; the number is the
 * result of rank 0. */
static int leaves_a_child(struct rig_team *team)
{
	const bool *by_fork = rig_team_args(team);
	pid_t child = 0;

	if (rig_team_rank(team) > 0)
		return 0;
	child = *by_fork ? fork()
			 : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		(void)poll(NULL, 0, 5000);
		_exit(0);
	}
	memcpy(rig_team_result(team), &child, sizeof(child));
	return child < 0 ? -errno : 0;
}

/* Descriptors of a process that are pipes, sockets or events. */
static int count_channels(pid_t pid)
{
	char path[300], target[64];
	struct dirent *entry;
	int count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", (int)pid,
			 entry->d_name);
		memset(target, 0, sizeof(target));
		if (atoi(entry->d_name) > 2 &&
		    readlink(path, target, sizeof(target) - 1) > 0)
			count += strncmp(target, "/", 1) != 0;
	}
	closedir(folder);
	return count;
}

/* The end of the pool does not wait for the end of the child, which has 5 s to live. */
START_TEST(a_kernels_child_keeps_nothing_of_the_pool)
{
	const bool by_fork = _i == 0;
	struct rig_pool *other;
	pid_t child = 0;

	ck_assert_int_eq(
		rig_pool_create(&other,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(rig_pool_run(other,
				      &(struct rig_job){
					      .kernel = leaves_a_child,
					      .args = &by_fork,
					      .args_bytes = sizeof(by_fork),
					      .result = &child,
					      .result_bytes = sizeof(child) }),
			 0);
	ck_assert_int_gt(child, 0);
	/* The child closes the descriptors as fork() returns in the child, which may
	 * be later than the end of the run: the limit of the test case is the limit. */
	while (by_fork && count_channels(child) > 0)
		usleep(1000);
	rig_pool_destroy(other);
	ck_assert(process_runs(child));
	ck_assert_int_eq(kill(child, SIGKILL), 0);
}
END_TEST

#define FILES 32

/* A forked worker has copies of the caller's handles.  With the copies the worker may
 * run nothing and destroy nothing of the caller's: later descriptors with the numbers
 * of the caller's descriptors stay open. */
static int ends_the_callers(struct rig_team *team)
{
	unsigned char *bytes = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, rig_team_bytes(team, 0));
	int own[FILES];

	if (rig_pool_run(pool, &(struct rig_job){ .kernel = nothing }) !=
	    -EINVAL)
		return -EBADMSG;
	/* These descriptors have the numbers that the caller's descriptors have in the
	 * caller. */
	for (int i = 0; i < FILES; i++)
		own[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (rig_segment_data(callers))
		return -EBADMSG;
	rig_segment_destroy(callers);
	rig_pool_destroy(pool);
	for (int i = 0; i < FILES; i++)
		if (close(own[i]) < 0)
			return -EBADF;
	for (size_t i = strip.begin; i < strip.end; i++)
		bytes[i]++;
	return rig_team_barrier(team);
}

/* The pool is younger than the kernel's knowledge of the caller. */
START_TEST(a_kernel_is_not_the_caller)
{
	rig_kernel_fn *kernels[] = { child_returns, child_meets,
				     ends_the_callers };
	struct rig_pool *younger;
	const unsigned char *bytes;
	struct rig_job job;

	/* Which have none of the caller's handles. */
	if (harness_execed && kernels[_i] == ends_the_callers)
		return;
	ck_assert_int_eq(rig_segment_create(&callers, NULL, 65536, NULL), 0);
	bytes = rig_segment_data(callers);
	ck_assert_int_eq(
		rig_pool_create(&younger,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	job = (struct rig_job){
		.kernel = kernels[_i],
		.segments = { { .name = rig_segment_name(callers) } }
	};
	ck_assert_msg(rig_pool_run(younger, &job) == 0, "%s", rig_why());
	ck_assert_int_eq(bytes[65535], kernels[_i] == ends_the_callers);
	job.kernel = nothing;
	ck_assert_int_eq(rig_pool_run(younger, &job), 0);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	ck_assert_int_eq(rig_segment_named(callers), 1);
	rig_pool_destroy(younger);
	rig_segment_destroy(callers);
}
END_TEST

/* ---- hosts of all kinds */

static int nested(struct rig_team *team)
{
	struct rig_pool *inner;
	const char *name = rig_team_args(team);
	int r = rig_pool_create(&inner,
				&(struct rig_pool_options){ .workers = 2 });

	if (r < 0)
		return rig_team_fail(team, r, "%s", rig_why());
	/* The segment that this rank has mapped; each rank in turn. */
	for (int i = 0; i < rig_team_size(team) && r == 0; i++) {
		if (i == rig_team_rank(team))
			r = rig_pool_run(
				inner,
				&(struct rig_job){
					.kernel = increments,
					.segments = { { .name = name } } });
		if (r < 0)
			r = rig_team_fail(team, r, "%s", rig_why());
		(void)rig_team_barrier(team);
	}
	rig_pool_destroy(inner);
	return r;
}

START_TEST(a_pool_in_a_kernel)
{
	struct rig_segment *segment;
	struct rig_job job = { .kernel = nested };
	int r;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 100, NULL), 0);
	job.segments[0].name = rig_segment_name(segment);
	job.args = rig_segment_name(segment);
	job.args_bytes = strlen(rig_segment_name(segment)) + 1;
	for (int i = 1; i < 4; i++) {
		r = run(&job);
		ck_assert_msg(r == 0, "%s", rig_why());
		ck_assert_int_eq(*(char *)rig_segment_data(segment), i * RANKS);
	}
	rig_segment_destroy(segment);
}
END_TEST

static int dies_with_a_pool(struct rig_team *team)
{
	struct rig_pool *inner;

	if (rig_team_rank(team) == 1 &&
	    rig_pool_create(&inner,
			    &(struct rig_pool_options){ .workers = 2 }) == 0)
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

/* The inner workers go, too: the harness looks. */
START_TEST(a_rank_with_a_pool_dies)
{
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = dies_with_a_pool }),
			 -EOWNERDEAD);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
}
END_TEST

START_TEST(two_pools_and_one_segment)
{
	struct rig_pool *first = pool;
	struct rig_segment *segment;

	setup();
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 64,
					    &(struct rig_segment_options){
						    .pool = first }),
			 0);
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	/* The barrier is of another pool. */
	ck_assert_int_eq(with(rig_team_barrier, rig_segment_name(segment)), 0);
	ck_assert_uint_eq(rig_barrier_epochs(rig_segment_barrier(segment)), 0);
	teardown();
	pool = first;
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	ck_assert_int_eq(*(char *)rig_segment_data(segment), 2);
	rig_segment_destroy(segment);
}
END_TEST

static int use_inherited(int rank, void *arg)
{
	(void)rank;
	(void)arg;
	if (run(&(struct rig_job){ .kernel = nothing }) != -EINVAL)
		return 1;
	if (!strstr(rig_why(), "fork"))
		return 2;
	if (rig_pool_wait(pool, 0) != -EINVAL)
		return 3;
	/* A copy of the rank's memory, no more. */
	rig_pool_destroy(pool);
	setup();
	if (run(&(struct rig_job){ .kernel = nothing }) != 0)
		return 4;
	teardown();
	return 0;
}

START_TEST(a_fork_must_make_its_own)
{
	ck_assert_int_eq(run_workers(1, use_inherited, NULL), 0);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
}
END_TEST

/* A forked child that outlives the maker holds the socket: the warden must notice all
 * the same. */
static int leave_a_child(int rank, void *arg)
{
	int *pipe_ends = arg;

	(void)rank;
	setup();
	if (fork() == 0) {
		char byte;

		/* Wait until the test lets the child end. */
		(void)prctl(PR_SET_PDEATHSIG, 0);
		close(pipe_ends[1]);
		(void)!read(pipe_ends[0], &byte, 1);
		_exit(0);
	}
	_exit(0);
}

START_TEST(a_fork_that_outlives_the_maker)
{
	int pipe_ends[2];

	/* Adopt the process, so that the process is not left. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	ck_assert_int_eq(pipe(pipe_ends), 0);
	ck_assert_int_eq(run_workers(1, leave_a_child, pipe_ends), 0);
	close(pipe_ends[1]);
	close(pipe_ends[0]);
	while (waitpid(-1, NULL, 0) > 0)
		;
}
END_TEST

static void *runs_often(void *arg)
{
	int *count = arg;

	for (int i = 0; i < 50; i++)
		*count += run(&(struct rig_job){ .kernel = nothing }) == 0;
	return NULL;
}

static void *makes_and_destroys(void *arg)
{
	int *count = arg;

	for (int i = 0; i < 50; i++) {
		struct rig_segment *segment;

		if (rig_segment_create(&segment, NULL, 64, NULL) < 0)
			continue;
		*count += with(increments, rig_segment_name(segment)) == 0 &&
			  *(char *)rig_segment_data(segment) == 1;
		rig_segment_destroy(segment);
	}
	return NULL;
}

START_TEST(many_threads_take_turns)
{
	enum { THREADS = 6 };
	pthread_t threads[THREADS];
	int counts[THREADS] = { 0 };

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL,
				       i % 2 ? runs_often : makes_and_destroys,
				       &counts[i]),
			0);
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(counts[i], 50);
	}
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

static void *makes_a_pool(void *arg)
{
	(void)arg;
	setup();
	return NULL;
}

/* PDEATHSIG follows the thread: the thread must not be the caller's. */
START_TEST(the_thread_that_made_it_may_end)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, makes_a_pool, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }),
				 0);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = dies }), -EOWNERDEAD);
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }), 0);
	teardown();
}
END_TEST

static int with_host_habits(int rank, void *arg)
{
	int habit = *(const int *)arg;

	(void)rank;
	switch (habit) {
	case 0:
		(void)signal(SIGCHLD, SIG_IGN);
		break;
	case 1:
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		break;
	case 2:
		(void)prctl(PR_SET_DUMPABLE, 0);
		break;
	case 3:
		/* Signals of every kind are blocked here, not in workers. */
		(void)sigprocmask(SIG_BLOCK, &(sigset_t){ { ~0UL } }, NULL);
		break;
	}
	setup();
	if (run(&(struct rig_job){ .kernel = nothing }) != 0)
		return 1;
	if (run(&(struct rig_job){ .kernel = dies }) != -EOWNERDEAD)
		return 2;
	if (!WIFSIGNALED(rig_pool_report(pool)->wait_status) ||
	    WTERMSIG(rig_pool_report(pool)->wait_status) != SIGKILL)
		return 3;
	if (run(&(struct rig_job){ .kernel = nothing }) != 0)
		return 4;
	teardown();
	if (habit == 1 && open("/dev/null", O_RDONLY) != 0)
		return 5;
	return 0;
}

START_TEST(hosts_with_habits)
{
	ck_assert_int_eq(run_workers(1, with_host_habits, &_i), 0);
}
END_TEST

static int on_one_cpu(int rank, void *arg)
{
	const cpu_set_t *cpus = arg;

	(void)rank;
	if (sched_setaffinity(0, sizeof(*cpus), cpus) < 0)
		return 1;
	setup();
	/* No rank spins on a CPU that another process needs: not in a barrier, not
	 * between jobs, and the caller does not spin in a wait. */
	if (pool->startup.busy.spin_ns || pool->startup.idle.spin_ns ||
	    pool->patience.spin_ns || pool->own_core)
		return 2;
	for (int i = 0; i < 20; i++)
		if (run(&(struct rig_job){ .kernel = rig_team_barrier }) != 0)
			return 3;
	teardown();
	return 0;
}

START_TEST(more_ranks_than_cpus_do_not_spin)
{
	cpu_set_t cpus;
	int cpu = sched_getcpu();

	ck_assert_int_ge(cpu, 0);
	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	ck_assert_int_eq(run_workers(1, on_one_cpu, &cpus), 0);
}
END_TEST

static void *reaps_everything(void *arg)
{
	const _Atomic int *stop = arg;
	int met = 0;

	while (!*stop)
		met += waitpid(-1, NULL, WNOHANG) > 0;
	return (void *)(intptr_t)met;
}

START_TEST(a_host_that_reaps_whatever_there_is)
{
	_Atomic int stop = 0;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, reaps_everything, &stop),
			 0);
	for (int i = 0; i < 20; i++) {
		setup();
		ck_assert_int_eq(run(&(struct rig_job){ .kernel = nothing }),
				 0);
		ck_assert_int_eq(run(&(struct rig_job){ .kernel = dies }),
				 -EOWNERDEAD);
		ck_assert_int_eq(WTERMSIG(rig_pool_report(pool)->wait_status),
				 SIGKILL);
		teardown();
	}
	stop = 1;
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("caller");
	TCase *segments = make_tcase("segments", 20);
	TCase *hosts = make_tcase("hosts", 30);
	TCase *alone = make_tcase("alone", 30);

	tcase_add_checked_fixture(segments, setup, teardown);
	tcase_add_loop_test(segments, a_kernel_is_not_the_caller, 0, 3);
	tcase_add_loop_test(segments, a_kernels_child_keeps_nothing_of_the_pool,
			    0, 2);
	suite_add_tcase(suite, segments);

	tcase_add_checked_fixture(hosts, setup, teardown);
	tcase_add_test(hosts, a_pool_in_a_kernel);
	tcase_add_test(hosts, a_rank_with_a_pool_dies);
	tcase_add_test(hosts, two_pools_and_one_segment);
	tcase_add_test(hosts, a_fork_must_make_its_own);
	tcase_add_test(hosts, many_threads_take_turns);
	suite_add_tcase(suite, hosts);

	tcase_add_test(alone, a_fork_that_outlives_the_maker);
	tcase_add_test(alone, the_thread_that_made_it_may_end);
	tcase_add_loop_test(alone, hosts_with_habits, 0, 4);
	tcase_add_test(alone, more_ranks_than_cpus_do_not_spin);
	tcase_add_test(alone, a_host_that_reaps_whatever_there_is);
	suite_add_tcase(suite, alone);
	return suite;
}
