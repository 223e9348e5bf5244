/* SPDX-License-Identifier: MIT */
/*
 * mg_charges.h - the points of NPB's MG that have a charge.
 */
#ifndef KERNELS_MG_CHARGES_H
#define KERNELS_MG_CHARGES_H

#include <stddef.h>
#include <stdint.h>

#include <runrig/team.h>

#define CHARGES 10 /* points of each sign */

/* Numbers of points, in the order of the points' planes. */
struct mg_charges {
	uint64_t positive[CHARGES], negative[CHARGES];
};

/* Find the charges of all points, of which this rank looks at points `begin` to
 * `end` - 1.  Every rank calls, and gets all charges.  0, or -ENOMEM. */
int mg_charges_find(struct rig_team *team, size_t begin, size_t end,
		    struct mg_charges *charges);

/* The memory for that of all ranks of a team of `size`, each. */
size_t mg_charges_bytes(int size);

#endif
