/* SPDX-License-Identifier: MIT */
/*
 * test_place.c - plans on described machines, exactly, and on this one.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/place.h>
#include <runrig/pool.h>

#include "harness.h"

/* A machine, what is asked, and the plan: for each rank node/core/CPUs, the
 * first CPU and how many. */
static const struct {
	const char *machine;
	int workers;
	const char *place;
	const char *plan;
} plans[] = {
	/* One core, and nothing to choose. */
	{ "core:1 pu:1", 0, "core", "0/0/0+1" },
	/* A laptop with SMT: a core each, all its threads. */
	{ "core:4 pu:2", 0, "core", "0/0/0+2 0/1/2+2 0/2/4+2 0/3/6+2" },
	/* Beyond the cores: siblings, one CPU each. */
	{ "core:2 pu:2", 3, "core", "0/0/0+1 0/0/1+1 0/1/2+2" },
	{ "core:2 pu:2", 4, "core", "0/0/0+1 0/0/1+1 0/1/2+1 0/1/3+1" },
	/* Beyond the CPUs: shared. */
	{ "core:2 pu:1", 3, "core", "0/0/0+1 0/0/0+1 0/1/1+1" },
	/* Two nodes: spread over them, ranks in node order. */
	{ "numa:2 core:4 pu:1", 2, "core", "0/0/0+1 1/4/4+1" },
	{ "numa:2 core:4 pu:1", 3, "core", "0/0/0+1 0/1/1+1 1/4/4+1" },
	{ "package:2 numa:2 core:2 pu:1", 4, "core",
	  "0/0/0+1 1/2/2+1 2/4/4+1 3/6/6+1" },
	/* Packed by L3 within the node. */
	{ "numa:2 l3:2 core:2 pu:1", 4, "core",
	  "0/0/0+1 0/1/1+1 1/4/4+1 1/5/5+1" },
	/* Hardware threads. */
	{ "core:2 pu:2", 0, "pu", "0/0/0+1 0/0/1+1 0/1/2+1 0/1/3+1" },
	{ "numa:2 core:2 pu:4", 4, "pu", "0/0/0+1 0/0/1+1 1/2/8+1 1/2/9+1" },
	/* The system numbers siblings apart: logical is not physical. */
	{ "core:2 pu:2(indexes=0,2,1,3)", 0, "core", "0/0/0+2 0/1/1+2" },
	{ "numa:2 core:2 pu:1(indexes=0,2,1,3)", 2, "core",
	  "0/0/0+1 1/2/1+1" },
	{ "numa:2 core:2 pu:1(indexes=0,2,1,3)", 0, "core",
	  "0/0/0+1 0/1/2+1 1/2/1+1 1/3/3+1" },
	/* A list is taken as it stands, and goes round. */
	{ "core:8 pu:1", 0, "5,1-2", "0/5/5+1 0/1/1+1 0/2/2+1" },
	{ "core:8 pu:1", 4, "7,0", "0/7/7+1 0/0/0+1 0/7/7+1 0/0/0+1" },
	/* Eight packages, four threads a core. */
	{ "package:8 numa:1 core:2 pu:4", 8, "core",
	  "0/0/0+4 1/2/8+4 2/4/16+4 3/6/24+4 4/8/32+4 5/10/40+4 6/12/48+4 "
	  "7/14/56+4" },
	/* No pinning. */
	{ "core:2 pu:2", 2, "none", "-1/-1/0+4 -1/-1/0+4" },
};

static void print_plan(const struct rig_plan *plan, char *text, size_t bytes)
{
	size_t used = 0;

	for (int i = 0; i < plan->workers; i++) {
		const struct rig_spot *spot = &plan->spots[i];

		used += (size_t)snprintf(text + used, bytes - used,
					 "%s%d/%d/%d+%d", i ? " " : "",
					 spot->node, spot->core, spot->pu,
					 spot->pus);
	}
}

START_TEST(plans_described_machine)
{
	struct rig_plan *plan = NULL;
	char text[1024];
	int r;

	r = rig_place_plan(&plan, &(struct rig_place_options){
					  .topology = plans[_i].machine,
					  .workers = plans[_i].workers,
					  .place = plans[_i].place });
	ck_assert_msg(r == 0, "%s: %s", plans[_i].machine, rig_why());
	print_plan(plan, text, sizeof(text));
	ck_assert_str_eq(text, plans[_i].plan);
	ck_assert(plan->described);
	rig_place_free(plan);
}
END_TEST

