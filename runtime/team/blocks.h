/* SPDX-License-Identifier: MIT */
/*
 * blocks.h - a buffer with a block for each rank, as MPI describes such a buffer.
 */
#ifndef RUNRIG_BLOCKS_H
#define RUNRIG_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <runrig/collective.h>

#include "team/call.h"

/* In this process.  Each block has `count` elements, one block after the other; or,
 * with `counts`, the lengths and places of `counts` and `displs`. */
struct blocks {
	char *data;
	int type;
	size_t item; /* bytes of an element; 0: there is no such type */
	size_t count;
	const size_t *counts;
	const size_t *displs;
};

/* `count` elements of `type` each. */
static inline struct blocks blocks_alike(const void *data, int type,
					 size_t count)
{
	return (struct blocks){ .data = (char *)(uintptr_t)data,
				.type = type,
				.item = rig_type_bytes(type),
				.count = count };
}

/* As many as counts[rank] says, from element displs[rank] on. */
static inline struct blocks blocks_each(const void *data, int type,
					const size_t *counts,
					const size_t *displs)
{
	return (struct blocks){ .data = (char *)(uintptr_t)data,
				.type = type,
				.item = rig_type_bytes(type),
				.counts = counts,
				.displs = displs };
}

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

/* Elements of all blocks; or of each block, where all blocks are alike, since ranks
 * that agree on a block's length agree on the sum. */
static inline size_t blocks_count(const struct blocks *blocks, int size)
{
	size_t sum = 0;

	if (!blocks->counts)
		return blocks->count;
	for (int i = 0; i < size; i++)
		sum += blocks->counts[i];
	return sum;
}

/*
 * Of the first `from_count` blocks to send and `to_count` blocks to receive: do the
 * numbers fit, and is no byte in both?  With 0 blocks the buffer is not looked at, as
 * for data in place.  Returns 0, or -EINVAL with the words.
 */
int blocks_check(struct rig_team *team, enum verb verb,
		 const struct blocks *from, int from_count,
		 const struct blocks *to, int to_count);

/* How much of `bytes` lies in the piece of `piece` bytes from `from`. */
static inline size_t blocks_part(size_t bytes, size_t from, size_t piece)
{
	if (from >= bytes)
		return 0;
	return bytes - from < piece ? bytes - from : piece;
}

#endif
