/* SPDX-License-Identifier: MIT */
/*
 * heap.c - malloc's calls in memory that all ranks of a team have mapped.
 *
 * Blocks lie one after the other from the first byte of the rank's part to `top`.  Each
 * block begins with a line of its own with the lengths of the block and of the block
 * below, so that the neighbours of a freed block are found and joined.  Free blocks are
 * in lists by length.  No two free blocks are neighbours, and the highest block is not
 * free: the memory above belongs to no block.
 *
 * Pages are asked for before any block is given, up to `there`: a lack of memory is an
 * error of the call, and not a SIGBUS at some store.  A long free block gives the pages
 * within the block back (the block is bare), and so does the memory far above `top`.
 */
#include "team/heap.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/size.h"
#include "machine/huge.h"
#include "machine/pages.h"
#include "team/rank.h"

/* Pages are asked for in units of this size; in a long heap in whole huge pages. */
#define STEP_BYTES ((size_t)256 << 10)

/* A free block of this size is bare; this many bytes above `top` keep their pages. */
#define SPARE_BYTES ((size_t)32 << 20)

#define MARK_USED UINT64_C(0x64657375706165e8)
#define MARK_FREE UINT64_C(0x65657266706165e8)

/* In the heap, before the bytes of a block. */
struct heap_block {
	uint64_t mark; /* MARK_..., added to the block's own offset */
	size_t bytes;  /* with this line: a multiple of RIG_LINE */
	size_t below;  /* bytes of the block below; 0: there is none */
	bool bare;     /* free, and some pages within are not there */
	/* Neighbours in the same bin. */
	struct heap_block *next;
	struct heap_block *previous;
};
_Static_assert(sizeof(struct heap_block) <= RIG_LINE, "one line");

static size_t offset_of(const struct rig_heap *heap, const void *at)
{
	return (size_t)((const char *)at - heap->base);
}

static struct heap_block *block_at(const struct rig_heap *heap, size_t offset)
{
	return (struct heap_block *)(void *)(heap->base + offset);
}

static struct heap_block *above(const struct rig_heap *heap,
				const struct heap_block *block)
{
	const size_t end = offset_of(heap, block) + block->bytes;

	return end < heap->top ? block_at(heap, end) : NULL;
}

static void *memory_of(struct heap_block *block)
{
	return (char *)block + RIG_LINE;
}

static void set_mark(const struct rig_heap *heap, struct heap_block *block,
		     uint64_t mark)
{
	block->mark = mark + offset_of(heap, block);
}

static bool has_mark(const struct rig_heap *heap,
		     const struct heap_block *block, uint64_t mark)
{
	return block->mark == mark + offset_of(heap, block);
}

/* Tell the block above `block`, or the top, how long `block` is. */
static void tell_above(struct rig_heap *heap, const struct heap_block *block)
{
	struct heap_block *next = above(heap, block);

	if (next)
		next->below = block->bytes;
	else
		heap->last = offset_of(heap, block);
}

/* ---- free blocks ---- */

static int bin_of(size_t bytes)
{
	const int bin = 63 - __builtin_clzll(bytes / RIG_LINE);

	return bin < HEAP_BINS ? bin : HEAP_BINS - 1;
}

static void put_free(struct rig_heap *heap, struct heap_block *block)
{
	const int bin = bin_of(block->bytes);

	set_mark(heap, block, MARK_FREE);
	block->previous = NULL;
	block->next = heap->bins[bin];
	if (block->next)
		block->next->previous = block;
	heap->bins[bin] = block;
	heap->filled |= UINT64_C(1) << bin;
}

static void take_out(struct rig_heap *heap, struct heap_block *block)
{
	const int bin = bin_of(block->bytes);

	if (block->previous)
		block->previous->next = block->next;
	else
		heap->bins[bin] = block->next;
	if (block->next)
		block->next->previous = block->previous;
	if (!heap->bins[bin])
		heap->filled &= ~(UINT64_C(1) << bin);
}

/* A free block of `bytes` or more, taken out; NULL: there is none. */
static struct heap_block *find_free(struct rig_heap *heap, size_t bytes)
{
	const int first = bin_of(bytes);
	uint64_t filled = heap->filled & ~UINT64_C(0) << first;

	for (; filled; filled &= filled - 1) {
		struct heap_block *block = heap->bins[__builtin_ctzll(filled)];

		/* In the first bin some are shorter. */
		while (block && block->bytes < bytes)
			block = block->next;
		if (block) {
			take_out(heap, block);
			return block;
		}
	}
	return NULL;
}

