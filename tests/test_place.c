/* SPDX-License-Identifier: MIT */
/*
 * test_place.c - who goes where, on machines of many shapes.
 *
 * A plan is compared as text, one word a rank: "package.node.core{PUs}", with
 * a ' where it shares its core.  Machines that hwloc's descriptions cannot say
 * (uneven, restricted, with a quota) are written down core by core.
 */
#include "place.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/pool.h>

#include "harness.h"

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- plans as text ---- */

static void put_set(FILE *to, const uint64_t *set)
{
	const char *comma = "";

	fputc('{', to);
	for (int pu = 0; pu < RIG_PUS_MAX; pu++) {
		if (!(set[pu / 64] >> (pu % 64) & 1))
			continue;
		fprintf(to, "%s%d", comma, pu);
		comma = ",";
	}
	fputc('}', to);
}

/* To be freed. */
static char *as_text(const struct rig_plan *plan)
{
	char *text;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	for (int rank = 0; rank < plan->workers; rank++) {
		const struct rig_spot *spot = &plan->spots[rank];

		fprintf(to, "%s%d.%d.%d", rank ? " " : "", spot->package,
			spot->node, spot->core);
		put_set(to, spot->set);
		if (spot->shared)
			fputc('\'', to);
	}
	fclose(to);
	return text;
}

/* What holds of every plan. */
static void check_sets(const struct rig_plan *plan)
{
	for (int rank = 0; rank < plan->workers; rank++) {
		const struct rig_spot *spot = &plan->spots[rank];
		struct cpu_bits set;

		memcpy(set.bits, spot->set, sizeof(set.bits));
		ck_assert_int_eq(spot->pu, cpu_bits_first(&set));
		ck_assert_int_eq(spot->pus, cpu_bits_count(&set));
		ck_assert_int_gt(spot->pus, 0);
	}
}

static void check_plan(struct rig_plan *plan, const char *expected,
		       bool oversubscribed)
{
	char *text = as_text(plan);

	check_sets(plan);
	ck_assert_str_eq(text, expected);
	ck_assert_int_eq(plan->oversubscribed, oversubscribed);
	free(text);
	rig_place_free(plan);
}

/* ---- machines that hwloc describes ---- */

