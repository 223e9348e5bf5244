/* SPDX-License-Identifier: MIT */
/*
 * blocks.c - before a byte is moved: sizes of blocks that wrap around, and buffers
 * that overlap, are refused.
 */
#include "team/blocks.h"

#include <errno.h>

#include "base/size.h"
#include "team/type.h"

/* From where to where the bytes of all blocks are, and how many. */
struct extent {
	size_t begin;
	size_t end;
	size_t bytes;
};

/* The block of `rank`: false where a number does not fit. */
static bool measure(const struct blocks *blocks, int rank, size_t *begin,
		    size_t *bytes)
{
	const size_t count =
		blocks->counts ? blocks->counts[rank] : blocks->count;
	size_t first, end;

	if (blocks->displs)
		first = blocks->displs[rank];
	else if (!size_mul((size_t)rank, blocks->count, &first))
		return false;
	return size_mul(count, blocks->item, bytes) &&
	       size_mul(first, blocks->item, begin) &&
	       size_add(*begin, *bytes, &end) &&
	       size_add((size_t)(uintptr_t)blocks->data, end, &end);
}

/* Words for blocks of no type, or beyond all memory. */
static int refuse(struct rig_team *team, enum verb verb,
		  const struct blocks *blocks, int rank)
{
	const size_t count =
		blocks->counts ? blocks->counts[rank] : blocks->count;

	if (blocks->item == 0)
		return rig_team_fail(team, -EINVAL, "%s: no type %s",
				     verb_name(verb),
				     type_name(blocks->type).text);
	return rig_team_fail(team, -EINVAL,
			     "%s: block %d, %zu elements of type %s from "
			     "element %zu on, ends beyond all memory",
			     verb_name(verb), rank, count,
			     type_name(blocks->type).text,
			     blocks->displs ? blocks->displs[rank]
					    : (size_t)rank * blocks->count);
}

static int check(struct rig_team *team, enum verb verb,
		 const struct blocks *blocks, int count, struct extent *all)
{
	size_t begin, bytes;

	*all = (struct extent){ SIZE_MAX, 0, 0 };
	for (int i = 0; i < count; i++) {
		if (blocks->item == 0 || !measure(blocks, i, &begin, &bytes) ||
		    !size_add(all->bytes, bytes, &all->bytes))
			return refuse(team, verb, blocks, i);
		if (bytes && begin < all->begin)
			all->begin = begin;
		if (bytes && begin + bytes > all->end)
			all->end = begin + bytes;
	}
	return 0;
}

static bool blocks_meet(const struct blocks *a, int i, const struct blocks *b,
			int k)
{
	return buffers_overlap(blocks_at(a, i), blocks_bytes(a, i),
			       blocks_at(b, k), blocks_bytes(b, k));
}

/* Gaps between blocks are nobody's: where the whole overlaps, each is looked at. */
static bool overlap(const struct blocks *a, int a_count,
		    const struct extent *a_all, const struct blocks *b,
		    int b_count, const struct extent *b_all)
{
	if (a_all->bytes == 0 || b_all->bytes == 0 ||
	    !buffers_overlap(a->data + a_all->begin, a_all->end - a_all->begin,
			     b->data + b_all->begin, b_all->end - b_all->begin))
		return false;
	for (int i = 0; i < a_count; i++)
		for (int k = 0; k < b_count; k++)
			if (blocks_meet(a, i, b, k))
				return true;
	return false;
}

int blocks_check(struct rig_team *team, enum verb verb,
		 const struct blocks *from, int from_count,
		 const struct blocks *to, int to_count)
{
	struct extent sent, received;
	int r = rank_check_thread(team->owner, verb_name(verb));

	if (r == 0)
		r = check(team, verb, from, from_count, &sent);
	if (r == 0)
		r = check(team, verb, to, to_count, &received);
	if (r == 0 && overlap(from, from_count, &sent, to, to_count, &received))
		r = terms_overlap(team, verb);
	return r;
}
