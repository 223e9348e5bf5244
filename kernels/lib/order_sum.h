/* SPDX-License-Identifier: MIT */
/*
 * order_sum.h - sums of items that tell their order.
 *
 * Every item becomes one word, a hash of its bytes and its place, and these are
 * added up.  So the sum of an array is that of its parts in any order, by any
 * number of ranks, while an item that is wrong, missing, out of place or mixed
 * up with another changes it: two different arrays have the same sum with a
 * probability of 2^-64.
 */
#ifndef KERNELS_ORDER_SUM_H
#define KERNELS_ORDER_SUM_H

#include <stddef.h>
#include <stdint.h>

#include <runrig/kernel.h>

/*
 * The sum of `count` items of 1, 2, 4 or a multiple of 8 bytes at `items`, of
 * which the first has place `place` and each further one the next, or, with
 * step -1, the one before.  With step 0 all have the same place, and the sum
 * does not tell their order.
 */
uint64_t sum_items(const void *items, size_t count, size_t item_bytes,
		   size_t place, int step);

/* The same of a strip of the job's array `index`, each item at its own place:
 * what the digest of an array is that a kernel only reads. */
uint64_t sum_strip(struct rig_team *team, int index, size_t item_bytes,
		   struct rig_span strip);

#endif
