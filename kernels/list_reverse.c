/* SPDX-License-Identifier: MIT */
/*
 * list_reverse.c - the items [begin, end) of a ShareableList in reverse order,
 * in place: whatever they are, and whoever made the list.
 *
 * The loop one thinks of first, list[i] = list[begin + end - 1 - i] for each i,
 * reads in its second half what its first half has written.  The pairs are
 * independent of each other instead: each rank exchanges a strip of them.  Text
 * moves only where it fits the slot of its partner; that is looked at for every
 * pair before the first is exchanged, so that a list is reversed or as it was.
 *
 * Generated is the list [0, 1, ... length - 1].  The user's list is held against
 * sums of its items and their places, as in reverse.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/kernel.h>
#include <runrig/list.h>

#include <kernels/builtin.h>
#include <kernels/lib/order_sum.h>

/* Bytes of a list of ints: for the whole list, and for each item. */
#define FIXED_BYTES 16
#define ITEM_BYTES  25

#define LENGTH_MAX 1e12

/* The words of a digest. */
enum { DIGEST_INSIDE, DIGEST_OUTSIDE };

struct list_args {
	struct rig_kernel_args header;
	size_t length; /* length of a generated list */
	size_t begin;
	size_t end; /* SIZE_MAX: the list's */
};

static const struct rig_param params[] = {
	{ .name = "length",
	  .help = "items of a generated list",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct list_args, length),
	  .fallback = "1M",
	  .max = LENGTH_MAX },
	{ .name = "begin",
	  .help = "first item of the slice",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct list_args, begin),
	  .fallback = "0",
	  .max = LENGTH_MAX },
	{ .name = "end",
	  .help = "the one after its last; all: the list's end",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct list_args, end),
	  .fallback = "all",
	  .max = LENGTH_MAX },
	{ 0 },
};

static uint64_t count_generated(const void *given)
{
	const struct list_args *args = given;

	return FIXED_BYTES + ITEM_BYTES * (uint64_t)args->length;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct list_args *args = given;
	const struct rig_array *array = &args->header.arrays[0];

	if (array->item_bytes != 1) {
		snprintf(why, why_bytes, "a list is handed over as uint8");
		return -EINVAL;
	}
	if (args->end != SIZE_MAX && args->begin > args->end) {
		snprintf(why, why_bytes, "begin=%zu is beyond end=%zu",
			 args->begin, args->end);
		return -EINVAL;
	}
	if (!args->header.given &&
	    (args->begin > args->length ||
	     (args->end != SIZE_MAX && args->end > args->length))) {
		snprintf(why, why_bytes,
			 "begin=%zu end=%zu is out of range, the list has %zu "
			 "items",
			 args->begin,
			 args->end == SIZE_MAX ? args->length : args->end,
			 args->length);
		return -EINVAL;
	}
	/* Only the list itself knows its length: take the most items for which
	 * the array has room. */
	if (args->header.given && array->count >= FIXED_BYTES)
		args->length = (array->count - FIXED_BYTES) / ITEM_BYTES;
	return 0;
}

/* Value, format and code of every item are read, the value is written. */
static double bytes_moved(const void *given)
{
	const struct list_args *args = given;
	size_t end = args->end < args->length ? args->end : args->length;

	return end < args->begin
		       ? 0
		       : (double)(end - args->begin) * (ITEM_BYTES + 8);
}

/* Fail the run with the library's words. */
static int fail(struct rig_team *team, int code)
{
	return rig_team_fail(team, code, "%s", rig_why());
}

/* Open the list of this run, and find the slice; fails where the slice is out of
 * range. */
static int open_list(struct rig_team *team, struct rig_list **list,
		     struct rig_span *slice)
{
	const struct list_args *args = rig_team_args(team);
	size_t length;
	int r = rig_list_over(list, rig_team_data(team, 0),
			      rig_team_bytes(team, 0));

	if (r < 0)
		return fail(team, r);
	length = rig_list_length(*list);
	slice->begin = args->begin;
	slice->end = args->end == SIZE_MAX ? length : args->end;
	if (slice->begin <= slice->end && slice->end <= length)
		return 0;
	rig_list_destroy(*list);
	return rig_team_fail(team, -EINVAL,
			     "list-reverse: begin=%zu end=%zu is out of range, "
			     "the list has %zu items",
			     slice->begin, slice->end, length);
}

static size_t mirror(const struct rig_span *slice, size_t i)
{
	return slice->begin + slice->end - 1 - i;
}

static bool is_inside(const struct rig_span *slice, size_t i)
{
	return i >= slice->begin && i < slice->end;
}

static int run(struct rig_team *team)
{
	struct rig_list *list = NULL;
	struct rig_span slice, strip;
	int r = open_list(team, &list, &slice);

	if (r < 0)
		return r;
	strip = rig_team_strip(team, (slice.end - slice.begin) / 2);
	r = rig_list_can_reverse(list, slice, strip);
	/* No rank begins before all ranks have found that every pair fits. */
	if (r == 0)
		r = rig_team_barrier(team);
	if (r == 0)
		r = rig_list_reverse(list, slice, strip);
	rig_list_destroy(list);
	return r < 0 ? fail(team, r) : rig_team_barrier(team);
}

/* The values from which rank 0 makes a list: each rank's part of the values. */
static size_t private_bytes(const void *given, int size)
{
	const struct list_args *args = given;

	if (args->header.given)
		return 0;
	return (args->length + 1) * sizeof(struct rig_value) / (size_t)size + 1;
}

