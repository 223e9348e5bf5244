/* SPDX-License-Identifier: MIT */
/*
 * list_layout_view.c - finding a ShareableList in memory, or the reason why the
 * memory holds none.
 */
#include <errno.h>

#include "base/error.h"
#include "objects/list_cell.h"

static void place_parts(struct list_view *view, void *memory)
{
	_Atomic uint64_t *words = memory;

	view->offsets = words + 1;
	view->slots = words + view->length + 2;
	view->formats = view->slots + view->slots_bytes / WORD;
	view->codes = (_Atomic uint8_t *)(view->formats + view->length);
}

/* Is the memory no list at all, or Python 3.8's, going by the first words? */
static int check_head(const char *name, const _Atomic uint64_t *words,
		      uint64_t length, size_t bytes)
{
	uint64_t first;

	if ((int64_t)length < 0)
		return rig_fail(-EPROTO, "list %s: its length is %lld", name,
				(long long)length);
	if (length == 0 && bytes == WORD)
		return rig_fail(-EPROTO,
				"list %s: an empty one of Python 3.8, "
				"whose layout no later one reads",
				name);
	if (length == 0 && bytes > FIXED_BYTES)
		return rig_fail(
			-ENODATA,
			"list %s: no length in %zu bytes: not made yet, "
			"or no list",
			name, bytes);
	if (bytes < FIXED_BYTES)
		return rig_fail(-EPROTO, "list %s: %zu bytes do not hold one",
				name, bytes);
	if (length > (bytes - WORD) / ITEM_BYTES)
		return rig_fail(-EPROTO,
				"list %s: %zu bytes do not hold %llu items",
				name, bytes, (unsigned long long)length);
	first = load_relaxed(&words[1]);
	if (length && first >= WORD && first % WORD == 0 &&
	    first <= bytes - WORD - length * ITEM_BYTES + WORD)
		return rig_fail(-EPROTO,
				"list %s: in the layout of Python 3.8, "
				"which no later one reads",
				name);
	if (first)
		return rig_fail(-EPROTO, "list %s: its first offset is %lld",
				name, (long long)first);
	if (length > (bytes - FIXED_BYTES) / ITEM_BYTES)
		return rig_fail(-EPROTO,
				"list %s: %zu bytes do not hold %llu items",
				name, bytes, (unsigned long long)length);
	return 0;
}

int list_layout_view(struct list_view *view, const char *name, void *memory,
		     size_t bytes)
{
	const _Atomic uint64_t *words = memory;
	struct list_view seen = { .name = name };
	uint64_t room;
	int r;

	if (bytes < WORD)
		return rig_fail(-EPROTO, "list %s: %zu bytes do not hold one",
				name, bytes);
	/* acquire: a Python that fills a list stores the length first; the order
	 * costs nothing and hides nothing. */
	seen.length = load_acquire(&words[0]);
	r = check_head(name, words, seen.length, bytes);
	if (r < 0)
		return r;
	seen.slots_bytes = load_relaxed(&words[1 + seen.length]);
	if (seen.length && seen.slots_bytes == 0)
		return rig_fail(-ENODATA, "list %s: has no offsets yet", name);
	room = bytes - FIXED_BYTES - seen.length * (2 * WORD + 1);
	if (seen.slots_bytes > room || seen.slots_bytes % WORD ||
	    seen.slots_bytes / WORD < seen.length)
		return rig_fail(
			-EPROTO,
			"list %s: its last offset is %lld: not %llu slots "
			"in %llu bytes",
			name, (long long)seen.slots_bytes,
			(unsigned long long)seen.length,
			(unsigned long long)room);
	place_parts(&seen, memory);
	if (seen.length && load_relaxed(&seen.formats[seen.length - 1]) == 0)
		return rig_fail(-ENODATA,
				"list %s: has not all its formats yet", name);
	*view = seen;
	return 0;
}

int list_layout_fail_index(const struct list_view *view, int64_t index)
{
	return rig_fail(-ERANGE,
			"list %s: index %lld is out of range, the length is "
			"%llu",
			view->name, (long long)index,
			(unsigned long long)view->length);
}
