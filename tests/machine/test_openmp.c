/* SPDX-License-Identifier: MIT */
/*
 * test_openmp.c - a host that uses OpenMP, and kernels that use OpenMP.
 *
 * GCC's OpenMP keeps its threads from a parallel region to the next.  A fork
 * has none of these threads, and the next region of the fork waits for the
 * threads for ever, unless they were let go before.  LLVM's OpenMP gives each
 * process a name in /dev/shm, and removes the name at exit, which a worker
 * never reaches.
 */
#include "lib/harness.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/runrig.h>

#define THREADS 2

/* Against hanging. */
#define LIMIT_NS UINT64_C(5000000000)

/* How many threads have counted themselves. */
static int region(void)
{
	int count = 0;

#pragma omp parallel num_threads(THREADS) reduction(+ : count)
	count += 1;
	return count;
}

static int in_parallel(struct rig_team *team)
{
	for (int i = 0; i < 3; i++)
		if (region() != THREADS)
			return rig_team_fail(team, -EBADMSG, "threads");
	return rig_team_barrier(team);
}

static int dies(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		abort();
	return rig_team_barrier(team);
}

static int run(struct rig_pool *pool, rig_kernel_fn *kernel)
{
	return rig_pool_run(pool, &(struct rig_job){ .kernel = kernel,
						     .limit_ns = LIMIT_NS });
}

/* This program has a private /dev/shm.  In a shared one, names tell nothing. */
static bool alone;

/* /dev/shm has only the name of this process's own OpenMP. */
static void no_name_is_left(void)
{
	DIR *folder = alone ? opendir("/dev/shm") : NULL;
	const struct dirent *entry;
	char own[32];

	if (!alone)
		return;
	snprintf(own, sizeof(own), "LIB_%d_", (int)getpid());
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder)))
		ck_assert_msg(entry->d_name[0] == '.' ||
				      strstr(entry->d_name, own),
			      "left: %s", entry->d_name);
	closedir(folder);
}

/* The host's threads stay for good, which the harness need not know. */
START_TEST(a_host_that_was_in_a_parallel_region)
{
	struct rig_pool *pool;
	int r;

	ck_assert_int_eq(region(), THREADS);
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	/* The host's OpenMP goes on. */
	ck_assert_int_eq(region(), THREADS);
	r = run(pool, in_parallel);
	ck_assert_msg(r == 0, "%s", rig_why());
	/* A team that was forked afterwards works too. */
	ck_assert_int_eq(run(pool, dies), -EOWNERDEAD);
	ck_assert_int_eq(region(), THREADS);
	r = run(pool, in_parallel);
	ck_assert_msg(r == 0, "%s", rig_why());
	rig_pool_destroy(pool);
	no_name_is_left();
}
END_TEST

/* The CPUs that the starter of this program may use: OpenMP has not bound the
 * starter. */
static int usable;

/* OMP_PROC_BIND=true, in half of all job scripts, binds the first thread. */
START_TEST(a_pool_has_all_cpus_where_openmp_binds_threads)
{
	struct rig_pool *pool;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(rig_pool_plan(pool)->cpus > 1, usable > 1);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(a_host_with_a_manager)
{
	struct rig_manager *manager;

	ck_assert_int_eq(region(), THREADS);
	ck_assert_int_eq(rig_manager_start(&manager), 0);
	rig_manager_shutdown(manager);
	no_name_is_left();
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("openmp");
	TCase *tcase = make_tcase("openmp", 30);
	cpu_set_t set;

	alone = harness_own_shm(NULL, false) == 0;
	if (sched_getaffinity(getppid(), sizeof(set), &set) == 0)
		usable = CPU_COUNT(&set);
	tcase_add_test(tcase, a_pool_has_all_cpus_where_openmp_binds_threads);
	tcase_add_test(tcase, a_host_that_was_in_a_parallel_region);
	tcase_add_test(tcase, a_host_with_a_manager);
	suite_add_tcase(suite, tcase);
	return suite;
}
