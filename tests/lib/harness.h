/* SPDX-License-Identifier: MIT */
/*
 * harness.h - what every Check program of runrig leans on.
 *
 * A test program defines make_suite(); main() is here, and its exit code says
 * whether anything failed.  Its test cases come from make_tcase(), so that each
 * of its tests is held against what it found:
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
 * Ranks that a test forks itself come from run_workers().  They never call
 * ck_assert (Check looks at the test process's exit status alone, so that a
 * child's failure would pass); they return a status and the test asserts it.
 */
#ifndef RUNRIG_HARNESS_H
#define RUNRIG_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

/* Processes run_workers() may fork. */
#define HARNESS_WORKERS_MAX 64

/* The status of a worker that run_workers() had to kill: it was too late. */
#define WORKER_LATE (-1000)

/*
 * How long processes and names that are going have for it, and workers for
 * their work.  Long, for they are against hanging only; a test may change them.
 */
extern struct harness_limits {
	uint64_t settle_ns;
	uint64_t workers_ns;
} harness_limits;

/* AddressSanitizer is in it: memory is mapped as it sees fit, it ends the program
 * where it cannot have what it wants, and resident memory is its own. */
extern const bool harness_sanitized;

/* The pools of this test are made with RIG_EXEC: their workers do not have what
 * the test has.  True once it has made one: see exec_pool.c. */
extern bool harness_execed;

/*
 * A /dev/shm for this process and those it forks, mounted with `options`: 0, or
 * -1 where this system does not let it.  `as_root`: not if it takes a user
 * namespace, in which this process is nobody.
 */
int harness_own_shm(const char *options, bool as_root);

/* The program's tests.  Each test program defines it. */
Suite *make_suite(void);

/*
 * A test case whose tests may take `limit_s` seconds each (0: as long as they
 * like, for long loops under meson's own limit) and leave nothing behind.
 * Before and after each test its open descriptors, its mappings of /dev/shm,
 * the processes it started (children, and everything of its process group) and
 * the names in /dev/shm that die with their maker are compared; processes and
 * names that are just going get settle_ns for it.
 *
 * A test that by its subject leaves something behind removes it itself.
 *
 * With HARNESS_HURRY in the environment, all of that has only seconds: for
 * those who expect the test to fail (tests/mutants.py).
 */
TCase *make_tcase(const char *name, double limit_s);

/* Runs in a worker.  0: all is well; else what went wrong, 1..255, or a
 * negative errno, which shows as errno. */
typedef int worker_fn(int rank, void *arg);

/*
 * Fork `size` processes of which each calls fn(its rank, arg) and leaves by
 * _exit(), and wait for all of them; those not done after workers_ns are
 * killed.  Signals are at their defaults in them, and they die with the test.
 *
 * Returns 0 where each returned 0, else the status of the first (by rank) that
 * did not: what it returned, minus the signal that ended it, or WORKER_LATE.
 */
int run_workers(int size, worker_fn *fn, void *arg);

/* The status of one rank of the last run_workers(). */
int worker_status(int rank);

#endif