static const struct described {
	const char *topology;
	const char *place;
	int workers;
	const char *plan;
	bool oversubscribed;
} described[] = {
	/* One worker a core, with all of it. */
	{ "core:3 pu:1", NULL, 0, "0.0.0{0} 0.0.1{1} 0.0.2{2}", false },
	{ "package:1 core:2 pu:2", "core", 0, "0.0.0{0,1} 0.0.1{2,3}", false },
	{ "core:1 pu:1", "core", 0, "0.0.0{0}", false },

	/* SMT siblings only when cores are out, and then a PU each. */
	{ "package:1 core:3 pu:2", "core", 4,
	  "0.0.0{0}' 0.0.0{1}' 0.0.1{2,3} 0.0.2{4,5}", false },
	{ "package:1 core:1 pu:4", "core", 3, "0.0.0{0}' 0.0.0{1}' 0.0.0{2}'",
	  false },
	/* Second siblings everywhere before thirds anywhere. */
	{ "package:1 core:2 pu:3", "core", 5,
	  "0.0.0{0}' 0.0.0{1}' 0.0.0{2}' 0.0.1{3}' 0.0.1{4}'", false },
	/* Then CPUs are shared. */
	{ "package:1 core:1 pu:2", "core", 3, "0.0.0{0}' 0.0.0{1}' 0.0.0{0}'",
	  true },
	{ "core:2 pu:1", "core", 3, "0.0.0{0}' 0.0.0{0}' 0.0.1{1}", true },

	/* Evenly over nodes, ranks consecutive within one. */
	{ "package:2 numa:1 core:4 pu:2", "core", 3,
	  "0.0.0{0,1} 0.0.1{2,3} 1.1.4{8,9}", false },
	{ "package:2 numa:2 core:2 pu:1", "core", 6,
	  "0.0.0{0} 0.0.1{1} 0.1.2{2} 0.1.3{3} 1.2.4{4} 1.3.6{6}", false },
	{ "package:4 numa:1 core:2 pu:1", "core", 4,
	  "0.0.0{0} 1.1.2{2} 2.2.4{4} 3.3.6{6}", false },
	{ "package:8 numa:1 core:32 pu:1", "core", 8,
	  "0.0.0{0} 1.1.32{32} 2.2.64{64} 3.3.96{96} 4.4.128{128} "
	  "5.5.160{160} 6.6.192{192} 7.7.224{224}",
	  false },
	{ "package:8 numa:1 core:2 pu:4", "core", 3,
	  "0.0.0{0,1,2,3} 1.1.2{8,9,10,11} 2.2.4{16,17,18,19}", false },
	{ "package:2 numa:1 core:3 pu:1", "core", 8,
	  "0.0.0{0}' 0.0.0{0}' 0.0.1{1} 0.0.2{2} "
	  "1.1.3{3}' 1.1.3{3}' 1.1.4{4} 1.1.5{5}",
	  true },

	/* Within a node one L3 after the other. */
	{ "package:1 numa:1 l3:4 core:2 pu:1", "core", 3,
	  "0.0.0{0} 0.0.1{1} 0.0.2{2}", false },
	{ "numa:2 l3:2 core:2 pu:2", "core", 6,
	  "0.0.0{0,1} 0.0.1{2,3} 0.0.2{4,5} 0.1.4{8,9} 0.1.5{10,11} "
	  "0.1.6{12,13}",
	  false },

	/* The system's numbers are not the logical ones. */
	{ "package:2 numa:1 core:2 pu:2(indexes=0,4,2,6,1,5,3,7)", "core", 0,
	  "0.0.0{0,4} 0.0.1{2,6} 1.1.2{1,5} 1.1.3{3,7}", false },
	{ "package:2 numa:1 core:2 pu:1(indexes=0,2,1,3)", "core", 3,
	  "0.0.0{0} 0.0.1{2} 1.1.2{1}", false },
	{ "core:3 pu:2(indexes=0,3,1,4,2,5)", "core", 4,
	  "0.0.0{0}' 0.0.0{3}' 0.0.1{1,4} 0.0.2{2,5}", false },
	/* hwloc's order is that of the PUs, whatever a node's number. */
	{ "package:2 numa:1(indexes=1,0) core:2 pu:1(indexes=2,3,0,1)", "core",
	  0, "0.0.0{0} 0.0.1{1} 1.1.2{2} 1.1.3{3}", false },

	/* Nodes without cores of their own: the memory of a package beside its
	 * plain one, and one for all. */
	{ "package:2 [numa][numa] core:2 pu:1", "core", 0,
	  "0.0.0{0} 0.0.1{1} 1.2.2{2} 1.2.3{3}", false },
	{ "[numa] package:2 [numa] core:1 pu:1", "core", 0, "0.0.0{0} 1.1.1{1}",
	  false },

	/* One a hardware thread. */
	{ "package:2 numa:1 core:1 pu:2", "pu", 0,
	  "0.0.0{0}' 0.0.0{1}' 1.1.1{2}' 1.1.1{3}'", false },
	{ "package:2 numa:1 core:2 pu:2", "pu", 3,
	  "0.0.0{0}' 0.0.0{1}' 1.1.2{4}", false },
	{ "core:1 pu:2", "pu", 3, "0.0.0{0}' 0.0.0{0}' 0.0.0{1}'", true },

	/* Lists: as they stand. */
	{ "package:2 numa:1 core:2 pu:2", "3,0-1", 0,
	  "1.1.3{6,7} 0.0.0{0,1} 0.0.1{2,3}", false },
	{ "package:2 numa:1 core:2 pu:2", "3,0-1", 2, "1.1.3{6,7} 0.0.0{0,1}",
	  false },
	{ "package:2 numa:1 core:2 pu:2", "3,0", 3,
	  "1.1.3{6}' 0.0.0{0,1} 1.1.3{7}'", false },
	{ "package:2 numa:1 core:2 pu:2", "2", 3,
	  "1.1.2{4}' 1.1.2{5}' 1.1.2{4}'", true },
	{ "core:2 pu:1", "0-0,1-1", 0, "0.0.0{0} 0.0.1{1}", false },

	{ "core:2 pu:1", "1,0", 4, "0.0.1{1}' 0.0.0{0}' 0.0.1{1}' 0.0.0{0}'",
	  true },

	/* Anywhere. */
	{ "package:2 core:1 pu:2", "none", 0,
	  "-1.-1.-1{0,1,2,3} -1.-1.-1{0,1,2,3}", false },
	{ "core:2 pu:1", "none", 3, "-1.-1.-1{0,1} -1.-1.-1{0,1} -1.-1.-1{0,1}",
	  true },
};

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

/* One core: its node, its PUs and the usable ones as bits. */
struct given_core {
	int node;
	uint64_t pus;
	uint64_t usable;
};

#define CORES_MAX 8

