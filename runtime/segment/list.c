/* SPDX-License-Identifier: MIT */
/*
 * list.c - lists in segments.
 *
 * A list is made as a segment is, but filled before the list has a name: a file
 * without a name, sized, reserved, filled, published.  From then on the list is a
 * segment like any other, attached by name; the maker keeps the descriptor of the
 * file, and with the descriptor the lock, for as long as the name is the maker's
 * to remove.
 */
#include <runrig/list.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/reserved.h"
#include "machine/process.h"
#include "segment/ledger.h"
#include "objects/list_layout.h"
#include "segment/segment.h"
#include "segment/shmfile.h"
#include "base/size.h"
#include "segment/sweep.h"

/* Room for text to begin with. */
#define ROOM_BYTES 64

/* Memory for a copy of a text.  The address does not move while in use. */
struct room {
	char *text;
	size_t bytes;
};

/* In this process. */
struct rig_list {
	struct list_view view;       /* .offsets NULL: detached */
	struct rig_segment *segment; /* NULL: over memory */
	struct room room, other;     /* other: for swap */
	bool read_only;

	/* The maker's alone. */
	struct identity identity;
	uint64_t maker; /* 0: attached only */
	int fd;         /* until the name is gone; else -1 */
	bool dies;
};

static bool is_maker(const struct rig_list *list)
{
	return list->maker && list->maker == process_self();
}

static struct rig_list *list_new(void)
{
	struct rig_list *list = calloc(1, sizeof(*list));

	if (!list) {
		(void)rig_fail_errno(-ENOMEM, "list");
		return NULL;
	}
	list->fd = -1;
	return list;
}

/* The file that the bytes of a list go to. */
struct file_sink {
	int fd;
	size_t at;
};

static int write_file(void *to, const void *from, size_t bytes)
{
	struct file_sink *sink = to;
	const char *next = from;

	while (bytes) {
		ssize_t some = pwrite(sink->fd, next, bytes, (off_t)sink->at);

		if (some < 0 && errno == EINTR)
			continue;
		if (some < 0)
			return -errno;
		next += some;
		sink->at += (size_t)some;
		bytes -= (size_t)some;
	}
	return 0;
}

/* Size and fill the file; the writes reserve its memory. */
static int fill(int fd, const char *name, const struct rig_value *values,
		size_t count, size_t bytes)
{
	struct file_sink sink = { fd, 0 };
	int r = shmfile_resize(fd, name, bytes);

	if (r < 0)
		return r;
	r = list_layout_write(values, count, write_file, &sink);
	if (r < 0)
		return rig_fail_errno(r, "list %s: write %zu bytes",
				      name ? name : "(new)", bytes);
	return 0;
}

/* As fill; where memory is short, names of dead processes may be holding some. */
static int fill_somehow(int fd, const char *name,
			const struct rig_value *values, size_t count,
			size_t bytes)
{
	char words[WHY_BYTES];
	int r = fill(fd, name, values, count, bytes);

	if (r != -ENOSPC)
		return r;
	snprintf(words, sizeof(words), "%s", rig_why());
	if (sweep_stale() > 0)
		return fill(fd, name, values, count, bytes);
	return rig_fail(r, "%s", words);
}

/* Make the file and give the file its name, in `named`. */
static int make(struct rig_list *list, const char *name,
		const struct rig_value *values, size_t count, char *named)
{
	struct stat status;
	size_t bytes;
	int r = list_layout_bytes(name ? name : "(new)", values, count, &bytes);

	if (r < 0)
		return r;
	list->fd = shmfile_make();
	if (list->fd < 0)
		return list->fd;
	r = fill_somehow(list->fd, name, values, count, bytes);
	if (r < 0)
		return r;
	if (fstat(list->fd, &status) < 0)
		return rig_fail_errno(-errno, "list: fstat");
	list->identity = identity_of(&status);
	r = shmfile_publish(list->fd, name, list->dies, named);
	if (r == 0)
		list->maker = process_self();
	return r;
}

/* Attach to a segment and find the list in it. */
static int attach(struct rig_list *list, const char *name,
		  const struct rig_segment_options *options)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	struct rig_segment_options wanted = {
		.read_only = options->read_only,
		.deadline_ns = options->deadline_ns,
	};
	int r = rig_segment_attach(&list->segment, name, &wanted);

	if (r < 0)
		return r;
	list->read_only = options->read_only;
	/* Look every millisecond: nothing tells when a list is made. */
	while ((r = list_layout_view(&list->view, rig_list_name(list),
				     rig_segment_data(list->segment),
				     rig_segment_bytes(list->segment))) ==
		       -ENODATA &&
	       options->deadline_ns && clock_ns() < options->deadline_ns)
		nanosleep(&moment, NULL);
	return r;
}

