/* SPDX-License-Identifier: MIT */
/*
 * list.h - a list of values in shared memory, as Python's ShareableList.
 *
 * The layout is CPython 3.9's and later's, byte for byte: either side creates,
 * either side attaches, reads, writes and unlinks.  The length never changes; an
 * item may change its type.  A text item keeps the slot of its creation: Python's
 * size, or where Python's size is too small (Python counts characters), the bytes
 * rounded up.
 *
 * Where Python's ShareableList is wrong:
 *
 *	text is cut to a slot that counts     the slot has room for the bytes;
 *	characters, not bytes                 Python reads all of them
 *	an index below -length reads offsets  -ERANGE, as for any other bad
 *	and writes formats                    index; of an empty list, too
 *	an int too large zeroes the item      a set that fails changes nothing
 *	and makes an int of the item
 *	a set shows 0 for a moment            a single store: before, or after
 *	count, offsets, formats and codes     checked at each use: damage is
 *	are believed                          an error that names the damage
 *	a list can be met half made           a list has its name when complete;
 *	                                      a list that Python is making is
 *	                                      -ENODATA, waited for until a deadline
 *	a failed attach removes the name,     see segment.h
 *	and so does a reader's exit
 *
 * Where the layout itself is at fault the fault stays: trailing NULs of text are
 * lost, for NULs fill the slot.
 *
 * Beside other processes: int, float, bool and None are stored by a single aligned
 * 8-byte store, so a reader gets the value before or the value after.  A change of
 * type goes by way of None: a reader gets the value before, None, or the value
 * after.  The layout allows no more: processes that change the type of an item
 * again and again, or its text, while others read the item, meet at a barrier or
 * take a lock.  (A Python that *sets* an item shows 0 for a moment, always.)
 *
 * Codes, beside the codes of error.h:
 *
 *	-ERANGE     no item of the index
 *	-EOVERFLOW  the text is longer than the item's slot
 *	-EILSEQ     text that is not UTF-8
 *	-EPROTO     not a list of this layout, or a damaged list; the words say
 *	            what is wrong where
 *	-EAGAIN     another process kept changing the item's type
 *
 * Every process makes its own handle.  Any thread may use a handle, a single
 * thread at a time.
 */
#ifndef RUNRIG_LIST_H
#define RUNRIG_LIST_H

#include <stdbool.h>

#include <runrig/api.h>
#include <runrig/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a text.  Python's format cell has 7 digits for the slot. */
#define RIG_TEXT_MAX 9999991

enum rig_value_kind {
	RIG_VALUE_NONE,
	RIG_VALUE_INT,
	RIG_VALUE_FLOAT,
	RIG_VALUE_BOOL,
	RIG_VALUE_STR, /* UTF-8, may contain NULs, need not end in a NUL */
	RIG_VALUE_BYTES
};

/*
 * A value.  The text is borrowed: a function copies a given text before the
 * function returns; a text that a function gives belongs to the list's handle,
 * ends in a NUL beyond its bytes, and is valid until the next call with the
 * handle.
 */
struct rig_value {
	enum rig_value_kind kind;
	union {
		int64_t integer;  /* RIG_VALUE_INT */
		double real;      /* RIG_VALUE_FLOAT */
		bool truth;       /* RIG_VALUE_BOOL */
		const char *text; /* RIG_VALUE_STR, RIG_VALUE_BYTES */
	};
	size_t bytes; /* bytes of the text */
};

/* Values by the word.  `text` ends in a NUL and is borrowed; where there is none
 * (NULL), the value is None. */
RIG_API struct rig_value rig_none(void);
RIG_API struct rig_value rig_int(int64_t integer);
RIG_API struct rig_value rig_float(double real);
RIG_API struct rig_value rig_bool(bool truth);
RIG_API struct rig_value rig_str(const char *text);
RIG_API struct rig_value rig_bytes(const void *text, size_t bytes);

/* Equal as Python's ==: 1, 1.0 and True are, text and bytes never, nan not even
 * to itself, and NULL nothing.  Any thread; never waits. */
RIG_API bool rig_value_equal(const struct rig_value *a,
			     const struct rig_value *b);

/*
 * Write Python's repr() of the value to `text`, at most `room` bytes with the
 * terminating NUL (0, or text NULL: nothing is written), and return the length
 * of the whole without the NUL, as snprintf() does.  Text that is not UTF-8
 * shows its stray bytes as \xNN.  Printable characters are Unicode 14's, as in
 * Python 3.11.  Any thread, whatever the locale; never waits.
 */
RIG_API size_t rig_value_repr(const struct rig_value *value, char *text,
			      size_t room);

struct rig_list; /* in this process */

/*
 * Create a list of `count` values (0: an empty list) under `name`, or NULL for a
 * fresh name, and attach to the list.  The option .keep counts.
 *
 * Returns 0 and sets *list, which the caller destroys.  On failure *list is
 * untouched, nothing is left behind, and the result is as from
 * rig_segment_create(), or
 *
 *	-EINVAL     a value of no kind, or text at NULL
 *	-EILSEQ     a str that is not UTF-8
 *	-EOVERFLOW  text of more than RIG_TEXT_MAX bytes
 *
 * The words name the item.
 */
RIG_API int rig_list_create(struct rig_list **list, const char *name,
			    const struct rig_value *values, size_t count,
			    const struct rig_segment_options *options);