static const struct given {
	struct given_core cores[CORES_MAX]; /* to the first without PUs */
	int quota;
	const char *place;
	int workers;
	const char *plan;
	bool oversubscribed;
} given[] = {
	/* An uneven machine: the small node fills, the large one has the rest. */
	{ .cores = { { 0, 1, 1 }, { 1, 2, 2 }, { 1, 4, 4 }, { 1, 8, 8 } },
	  .place = "core",
	  .workers = 3,
	  .plan = "0.0.0{0} 0.1.1{1} 0.1.2{2}" },
	{ .cores = { { 0, 1, 1 }, { 1, 2, 2 }, { 1, 4, 4 } },
	  .place = "core",
	  .workers = 4,
	  .plan = "0.0.0{0}' 0.0.0{0}' 0.1.1{1} 0.1.2{2}",
	  .oversubscribed = true },
	/* Nodes that alternate: ranks go node by node all the same. */
	{ .cores = { { 0, 1, 1 }, { 1, 2, 2 }, { 0, 4, 4 }, { 1, 8, 8 } },
	  .place = "core",
	  .plan = "0.0.0{0} 0.0.2{2} 0.1.1{1} 0.1.3{3}" },
	/* A node none of whose cores are ours. */
	{ .cores = { { 0, 1, 0 }, { 0, 2, 0 }, { 1, 4, 4 }, { 2, 8, 8 } },
	  .place = "core",
	  .plan = "0.1.2{2} 0.2.3{3}" },
	/* Half a core is a core, of one PU; whole ones take more. */
	{ .cores = { { 0, 3, 2 }, { 0, 12, 12 } },
	  .place = "core",
	  .plan = "0.0.0{1} 0.0.1{2,3}" },
	{ .cores = { { 0, 3, 2 }, { 0, 12, 12 } },
	  .place = "core",
	  .workers = 3,
	  .plan = "0.0.0{1} 0.0.1{2}' 0.0.1{3}'" },
	{ .cores = { { 0, 3, 2 }, { 0, 12, 12 } },
	  .place = "pu",
	  .plan = "0.0.0{1} 0.0.1{2}' 0.0.1{3}'" },
	{ .cores = { { 0, 3, 2 }, { 0, 12, 12 } },
	  .place = "none",
	  .plan = "-1.-1.-1{1,2,3} -1.-1.-1{1,2,3}" },
	/* One CPU of many is ours. */
	{ .cores = { { 0, 1, 0 }, { 0, 2, 0 }, { 1, 4, 0 }, { 1, 8, 8 } },
	  .place = "core",
	  .workers = 2,
	  .plan = "0.1.3{3}' 0.1.3{3}'",
	  .oversubscribed = true },
	/* The quota caps what is not asked for, and only that. */
	{ .cores = { { 0, 1, 1 }, { 0, 2, 2 }, { 1, 4, 4 }, { 1, 8, 8 } },
	  .quota = 2,
	  .place = "core",
	  .plan = "0.0.0{0} 0.1.2{2}" },
	{ .cores = { { 0, 1, 1 }, { 0, 2, 2 }, { 1, 4, 4 } },
	  .quota = 2,
	  .place = "core",
	  .workers = 3,
	  .plan = "0.0.0{0} 0.0.1{1} 0.1.2{2}",
	  .oversubscribed = true },
	{ .cores = { { 0, 1, 1 }, { 0, 2, 2 } },
	  .quota = 1,
	  .place = "0-1",
	  .plan = "0.0.0{0} 0.0.1{1}",
	  .oversubscribed = true },
	{ .cores = { { 0, 1, 1 }, { 0, 2, 2 } },
	  .quota = 1,
	  .place = "none",
	  .plan = "-1.-1.-1{0,1}" },
	{ .cores = { { 0, 1, 1 }, { 0, 2, 2 } },
	  .quota = 64,
	  .place = "core",
	  .plan = "0.0.0{0} 0.0.1{1}" },
};

static void write_down(struct topology *topology, struct core *cores,
		       const struct given *it)
{
	*topology = (struct topology){ .cores = cores,
				       .package_count = 1,
				       .quota_cpus = it->quota };
	for (int i = 0; i < CORES_MAX && it->cores[i].pus; i++) {
		cores[i] = (struct core){ .number = i,
					  .node = it->cores[i].node,
					  .l3 = -1 };
		cores[i].pus.bits[0] = it->cores[i].pus;
		cores[i].usable.bits[0] = it->cores[i].usable;
		topology->core_count = i + 1;
		if (cores[i].node >= topology->node_count)
			topology->node_count = cores[i].node + 1;
	}
}

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
	const struct given it = {
		.cores = { { 0, 1, 1 }, { 1, 2, 0 }, { 2, 4, 4 } }
	};
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

