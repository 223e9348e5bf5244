/* SPDX-License-Identifier: MIT */
/*
 * test_place.c - the place of each worker, on machines of many shapes.
 *
 * A plan is compared as text, a word a rank: "package.node.core{PUs}", with a '
 * where the rank shares a core.  Machines that hwloc's descriptions cannot
 * express (uneven, restricted, with a quota) are written down core by core.
 */
#include "place/place.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/pool.h>

#include "lib/harness.h"

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

/* The topology to free. */
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

/* Checks that hold for every plan. */
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
	/* A worker a core, with the whole core. */
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

	/* Evenly over nodes, with consecutive ranks within a node. */
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

	/* Within a node, L3 after L3. */
	{ "package:1 numa:1 l3:4 core:2 pu:1", "core", 3,
	  "0.0.0{0} 0.0.1{1} 0.0.2{2}", false },
	{ "numa:2 l3:2 core:2 pu:2", "core", 6,
	  "0.0.0{0,1} 0.0.1{2,3} 0.0.2{4,5} 0.1.4{8,9} 0.1.5{10,11} "
	  "0.1.6{12,13}",
	  false },

	/* The system's numbers differ from the logical numbers. */
	{ "package:2 numa:1 core:2 pu:2(indexes=0,4,2,6,1,5,3,7)", "core", 0,
	  "0.0.0{0,4} 0.0.1{2,6} 1.1.2{1,5} 1.1.3{3,7}", false },
	{ "package:2 numa:1 core:2 pu:1(indexes=0,2,1,3)", "core", 3,
	  "0.0.0{0} 0.0.1{2} 1.1.2{1}", false },
	{ "core:3 pu:2(indexes=0,3,1,4,2,5)", "core", 4,
	  "0.0.0{0}' 0.0.0{3}' 0.0.1{1,4} 0.0.2{2,5}", false },
	/* hwloc's order is the order of the PUs, whatever a node's number
	 * is. */
	{ "package:2 numa:1(indexes=1,0) core:2 pu:1(indexes=2,3,0,1)", "core",
	  0, "0.0.0{0} 0.0.1{1} 1.1.2{2} 1.1.3{3}", false },

	/* Nodes without cores of their own: the memory of a package beside the
	 * plain memory, and a memory for all. */
	{ "package:2 [numa][numa] core:2 pu:1", "core", 0,
	  "0.0.0{0} 0.0.1{1} 1.2.2{2} 1.2.3{3}", false },
	{ "[numa] package:2 [numa] core:1 pu:1", "core", 0, "0.0.0{0} 1.1.1{1}",
	  false },

	/* A worker a hardware thread. */
	{ "package:2 numa:1 core:1 pu:2", "pu", 0,
	  "0.0.0{0}' 0.0.0{1}' 1.1.1{2}' 1.1.1{3}'", false },
	{ "package:2 numa:1 core:2 pu:2", "pu", 3,
	  "0.0.0{0}' 0.0.0{1}' 1.1.2{4}", false },
	{ "core:1 pu:2", "pu", 3, "0.0.0{0}' 0.0.0{0}' 0.0.0{1}'", true },

	/* Lists are taken in their order. */
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

	/* A worker an object, with all cores of the object. */
	{ "package:2 numa:1 l3:2 core:2 pu:1", "l3", 0,
	  "0.0.0{0,1} 0.0.2{2,3} 1.1.4{4,5} 1.1.6{6,7}", false },
	{ "package:2 numa:1 l3:2 core:2 pu:2", "l3", 2,
	  "0.0.0{0,1,2,3} 1.1.4{8,9,10,11}", false },
	{ "package:1 l2:2 core:2 pu:1", "l2", 0, "0.0.0{0,1} 0.0.2{2,3}",
	  false },
	{ "package:2 numa:2 core:1 pu:2", "numa", 0,
	  "0.0.0{0,1} 0.1.1{2,3} 1.2.2{4,5} 1.3.3{6,7}", false },
	{ "package:2 numa:2 core:2 pu:1", "package", 0,
	  "0.-1.0{0,1,2,3} 1.-1.4{4,5,6,7}", false },
	/* A node that spans packages. */
	{ "numa:1 package:2 core:1 pu:1", "numa", 0, "-1.0.0{0,1}", false },
	/* Several workers an object divide the cores, then the threads. */
	{ "numa:2 core:4 pu:1", "numa", 4,
	  "0.0.0{0,1} 0.0.2{2,3} 0.1.4{4,5} 0.1.6{6,7}", false },
	{ "numa:2 core:3 pu:1", "numa", 3, "0.0.0{0} 0.0.1{1,2} 0.1.3{3,4,5}",
	  false },
	{ "numa:1 core:2 pu:2", "numa", 3, "0.0.0{0}' 0.0.0{1}' 0.0.1{2,3}",
	  false },
	{ "numa:1 core:2 pu:2", "numa", 4,
	  "0.0.0{0}' 0.0.0{1}' 0.0.1{2}' 0.0.1{3}'", false },
	{ "numa:1 core:2 pu:1", "numa", 3, "0.0.0{0}' 0.0.0{0}' 0.0.1{1}",
	  true },

	/* N workers an object. */
	{ "numa:2 l3:1 core:4 pu:1", "l3:2", 0,
	  "0.0.0{0,1} 0.0.2{2,3} 0.1.4{4,5} 0.1.6{6,7}", false },
	{ "numa:2 l3:1 core:4 pu:1", "l3:2", 3,
	  "0.0.0{0,1} 0.0.2{2,3} 0.1.4{4,5}", false },
	{ "numa:2 core:4 pu:1", "numa:1", 0, "0.0.0{0,1,2,3} 0.1.4{4,5,6,7}",
	  false },
	{ "package:1 core:2 pu:4", "core:2", 0,
	  "0.0.0{0,1}' 0.0.0{2,3}' 0.0.1{4,5}' 0.0.1{6,7}'", false },
	{ "package:2 core:3 pu:1", "package:3", 0,
	  "0.0.0{0} 0.0.1{1} 0.0.2{2} 1.0.3{3} 1.0.4{4} 1.0.5{5}", false },
	{ "core:2 pu:2", "pu:1", 2, "0.0.0{0}' 0.0.0{1}'", false },

	/* As far apart as can be; and side by side. */
	{ "package:2 numa:2 l3:2 core:2 pu:1", "spread", 2, "0.0.0{0} 1.2.8{8}",
	  false },
	{ "package:2 numa:2 l3:2 core:2 pu:1", "spread", 4,
	  "0.0.0{0} 0.1.4{4} 1.2.8{8} 1.3.12{12}", false },
	{ "package:2 numa:2 l3:2 core:2 pu:1", "spread", 6,
	  "0.0.0{0} 0.0.2{2} 0.1.4{4} 1.2.8{8} 1.2.10{10} 1.3.12{12}", false },
	{ "package:1 l3:2 l2:2 core:2 pu:1", "spread", 4,
	  "0.0.0{0} 0.0.2{2} 0.0.4{4} 0.0.6{6}", false },
	{ "package:2 numa:2 core:2 pu:1", "compact", 3,
	  "0.0.0{0} 0.0.1{1} 0.1.2{2}", false },
	{ "package:2 core:2 pu:2", "compact", 5,
	  "0.0.0{0}' 0.0.0{1}' 0.0.1{2,3} 1.0.2{4,5} 1.0.3{6,7}", false },

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