/*
 * Attach to the list called `name`, whoever made the list.  The options
 * .read_only and .deadline_ns count.
 *
 * Returns 0 and sets *list.  On failure *list and the name are untouched and the
 * result is as from rig_segment_attach(), or
 *
 *	-ENODATA  the maker has not filled the list (waited for until
 *	          options->deadline_ns)
 *	-EPROTO   no list, a damaged list, or a list of Python 3.8
 */
RIG_API int rig_list_attach(struct rig_list **list, const char *name,
			    const struct rig_segment_options *options);

/*
 * A list in memory that is mapped already, such as a kernel's segment
 * (rig_team_data()).  `memory` is aligned to 8, stays the caller's, and stays
 * mapped for as long as the handle is used; the handle has no name.  Returns as
 * rig_list_attach(), without waiting.
 */
RIG_API int rig_list_over(struct rig_list **list, void *memory, size_t bytes);

/*
 * The bytes that a list of these values takes; and lay a list out in `bytes` bytes
 * of mapped memory, aligned to 8, that nobody else uses yet: a segment made for a
 * pool, say.  bytes returns 0 and sets *bytes; both return -EINVAL, -EILSEQ or
 * -EOVERFLOW as rig_list_create() does, lay also -EINVAL where `bytes` are too
 * few.  Any thread; never wait.
 */
RIG_API int rig_list_bytes(const struct rig_value *values, size_t count,
			   size_t *bytes);
RIG_API int rig_list_lay(void *memory, size_t bytes,
			 const struct rig_value *values, size_t count);

/* How many items; never changes.  Never waits. */
RIG_API size_t rig_list_length(const struct rig_list *list);

/* The name; "" for a list over memory.  Valid until destroy. */
RIG_API const char *rig_list_name(const struct rig_list *list);

/* The list's segment, which stays the list's; NULL for a list over memory. */
RIG_API struct rig_segment *rig_list_segment(const struct rig_list *list);

/*
 * Get item `index`, or, below 0, item length + index.  Returns 0 and sets
 * *value, or -ERANGE, -EILSEQ, -EPROTO, -EAGAIN, -ENODATA, -EINVAL (detached),
 * or -ENOMEM for long text.  -EAGAIN and -ENODATA: another process is changing
 * the item's type, or the maker has not filled the item; a Python that writes
 * passes through both states, so ask again.
 *
 * Orders: a process that gets an 8-byte value also sees all writes that another
 * process made before setting the value.
 */
RIG_API int rig_list_get(struct rig_list *list, int64_t index,
			 struct rig_value *value);

/*
 * Set item `index`, counted as above.  Returns 0, or with the list unchanged
 * -ERANGE, -EOVERFLOW, -EILSEQ, -EPROTO, -EINVAL (a value of no kind;
 * detached), or -EACCES (attached read-only).
 */
RIG_API int rig_list_set(struct rig_list *list, int64_t index,
			 const struct rig_value *value);

/*
 * Exchange two items.  Returns 0, or with the list unchanged an error of get or
 * set: -EOVERFLOW where an item's text is longer than the other item's slot.
 * can_swap returns the same, and exchanges nothing.
 */
RIG_API int rig_list_swap(struct rig_list *list, int64_t a, int64_t b);
RIG_API int rig_list_can_swap(struct rig_list *list, int64_t a, int64_t b);

/*
 * Reverse the items [slice.begin, slice.end) in pairs: pair 0 is the outermost
 * pair, and there are (slice.end - slice.begin) / 2 pairs.  Only the pairs in
 * `pairs` are exchanged, and ranks can share the work.  Returns 0, -ERANGE, or
 * swap's error for a pair, with the earlier pairs exchanged.  can_reverse
 * exchanges nothing: ranks that share a list call can_reverse first and then
 * meet, so that the list is reversed or unchanged.
 */
RIG_API int rig_list_reverse(struct rig_list *list, struct rig_span slice,
			     struct rig_span pairs);
RIG_API int rig_list_can_reverse(struct rig_list *list, struct rig_span slice,
				 struct rig_span pairs);

/* count: the number of items equal to `value`.  index: the first item equal to
 * `value`, or -ENOENT.  Both return get's error for an item that cannot be
 * read. */
RIG_API int64_t rig_list_count(struct rig_list *list,
			       const struct rig_value *value);
RIG_API int64_t rig_list_index(struct rig_list *list,
			       const struct rig_value *value);

/*
 * As Python's: the format cells of all items in a row, and
 * "ShareableList([1, 2.5], name='...')".  Return 0 and set *text, which the caller
 * frees with free(), or get's error for an item, or -ENOMEM.
 */
RIG_API int rig_list_format(struct rig_list *list, char **text);
RIG_API int rig_list_repr(struct rig_list *list, char **text);

/* Unmap the list; handle and name stay.  A second call does nothing. */
RIG_API void rig_list_detach(struct rig_list *list);

/* Remove the name, as rig_segment_unlink() does.  A second call does
 * nothing. */
RIG_API int rig_list_unlink(struct rig_list *list);

/* Detach, remove the name if this process made the list without .keep, and free
 * the handle.  NULL is allowed. */
RIG_API void rig_list_destroy(struct rig_list *list);

#ifdef __cplusplus
}
#endif

#endif
