/* SPDX-License-Identifier: MIT */
/*
 * order_sum.h - sums that depend on the order of the items.
 *
 * Every item becomes a word, a hash of the item's bytes and place, and the
 * words are added up.  The sum of an array is therefore the sum of its parts,
 * in any order and by any number of ranks.  A wrong, missing, misplaced or
 * exchanged item changes the sum: two different arrays have the same sum with a
 * probability of 2^-64.
 */
#ifndef KERNELS_ORDER_SUM_H
#define KERNELS_ORDER_SUM_H

#include <stddef.h>
#include <stdint.h>

#include <runrig/kernel.h>

/*
 * The sum of `count` items of 1, 2, 4 or a multiple of 8 bytes at `items`.  The
 * first item has place `place`, and each further item the next place, or, with
 * step -1, the place before.  With step 0 all items have the same place, and
 * the sum does not depend on the order.
 */
uint64_t sum_items(const void *items, size_t count, size_t item_bytes,
		   size_t place, int step);

/* The same for a strip of the job's array `index`, each item at its own place:
 * the digest of an array that a kernel only reads. */
uint64_t sum_strip(struct rig_team *team, int index, size_t item_bytes,
		   struct rig_span strip);

#endif
