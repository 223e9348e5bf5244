/* SPDX-License-Identifier: MIT */
/*
 * test_reaped.c - a host that adopts orphans, like the first process of a container,
 * meets no unknown child.
 *
 * Each host is a separate process, in two forms: a subreaper, and process 1 of a PID
 * namespace.  The host lives as the test says, and then has no child at all.
 */
#include "lib/harness.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "pool/caller.h"

#define TIMES 20

/* Where a host cannot be made here. */
#define SKIPPED 77

typedef int life_fn(void);

static int nothing(struct rig_team *team)
{
	(void)team;
	return 0;
}

static int dies(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		abort();
	return rig_team_barrier(team);
}

static int stays(struct rig_team *team)
{
	for (;;)
		(void)pause();
	return rig_team_rank(team);
}

static int make(struct rig_pool **pool)
{
	return rig_pool_create(pool,
			       &(struct rig_pool_options){ .workers = 2 });
}

static int run(struct rig_pool *pool, rig_kernel_fn *kernel)
{
	return rig_pool_run(pool, &(struct rig_job){ .kernel = kernel });
}

static int makes_pools(void)
{
	struct rig_pool *pool = NULL;

	for (int i = 0; i < TIMES; i++) {
		if (make(&pool) < 0 || run(pool, nothing) < 0)
			return 2;
		if (i % 4 == 0 && run(pool, dies) != -EOWNERDEAD)
			return 3;
		rig_pool_destroy(pool);
	}
	return 0;
}

static int makes_managers(void)
{
	struct rig_manager *manager = NULL;

	for (int i = 0; i < TIMES; i++) {
		if (rig_manager_start(&manager) < 0)
			return 2;
		rig_manager_shutdown(manager);
	}
	return 0;
}

/* The workers become the host's, too. */
static int loses_wardens(void)
{
	struct rig_pool *pool = NULL;

	for (int i = 0; i < TIMES; i++) {
		if (make(&pool) < 0)
			return 2;
		(void)kill(pool->startup.layout.control->warden, SIGKILL);
		if (i % 2 && run(pool, stays) != -ECANCELED)
			return 3;
		rig_pool_destroy(pool);
	}
	return 0;
}

static int loses_managers(void)
{
	struct rig_manager *manager = NULL;

	for (int i = 0; i < TIMES; i++) {
		if (rig_manager_start(&manager) < 0)
			return 2;
		(void)kill(rig_manager_pid(manager), SIGKILL);
		rig_manager_shutdown(manager);
	}
	return 0;
}

/* A child of the host's own is the host's to reap. */
static int has_a_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(42);
	if (makes_pools() || makes_managers())
		return 2;
	if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 42)
		return 3;
	return 0;
}

/* A child with the parent's number in a PID namespace of its own exits, and the
 * objects of the parent stay. */
static int forks_a_namesake(void)
{
	struct rig_segment *segment = NULL, *again = NULL;
	struct rig_manager *manager = NULL;
	int status, r = 0;
	pid_t pid;

	if (getpid() != 1)
		return 0;
	if (rig_segment_create(&segment, NULL, 4096, NULL) < 0 ||
	    rig_manager_start(&manager) < 0 || unshare(CLONE_NEWPID) < 0)
		return 2;
	pid = fork();
	if (pid == 0) {
		rig_manager_shutdown(manager);
		rig_segment_destroy(segment);
		exit(getpid() == 1 ? 0 : 1);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		r = 3;
	if (rig_segment_attach(&again, rig_segment_name(segment), NULL) < 0)
		r = 4;
	if (kill(rig_manager_pid(manager), 0) < 0)
		r = 5;
	rig_segment_destroy(again);
	rig_segment_destroy(segment);
	rig_manager_shutdown(manager);
	return r;
}

static life_fn *lives[] = { makes_pools,    makes_managers, loses_wardens,
			    loses_managers, has_a_child,    forks_a_namesake };

#define LIVES (int)(sizeof(lives) / sizeof(lives[0]))

/* Live, and have no child afterwards. */
static int live(life_fn *life)
{
	int status, r = life();
	pid_t pid;

	if (r)
		return r;
	pid = waitpid(-1, &status, WNOHANG);
	if (pid < 0 && errno == ECHILD)
		return 0;
	fprintf(stderr, "an unknown child: %d, status %x\n", (int)pid,
		(unsigned)status);
	return 10;
}

static int as_subreaper(int rank, void *life)
{
	(void)rank;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return SKIPPED;
	return live(*(life_fn **)life);
}

static int as_process_1(int rank, void *life)
{
	int status;
	pid_t pid;

	(void)rank;
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return SKIPPED;
	pid = fork();
	if (pid == 0) {
		if (getpid() != 1 ||
		    mount("proc", "/proc", "proc", 0, NULL) < 0)
			_exit(SKIPPED);
		_exit(live(*(life_fn **)life));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

START_TEST(a_subreaper_meets_no_unknown_child)
{
	ck_assert_int_eq(run_workers(1, as_subreaper, &lives[_i]), 0);
}
END_TEST

START_TEST(process_1_meets_no_unknown_child)
{
	int r = run_workers(1, as_process_1, &lives[_i]);

	if (r != SKIPPED)
		ck_assert_int_eq(r, 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("reaped");
	TCase *tcase = make_tcase("host", 60);

	harness_limits.workers_ns = UINT64_C(50000000000);
	tcase_add_loop_test(tcase, a_subreaper_meets_no_unknown_child, 0,
			    LIVES);
	tcase_add_loop_test(tcase, process_1_meets_no_unknown_child, 0, LIVES);
	suite_add_tcase(suite, tcase);
	return suite;
}
