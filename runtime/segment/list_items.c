/* SPDX-License-Identifier: MIT */
/*
 * list_items.c - the items of a list: read, written, swapped, counted, printed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "segment/list_parts.h"

/* Room for text to begin with. */
#define ROOM_BYTES 64

static int check_attached(const struct rig_list *list)
{
	if (list && !list->view.offsets)
		return rig_fail(-EINVAL, "list %s: detached",
				rig_list_name(list));
	return need(list, "list: the list");
}

/* The item of `index`, in a list that is attached. */
static int item_of(const struct rig_list *list, int64_t index, size_t *item)
{
	*item = 0;
	if (!list || !list->view.offsets)
		return check_attached(list);
	if (!list_layout_item(&list->view, index, item))
		return list_layout_fail_index(&list->view, index);
	return 0;
}

static int room_grow(struct list_text *room, size_t bytes)
{
	char *grown;

	if (bytes < ROOM_BYTES)
		bytes = ROOM_BYTES;
	if (bytes < 2 * room->bytes)
		bytes = 2 * room->bytes;
	grown = realloc(room->text, bytes);
	if (!grown)
		return rig_fail_errno(-ENOMEM, "list: %zu bytes of text",
				      bytes);
	room->text = grown;
	room->bytes = bytes;
	return 0;
}

/* Get an item, with its text in `room`. */
static int get(const struct rig_list *list, size_t item,
	       struct rig_value *value, struct list_text *room)
{
	int r;

	/* More room is asked for again only where someone changes the item
	 * meanwhile, and never more than text can have. */
	while ((r = list_layout_get(&list->view, item, value, room->text,
				    room->bytes)) > 0) {
		r = room_grow(room, (size_t)r);
		if (r < 0)
			return r;
	}
	return r;
}

int rig_list_get(struct rig_list *list, int64_t index, struct rig_value *value)
{
	size_t item;
	int r = item_of(list, index, &item);

	if (r == 0)
		r = need(value, "list: the place for the value");
	return r < 0 ? r : get(list, item, value, &list->room);
}

static int check_writable(const struct rig_list *list)
{
	if (list->read_only)
		return rig_fail(-EACCES, "list %s: attached read-only",
				rig_list_name(list));
	return 0;
}

int rig_list_set(struct rig_list *list, int64_t index,
		 const struct rig_value *value)
{
	size_t item;
	int r = item_of(list, index, &item);

	if (r == 0)
		r = need(value, "list: the value");
	if (r == 0)
		r = check_writable(list);
	return r < 0 ? r : list_layout_set(&list->view, item, value);
}

static int items_of(const struct rig_list *list, const int64_t index[2],
		    size_t items[2])
{
	int r = item_of(list, index[0], &items[0]);

	return r < 0 ? r : item_of(list, index[1], &items[1]);
}

/* The two items, their values, and whether each may have the other's. */
static int swap_prepare(struct rig_list *list, const int64_t index[2],
			size_t items[2], struct rig_value values[2])
{
	int r = items_of(list, index, items);

	if (r == 0)
		r = get(list, items[0], &values[0], &list->room);
	if (r == 0)
		r = get(list, items[1], &values[1], &list->other);
	if (r == 0)
		r = list_layout_fits(&list->view, items[0], &values[1]);
	if (r == 0)
		r = list_layout_fits(&list->view, items[1], &values[0]);
	return r;
}

int rig_list_can_swap(struct rig_list *list, int64_t a, int64_t b)
{
	const int64_t index[2] = { a, b };
	struct rig_value values[2];
	size_t items[2];

	if (items_of(list, index, items) == 0 &&
	    list_layout_can_swap(&list->view, items[0], items[1]))
		return 0;
	return swap_prepare(list, index, items, values);
}

int rig_list_swap(struct rig_list *list, int64_t a, int64_t b)
{
	const int64_t index[2] = { a, b };
	struct rig_value values[2];
	size_t items[2];
	int r = items_of(list, index, items);

	if (r == 0)
		r = check_writable(list);
	if (r < 0 || list_layout_swap(&list->view, items[0], items[1]))
		return r;
	r = swap_prepare(list, index, items, values);
	if (r == 0)
		r = list_layout_set(&list->view, items[0], &values[1]);
	if (r == 0)
		r = list_layout_set(&list->view, items[1], &values[0]);
	return r;
}

