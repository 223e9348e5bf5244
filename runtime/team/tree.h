/* SPDX-License-Identifier: MIT */
/*
 * tree.h - the tree of ranks, where there are too many ranks to look at each other.
 *
 * Rank 0 is the root.  The children of rank r are r + i * width, i from 1 to fan - 1,
 * for every power `width` of `fan` that r is a multiple of.  So a rank's subtree is
 * the ranks from the rank to the next number outside of the subtree, and a fold in
 * the order of children is a fold in the order of ranks.  With a fan of 8:
 *
 *	0 -> 1 to 7, 8, 16, 24, ..., 56, 64, 128, ...
 *	8 -> 9 to 15
 *	64 -> 65 to 71, 72, 80, ..., 120
 */
#ifndef RUNRIG_TREE_H
#define RUNRIG_TREE_H

/* Children of an inner rank, for every level of the tree. */
#define TREE_FAN 8

/* Children of a rank: TREE_FAN - 1 on each of five levels, for 32 768 ranks; or,
 * of a fan that is the size, all other ranks. */
#define TREE_CHILDREN_MAX (5 * (TREE_FAN - 1))

/* The children of `rank` of `size` in rising order.  Returns how many. */
static inline int tree_children(int rank, int size, int fan,
				int children[TREE_CHILDREN_MAX])
{
	int count = 0;

	for (int width = 1; width < size && rank % (width * fan) == 0;
	     width *= fan)
		for (int i = 1; i < fan && rank + i * width < size; i++)
			children[count++] = rank + i * width;
	return count;
}

/* The parent of `rank`, which is not 0: `rank` without the last digit, to the base
 * of `fan`, other than 0. */
static inline int tree_parent(int rank, int fan)
{
	int width = fan;

	while (rank % width == 0)
		width *= fan;
	return rank - rank % width;
}

#endif
