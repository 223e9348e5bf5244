/* SPDX-License-Identifier: MIT */
/*
 * list.c - lists in segments: made, attached, unlinked.  list_items.c has the items.
 *
 * A list is made as a segment is, but filled before the list has a name: a file
 * without a name, sized, reserved, filled, published.  From then on the list is a
 * segment like any other, attached by name; the maker keeps the descriptor of the
 * file, and with the descriptor the lock, for as long as the name is the maker's
 * to remove.
 */
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
#include "segment/list_parts.h"
#include "segment/shmfile.h"
#include "base/size.h"
#include "segment/sweep.h"

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
