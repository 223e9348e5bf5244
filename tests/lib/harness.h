/* SPDX-License-Identifier: MIT */
/*
 * harness.h - the base of every Check program of runrig.
 *
 * A test program defines make_suite(); main() is here, and the exit code says
 * whether anything failed.  Test cases come from make_tcase(), so that each test
 * is compared with the state before the test:
 *
 *	Suite *make_suite(void)
 *	{
 *		Suite *suite = suite_create("segment");
 *		TCase *tcase = make_tcase("attach", 10);
 *
 *		tcase_add_test(tcase, refuses_other_layout);
 *		suite_add_tcase(suite, tcase);
 *		return suite;
 *	}
 *
 * Ranks that a test forks come from run_workers().  A rank never calls ck_assert
 * (Check looks at the test process's exit status alone, so a child's failure would
 * pass); a rank returns a status and the test asserts the status.
 */
#ifndef RUNRIG_HARNESS_H
#define RUNRIG_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

/* Processes run_workers() may fork. */
#define HARNESS_WORKERS_MAX 64

/* The status of a worker that run_workers() had to kill because of the time. */
#define WORKER_LATE (-1000)

/*
 * The time that dying processes and names have to go, and workers for their
 * work.  The times are long, for the limits are only against hanging; a test
 * may change the times.
 */
extern struct harness_limits {
	uint64_t settle_ns;
	uint64_t workers_ns;
} harness_limits;

/* AddressSanitizer is built in: the sanitizer maps memory at will, ends a
 * program that cannot have memory, and keeps resident memory for itself. */
extern const bool harness_sanitized;

/* The pools of the test are made with RIG_EXEC: workers do not have the memory
 * of the test.  True from the first RIG_EXEC pool on: see exec_pool.c. */
extern bool harness_execed;

/*
 * A /dev/shm for this process and its children, mounted with `options`: 0, or -1
 * where the system does not allow the mount.  `as_root`: fail where the mount would
 * take a user namespace, in which the process is nobody.
 */
int harness_own_shm(const char *options, bool as_root);

/* The long form of a test, with all sizes: RUNRIG_LONG is in the environment, as
 * for ./do torture and `.ci/run long`. */
bool harness_long(void);

/* The program's tests.  Each test program defines it. */
Suite *make_suite(void);

/*
 * A test case whose tests may take `limit_s` seconds each (0: no separate
 * limit, for long loops under meson's limit) and leave nothing behind.  The
 * state before each test and after the test is compared: open descriptors,
 * mappings of /dev/shm, the processes that the test started (children, and
 * everything of the process group), and the names in /dev/shm that go with
 * their maker.  Processes and names that are about to go get settle_ns.
 *
 * A test that leaves something behind on purpose removes the thing itself.
 *
 * With HARNESS_HURRY in the environment, all waits are seconds: for callers that
 * expect the test to fail (tests/mutants.py).
 */
TCase *make_tcase(const char *name, double limit_s);

/* Runs in a worker. 0: all is well; else the failed step, 1..255, or a negative
 * errno, which shows as errno. */
typedef int worker_fn(int rank, void *arg);

/*
 * Fork `size` processes, each of which calls fn(rank, arg) and leaves by
 * _exit(), and wait for all processes; a process that is not done after
 * workers_ns is killed.  Signals are at their defaults, and the processes die
 * with the test.
 *
 * Returns 0 where each process returned 0, else the status of the first rank
 * with another status: the value returned, minus the signal that ended the
 * rank, or WORKER_LATE.
 */
int run_workers(int size, worker_fn *fn, void *arg);

/* The status of a rank in the last run_workers(). */
int worker_status(int rank);

#endif
