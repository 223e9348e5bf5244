/* SPDX-License-Identifier: MIT */
/*
 * list_layout.h - the bytes of a ShareableList, in memory somebody else mapped.
 *
 * For N items whose slots have S_i bytes (each a multiple of 8), K in all:
 *
 *	+--------------------+ 0
 *	| N                  |  int64
 *	+--------------------+ 8
 *	| off[0] ... off[N]  |  int64; off[0] = 0, off[i + 1] = off[i] + S_i
 *	+--------------------+ D = 8 (N + 2)
 *	| slots              |  K bytes; slot i at D + off[i]
 *	+--------------------+ F = D + K
 *	| format cells       |  8 bytes an item: "q", "16s", NUL-padded
 *	+--------------------+ T = F + 8 N
 *	| codes              |  1 byte an item
 *	+--------------------+ T + N
 *
 *	int    "q"         code 0   int64
 *	float  "d"         code 0   binary64
 *	bool   "xxxxxxx?"  code 0   7 zero bytes, then 0 or 1
 *	None   "xxxxxx?x"  code 3   whatever
 *	str    "<S>s"      code 1   UTF-8, zeros to the end of the slot
 *	bytes  "<S>s"      code 2   the bytes, zeros to the end of the slot
 *
 * Another process may write any byte of a list at any time.  The numbers that
 * say where things are (N and off[N]) are copied and checked once; off[i] and
 * off[i + 1] are checked at each use.  So no access leaves the memory, whatever
 * the memory holds.
 */
#ifndef RUNRIG_LIST_LAYOUT_H
#define RUNRIG_LIST_LAYOUT_H

#include <runrig/list.h>

#include "base/atomic.h"

/* In this process: where the parts of a list are. */
struct list_view {
	const char *name; /* for the words; whoever views keeps it */
	uint64_t length;
	uint64_t slots_bytes;      /* K */
	_Atomic uint64_t *offsets; /* NULL: no list */
	_Atomic uint64_t *slots;
	_Atomic uint64_t *formats;
	_Atomic uint8_t *codes;
};

/*
 * How many bytes a list of these values takes; `name` is for the words.  0 and *bytes; or -EINVAL,
 * -EILSEQ, -EOVERFLOW and the words, which name the item.
 */
int list_layout_bytes(const char *name, const struct rig_value *values,
		      size_t count, size_t *bytes);

/* Takes `bytes` more bytes of a list; 0 or -errno. */
typedef int list_layout_sink(void *to, const void *from, size_t bytes);

/* Hand a list of these values to `sink`, from the first byte to the last: 0, or
 * the sink's error. */
int list_layout_write(const struct rig_value *values, size_t count,
		      list_layout_sink *sink, void *to);

/*
 * View the list in `memory`, aligned to 8.  0 and *view; or -ENODATA where the
 * maker seems not to have finished, or -EPROTO, and the words.  Takes the same
 * time for any length.
 */
int list_layout_view(struct list_view *view, const char *name, void *memory,
		     size_t bytes);

/* The item that `index` means, counted from the end below 0: true and *item, or
 * false, and list_layout_fail_index() says why. */
static inline bool list_layout_item(const struct list_view *view, int64_t index,
				    size_t *item)
{
	uint64_t at = (uint64_t)index;

	if (index < 0)
		at += view->length; /* does not wrap where index < -length */
	*item = at;
	return at < view->length;
}

int list_layout_fail_index(const struct list_view *view, int64_t index);

/*
 * Read an item.  Text is copied to `room` with a NUL behind the text, and *value
 * points there.  Returns 0; or, with *value untouched, a positive number of
 * bytes that the text needs in `room` (at most RIG_TEXT_MAX + 9), or -ENODATA,
 * -EPROTO, -EILSEQ, -EAGAIN.
 */
int list_layout_get(const struct list_view *view, size_t item,
		    struct rig_value *value, char *room, size_t room_bytes);

/* Would set succeed?  0, or -EINVAL, -EILSEQ, -EOVERFLOW, -EPROTO. */
int list_layout_fits(const struct list_view *view, size_t item,
		     const struct rig_value *value);

/* Write an item: 0, or as above with nothing written. */
int list_layout_set(const struct list_view *view, size_t item,
		    const struct rig_value *value);

/* Exchange two items neither of which is text, in slots that are sound: true,
 * or false with nothing written.  can_swap only tells. */
bool list_layout_swap(const struct list_view *view, size_t a, size_t b);
bool list_layout_can_swap(const struct list_view *view, size_t a, size_t b);

/*
 * Exchange items a + k and b - k, for k from 0, while both are ints or both are
 * floats in slots that are sound: returns the number of pairs, at most `count`.
 * Without `write` nothing is exchanged, only counted.
 */
size_t list_layout_swap_alike(const struct list_view *view, size_t a, size_t b,
			      size_t count, bool write);

/* The format cell of an item, as text: 0, -EPROTO where the cell is no format,
 * -ENODATA where the cell is not made yet. */
int list_layout_format(const struct list_view *view, size_t item,
		       char text[static 9]);

#endif
