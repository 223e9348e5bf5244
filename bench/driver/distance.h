/* SPDX-License-Identifier: MIT */
/*
 * distance.h - how far apart the two sides of a pair are.
 */
#ifndef RIGBENCH_DISTANCE_H
#define RIGBENCH_DISTANCE_H

/* Classes of distance, as the topology knows them. */
enum distance {
	DISTANCE_CORES, /* where the first two workers of a pool go */
	DISTANCE_PU,    /* both on the same PU */
	DISTANCE_SMT,   /* on two PUs of a core */
	DISTANCE_L3,    /* on two cores of an L3 cache */
	DISTANCE_NODE,  /* within a NUMA node, each with another L3 */
	DISTANCE_OTHER  /* on two NUMA nodes */
};

/*
 * The PUs of `pairs` pairs: cpu[i] is pair i's.  Where there are not enough
 * PUs, pairs share PUs, and *crowded is set.  Returns NULL, or words that tell
 * why there are no two such PUs. *nodes is the number of NUMA nodes.
 */
const char *distance_place(enum distance distance, int pairs, int cpu[][2],
			   _Bool *crowded, int *nodes);

#endif