START_TEST(tells_oversubscription)
{
	struct rig_plan *plan = NULL;

	ck_assert_int_eq(rig_place_plan(&plan,
					&(struct rig_place_options){
						.topology = "core:2 pu:2",
						.workers = 4 }),
			 0);
	ck_assert(!plan->oversubscribed);
	ck_assert(plan->spots[0].shared);
	rig_place_free(plan);
	ck_assert_int_eq(rig_place_plan(&plan,
					&(struct rig_place_options){
						.topology = "core:2 pu:2",
						.workers = 5 }),
			 0);
	ck_assert(plan->oversubscribed);
	rig_place_free(plan);
}
END_TEST

static const struct {
	const char *machine, *place;
	int workers;
	const char *words; /* that the error has */
} refusals[] = {
	{ "core:2 pu:1", "cores", 0, "core, pu, none" },
	{ "core:2 pu:1", "", 0, "core, pu, none" },
	{ "core:2 pu:1", "0,2", 0, "usable: 0-1" },
	{ "core:2 pu:1", "1,1", 0, "twice" },
	{ "core:4 pu:1", "3-1", 0, "backwards" },
	{ "core:4 pu:1", "1,", 0, "list" },
	{ "core:4 pu:1", "-1", 0, "list" },
	{ "core:4 pu:1", "99999999999999999999", 0, "usable" },
	{ "core:2 pu:1", "core", -1, "1 to 1024" },
	{ "core:2 pu:1", "core", 100000, "1 to 1024" },
	{ "cores:2", "core", 0, "topology" },
	{ "/nonexistent.xml", "core", 0, "topology" },
};

START_TEST(refuses_in_one_line)
{
	struct rig_plan *plan = NULL;
	int r;

	r = rig_place_plan(&plan, &(struct rig_place_options){
					  .topology = refusals[_i].machine,
					  .workers = refusals[_i].workers,
					  .place = refusals[_i].place });
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_ptr_null(plan);
	ck_assert_msg(strstr(rig_why(), refusals[_i].words) != NULL, "%s",
		      rig_why());
	ck_assert_ptr_null(strchr(rig_why(), '\n'));
}
END_TEST

START_TEST(environment_gives_default_only)
{
	struct rig_plan *plan = NULL;

	ck_assert_int_eq(setenv("RUNRIG_PLACE", "none", 1), 0);
	ck_assert_int_eq(rig_place_plan(&plan, NULL), 0);
	ck_assert(!plan->pinned);
	rig_place_free(plan);
	ck_assert_int_eq(
		rig_place_plan(&plan,
			       &(struct rig_place_options){ .place = "core" }),
		0);
	ck_assert(plan->pinned);
	rig_place_free(plan);
	ck_assert_int_eq(setenv("RUNRIG_PLACE", "nonsense", 1), 0);
	ck_assert_int_eq(rig_place_plan(&plan, NULL), -EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "RUNRIG_PLACE"));
}
END_TEST

START_TEST(keeps_to_affinity)
{
	struct rig_plan *plan = NULL;
	cpu_set_t all, one;
	int last = -1;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all))
			last = (int)cpu;
	CPU_ZERO(&one);
	CPU_SET((size_t)last, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	ck_assert_int_eq(rig_place_plan(&plan, NULL), 0);
	ck_assert_int_eq(plan->workers, 1);
	ck_assert_int_eq(plan->spots[0].pu, last);
	ck_assert_int_eq(plan->spots[0].pus, 1);
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

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *make_suite(void)
{
	Suite *suite = suite_create("place");
	TCase *tcase = make_tcase("described", 10);

	tcase_add_loop_test(tcase, plans_described_machine, 0, COUNT(plans));
	tcase_add_test(tcase, tells_oversubscription);
	tcase_add_loop_test(tcase, refuses_in_one_line, 0, COUNT(refusals));
	suite_add_tcase(suite, tcase);
	tcase = make_tcase("here", 10);
	tcase_add_test(tcase, environment_gives_default_only);
	tcase_add_test(tcase, keeps_to_affinity);
	tcase_add_test(tcase, workers_are_where_planned);
	suite_add_tcase(suite, tcase);
	return suite;
}