/* Pairs of the slice, alike or singly by `swap`. */
static int reverse(struct rig_list *list, struct rig_span slice,
		   struct rig_span pairs, bool write,
		   int (*swap)(struct rig_list *list, int64_t a, int64_t b))
{
	size_t length = rig_list_length(list);
	int r = check_attached(list);

	if (r == 0 && write)
		r = check_writable(list);
	if (r < 0)
		return r;
	if (slice.begin > slice.end || slice.end > length ||
	    pairs.begin > pairs.end ||
	    pairs.end > (slice.end - slice.begin) / 2)
		return rig_fail(-ERANGE,
				"list %s: pairs %zu to %zu of items %zu to "
				"%zu: it has %zu items",
				rig_list_name(list), pairs.begin, pairs.end,
				slice.begin, slice.end, length);
	for (size_t i = pairs.begin; i < pairs.end && r == 0; i++) {
		size_t a = slice.begin + i, b = slice.end - 1 - i;

		i += list_layout_swap_alike(&list->view, a, b, pairs.end - i,
					    write);
		if (i < pairs.end)
			r = swap(list, (int64_t)(slice.begin + i),
				 (int64_t)(slice.end - 1 - i));
	}
	return r;
}

int rig_list_reverse(struct rig_list *list, struct rig_span slice,
		     struct rig_span pairs)
{
	return reverse(list, slice, pairs, true, rig_list_swap);
}

int rig_list_can_reverse(struct rig_list *list, struct rig_span slice,
			 struct rig_span pairs)
{
	return reverse(list, slice, pairs, false, rig_list_can_swap);
}

static int check_sought(const struct rig_list *list,
			const struct rig_value *value)
{
	int r = need(list, "list: the list");

	return r < 0 ? r : need(value, "list: the value");
}

int64_t rig_list_count(struct rig_list *list, const struct rig_value *value)
{
	int64_t count = 0, length = (int64_t)rig_list_length(list);
	struct rig_value seen;
	int r = check_sought(list, value);

	for (int64_t i = 0; r == 0 && i < length; i++) {
		r = rig_list_get(list, i, &seen);
		if (r < 0)
			break;
		count += rig_value_equal(&seen, value);
	}
	return r < 0 ? r : count;
}

int64_t rig_list_index(struct rig_list *list, const struct rig_value *value)
{
	int64_t length = (int64_t)rig_list_length(list);
	struct rig_value seen;
	int r = check_sought(list, value);

	for (int64_t i = 0; r == 0 && i < length; i++) {
		r = rig_list_get(list, i, &seen);
		if (r < 0)
			break;
		if (rig_value_equal(&seen, value))
			return i;
	}
	return r < 0 ? r
		     : rig_fail(-ENOENT, "list %s: no such value",
				rig_list_name(list));
}

/* Text that grows: a stream in memory, whose only error is -ENOMEM. */
static int finish(FILE *stream, char **text, int r)
{
	if (fclose(stream) != 0 && r == 0)
		r = rig_fail_errno(-ENOMEM, "list: its text");
	if (r < 0) {
		free(*text);
		*text = NULL;
	}
	return r;
}

static int check_text_out(const struct rig_list *list, char **out)
{
	int r = need(list, "list: the list");

	return r < 0 ? r : need(out, "list: the place for the text");
}

int rig_list_format(struct rig_list *list, char **out)
{
	char *text = NULL, cell[9];
	size_t bytes, item;
	FILE *stream;
	int r = check_text_out(list, out);

	if (r < 0)
		return r;
	stream = open_memstream(&text, &bytes);
	if (!stream)
		return rig_fail_errno(-errno, "list: its format");
	for (size_t i = 0; r == 0 && i < list->view.length; i++) {
		r = item_of(list, (int64_t)i, &item);
		if (r == 0)
			r = list_layout_format(&list->view, item, cell);
		if (r == 0)
			fputs(cell, stream);
	}
	r = finish(stream, &text, r);
	if (r == 0)
		*out = text;
	return r;
}

/* Write repr() of a value. */
static int write_repr(FILE *stream, const struct rig_value *value)
{
	char some[512], *all = some;
	size_t length = rig_value_repr(value, some, sizeof(some));

	if (length >= sizeof(some)) {
		all = malloc(length + 1);
		if (!all)
			return rig_fail_errno(-ENOMEM, "list: its text");
		(void)rig_value_repr(value, all, length + 1);
	}
	fwrite(all, 1, length, stream);
	if (all != some)
		free(all);
	return 0;
}

int rig_list_repr(struct rig_list *list, char **out)
{
	struct rig_value value;
	char *text = NULL;
	size_t bytes;
	FILE *stream;
	int r = check_text_out(list, out);

	if (r < 0)
		return r;
	stream = open_memstream(&text, &bytes);
	if (!stream)
		return rig_fail_errno(-errno, "list: its text");
	fputs("ShareableList([", stream);
	for (size_t i = 0; r == 0 && i < list->view.length; i++) {
		r = rig_list_get(list, (int64_t)i, &value);
		if (r < 0)
			break;
		if (i)
			fputs(", ", stream);
		r = write_repr(stream, &value);
	}
	fprintf(stream, "], name='%s')", rig_list_name(list));
	r = finish(stream, &text, r);
	if (r == 0)
		*out = text;
	return r;
}
