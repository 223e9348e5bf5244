/* SPDX-License-Identifier: MIT */
/*
 * test_place.c - the place of each worker, on machines of many shapes.
 *
 * Machines that hwloc's descriptions cannot express (uneven, restricted, with a
 * quota) are written down core by core in place_parts.h.
 */
#include "place/place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/pool.h>

#include "lib/harness.h"

#include "place_parts.h"

/* ---- machines that hwloc describes ---- */

START_TEST(described_machine_has_its_plan)
{
	const struct described *it = &described[_i];
	struct rig_plan *plan = NULL;
	int r = rig_place_plan(
		&plan, &(struct rig_place_options){ .workers = it->workers,
						    .place = it->place,
						    .topology = it->topology });

	ck_assert_msg(r == 0, "%s: %s", it->topology, rig_why());
	ck_assert(plan->described);
	ck_assert_int_eq(plan->quota, 0);
	ck_assert_int_eq(plan->pinned, plan->spots[0].core >= 0);
	check_plan(plan, it->plan, it->oversubscribed);
}
END_TEST

START_TEST(plan_tells_the_machine)
{
	struct rig_plan *plan = NULL;

	ck_assert_int_eq(
		rig_place_plan(&plan,
			       &(struct rig_place_options){
				       .topology = "package:2 [numa][numa] "
						   "l3:2 core:3 pu:2" }),
		0);
	ck_assert_int_eq(plan->machine_packages, 2);
	ck_assert_int_eq(plan->machine_nodes, 4);
	ck_assert_int_eq(plan->machine_cores, 12);
	ck_assert_int_eq(plan->cores, 12);
	ck_assert_int_eq(plan->pus, 24);
	ck_assert_int_eq(plan->cpus, 24);
	ck_assert_int_eq(plan->nodes, 2);
	ck_assert_int_eq(plan->machine[7].number, 7);
	ck_assert_int_eq(plan->machine[7].package, 1);
	ck_assert_int_eq(plan->machine[7].node, 2);
	ck_assert_int_eq(plan->machine[7].l3, 2);
	ck_assert_int_eq(plan->machine[7].pus, 2);
	ck_assert_int_eq(plan->machine[7].usable, 2);
	ck_assert_uint_eq(plan->machine[7].set[0], 3u << 14);
	rig_place_free(plan);
}
END_TEST

/* ---- machines written down ---- */

START_TEST(given_machine_has_its_plan)
{
	const struct given *it = &given[_i];
	struct core cores[CORES_MAX];
	struct topology topology;
	struct rig_plan *plan = NULL;

	write_down(&topology, cores, it);
	ck_assert_msg(place_on(&plan, &topology, it->workers, it->place,
			       "place") == 0,
		      "%s", rig_why());
	ck_assert_int_eq(plan->quota, it->quota);
	check_plan(plan, it->plan, it->oversubscribed);
}
END_TEST

START_TEST(forbidden_cores_are_told)
{
	const struct given it = { .cores = { { 0, 1, 1, 0, 0 },
					     { 1, 2, 0, 0, 0 },
					     { 2, 4, 4, 0, 0 } } };
	struct core cores[CORES_MAX];
	struct topology topology;
	struct rig_plan *plan = NULL;

	write_down(&topology, cores, &it);
	ck_assert_int_eq(place_on(&plan, &topology, 0, "core", "place"), 0);
	ck_assert_int_eq(plan->cores, 2);
	ck_assert_int_eq(plan->nodes, 2);
	ck_assert_int_eq(plan->machine_nodes, 3);
	ck_assert_int_eq(plan->machine_cores, 3);
	ck_assert_int_eq(plan->machine[1].pus, 1);
	ck_assert_int_eq(plan->machine[1].usable, 0);
	rig_place_free(plan);

	ck_assert_int_eq(place_on(&plan, &topology, 0, "0,1", "place"),
			 -EINVAL);
	ck_assert_str_eq(rig_why(), "place: core 1 is not usable by this "
				    "process (usable: 0,2)");
}
END_TEST

/* The largest count in the words is a count that can be had. */
START_TEST(the_most_an_object_is_what_the_least_has)
{
	/* Caches of three cores and of two; then a core without any. */
	const struct given it = { .cores = { { 0, 1, 1, 0, 1 },
					     { 0, 2, 2, 0, 1 },
					     { 0, 4, 4, 0, 1 },
					     { 0, 24, 24, 0, 2 },
					     { 0, 32, 32, 0, 2 },
					     { 0, 64, 64, 0, 0 } } };
	struct core cores[CORES_MAX];
	struct topology topology;
	struct rig_plan *plan = NULL;

	write_down(&topology, cores, &it);
	ck_assert_int_eq(place_on(&plan, &topology, 0, "l3:3", "place"),
			 -EINVAL);
	ck_assert_str_eq(rig_why(), "place \"l3:3\": core 5 lies in no L3 "
				    "cache, so at most l3:1");
	topology.core_count = 5;
	ck_assert_int_eq(place_on(&plan, &topology, 0, "l3:3", "place"),
			 -EINVAL);
	ck_assert_str_eq(rig_why(), "place \"l3:3\": L3 cache 1 has 2 usable "
				    "cores, so at most l3:2");
	ck_assert_int_eq(place_on(&plan, &topology, 0, "l3:2", "place"), 0);
	check_plan(plan, "0.0.0{0} 0.0.1{1,2} 0.0.3{3,4} 0.0.4{5}", false);
	ck_assert_int_eq(place_on(&plan, &topology, 0, "core:2", "place"),
			 -EINVAL);
	ck_assert_str_eq(rig_why(), "place \"core:2\": core 0 has 1 usable "
				    "hardware thread, so at most core:1");
}
END_TEST

