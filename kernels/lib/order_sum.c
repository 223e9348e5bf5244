/* SPDX-License-Identifier: MIT */
/*
 * order_sum.c - sums that depend on the order of the items.
 */
#include <kernels/lib/order_sum.h>

#include <string.h>

#include <kernels/lib/clones.h>

/* A word and its place, mixed like the last step of a hash: every bit of either
 * changes every bit of the result.  For a fixed place the function is a
 * bijection. */
INLINE uint64_t mix(uint64_t word, uint64_t place)
{
	word = (word + UINT64_C(0x9e3779b97f4a7c15)) *
	       UINT64_C(0xbf58476d1ce4e5b9);
	word ^= word >> 32;
	word += place * UINT64_C(0x9fb21c651e98df25);
	word *= UINT64_C(0x94d049bb133111eb);
	word ^= word >> 29;
	word *= UINT64_C(0xd6e8feb86659fd93);
	return word ^ word >> 32;
}

/* `bytes` (the size of an item, or of a word of an item) is a constant.  Each
 * word is mixed with the words before, so that two items cannot exchange a word
 * unnoticed. */
INLINE uint64_t sum(const char *at, size_t count, size_t words, size_t bytes,
		    uint64_t place, uint64_t step)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++, place += step) {
		uint64_t mixed = place;

		for (size_t w = 0; w < words; w++, at += bytes) {
			uint64_t word = 0;

			memcpy(&word, at, bytes);
			mixed = mix(word, mixed);
		}
		total += mixed;
	}
	return total;
}

uint64_t sum_items(const void *items, size_t count, size_t item_bytes,
		   size_t place, int step)
{
	uint64_t by = (uint64_t)(int64_t)step;

	switch (item_bytes) {
	case 1:
		return sum(items, count, 1, 1, place, by);
	case 2:
		return sum(items, count, 1, 2, place, by);
	case 4:
		return sum(items, count, 1, 4, place, by);
	case 8:
		return sum(items, count, 1, 8, place, by);
	default:
		return sum(items, count, item_bytes / 8, 8, place, by);
	}
}

uint64_t sum_strip(struct rig_team *team, int index, size_t item_bytes,
		   struct rig_span strip)
{
	const char *items = rig_team_data(team, index);

	return sum_items(items + strip.begin * item_bytes,
			 strip.end - strip.begin, item_bytes, strip.begin, 1);
}