START_TEST(no_usable_core_is_an_error)
{
	const struct given it = { .cores = { { 0, 1, 0 } } };
	struct core cores[CORES_MAX];
	struct topology topology;
	struct rig_plan *plan = NULL;

	write_down(&topology, cores, &it);
	ck_assert_int_eq(place_on(&plan, &topology, 0, "core", "place"),
			 -EINVAL);
	ck_assert_str_eq(rig_why(), "place: no core is usable");
	ck_assert_ptr_null(plan);
}
END_TEST

/* ---- what is refused ---- */

#define NOT_A_PLACE                                                            \
	"not a policy; use core, pu, none or a list of cores such as 0,2,4-7"

static const struct refused {
	struct rig_place_options options;
	const char *why;
} refused[] = {
	{ { .workers = -1 }, "workers: -1 is outside 1 to 1024" },
	{ { .workers = 100000 }, "workers: 100000 is outside 1 to 1024" },
	{ { .place = "cores" }, "place \"cores\": " NOT_A_PLACE },
	{ { .place = "" }, "place \"\": " NOT_A_PLACE },
	{ { .place = "0," }, "place \"0,\": " NOT_A_PLACE },
	{ { .place = ",0" }, "place \",0\": " NOT_A_PLACE },
	{ { .place = "0-" }, "place \"0-\": " NOT_A_PLACE },
	{ { .place = "-1" }, "place \"-1\": " NOT_A_PLACE },
	{ { .place = "0 1" }, "place \"0 1\": " NOT_A_PLACE },
	{ { .place = "0x1" }, "place \"0x1\": " NOT_A_PLACE },
	{ { .place = "0-1-2" }, "place \"0-1-2\": " NOT_A_PLACE },
	{ { .place = "+0" }, "place \"+0\": " NOT_A_PLACE },
	{ { .place = "3-1" }, "place: 3-1 runs backwards; write 1-3" },
	{ { .place = "1,0-2" }, "place: core 1 is listed twice" },
	{ { .place = "4" },
	  "place: core 4 is not usable by this process (usable: 0-3)" },
	{ { .place = "2-99999999999999999999" },
	  "place: core 4 is not usable by this process (usable: 0-3)" },
	{ { .place = "99999999999999999999" },
	  "place: core 9223372036854775807 is not usable by this process "
	  "(usable: 0-3)" },
	{ { .topology = "sandwich" },
	  "topology \"sandwich\": neither a file nor a description such as "
	  "\"package:2 numa:1 core:4 pu:2\"" },
	{ { .topology = "no/such.xml" },
	  "topology no/such.xml: No such file or directory" },
};

START_TEST(bad_input_is_refused_in_one_line)
{
	struct rig_place_options options = refused[_i].options;
	struct rig_plan *plan = NULL;

	if (!options.topology)
		options.topology = "core:4 pu:1";
	ck_assert_int_eq(rig_place_plan(&plan, &options), -EINVAL);
	ck_assert_str_eq(rig_why(), refused[_i].why);
	ck_assert_ptr_null(plan);
}
END_TEST

START_TEST(too_long_a_list_is_refused)
{
	struct rig_plan *plan = NULL;

	ck_assert_int_eq(
		rig_place_plan(&plan,
			       &(struct rig_place_options){
				       .place = "0-1024",
				       .topology = "package:41 core:25 pu:1" }),
		-EINVAL);
	ck_assert_str_eq(rig_why(), "place: a list of 1025 cores; workers are "
				    "1 to 1024");
}
END_TEST

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

Suite *make_suite(void)
{
	Suite *suite = suite_create("place");
	TCase *machines = make_tcase("machines", 10);
	TCase *refusal = make_tcase("refusal", 10);
	TCase *here = make_tcase("here", 10);

	tcase_add_loop_test(machines, described_machine_has_its_plan, 0,
			    LENGTH(described));
	tcase_add_test(machines, plan_tells_the_machine);
	tcase_add_loop_test(machines, given_machine_has_its_plan, 0,
			    LENGTH(given));
	tcase_add_test(machines, forbidden_cores_are_told);
	tcase_add_test(machines, the_most_workers_are_planned);
	suite_add_tcase(suite, machines);

	tcase_add_loop_test(refusal, bad_input_is_refused_in_one_line, 0,
			    LENGTH(refused));
	tcase_add_test(refusal, too_long_a_list_is_refused);
	tcase_add_test(refusal, no_usable_core_is_an_error);
	suite_add_tcase(suite, refusal);

	tcase_add_test(here, environment_is_the_fallback);
	tcase_add_test(here, here_plans_keep_to_the_affinity);
	tcase_add_test(here, here_plans_can_be_pinned_and_read_back);
	tcase_add_test(here, workers_are_where_planned);
	suite_add_tcase(suite, here);
	return suite;
}
