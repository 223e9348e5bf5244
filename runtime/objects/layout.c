/* SPDX-License-Identifier: MIT */
/*
 * layout.c - offsets, and the test of a sound trailer.
 */
#include "objects/layout.h"

#include <errno.h>
#include <string.h>

#include <runrig/pool.h>

#include "base/size.h"
#include "machine/huge.h"
#include "machine/pages.h"

size_t trailer_file_bytes(size_t bytes)
{
	size_t sum;

	/* Bytes for the page, and for rounding up to a page. */
	if (!size_add(bytes, 2 * PAGE_BYTES, &sum))
		return 0;
	return size_round_up(bytes, PAGE_BYTES) + PAGE_BYTES;
}

int trailer_check(const struct trailer_shm *trailer, size_t file_bytes,
		  const char *name)
{
	if (file_bytes < 2 * PAGE_BYTES || file_bytes % PAGE_BYTES ||
	    trailer->magic != TRAILER_MAGIC)
		return 0;
	if (trailer->layout != TRAILER_LAYOUT)
		return rig_fail(-EPROTO,
				"segment %s: its trailer has layout %llx, ours "
				"is %llx (another build or C library made it)",
				name, (unsigned long long)trailer->layout,
				(unsigned long long)TRAILER_LAYOUT);
	if (trailer->bytes == 0 ||
	    trailer_file_bytes(trailer->bytes) != file_bytes ||
	    trailer->parties == 0 || trailer->parties > RIG_WORKERS_MAX ||
	    trailer->kind > RIG_BARRIER_PTHREAD)
		return rig_fail(-EPROTO, "segment %s: its trailer is damaged",
				name);
	return 1;
}

/* The next `bytes` bytes from *at, which starts on a line. */
static void *take(char *base, size_t *at, size_t bytes)
{
	void *here = base ? base + *at : NULL;

	*at = size_round_up(*at + bytes, RIG_LINE);
	return here;
}

struct layout layout_at(void *base, int size)
{
	struct layout layout;
	const size_t n = (size_t)size, seats = (size_t)seats_of(size);
	size_t at = 0;

	layout.control = take(base, &at, sizeof(*layout.control));
	layout.dispatch = take(base, &at, sizeof(*layout.dispatch));
	layout.job = take(base, &at, sizeof(*layout.job));
	layout.about = take(base, &at, n * sizeof(*layout.about));
	layout.mapped = take(base, &at, n * sizeof(*layout.mapped));
	at = size_round_up(at, PAGE_BYTES);
	layout.modules = take(base, &at, n * sizeof(*layout.modules));
	layout.chain = take(base, &at, sizeof(*layout.chain));
	layout.barrier = take(base, &at, sizeof(*layout.barrier));
	layout.team = take(base, &at, sizeof(*layout.team));
	layout.ranks = take(base, &at, n * sizeof(*layout.ranks));
	at = size_round_up(at, PAGE_BYTES);
	layout.calls_off = at;
	layout.members = take(base, &at, n * sizeof(*layout.members));
	layout.heap = take(base, &at, sizeof(*layout.heap));
	layout.heap_map = take(base, &at, n * HEAP_MEMBERS / 8);
	layout.heap_members =
		take(base, &at, n * HEAP_MEMBERS * sizeof(struct member_shm));
	at = size_round_up(at, PAGE_BYTES);
	layout.stages = take(base, &at, n * STAGE_BYTES);
	layout.inboxes = take(base, &at, seats * sizeof(*layout.inboxes));
	layout.loans =
		take(base, &at, seats * loans_of(size) * sizeof(*layout.loans));
	layout.trays = take(base, &at, seats * TRAYS_BYTES);
	layout.channels =
		take(base, &at, seats * seats * sizeof(*layout.channels));
	at = size_round_up(at, PAGE_BYTES);
	layout.parts = take(base, &at, n * PART_BYTES);
	layout.bytes = size_round_up(at, PAGE_BYTES);
	layout.heaps = NULL;
	layout.heap_bytes = 0;
	layout.map_bytes = layout.bytes;
	return layout;
}

size_t layout_heaps_off(const struct layout *layout)
{
	return size_round_up(layout->bytes, HUGE_BYTES);
}

void layout_add_heaps(struct layout *layout, int size, size_t each)
{
	const size_t off = layout_heaps_off(layout);

	layout->heap_bytes = each;
	layout->heaps = each ? (unsigned char *)layout->control + off : NULL;
	layout->map_bytes = each ? off + (size_t)size * each : layout->bytes;
}

void layout_clear_heap(const struct layout *layout, int rank, size_t keep)
{
	struct rank_shm *shm = &layout->ranks[rank];
	/* relaxed: nobody else runs. */
	uint64_t there = load_relaxed(&shm->heap_there);

	/* The number lies where any rank may have written over it. */
	if (there > layout->heap_bytes)
		there = layout->heap_bytes;
	if (there <= keep)
		return;
	pages_clear(layout->heaps + (size_t)rank * layout->heap_bytes + keep,
		    size_round_up(there, PAGE_BYTES) - keep);
	store_relaxed(&shm->heap_there, keep);
}

/* The collectives' memory becomes zero again. */
static void clear_calls(const struct layout *layout, int size)
{
	char *base = (char *)layout->control;

	/* relaxed: nobody else runs. */
	store_relaxed(&layout->team->base, 0);
	store_relaxed(&layout->team->called, 0);
	store_relaxed(&layout->team->mailed, 0);
	store_relaxed(&layout->team->shared, 0);
	store_relaxed(&layout->team->sleepers, 0);
	store_relaxed(&layout->team->heaped, 0);
	for (int i = 0; i < size; i++)
		layout_clear_heap(layout, i, 0);
	if (load_relaxed(&layout->control->generation) != 0)
		pages_clear(base + layout->calls_off,
			    layout->bytes - layout->calls_off);
}

int layout_team(const struct layout *layout, int size,
		enum rig_barrier_kind kind)
{
	clear_calls(layout, size);
	memset((void *)layout->barrier, 0, sizeof(*layout->barrier));
	dispatch_init(layout->dispatch, size);
	return rig_barrier_init(layout->barrier, size, kind);
}
