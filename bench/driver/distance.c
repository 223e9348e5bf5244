/* SPDX-License-Identifier: MIT */
/*
 * distance.c - choose the PUs of two sides by the distance between the PUs.
 */
#include "driver/distance.h"

#include <stdbool.h>
#include <string.h>

#include <runrig/runrig.h>

/* The number of the n-th usable PU of a core; -1: the core has fewer. */
static int pu_of(const struct rig_core *core, int n)
{
	for (int pu = 0; pu < RIG_PUS_MAX; pu++)
		if (core->ours[pu / 64] >> pu % 64 & 1 && n-- == 0)
			return pu;
	return -1;
}

static bool far_as(enum distance distance, const struct rig_core *a,
		   const struct rig_core *b)
{
	bool l3 = a->l3 >= 0 && a->l3 == b->l3;

	switch (distance) {
	case DISTANCE_L3:
		return l3;
	case DISTANCE_NODE:
		return a->node == b->node && !l3;
	default:
		return a->node != b->node;
	}
}

/* The first pair of usable cores at the distance. */
static const char *choose(const struct rig_plan *plan, enum distance distance,
			  int cpu[2])
{
	static const char *const none[] = {
		[DISTANCE_CORES] = "no two workers can be placed",
		[DISTANCE_PU] = "no usable PU",
		[DISTANCE_SMT] = "no core has two usable hardware threads",
		[DISTANCE_L3] = "no two usable cores share an L3 cache",
		[DISTANCE_NODE] =
			"no NUMA node has usable cores of two L3 caches",
		[DISTANCE_OTHER] = "usable cores of one NUMA node only",
	};

	for (int i = 0; i < plan->machine_cores; i++) {
		const struct rig_core *a = &plan->machine[i];

		cpu[0] = pu_of(a, 0);
		cpu[1] = distance == DISTANCE_PU ? cpu[0] : pu_of(a, 1);
		if (distance <= DISTANCE_SMT) {
			if (cpu[0] >= 0 && cpu[1] >= 0)
				return NULL;
			continue;
		}
		for (int k = i + 1; k < plan->machine_cores; k++) {
			cpu[1] = pu_of(&plan->machine[k], 0);
			if (cpu[0] >= 0 && cpu[1] >= 0 &&
			    far_as(distance, a, &plan->machine[k]))
				return NULL;
		}
	}
	return none[distance];
}

const char *distance_place(enum distance distance, int pairs, int cpu[][2],
			   _Bool *crowded, int *nodes)
{
	struct rig_plan *plan;
	const char *missing = NULL;

	memset(cpu, 0xff, (size_t)pairs * sizeof(*cpu));
	*nodes = 1;
	*crowded = false;
	if (rig_place_plan(&plan, &(struct rig_place_options){
					  .workers = 2 * pairs }) < 0)
		return distance == DISTANCE_CORES ? NULL
						  : "no topology is known";
	*nodes = plan->machine_nodes;
	*crowded = plan->pus < 2 * pairs || distance == DISTANCE_PU;
	/* Neighbours; or, where PUs are shared, two of the whole row. */
	for (int i = 0; i < pairs; i++) {
		int first = plan->oversubscribed ? i : 2 * i;
		int second = plan->oversubscribed ? pairs + i : 2 * i + 1;

		cpu[i][0] = plan->spots[first].pu;
		cpu[i][1] = plan->spots[second].pu;
	}
	if (distance != DISTANCE_CORES && pairs > 1)
		missing = "one pair only is placed by distance";
	else if (distance != DISTANCE_CORES)
		missing = choose(plan, distance, cpu[0]);
	rig_place_free(plan);
	return missing;
}