/* ---- pages ---- */

/* Have the pages of [begin, end) there, huge if possible. */
static int populate(const struct rig_heap *heap, size_t begin, size_t end)
{
	const size_t first = size_round_up(begin, HUGE_BYTES);

	begin &= ~(PAGE_BYTES - 1);
	if (first + HUGE_BYTES <= end) {
		huge_ask(heap->base + begin, end - begin);
		/* The kernel makes a huge page of a range that has a page. */
		for (size_t at = first; at + HUGE_BYTES <= end;
		     at += HUGE_BYTES)
			if (pages_populate(heap->base + at, PAGE_BYTES, true) <
			    0)
				return -ENOMEM;
		huge_collapse(heap->base, first, end);
	}
	return pages_populate(heap->base + begin, end - begin, true) < 0
		       ? -ENOMEM
		       : 0;
}

/* Pages up to `end` at least. */
static int grow(struct rig_heap *heap, size_t end)
{
	struct rank *owner = heap->owner;
	const size_t step = end < HUGE_BYTES ? STEP_BYTES : HUGE_BYTES;

	end = size_round_up(end, step);
	/* A process that clears the heap after a death must know of the pages
	 * first: pages that came before memory was out are cleared then, too. */
	store_relaxed(&owner->layout.team->heaped, 1);
	if (load_relaxed(&owner->mine->heap_there) < end)
		store_seq(&owner->mine->heap_there, end);
	if (populate(heap, heap->there, end) < 0)
		return -ENOMEM;
	heap->there = end;
	return 0;
}

/* Far above the top nobody needs pages; `bare`: some there are gone already. */
static void trim(struct rig_heap *heap, bool bare)
{
	const size_t from = size_round_up(heap->top, PAGE_BYTES);

	if (heap->there <= from || (!bare && heap->there - from <= SPARE_BYTES))
		return;
	pages_clear(heap->base + from, heap->there - from);
	heap->there = from;
	if (heap->dirty > from)
		heap->dirty = from;
}

static void make_bare(const struct rig_heap *heap, struct heap_block *block)
{
	const size_t begin = offset_of(heap, block);
	const size_t from = size_round_up(begin + RIG_LINE, HUGE_BYTES);
	const size_t end = (begin + block->bytes) & ~(HUGE_BYTES - 1);

	if (block->bytes < SPARE_BYTES || from >= end)
		return;
	pages_clear(heap->base + from, end - from);
	block->bare = true;
}

/* ---- giving and taking back ---- */

/* Make the part of `block`, a used block, from `bytes` on a block of its own, if
 * there is room for a block.  NULL: the block stays whole. */
static struct heap_block *split(struct rig_heap *heap, struct heap_block *block,
				size_t bytes)
{
	struct heap_block *rest;

	if (block->bytes - bytes < 2 * RIG_LINE)
		return NULL;
	rest = block_at(heap, offset_of(heap, block) + bytes);
	rest->bytes = block->bytes - bytes;
	rest->below = bytes;
	rest->bare = block->bare;
	block->bytes = bytes;
	tell_above(heap, rest);
	return rest;
}

/* Take back the whole of a block that is in no list. */
static void give_back(struct rig_heap *heap, struct heap_block *block)
{
	struct heap_block *next = above(heap, block);

	block->mark = 0;
	if (next && has_mark(heap, next, MARK_FREE)) {
		take_out(heap, next);
		next->mark = 0;
		block->bytes += next->bytes;
		block->bare |= next->bare;
	}
	if (block->below) {
		struct heap_block *low =
			block_at(heap, offset_of(heap, block) - block->below);

		if (has_mark(heap, low, MARK_FREE)) {
			take_out(heap, low);
			low->bytes += block->bytes;
			low->bare |= block->bare;
			block = low;
		}
	}
	if (!above(heap, block)) {
		heap->top = offset_of(heap, block);
		heap->last = heap->top - block->below;
		trim(heap, block->bare);
		return;
	}
	tell_above(heap, block);
	make_bare(heap, block);
	put_free(heap, block);
}

/* A block at the top. */
static struct heap_block *extend(struct rig_heap *heap, size_t bytes)
{
	const size_t at = heap->top;
	struct heap_block *block;

	if (bytes > heap->room - at)
		return NULL;
	if (at + bytes > heap->there && grow(heap, at + bytes) < 0)
		return NULL;
	block = block_at(heap, at);
	block->bytes = bytes;
	block->below = at ? at - heap->last : 0;
	block->bare = false;
	heap->top = at + bytes;
	heap->last = at;
	if (heap->dirty < heap->top)
		heap->dirty = heap->top;
	return block;
}

