/* SPDX-License-Identifier: MIT */
/*
 * splitters.h - which of 256 buckets items belong to, many items at once.
 */
#ifndef KERNELS_SPLITTERS_H
#define KERNELS_SPLITTERS_H

#include <stddef.h>
#include <stdint.h>

#include <kernels/lib/sort_keys.h>

#define SPLITTERS (SAMPLE_BUCKETS - 1)

/*
 * The bucket of an item is the number of splitters, keys in ascending order, that
 * are at most the item's key; with `least`, the least of the keys that compare as
 * equal.  Notes the buckets of `count` items of `bytes` bytes, 4 or 8, in vectors,
 * and returns of how many: fewer than a vector's are left, or all where this CPU
 * has no vectors for it.
 */
size_t splitters_note(const uint64_t splitters[SPLITTERS],
		      const struct sort_order *by, bool least,
		      const char *items, size_t count, size_t bytes,
		      uint8_t *notes);

#endif
