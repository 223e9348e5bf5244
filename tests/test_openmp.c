/* SPDX-License-Identifier: MIT */
/*
 * test_openmp.c - a host that uses OpenMP, and kernels that do.
 *
 * GCC's OpenMP keeps its threads from one parallel region to the next.  A fork
 * has none of them and its next region waits for them for ever, unless they
 * were let go before.
 */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>

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
	/* The host goes on with its own. */
	ck_assert_int_eq(region(), THREADS);
	r = run(pool, in_parallel);
	ck_assert_msg(r == 0, "%s", rig_why());
	/* A team that was forked after that, too. */
	ck_assert_int_eq(run(pool, dies), -EOWNERDEAD);
	ck_assert_int_eq(region(), THREADS);
	r = run(pool, in_parallel);
	ck_assert_msg(r == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("openmp");
	TCase *tcase = make_tcase("openmp", 30);

	tcase_add_test(tcase, a_host_that_was_in_a_parallel_region);
	suite_add_tcase(suite, tcase);
	return suite;
}