/* Take a used block of `bytes`, the line included. */
static struct heap_block *take(struct rig_heap *heap, size_t bytes)
{
	struct heap_block *block = find_free(heap, bytes), *rest;
	size_t begin;

	if (!block) {
		block = extend(heap, bytes);
		if (block)
			set_mark(heap, block, MARK_USED);
		return block;
	}
	begin = offset_of(heap, block);
	/* Also the pages of the line behind the block. */
	if (block->bare &&
	    populate(heap, begin,
		     size_round_up(begin + bytes + RIG_LINE, PAGE_BYTES)) < 0) {
		put_free(heap, block);
		return NULL;
	}
	rest = split(heap, block, bytes);
	if (rest)
		put_free(heap, rest);
	block->bare = false;
	set_mark(heap, block, MARK_USED);
	return block;
}

/* The bytes of a block for `bytes` bytes; 0: no number is large enough. */
static size_t whole_of(size_t bytes)
{
	if (bytes > SIZE_MAX / 4)
		return 0;
	return size_round_up(bytes ? bytes : 1, RIG_LINE) + RIG_LINE;
}

/* As take(), with the bytes of the block aligned to `alignment`, more than a line. */
static struct heap_block *take_aligned(struct rig_heap *heap, size_t alignment,
				       size_t bytes)
{
	struct heap_block *block = take(heap, bytes + alignment), *rest;
	uintptr_t memory;
	size_t skip;

	if (!block)
		return NULL;
	memory = (uintptr_t)memory_of(block);
	skip = size_round_up(memory, alignment) - memory;
	if (skip) {
		/* One line at least. */
		rest = block_at(heap, offset_of(heap, block) + skip);
		rest->bytes = block->bytes - skip;
		rest->below = skip;
		rest->bare = false;
		block->bytes = skip;
		tell_above(heap, rest);
		set_mark(heap, rest, MARK_USED);
		give_back(heap, block);
		block = rest;
	}
	rest = split(heap, block, bytes);
	if (rest)
		give_back(heap, rest);
	return block;
}

static void *refuse(int error, const char *what, size_t bytes)
{
	if (error == EINVAL)
		(void)rig_fail(-EINVAL, "heap: %s", what);
	else
		(void)rig_fail(-ENOMEM, "heap: no room for %zu bytes (%s)",
			       bytes, what);
	errno = error;
	return NULL;
}

static void *no_room(const struct rig_heap *heap, size_t bytes)
{
	if (!heap->base)
		return refuse(ENOMEM,
			      "the team's memory was made without heaps: the "
			      "address space had none, see ulimit -v and -f",
			      bytes);
	if (bytes > heap->room)
		return refuse(ENOMEM, "that is more than all of the heap",
			      bytes);
	return refuse(ENOMEM, "the heap or the machine is full", bytes);
}

static void *allocate(struct rig_heap *heap, size_t alignment, size_t bytes,
		      bool zero)
{
	const size_t whole = whole_of(bytes);
	struct heap_block *block = NULL;
	size_t dirty, begin;
	char *memory;

	if (!heap)
		return refuse(EINVAL, "NULL", 0);
	if (!whole || alignment > SIZE_MAX / 4)
		return no_room(heap, bytes);
	pthread_mutex_lock(&heap->lock);
	dirty = heap->dirty;
	if (heap->base)
		block = alignment <= RIG_LINE
				? take(heap, whole)
				: take_aligned(heap, alignment, whole);
	pthread_mutex_unlock(&heap->lock);
	if (!block)
		return no_room(heap, bytes);
	memory = memory_of(block);
	begin = offset_of(heap, memory);
	if (zero && begin < dirty)
		memset(memory, 0,
		       dirty - begin < bytes ? dirty - begin : bytes);
	return memory;
}

/* The used block of `memory`; NULL: no block. */
static struct heap_block *find_used(const struct rig_heap *heap,
				    const void *memory)
{
	const uintptr_t at = (uintptr_t)memory - (uintptr_t)heap->base;
	struct heap_block *block;

	if (!heap->base || at < RIG_LINE || at >= heap->top || at % RIG_LINE)
		return NULL;
	block = block_at(heap, at - RIG_LINE);
	return has_mark(heap, block, MARK_USED) ? block : NULL;
}

void *rig_heap_malloc(struct rig_heap *heap, size_t bytes)
{
	return allocate(heap, 0, bytes, false);
}

