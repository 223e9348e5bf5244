/* SPDX-License-Identifier: MIT */
/*
 * test_pinned.c - plans for the machine that the test runs on: they keep to the
 * affinity and the environment, and workers are where the plan says.
 */
#include "place/place.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/pool.h>

#include "lib/harness.h"

#include "place_parts.h"

/* ---- the environment ---- */

START_TEST(environment_is_the_fallback)
{
	struct rig_place_options options = { .topology = "core:2 pu:2" };
	struct rig_plan *plan = NULL;

	setenv("RUNRIG_PLACE", "1,0", 1);
	ck_assert_int_eq(rig_place_plan(&plan, &options), 0);
	check_plan(plan, "0.0.1{2,3} 0.0.0{0,1}", false);
	options.place = "pu";
	ck_assert_int_eq(rig_place_plan(&plan, &options), 0);
	ck_assert_int_eq(plan->workers, 4);
	rig_place_free(plan);

	options.place = NULL;
	setenv("RUNRIG_PLACE", "", 1);
	ck_assert_int_eq(rig_place_plan(&plan, &options), 0);
	ck_assert_int_eq(plan->workers, 2);
	rig_place_free(plan);
	setenv("RUNRIG_PLACE", "there", 1);
	ck_assert_int_eq(rig_place_plan(&plan, &options), -EINVAL);
	ck_assert_str_eq(rig_why(), "RUNRIG_PLACE \"there\": " NOT_A_PLACE);
	unsetenv("RUNRIG_PLACE");
}
END_TEST

/* ---- this machine ---- */

START_TEST(another_machine_is_not_bound_to)
{
	struct rig_plan *plan = NULL;
	struct rig_pool *pool = NULL;

	setenv("HWLOC_SYNTHETIC", "core:2 pu:1", 1);
	ck_assert_int_eq(rig_place_plan(&plan, NULL), -ENOSYS);
	ck_assert_str_eq(rig_why(),
			 "topology: HWLOC_SYNTHETIC describes another machine, "
			 "and no worker can be bound there; unset it (runrig "
			 "topo --topology plans for other machines)");
	ck_assert_int_eq(rig_pool_create(&pool, NULL), -ENOSYS);
	unsetenv("HWLOC_SYNTHETIC");
	/* Not XML, but there. */
	setenv("HWLOC_XMLFILE", "/proc/self/cmdline", 1);
	ck_assert_int_eq(rig_pool_create(&pool, NULL), -ENOSYS);
	ck_assert_str_eq(rig_why(),
			 "topology: hwloc cannot load what HWLOC_XMLFILE says; "
			 "unset it (runrig topo --topology plans for other "
			 "machines)");
	unsetenv("HWLOC_XMLFILE");
	ck_assert_int_eq(rig_place_plan(&plan, NULL), 0);
	rig_place_free(plan);
}
END_TEST

START_TEST(here_plans_keep_to_the_affinity)
{
	struct cpu_bits before;
	struct cpu_bits one = { 0 };
	struct rig_plan *plan = NULL;

	ck_assert_int_eq(topology_pinned(0, &before), 0);
	cpu_bits_add(&one, cpu_bits_first(&before));
	ck_assert_int_eq(topology_pin(0, &one), 0);
	ck_assert_int_eq(rig_place_plan(&plan, NULL), 0);
	ck_assert_int_eq(plan->workers, 1);
	ck_assert_int_eq(plan->cores, 1);
	ck_assert_int_eq(plan->pus, 1);
	ck_assert_int_eq(plan->squeezed, plan->allowed > 1);
	ck_assert(!plan->described);
	ck_assert_mem_eq(plan->spots[0].set, one.bits, sizeof(one.bits));
	rig_place_free(plan);

	ck_assert_int_eq(
		rig_place_plan(&plan,
			       &(struct rig_place_options){ .workers = 2 }),
		0);
	ck_assert(plan->oversubscribed);
	ck_assert(plan->spots[1].shared);
	ck_assert_mem_eq(plan->spots[1].set, one.bits, sizeof(one.bits));
	rig_place_free(plan);

	/* Asked afresh at each plan. */
	ck_assert_int_eq(topology_pin(0, &before), 0);
	ck_assert_int_eq(rig_place_plan(&plan, NULL), 0);
	ck_assert_int_eq(plan->pus, cpu_bits_count(&before));
	rig_place_free(plan);
}
END_TEST

static int pin_as_planned(int rank, void *arg)
{
	const struct rig_plan *plan = arg;
	const struct rig_spot *spot = &plan->spots[rank];
	struct cpu_bits planned;
	struct cpu_bits got;
	int cpu;

	memcpy(planned.bits, spot->set, sizeof(planned.bits));
	if (topology_pin(0, &planned) < 0 || topology_pinned(0, &got) < 0)
		return 1;
	if (memcmp(&planned, &got, sizeof(got)) != 0)
		return 2;
	cpu = sched_getcpu();
	return cpu >= 0 && cpu_bits_has(&planned, cpu) ? 0 : 3;
}

START_TEST(here_plans_can_be_pinned_and_read_back)
{
	struct rig_plan *plan = NULL;
	int workers;

	ck_assert_int_eq(rig_place_plan(&plan, NULL), 0);
	workers = plan->workers < 16 ? plan->workers : 16;
	ck_assert_int_eq(run_workers(workers, pin_as_planned, plan), 0);
	rig_place_free(plan);
}
END_TEST

START_TEST(workers_are_where_planned)
{
	struct rig_pool *pool = NULL;
	struct rig_worker worker;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 5 }),
		0);
	for (int rank = 0; rank < 5; rank++) {
		ck_assert_int_eq(rig_pool_worker(pool, rank, &worker), 0);
		ck_assert(worker.as_planned);
		ck_assert_int_ge(worker.core, 0);
	}
	ck_assert_int_eq(rig_pool_worker(pool, 5, &worker), -EINVAL);
	rig_pool_destroy(pool);
}
END_TEST

static int know_the_cpu(struct rig_team *team)
{
	struct cpu_bits set;
	int wrong = 0;

	for (int i = 0; i < 100; i++) {
		int cpu = sched_getcpu();

		if (topology_pinned(0, &set) < 0)
			return -ENOSYS;
		wrong += cpu < 0 || !cpu_bits_has(&set, cpu);
		sched_yield();
	}
	memcpy(rig_team_result(team), &wrong, sizeof(wrong));
	return 0;
}

/* By the C library's way too, which the kernel must be told of. */
START_TEST(workers_know_the_cpu_they_are_on)
{
	struct rig_pool *pool = NULL;
	struct rig_job job = { .kernel = know_the_cpu };

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 4 }),
		0);
	ck_assert_int_eq(rig_pool_run(pool, &job), 0);
	for (int rank = 0; rank < 4; rank++) {
		int wrong = -1;

		ck_assert_int_eq(
			rig_pool_result(pool, rank, &wrong, sizeof(wrong)), 0);
		ck_assert_int_eq(wrong, 0);
	}
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("pinned");
	TCase *here = make_tcase("here", 10);

	tcase_add_test(here, another_machine_is_not_bound_to);
	tcase_add_test(here, environment_is_the_fallback);
	tcase_add_test(here, here_plans_keep_to_the_affinity);
	tcase_add_test(here, here_plans_can_be_pinned_and_read_back);
	tcase_add_test(here, workers_are_where_planned);
	tcase_add_test(here, workers_know_the_cpu_they_are_on);
	suite_add_tcase(suite, here);
	return suite;
}