/* ---- refusals ---- */

START_TEST(the_most_workers_are_planned)
{
	struct rig_plan *plan = NULL;

	ck_assert_int_eq(rig_place_plan(&plan,
					&(struct rig_place_options){
						.workers = RIG_WORKERS_MAX,
						.topology = "numa:8 core:32 "
							    "pu:2" }),
			 0);
	/* 256 cores of two: two workers on each PU. */
	for (int rank = 0; rank < RIG_WORKERS_MAX; rank++) {
		ck_assert_int_eq(plan->spots[rank].core, rank / 4);
		ck_assert_int_eq(plan->spots[rank].pus, 1);
		ck_assert_int_eq(plan->spots[rank].pu, rank / 4 * 2 + rank % 2);
	}
	ck_assert(plan->oversubscribed);
	rig_place_free(plan);
}
END_TEST

/* ---- rules for every machine ---- */

static const char *const machines[] = {
	"pu:1",
	"core:1 pu:1",
	"core:1 pu:4",
	"core:2 pu:1",
	"core:7 pu:1",
	"core:3 pu:3",
	"package:1 l3:1 core:4 pu:1",
	"package:1 l3:2 core:4 pu:2",
	"package:1 l3:4 l2:2 core:2 pu:1",
	"package:1 l2:3 core:2 pu:2",
	"package:1 numa:2 core:3 pu:1",
	"package:1 numa:4 l3:2 core:2 pu:2",
	"package:1 l3:1 numa:2 core:2 pu:1",
	"package:2 core:1 pu:1",
	"package:2 core:3 pu:4",
	"package:2 numa:1 core:5 pu:1",
	"package:2 numa:1 l3:1 core:4 pu:2",
	"package:2 numa:2 l3:8 core:2 pu:1",
	"package:2 numa:2 core:8 pu:2",
	"package:2 numa:4 l3:2 core:4 pu:2",
	"package:2 [numa][numa] core:4 pu:1",
	"[numa] package:2 [numa] core:3 pu:2",
	"package:2 [numa(memory=0)] core:2 pu:1",
	"package:3 numa:1 core:2 pu:3",
	"package:3 numa:2 l3:1 core:2 pu:1",
	"package:4 numa:1 core:4 pu:2",
	"package:4 numa:2 l3:2 core:3 pu:2",
	"package:4 [numa][numa] l3:2 core:2 pu:1",
	"package:5 core:3 pu:1",
	"package:6 numa:1 core:2 pu:2",
	"package:7 numa:1 core:1 pu:4",
	"package:8 numa:1 core:4 pu:1",
	"package:8 numa:2 l3:2 core:2 pu:2",
	"package:8 numa:1 l3:4 l2:4 core:2 pu:1",
	"numa:2 package:2 core:2 pu:1",
	"numa:3 core:2 pu:2(indexes=0,6,1,7,2,8,3,9,4,10,5,11)",
	"package:2 numa:1 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)",
};

static const char *const everywhere[] = { "core",    "pu",     "numa",
					  "package", "spread", "compact",
					  "l2",      "l3",     "none",
					  "numa:2",  "core:2", "package:1" };

/* The number of PUs that several ranks share. */
static int shared_pus(const struct rig_plan *plan)
{
	struct cpu_bits once = { 0 }, twice = { 0 };

	for (int rank = 0; rank < plan->workers; rank++)
		for (int i = 0; i < RIG_PUS_MAX / 64; i++) {
			uint64_t set = plan->spots[rank].set[i];

			twice.bits[i] |= once.bits[i] & set;
			once.bits[i] |= set;
		}
	return cpu_bits_count(&twice);
}

/* By how much does the fullest node (or package) exceed the emptiest? */
static int imbalance(const struct rig_plan *plan, bool packages)
{
	int least = INT_MAX, most = 0;

	for (int at = 0; at < plan->machine_cores; at++) {
		int number = packages ? plan->machine[at].package
				      : plan->machine[at].node;
		int count = 0;

		for (int rank = 0; rank < plan->workers; rank++)
			count += (packages ? plan->spots[rank].package
					   : plan->spots[rank].node) == number;
		least = count < least ? count : least;
		most = count > most ? count : most;
	}
	return most - least;
}