/* Rank 0 lays the list out, then each rank sets its strip. */
static int prepare(struct rig_team *team)
{
	const struct list_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->length);
	struct rig_list *list = NULL;
	struct rig_value *values;
	int r = 0;

	if (rig_team_rank(team) == 0) {
		values = calloc(args->length + 1, sizeof(*values));
		if (!values)
			return rig_team_fail(team, -ENOMEM,
					     "list-reverse: no memory for %zu "
					     "values",
					     args->length);
		for (size_t i = 0; i < args->length; i++)
			values[i] = rig_int(0);
		r = rig_list_lay(rig_team_data(team, 0),
				 rig_team_bytes(team, 0), values, args->length);
		free(values);
	}
	if (r == 0)
		r = rig_team_barrier(team);
	if (r == 0)
		r = rig_list_over(&list, rig_team_data(team, 0),
				  rig_team_bytes(team, 0));
	for (size_t i = strip.begin; i < strip.end && r == 0; i++) {
		struct rig_value value = rig_int((int64_t)i);

		r = rig_list_set(list, (int64_t)i, &value);
	}
	rig_list_destroy(list);
	return r < 0 ? fail(team, r) : rig_team_barrier(team);
}

/* A hash of a value and its kind, in a single word. */
static uint64_t word_of(const struct rig_value *value)
{
	uint64_t word = 0;

	switch (value->kind) {
	case RIG_VALUE_NONE:
		break;
	case RIG_VALUE_INT:
		word = (uint64_t)value->integer;
		break;
	case RIG_VALUE_FLOAT:
		memcpy(&word, &value->real, sizeof(word));
		break;
	case RIG_VALUE_BOOL:
		word = value->truth;
		break;
	case RIG_VALUE_STR:
	case RIG_VALUE_BYTES:
		word = sum_items(value->text, value->bytes, 1, 1, 1);
		break;
	}
	return word;
}

/* After the run a rank looks at the next rank's items: no rank judges its own
 * work. */
static int digest(struct rig_team *team)
{
	const struct list_args *args = rig_team_args(team);
	int size = rig_team_size(team);
	int rank = (rig_team_rank(team) + (int)args->header.after) % size;
	uint64_t *sums = rig_team_result(team);
	struct rig_list *list = NULL;
	struct rig_span slice, strip;
	struct rig_value value;
	int r = open_list(team, &list, &slice);

	if (r < 0)
		return r;
	strip = rig_strip(rig_list_length(list), rank, size);
	for (size_t i = strip.begin; i < strip.end; i++) {
		bool inside = is_inside(&slice, i);
		bool moves = inside && !args->header.after;
		uint64_t words[2];

		r = rig_list_get(list, (int64_t)i, &value);
		if (r < 0)
			break;
		words[0] = word_of(&value);
		words[1] = (uint64_t)value.kind;
		sums[inside ? DIGEST_INSIDE : DIGEST_OUTSIDE] +=
			sum_items(words, 1, sizeof(words),
				  moves ? mirror(&slice, i) : i, 1);
	}
	rig_list_destroy(list);
	return r < 0 ? fail(team, r) : 0;
}

static int verify_given(struct rig_team *team,
			const struct rig_kernel_args *header)
{
	if (header->digest[DIGEST_INSIDE] != header->found[DIGEST_INSIDE])
		return rig_team_fail(team, -EBADMSG,
				     "list-reverse: the slice does not hold "
				     "its items in reverse order");
	if (header->digest[DIGEST_OUTSIDE] != header->found[DIGEST_OUTSIDE])
		return rig_team_fail(team, -EBADMSG,
				     "list-reverse: items outside of the slice "
				     "were changed");
	return 0;
}

/* Another rank's items. */
static int verify_strip(struct rig_team *team, struct rig_list *list,
			const struct rig_span *slice, struct rig_span strip)
{
	for (size_t i = strip.begin; i < strip.end; i++) {
		size_t want = is_inside(slice, i) ? mirror(slice, i) : i;
		struct rig_value value;
		int r = rig_list_get(list, (int64_t)i, &value);

		if (r < 0)
			return fail(team, r);
		if (value.kind != RIG_VALUE_INT ||
		    value.integer != (int64_t)want)
			return rig_team_fail(team, -EBADMSG,
					     "list-reverse: item %zu is not "
					     "%zu",
					     i, want);
	}
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct list_args *args = rig_team_args(team);
	int size = rig_team_size(team);
	struct rig_list *list = NULL;
	struct rig_span slice;
	int r;

	if (args->header.given)
		return verify_given(team, &args->header);
	r = open_list(team, &list, &slice);
	if (r < 0)
		return r;
	r = verify_strip(team, list, &slice,
			 rig_strip(rig_list_length(list),
				   (rig_team_rank(team) + 1) % size, size));
	rig_list_destroy(list);
	return r;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "list",
	  .role = RIG_INOUT,
	  .dtype = RIG_UINT8,
	  .count = count_generated },
	{ 0 },
};

const struct rig_kernel kernel_list_reverse = {
	.version = RIG_KERNEL_VERSION,
	.name = "list-reverse",
	.summary = "the items of a ShareableList in reverse order, or a slice "
		   "of it",
	.verified = "[0, 1, ...] reversed, each item; the user's list by sums "
		    "that tell the order, before and after",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct list_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
};