int rig_list_create(struct rig_list **out, const char *name,
		    const struct rig_value *values, size_t count,
		    const struct rig_segment_options *options)
{
	static const struct rig_segment_options defaults;
	char named[RIG_NAME_MAX + 1];
	struct rig_list *list;
	int r = need(out, "list: the place for the handle");

	if (!options)
		options = &defaults;
	if (r == 0)
		r = reserved_check(options->reserved, "rig_segment_options");
	if (r == 0 && name)
		r = shmfile_check_name(name);
	if (r < 0)
		return r;
	list = list_new();
	if (!list)
		return -ENOMEM;
	list->dies = !options->keep;
	r = make(list, name, values, count, named);
	if (r == 0)
		r = attach(list, named, &defaults);
	if (r < 0) {
		/* Nobody has been told of the list: kept or not, the list goes. */
		if (list->maker) {
			char words[WHY_BYTES];

			snprintf(words, sizeof(words), "%s", rig_why());
			(void)shmfile_unlink(named, list->identity);
			ledger_strike(list->identity);
			(void)rig_fail(r, "%s", words);
			list->maker = 0;
		}
		rig_list_destroy(list);
		return r;
	}
	*out = list;
	return 0;
}

int rig_list_attach(struct rig_list **out, const char *name,
		    const struct rig_segment_options *options)
{
	static const struct rig_segment_options defaults;
	struct rig_list *list;
	int r = need(out, "list: the place for the handle");

	if (!options)
		options = &defaults;
	if (r == 0)
		r = reserved_check(options->reserved, "rig_segment_options");
	if (r < 0)
		return r;
	list = list_new();
	if (!list)
		return -ENOMEM;
	r = attach(list, name, options);
	if (r < 0) {
		rig_list_destroy(list);
		return r;
	}
	*out = list;
	return 0;
}

int rig_list_over(struct rig_list **out, void *memory, size_t bytes)
{
	struct rig_list *list;
	int r = need(out, "list: the place for the handle");

	if (r < 0)
		return r;
	if (!memory || (uintptr_t)memory % 8)
		return rig_fail(-EINVAL, "list: memory not aligned to 8");
	list = list_new();
	if (!list)
		return -ENOMEM;
	r = list_layout_view(&list->view, "(in memory)", memory, bytes);
	if (r < 0) {
		rig_list_destroy(list);
		return r;
	}
	*out = list;
	return 0;
}

int rig_list_bytes(const struct rig_value *values, size_t count, size_t *bytes)
{
	int r = need(bytes, "list: the place for its bytes");

	return r < 0 ? r : list_layout_bytes("(new)", values, count, bytes);
}

static int write_memory(void *to, const void *from, size_t bytes)
{
	void **at = to;

	memcpy(*at, from, bytes);
	*at = (char *)*at + bytes;
	return 0;
}

int rig_list_lay(void *memory, size_t bytes, const struct rig_value *values,
		 size_t count)
{
	size_t needed;
	int r = list_layout_bytes("(new)", values, count, &needed);

	if (r < 0)
		return r;
	if (!memory || (uintptr_t)memory % 8)
		return rig_fail(-EINVAL, "list: memory not aligned to 8");
	if (needed > bytes)
		return rig_fail(-EINVAL,
				"list (new): %zu items take %zu bytes, not %zu",
				count, needed, bytes);
	return list_layout_write(values, count, write_memory, &memory);
}

size_t rig_list_length(const struct rig_list *list)
{
	return list ? list->view.length : 0;
}

const char *rig_list_name(const struct rig_list *list)
{
	return list && list->segment ? rig_segment_name(list->segment) : "";
}

struct rig_segment *rig_list_segment(const struct rig_list *list)
{
	return list ? list->segment : NULL;
}

static int check_attached(const struct rig_list *list)
{
	if (list && !list->view.offsets)
		return rig_fail(-EINVAL, "list %s: detached",
				rig_list_name(list));
	return need(list, "list: the list");
}

/* The item that `index` means, in a list that is attached. */
static int item_of(const struct rig_list *list, int64_t index, size_t *item)
{
	*item = 0;
	if (!list || !list->view.offsets)
		return check_attached(list);
	if (!list_layout_item(&list->view, index, item))
		return list_layout_fail_index(&list->view, index);
	return 0;
}

static int room_grow(struct room *room, size_t bytes)
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
	       struct rig_value *value, struct room *room)
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

void rig_list_detach(struct rig_list *list)
{
	if (!list)
		return;
	list->view.offsets = NULL;
	rig_segment_detach(list->segment);
}

int rig_list_unlink(struct rig_list *list)
{
	int r = need(list, "list: the list");

	if (r < 0)
		return r;
	if (!list->segment)
		return rig_fail(-EINVAL, "list: over memory, has no name");
	r = rig_segment_unlink(list->segment);
	if (r < 0)
		return r;
	if (is_maker(list) && list->dies)
		ledger_strike(list->identity);
	if (list->fd >= 0)
		close(list->fd);
	list->fd = -1;
	return 0;
}

void rig_list_destroy(struct rig_list *list)
{
	if (!list)
		return;
	if (is_maker(list) && list->dies && list->segment)
		(void)rig_list_unlink(list);
	rig_segment_destroy(list->segment);
	if (list->fd >= 0)
		close(list->fd);
	free(list->room.text);
	free(list->other.text);
	free(list);
}