static void check_rules(const struct rig_plan *plan, const char *place,
			const char *words)
{
	int last = -1;

	check_sets(plan);
	if (!plan->pinned)
		return;
	/* Nobody shares a CPU before every CPU is somebody's. */
	ck_assert_msg(plan->oversubscribed || shared_pus(plan) == 0, "%s",
		      words);
	for (int rank = 0; rank < plan->workers; rank++) {
		const struct rig_spot *spot = &plan->spots[rank];

		/* Ranks follow the machine's order. */
		ck_assert_msg(spot->core >= last, "%s", words);
		last = spot->core;
		ck_assert_int_lt(last, plan->machine_cores);
		/* No second thread of a core while another core is free. */
		if (strcmp(place, "pu") != 0 && strchr(place, ':') == NULL)
			ck_assert_msg(!spot->shared ||
					      plan->workers > plan->cores,
				      "%s", words);
	}
	if (strcmp(place, "core") == 0)
		ck_assert_msg(imbalance(plan, false) <= 1, "%s", words);
	if (strcmp(place, "spread") == 0)
		ck_assert_msg(imbalance(plan, true) <= 1, "%s", words);
}

/* All machines here are even. */
START_TEST(every_plan_keeps_the_rules)
{
	static const int sizes[] = { 0, 1, 2, 3, 4, 7, 8, 13, 40 };
	struct topology *topology = NULL;
	int plans = 0;

	ck_assert_msg(topology_load(&topology, machines[_i]) == 0, "%s: %s",
		      machines[_i], rig_why());
	for (int p = 0; p < LENGTH(everywhere); p++)
		for (int s = 0; s < LENGTH(sizes); s++) {
			struct rig_plan *plan = NULL;
			char words[200];

			snprintf(words, sizeof(words), "%s: %d %s",
				 machines[_i], sizes[s], everywhere[p]);
			if (place_on(&plan, topology, sizes[s], everywhere[p],
				     "place") < 0)
				continue;
			check_rules(plan, everywhere[p], words);
			rig_place_free(plan);
			plans++;
		}
	/* The policies that every machine has, for every size. */
	ck_assert_int_ge(plans, 7 * LENGTH(sizes));
	topology_free(topology);
}
END_TEST

START_TEST(nodes_are_told)
{
	struct rig_plan *plan = NULL;

	ck_assert_int_eq(
		rig_place_plan(
			&plan,
			&(struct rig_place_options){
				.topology =
					"package:2 [numa(memory=1000000000)]"
					"[numa(memory=2000000000)] core:3 pu:1" }),
		0);
	ck_assert_int_eq(plan->machine_nodes, 4);
	ck_assert_int_eq(plan->memory[0].cores, 3);
	ck_assert_int_eq(plan->memory[1].cores, 0);
	ck_assert_int_eq(plan->memory[2].cores, 3);
	ck_assert_int_eq(plan->memory[3].package, 1);
	ck_assert_uint_eq(plan->memory[1].bytes, 2000000000);
	ck_assert_int_eq(plan->kinds, 1);
	rig_place_free(plan);
}
END_TEST

START_TEST(one_core_of_several_is_squeezed)
{
	const struct given it = { .cores = { { 0, 1, 1, 0, 0 },
					     { 0, 2, 0, 0, 0 } } };
	struct core cores[CORES_MAX];
	struct topology topology;
	struct rig_plan *plan = NULL;

	write_down(&topology, cores, &it);
	topology.allowed_cores = 2;
	ck_assert_int_eq(place_on(&plan, &topology, 0, "core", "place"), 0);
	ck_assert(plan->squeezed);
	ck_assert_int_eq(plan->allowed, 2);
	rig_place_free(plan);

	/* The cpuset has no more. */
	topology.allowed_cores = 1;
	ck_assert_int_eq(place_on(&plan, &topology, 0, "core", "place"), 0);
	ck_assert(!plan->squeezed);
	rig_place_free(plan);

	cores[1].usable = cores[1].pus;
	topology.allowed_cores = 2;
	ck_assert_int_eq(place_on(&plan, &topology, 1, "core", "place"), 0);
	ck_assert(!plan->squeezed);
	rig_place_free(plan);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("place");
	TCase *cases = make_tcase("machines", 10);

	tcase_add_loop_test(cases, described_machine_has_its_plan, 0,
			    LENGTH(described));
	tcase_add_test(cases, plan_tells_the_machine);
	tcase_add_test(cases, the_most_an_object_is_what_the_least_has);
	tcase_add_loop_test(cases, given_machine_has_its_plan, 0,
			    LENGTH(given));
	tcase_add_test(cases, forbidden_cores_are_told);
	tcase_add_test(cases, the_most_workers_are_planned);
	tcase_add_test(cases, nodes_are_told);
	tcase_add_test(cases, one_core_of_several_is_squeezed);
	tcase_add_loop_test(cases, every_plan_keeps_the_rules, 0,
			    LENGTH(machines));
	suite_add_tcase(suite, cases);
	return suite;
}
