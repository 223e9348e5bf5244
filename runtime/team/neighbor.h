/* SPDX-License-Identifier: MIT */
/*
 * neighbor.h - the neighbours of a rank in a grid, and the parts of an array that
 * neighbours exchange: shared by the forms that wait and the forms that do not.
 *
 * A halo is exchanged one dimension after the other, each slab over the whole
 * width of the array: so corners arrive by way of the neighbours between.
 */
#ifndef RUNRIG_NEIGHBOR_H
#define RUNRIG_NEIGHBOR_H

#include <stdbool.h>
#include <stddef.h>

#include <runrig/cart.h>

#include "team/blocks.h"
#include "team/verb.h"

/* Neighbours of a rank; neighbour `side` is in dimension side / 2. */
#define SIDES_MAX (2 * RIG_DIMS_MAX)

/* 0, or -EINVAL with `name` in the words: the team is no grid. */
int cart_check(struct rig_team *team, const char *name);

/* The rank `disp` further on in dimension `dim`; RIG_PROC_NULL: beyond an edge. */
int cart_neighbor(const struct rig_team *team, int dim, int disp);

static inline int cart_side(const struct rig_team *team, int side)
{
	return cart_neighbor(team, side / 2, side % 2 ? 1 : -1);
}

/* Can the blocks be exchanged with all neighbours?  `one`: all get block 0.  0, or
 * -EINVAL with the words. */
int neighbor_check(struct rig_team *team, enum verb verb,
		   const struct blocks *from, bool one,
		   const struct blocks *to);

/* In this process: `width` layers of one dimension of an array, as `outer` runs of
 * `run` bytes that are `stride` apart. */
struct slab {
	size_t outer;
	size_t layer; /* bytes of a layer in a run */
	size_t stride;
	size_t run;
};

struct slab slab_of(const struct rig_team *team, const size_t *extents, int dim,
		    size_t width, size_t item);

/* Copy the slab that begins at `array` to `packed`, or back. */
void slab_pack(const struct slab *slab, char *packed, char *array, bool unpack);

/* The arguments of a halo: 0 and the bytes of the longest slab, or -EINVAL. */
int halo_check(struct rig_team *team, enum verb verb, const size_t *extents,
	       size_t width, size_t item, size_t *longest);

#endif