/* A core: the core's node, the PUs and the usable PUs as bits. */
struct given_core {
	int node;
	uint64_t pus;
	uint64_t usable;
	int kind;
	int l3; /* 0: none known; else the L3's number + 1 */
};

#define CORES_MAX 8

static const struct given {
	struct given_core cores[CORES_MAX]; /* until one without PUs */
	int quota;
	const char *place;
	int workers;
	const char *plan;
	bool oversubscribed;
} given[] = {
	/* An uneven machine: the small node fills, the large node has the other
	 * workers. */
	{ .cores = { { 0, 1, 1, 0, 0 },
		     { 1, 2, 2, 0, 0 },
		     { 1, 4, 4, 0, 0 },
		     { 1, 8, 8, 0, 0 } },
	  .place = "core",
	  .workers = 3,
	  .plan = "0.0.0{0} 0.1.1{1} 0.1.2{2}" },
	{ .cores = { { 0, 1, 1, 0, 0 }, { 1, 2, 2, 0, 0 }, { 1, 4, 4, 0, 0 } },
	  .place = "core",
	  .workers = 4,
	  .plan = "0.0.0{0}' 0.0.0{0}' 0.1.1{1} 0.1.2{2}",
	  .oversubscribed = true },
	/* Alternating nodes: ranks go node by node all the same. */
	{ .cores = { { 0, 1, 1, 0, 0 },
		     { 1, 2, 2, 0, 0 },
		     { 0, 4, 4, 0, 0 },
		     { 1, 8, 8, 0, 0 } },
	  .place = "core",
	  .plan = "0.0.0{0} 0.0.2{2} 0.1.1{1} 0.1.3{3}" },
	/* A node none of whose cores are ours. */
	{ .cores = { { 0, 1, 0, 0, 0 },
		     { 0, 2, 0, 0, 0 },
		     { 1, 4, 4, 0, 0 },
		     { 2, 8, 8, 0, 0 } },
	  .place = "core",
	  .plan = "0.1.2{2} 0.2.3{3}" },
	/* Half a core is a core with a single PU; whole cores take more
	 * workers. */
	{ .cores = { { 0, 3, 2, 0, 0 }, { 0, 12, 12, 0, 0 } },
	  .place = "core",
	  .plan = "0.0.0{1} 0.0.1{2,3}" },
	{ .cores = { { 0, 3, 2, 0, 0 }, { 0, 12, 12, 0, 0 } },
	  .place = "core",
	  .workers = 3,
	  .plan = "0.0.0{1} 0.0.1{2}' 0.0.1{3}'" },
	{ .cores = { { 0, 3, 2, 0, 0 }, { 0, 12, 12, 0, 0 } },
	  .place = "pu",
	  .plan = "0.0.0{1} 0.0.1{2}' 0.0.1{3}'" },
	{ .cores = { { 0, 3, 2, 0, 0 }, { 0, 12, 12, 0, 0 } },
	  .place = "none",
	  .plan = "-1.-1.-1{1,2,3} -1.-1.-1{1,2,3}" },
	/* A single CPU of many is usable. */
	{ .cores = { { 0, 1, 0, 0, 0 },
		     { 0, 2, 0, 0, 0 },
		     { 1, 4, 0, 0, 0 },
		     { 1, 8, 8, 0, 0 } },
	  .place = "core",
	  .workers = 2,
	  .plan = "0.1.3{3}' 0.1.3{3}'",
	  .oversubscribed = true },
	/* The quota caps only the default number of workers. */
	{ .cores = { { 0, 1, 1, 0, 0 },
		     { 0, 2, 2, 0, 0 },
		     { 1, 4, 4, 0, 0 },
		     { 1, 8, 8, 0, 0 } },
	  .quota = 2,
	  .place = "core",
	  .plan = "0.0.0{0} 0.1.2{2}" },
	{ .cores = { { 0, 1, 1, 0, 0 }, { 0, 2, 2, 0, 0 }, { 1, 4, 4, 0, 0 } },
	  .quota = 2,
	  .place = "core",
	  .workers = 3,
	  .plan = "0.0.0{0} 0.0.1{1} 0.1.2{2}",
	  .oversubscribed = true },
	{ .cores = { { 0, 1, 1, 0, 0 }, { 0, 2, 2, 0, 0 } },
	  .quota = 1,
	  .place = "0-1",
	  .plan = "0.0.0{0} 0.0.1{1}",
	  .oversubscribed = true },
	{ .cores = { { 0, 1, 1, 0, 0 }, { 0, 2, 2, 0, 0 } },
	  .quota = 1,
	  .place = "none",
	  .plan = "-1.-1.-1{0,1}" },
	/* The faster cores first, whatever their numbers; all faster cores
	 * before any core has two workers. */
	{ .cores = { { 0, 1, 1, 0, 0 },
		     { 0, 2, 2, 0, 0 },
		     { 0, 12, 12, 1, 0 } },
	  .place = "core",
	  .workers = 1,
	  .plan = "0.0.2{2,3}" },
	{ .cores = { { 0, 1, 1, 0, 0 },
		     { 0, 2, 2, 0, 0 },
		     { 0, 12, 12, 1, 0 } },
	  .place = "spread",
	  .workers = 2,
	  .plan = "0.0.0{0} 0.0.2{2,3}" },
	{ .cores = { { 0, 1, 1, 0, 0 },
		     { 0, 2, 2, 0, 0 },
		     { 0, 12, 12, 1, 0 } },
	  .place = "compact",
	  .plan = "0.0.0{0} 0.0.1{1} 0.0.2{2,3}" },
	{ .cores = { { 0, 1, 1, 0, 0 },
		     { 0, 2, 2, 0, 0 },
		     { 0, 12, 12, 1, 0 } },
	  .place = "core",
	  .workers = 4,
	  .plan = "0.0.0{0} 0.0.1{1} 0.0.2{2}' 0.0.2{3}'" },
	/* Even where even parts fill a node and leave another node empty. */
	{ .cores = { { 0, 1, 1, 1, 0 }, { 0, 2, 2, 1, 0 }, { 1, 4, 4, 0, 0 } },
	  .place = "core",
	  .workers = 2,
	  .plan = "0.0.0{0} 0.0.1{1}" },
	/* Cores of which no cache is known stand alone beside a cache. */
	{ .cores = { { 0, 1, 1, 0, 1 },
		     { 0, 2, 2, 0, 1 },
		     { 0, 4, 4, 0, 0 },
		     { 0, 8, 8, 0, 0 } },
	  .place = "l3",
	  .plan = "0.0.0{0,1} 0.0.2{2} 0.0.3{3}" },
	/* The usable part of a cache. */
	{ .cores = { { 0, 1, 1, 0, 1 },
		     { 0, 2, 0, 0, 1 },
		     { 0, 4, 4, 0, 2 },
		     { 0, 8, 0, 0, 3 } },
	  .place = "l3",
	  .plan = "0.0.0{0} 0.0.2{2}" },
	/* The fuller cache gets more of the workers that divide the caches. */
	{ .cores = { { 0, 1, 1, 0, 1 },
		     { 0, 2, 2, 0, 2 },
		     { 0, 4, 4, 0, 2 },
		     { 0, 8, 8, 0, 2 } },
	  .place = "l3",
	  .workers = 4,
	  .plan = "0.0.0{0} 0.0.1{1} 0.0.2{2} 0.0.3{3}" },
	/* Nodes whose cores alternate are put together. */
	{ .cores = { { 0, 1, 1, 0, 0 },
		     { 1, 2, 2, 0, 0 },
		     { 0, 4, 4, 0, 0 },
		     { 1, 8, 8, 0, 0 } },
	  .place = "numa",
	  .plan = "0.0.0{0,2} 0.1.1{1,3}" },
	/* Cores that lie in no node: a separate part, after the nodes'
	 * parts. */
	{ .cores = { { -1, 1, 1, 0, 0 },
		     { -1, 2, 2, 0, 0 },
		     { 0, 4, 4, 0, 0 },
		     { 1, 8, 8, 0, 0 } },
	  .place = "numa",
	  .plan = "0.0.2{2} 0.1.3{3} 0.-1.0{0,1}" },
	{ .cores = { { -1, 1, 1, 0, 0 },
		     { -1, 2, 2, 0, 0 },
		     { 0, 4, 4, 0, 0 },
		     { 1, 8, 8, 0, 0 } },
	  .place = "numa",
	  .workers = 2,
	  .plan = "0.0.2{2} 0.1.3{3}" },
	{ .cores = { { -1, 1, 1, 0, 0 }, { 0, 2, 2, 0, 0 } },
	  .place = "0,1",
	  .plan = "0.-1.0{0} 0.0.1{1}" },
	/* Caches may have higher numbers than there are cores: some have CPUs
	 * whose cores the system hides. */
	{ .cores = { { 0, 1, 1, 0, 4000 } },
	  .place = "core",
	  .plan = "0.0.0{0}" },
	{ .cores = { { 0, 1, 1, 0, 0 }, { 0, 2, 2, 0, 0 } },
	  .quota = 64,
	  .place = "core",
	  .plan = "0.0.0{0} 0.0.1{1}" },
};

