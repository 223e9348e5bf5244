/* SPDX-License-Identifier: MIT */
/*
 * place_parts.h - machines, and plans as text, for the tests of places.
 *
 * A plan is compared as text, a word a rank: "package.node.core{PUs}", with a '
 * where the rank shares a core.
 */
#ifndef RUNRIG_TESTS_PLACE_PARTS_H
#define RUNRIG_TESTS_PLACE_PARTS_H

#include "place/place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/pool.h>

#include "lib/harness.h"

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- plans as text ---- */

static inline void put_set(FILE *to, const uint64_t *set)
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
static inline char *as_text(const struct rig_plan *plan)
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
static inline void check_sets(const struct rig_plan *plan)
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

static inline void check_plan(struct rig_plan *plan, const char *expected,
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

static inline void write_down(struct topology *topology, struct core *cores,
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

/* ---- refusals ---- */

#define NOT_A_PLACE                                                            \
	"not a policy; use core, pu, l2, l3, numa, package (l3:2 for two an "  \
	"L3), spread, compact, none, or cores such as 0,2,4-7"

#endif
