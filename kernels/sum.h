/* SPDX-License-Identifier: MIT */
/*
 * sum.h - sums of items that tell their order.
 *
 * Every item is mixed with its place, and the mixed words are added up, so the
 * sum of an array is that of its parts in any order, by any number of ranks,
 * while an item that is wrong, missing or out of place changes it: that two
 * arrays have the same sum by chance has a probability of 2^-64.
 */
#ifndef KERNELS_SUM_H
#define KERNELS_SUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * The sum of `count` items of 1, 2, 4 or a multiple of 8 bytes at `items`, of
 * which the first has place `place` and each further one the next, or, with
 * step -1, the one before.
 */
uint64_t sum_items(const void *items, size_t count, size_t item_bytes,
		   size_t place, int step);

#endif
