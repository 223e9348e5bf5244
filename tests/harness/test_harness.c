/* SPDX-License-Identifier: MIT */
/*
 * test_harness.c - a test with leftovers fails, and a worker's status arrives
 * unchanged.
 *
 * The leaking tests are a separate suite, which runs here silently; each test must
 * fail, and the leaks are removed afterwards.
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A name for one run. */
static char path[64];

/* Make a name with the mark of names that go with the maker. */
static int make_name(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 01600), 0);
	ck_assert_int_eq(ftruncate(fd, 1), 0);
	return fd;
}

START_TEST(leaves_nothing)
{
	close(make_name());
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(leaves_a_descriptor)
{
	ck_assert_int_ge(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
}
END_TEST

START_TEST(leaves_a_mapping)
{
	int fd = make_name();
	void *data = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(data, MAP_FAILED);
	close(fd);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(leaves_a_child)
{
	if (fork() == 0)
		for (;;)
			pause();
}
END_TEST

START_TEST(leaves_an_orphan)
{
	pid_t child = fork();

	if (child == 0) {
		if (fork() == 0)
			for (;;)
				pause();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(leaves_a_name_nobody_holds)
{
	close(make_name());
}
END_TEST

static int hold_name(int rank, void *arg)
{
	(void)rank;
	(void)arg;
	/* Make a name, as a maker that then dies. */
	return flock(make_name(), LOCK_SH) < 0;
}

START_TEST(leaves_a_dead_makers_name)
{
	ck_assert_int_eq(run_workers(1, hold_name, NULL), 0);
}
END_TEST

/* Runs a test as a separate suite, and returns the number of failures. */
static int failures_of(const TTest *test)
{
	Suite *suite = suite_create("inner");
	TCase *tcase = make_tcase("inner", 20);
	SRunner *runner;
	int failures;

	_tcase_add_test(tcase, test, 0, 0, 0, 1);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures;
}

START_TEST(a_test_that_leaves_nothing_passes)
{
	ck_assert_int_eq(failures_of(leaves_nothing), 0);
}
END_TEST

START_TEST(a_test_that_leaves_something_fails)
{
	const TTest *leaks[] = { leaves_a_descriptor,
				 leaves_a_mapping,
				 leaves_a_child,
				 leaves_an_orphan,
				 leaves_a_name_nobody_holds,
				 leaves_a_dead_makers_name };
	int failures;

	harness_limits.settle_ns = 50000000;
	failures = failures_of(leaks[_i]);
	(void)unlink(path);
	ck_assert_int_eq(failures, 1);
}
END_TEST

static int told(int rank, void *arg)
{
	(void)arg;
	switch (rank) {
	case 1:
		return 7;
	case 2:
		return -EOWNERDEAD;
	case 3:
		raise(SIGKILL);
		return 0;
	default:
		return 0;
	}
}

START_TEST(each_status_is_told_as_it_was)
{
	ck_assert_int_eq(run_workers(4, told, NULL), 7);
	ck_assert_int_eq(worker_status(0), 0);
	ck_assert_int_eq(worker_status(1), 7);
	ck_assert_int_eq(worker_status(2), EOWNERDEAD);
	ck_assert_int_eq(worker_status(3), -SIGKILL);
}
END_TEST

static int terminated(int rank, void *arg)
{
	(void)arg;
	(void)rank;
	raise(SIGTERM);
	return 0;
}

START_TEST(sigterm_ends_one_worker_and_not_the_test)
{
	ck_assert_int_eq(run_workers(1, terminated, NULL), -SIGTERM);
}
END_TEST

static int hangs(int rank, void *arg)
{
	(void)arg;
	if (rank == 0)
		return 0;
	for (;;)
		pause();
}

START_TEST(a_worker_that_hangs_is_ended)
{
	harness_limits.workers_ns = 200000000;
	ck_assert_int_eq(run_workers(2, hangs, NULL), WORKER_LATE);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("harness");
	TCase *left = make_tcase("left", 30);
	TCase *workers = make_tcase("workers", 30);

	snprintf(path, sizeof(path), "/dev/shm/harness-%d", getpid());

	tcase_add_test(left, a_test_that_leaves_nothing_passes);
	tcase_add_loop_test(left, a_test_that_leaves_something_fails, 0, 6);
	suite_add_tcase(suite, left);
	tcase_add_test(workers, each_status_is_told_as_it_was);
	tcase_add_test(workers, sigterm_ends_one_worker_and_not_the_test);
	tcase_add_test(workers, a_worker_that_hangs_is_ended);
	suite_add_tcase(suite, workers);
	return suite;
}