void *rig_heap_calloc(struct rig_heap *heap, size_t count, size_t bytes)
{
	size_t all;

	if (!heap)
		return refuse(EINVAL, "NULL", 0);
	if (!size_mul(count, bytes, &all))
		return refuse(ENOMEM, "the product is no number", bytes);
	return allocate(heap, 0, all, true);
}

void *rig_heap_aligned(struct rig_heap *heap, size_t alignment, size_t bytes)
{
	if (alignment == 0 || (alignment & (alignment - 1)))
		return refuse(EINVAL, "the alignment is no power of two", 0);
	return allocate(heap, alignment, bytes, false);
}

/* Lengthen the block in place, if the memory above is free or belongs to no block. */
static bool stretch(struct rig_heap *heap, struct heap_block *block,
		    size_t whole)
{
	struct heap_block *next = above(heap, block);
	const size_t at = offset_of(heap, block);

	if (!next) {
		if (whole > heap->room - at ||
		    (at + whole > heap->there && grow(heap, at + whole) < 0))
			return false;
		block->bytes = whole;
		heap->top = at + whole;
		if (heap->dirty < heap->top)
			heap->dirty = heap->top;
		return true;
	}
	if (!has_mark(heap, next, MARK_FREE) || next->bare ||
	    block->bytes + next->bytes < whole)
		return false;
	take_out(heap, next);
	block->bytes += next->bytes;
	tell_above(heap, block);
	return true;
}

void *rig_heap_realloc(struct rig_heap *heap, void *memory, size_t bytes)
{
	const size_t whole = whole_of(bytes);
	struct heap_block *block, *rest = NULL;
	size_t had;
	bool fits;
	void *moved;

	if (!heap || !memory)
		return allocate(heap, 0, bytes, false);
	if (!whole)
		return no_room(heap, bytes);
	pthread_mutex_lock(&heap->lock);
	block = find_used(heap, memory);
	if (!block) {
		pthread_mutex_unlock(&heap->lock);
		return refuse(EINVAL, "realloc of what it has not given", 0);
	}
	had = block->bytes - RIG_LINE;
	fits = whole <= block->bytes || stretch(heap, block, whole);
	if (fits)
		rest = split(heap, block, whole);
	if (rest)
		give_back(heap, rest);
	pthread_mutex_unlock(&heap->lock);
	if (fits)
		return memory;
	moved = allocate(heap, 0, bytes, false);
	if (!moved)
		return NULL;
	memcpy(moved, memory, had < bytes ? had : bytes);
	(void)rig_heap_free(heap, memory);
	return moved;
}

int rig_heap_free(struct rig_heap *heap, void *memory)
{
	struct heap_block *block;

	if (!heap)
		return rig_fail(-EINVAL, "heap: NULL");
	if (!memory)
		return 0;
	pthread_mutex_lock(&heap->lock);
	block = find_used(heap, memory);
	if (block)
		give_back(heap, block);
	pthread_mutex_unlock(&heap->lock);
	if (!block)
		return rig_fail(-EINVAL,
				"heap: free of %p, which it has not given, or "
				"which is free already",
				memory);
	return 0;
}

struct rig_heap *rig_team_heap(struct rig_team *team)
{
	return &team->owner->heap;
}

/* ---- runs ---- */

void heap_init(struct rank *rank)
{
	const struct layout *layout = &rank->layout;

	rank->heap = (struct rig_heap){ .owner = rank,
					.lock = PTHREAD_MUTEX_INITIALIZER };
	if (!layout->heaps)
		return;
	rank->heap.base =
		(char *)layout->heaps + (size_t)rank->rank * layout->heap_bytes;
	rank->heap.room = layout->heap_bytes;
}

void heap_begin_job(struct rank *rank)
{
	struct rig_heap *heap = &rank->heap;
	size_t there;

	if (!heap->base)
		return;
	/* relaxed: the last rank to finish a run wrote the word before this
	 * run. */
	there = load_relaxed(&rank->mine->heap_there);
	if (heap->top == 0 && heap->there == there)
		return;
	heap_init(rank);
	if (there <= HEAP_KEEP)
		heap->there = heap->dirty = there;
}

void heap_all_done(struct rank *rank)
{
	const struct layout *layout = &rank->layout;

	/* relaxed, all: no other rank runs, and dispatch_done() releases the
	 * words. */
	if (!load_relaxed(&layout->team->heaped))
		return;
	store_relaxed(&layout->team->heaped, 0);
	for (int i = 0; i < rank->size; i++)
		layout_clear_heap(layout, i, HEAP_KEEP);
}
