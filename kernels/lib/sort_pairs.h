/* SPDX-License-Identifier: MIT */
/*
 * sort_pairs.h - keys with the places of their items, in the order of the keys
 * and then of the places.
 *
 * Unlike in sort_keys.h, items that compare as equal have equal keys here: both
 * zeros, and all NaNs.  A sort of pairs by radix is stable, and so the places
 * of equal items ascend.
 */
#ifndef KERNELS_SORT_PAIRS_H
#define KERNELS_SORT_PAIRS_H

#include <kernels/lib/sample.h>
#include <kernels/lib/sort_keys.h>

struct sort_pair {
	uint64_t key, place;
};

/* The key of item i; equal items have the same. */
static inline uint64_t pair_key(const struct sort_order *by, const char *items,
				size_t i, size_t bytes)
{
	return sort_least(by, sort_key(by, sort_load(items, i, bytes), bytes));
}

/*
 * The places of `items`, of 1, 2, 4 or 8 bytes each, in ascending order of the
 * items, in sample->x as uint64_t.  sample->dealt has two pairs for each item;
 * sample->memory is sample_memory(sizeof(uint64_t)).  Called by every rank;
 * waits.
 */
int sort_pairs(const struct sample *sample, const struct sort_order *by,
	       const char *items, size_t bytes);

#endif
