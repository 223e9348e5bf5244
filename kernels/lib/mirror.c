/* SPDX-License-Identifier: MIT */
/*
 * mirror.c - items in reverse order, as fast as memory allows.
 *
 * A separate loop for each size of an item lets the compiler see a constant.
 * Loops walk through `high` and `from` from the end.
 */
#include <kernels/lib/mirror.h>

#include <stdint.h>
#include <string.h>

#include <kernels/lib/clones.h>

/* Bytes and words that may be part of anything, words at any address. */
typedef uint8_t any8 __attribute__((may_alias));
typedef uint64_t any64 __attribute__((aligned(1), may_alias));

/* A word's items of 1, 2 or 4 bytes in reverse order. */
INLINE uint64_t turn(uint64_t word, size_t item)
{
	const uint64_t low = UINT64_C(0x0000ffff0000ffff);

	if (item == 1)
		return __builtin_bswap64(word);
	word = word << 32 | word >> 32;
	return item == 2 ? (word & low) << 16 | (word >> 16 & low) : word;
}

/* Whole words, each turned round, then the items that are left. */
INLINE void swap_small(any8 *restrict low, any8 *restrict high, size_t count,
		       size_t item)
{
	size_t bytes = count * item;
	size_t at = 0;

	for (; at + sizeof(any64) <= bytes; at += sizeof(any64)) {
		any64 *a = (any64 *)(low + at);
		any64 *b = (any64 *)(high + bytes - sizeof(any64) - at);
		uint64_t word = *a;

		*a = turn(*b, item);
		*b = turn(word, item);
	}
	for (; at < bytes; at += item) {
		any8 *b = high + bytes - item - at;
		uint64_t word = 0;

		memcpy(&word, low + at, item);
		memcpy(low + at, b, item);
		memcpy(b, &word, item);
	}
}

INLINE void copy_small(any8 *restrict to, const any8 *restrict from,
		       size_t count, size_t item)
{
	size_t bytes = count * item;
	size_t at = 0;

	for (; at + sizeof(any64) <= bytes; at += sizeof(any64)) {
		const any8 *b = from + bytes - sizeof(any64) - at;

		*(any64 *)(to + at) = turn(*(const any64 *)b, item);
	}
	for (; at < bytes; at += item)
		memcpy(to + at, from + bytes - item - at, item);
}

/* Items of a word or of several words: the words of an item keep their
 * order. */
INLINE void swap_words(any64 *restrict low, any64 *restrict high, size_t count,
		       size_t words)
{
	for (size_t i = 0; i < count; i++) {
		any64 *a = low + i * words;
		any64 *b = high + (count - 1 - i) * words;

		for (size_t w = 0; w < words; w++) {
			uint64_t word = a[w];

			a[w] = b[w];
			b[w] = word;
		}
	}
}

INLINE void copy_words(any64 *restrict to, const any64 *restrict from,
		       size_t count, size_t words)
{
	for (size_t i = 0; i < count; i++)
		for (size_t w = 0; w < words; w++)
			to[i * words + w] = from[(count - 1 - i) * words + w];
}

bool mirror_knows(size_t item_bytes)
{
	switch (item_bytes) {
	case 1:
	case 2:
	case 4:
	case 8:
	case 16:
	case 32:
		return true;
	default:
		return false;
	}
}

void mirror_swap(void *low, void *high, size_t count, size_t item_bytes)
{
	switch (item_bytes) {
	case 1:
		swap_small(low, high, count, 1);
		break;
	case 2:
		swap_small(low, high, count, 2);
		break;
	case 4:
		swap_small(low, high, count, 4);
		break;
	case 8:
		swap_words(low, high, count, 1);
		break;
	case 16:
		swap_words(low, high, count, 2);
		break;
	case 32:
		swap_words(low, high, count, 4);
		break;
	}
}

void mirror_copy(void *to, const void *from, size_t count, size_t item_bytes)
{
	switch (item_bytes) {
	case 1:
		copy_small(to, from, count, 1);
		break;
	case 2:
		copy_small(to, from, count, 2);
		break;
	case 4:
		copy_small(to, from, count, 4);
		break;
	case 8:
		copy_words(to, from, count, 1);
		break;
	case 16:
		copy_words(to, from, count, 2);
		break;
	case 32:
		copy_words(to, from, count, 4);
		break;
	}
}
