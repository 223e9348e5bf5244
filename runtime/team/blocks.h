/* SPDX-License-Identifier: MIT */
/*
 * blocks.h - a buffer of one block a rank, as MPI describes it.
 */
#ifndef RUNRIG_BLOCKS_H
#define RUNRIG_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

/* In this process.  Each block `count` elements, one after the other; or, where
 * there are `counts`, as those and `displs` say. */
struct blocks {
	char *data;
	size_t item; /* bytes of an element */
	size_t count;
	const size_t *counts;
	const size_t *displs;
};

static inline size_t blocks_bytes(const struct blocks *blocks, int rank)
{
	return (blocks->counts ? blocks->counts[rank] : blocks->count) *
	       blocks->item;
}

static inline char *blocks_at(const struct blocks *blocks, int rank)
{
	return blocks->data + (blocks->displs ? blocks->displs[rank]
					      : (size_t)rank * blocks->count) *
				      blocks->item;
}

static inline size_t blocks_longest(const struct blocks *blocks, int size)
{
	size_t longest = 0;

	if (!blocks->counts)
		return blocks_bytes(blocks, 0);
	for (int i = 0; i < size; i++)
		if (blocks_bytes(blocks, i) > longest)
			longest = blocks_bytes(blocks, i);
	return longest;
}

/* How much of `bytes` lies in the piece of `piece` bytes from `from`. */
static inline size_t blocks_part(size_t bytes, size_t from, size_t piece)
{
	if (from >= bytes)
		return 0;
	return bytes - from < piece ? bytes - from : piece;
}

#endif