static void write_down(struct topology *topology, struct core *cores,
		       const struct given *it)
{
	static struct node nodes[CORES_MAX];

	*topology = (struct topology){ .cores = cores,
				       .nodes = nodes,
				       .package_count = 1,
				       .kind_count = 1,
				       .quota_cpus = it->quota };
	for (int i = 0; i < CORES_MAX && it->cores[i].pus; i++) {
		cores[i] = (struct core){ .number = i,
					  .node = it->cores[i].node,
					  .kind = it->cores[i].kind,
					  .l3 = it->cores[i].l3 - 1,
					  .l2 = -1 };
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

START_TEST(no_usable_core_is_an_error)
{
	const struct given it = { .cores = { { 0, 1, 0, 0, 0 } } };
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

/* ---- refusals ---- */

#define NOT_A_PLACE                                                            \
	"not a policy; use core, pu, l2, l3, numa, package (l3:2 for two an "  \
	"L3), spread, compact, none, or cores such as 0,2,4-7"

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
	{ { .place = "l3:" }, "place \"l3:\": " NOT_A_PLACE },
	{ { .place = "l3:0" }, "place \"l3:0\": " NOT_A_PLACE },
	{ { .place = "l3:x" }, "place \"l3:x\": " NOT_A_PLACE },
	{ { .place = "numa:-1" }, "place \"numa:-1\": " NOT_A_PLACE },
	{ { .place = "spread:2" }, "place \"spread:2\": " NOT_A_PLACE },
	{ { .place = "none:1" }, "place \"none:1\": " NOT_A_PLACE },
	{ { .place = "pu:2" }, "place \"pu:2\": " NOT_A_PLACE },
	{ { .place = "L3" }, "place \"L3\": " NOT_A_PLACE },
	{ { .place = "l3" },
	  "place \"l3\": this machine shows no L3 cache; use core, pu, numa "
	  "or package" },
	{ { .place = "l2:2", .topology = "l3:1 core:2 pu:1" },
	  "place \"l2:2\": this machine shows no L2 cache; use core, pu, l3, "
	  "numa or package" },
	{ { .place = "numa:5" },
	  "place \"numa:5\": NUMA node 0 has 4 usable cores, so at most "
	  "numa:4" },
	{ { .place = "l3:99999999999", .topology = "l3:2 core:2 pu:2" },
	  "place \"l3:99999999999\": L3 cache 0 has 2 usable cores, so at most "
	  "l3:2" },
	{ { .place = "core:2" },
	  "place \"core:2\": core 0 has 1 usable hardware thread, so at most "
	  "core:1" },
	{ { .place = "numa:2", .workers = 3 },
	  "place \"numa:2\": has room for 2, not 3" },
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
				.topology = "package:2 [numa(memory=1GB)]"
					    "[numa(memory=2GB)] core:3 pu:1" }),
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
	Suite *suite = suite_create("place");
	TCase *cases = make_tcase("machines", 10);
	TCase *refusal = make_tcase("refusal", 10);
	TCase *here = make_tcase("here", 10);

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

	tcase_add_loop_test(refusal, bad_input_is_refused_in_one_line, 0,
			    LENGTH(refused));
	tcase_add_test(refusal, too_long_a_list_is_refused);
	tcase_add_test(refusal, no_usable_core_is_an_error);
	suite_add_tcase(suite, refusal);

	tcase_add_test(here, another_machine_is_not_bound_to);
	tcase_add_test(here, environment_is_the_fallback);
	tcase_add_test(here, here_plans_keep_to_the_affinity);
	tcase_add_test(here, here_plans_can_be_pinned_and_read_back);
	tcase_add_test(here, workers_are_where_planned);
	tcase_add_test(here, workers_know_the_cpu_they_are_on);
	suite_add_tcase(suite, here);
	return suite;
}
