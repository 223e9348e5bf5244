/* SPDX-License-Identifier: MIT */
/*
 * distance.h - how far apart the two sides of a pair are.
 */
#ifndef RIGBENCH_DISTANCE_H
#define RIGBENCH_DISTANCE_H

/* Classes of distance, as the topology knows them. */
enum distance {
	DISTANCE_CORES, /* where the first two workers of a pool go */
	DISTANCE_PU,    /* both on one PU */
	DISTANCE_SMT,   /* on two PUs of a core */
	DISTANCE_L3,    /* on two cores of an L3 cache */
	DISTANCE_NODE,  /* of a NUMA node, with an L3 each */
	DISTANCE_OTHER  /* on two NUMA nodes */
};

/*
 * The PUs of `pairs` pairs: cpu[i] is pair i's.  Where there are not enough,
 * they are shared, and *crowded is set.  Returns NULL, or words that say why
 * there are no two such PUs.  *nodes is how many NUMA nodes there are.
 */
const char *distance_place(enum distance distance, int pairs, int cpu[][2],
			   _Bool *crowded, int *nodes);

#endif
