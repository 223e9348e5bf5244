/* SPDX-License-Identifier: MIT */
/*
 * list.h - a list of values in shared memory, as Python's ShareableList has it.
 *
 * Byte for byte the layout of CPython 3.9 and later: either side creates,
 * either side attaches, reads, writes and unlinks.  The length never changes;
 * an item may change its type.  Text has the room it was created with: what
 * Python would give it, or where that is too little, for Python counts
 * characters, its bytes rounded up.
 *
 * Where Python's ShareableList is wrong:
 *
 *	text is cut to a slot that counts     the slot has room for the bytes;
 *	characters, not bytes                 Python reads all of them
 *	an index below -length reads offsets  -ERANGE, as for any index that is
 *	and writes formats                    none; of an empty list, too
 *	an int too large zeroes the item      a set that fails changes nothing
 *	and makes it an int
 *	a set shows 0 for a moment            one store: before, or after
 *	count, offsets, formats and codes     checked at each use: damage is
 *	are believed                          an error that names it
 *	a list can be met half made           it has its name when complete; one
 *	                                      that Python is making is -ENODATA,
 *	                                      waited for until a deadline
 *	a failed attach removes the name,     see segment.h
 *	and so does a reader's exit
 *
 * Where its layout is at fault it stays so: trailing NULs of text are lost, for
 * they fill the slot.
 *
 * Beside other processes: int, float, bool and None are stored by one aligned
 * 8-byte store, so a reader gets the value before or the value after.  An item
 * that changes its type does so by way of None: a reader gets the value before,
 * None, or the value after.  That is all the layout has room for: processes
 * that change one item's type again and again, or its text, while others read
 * it, meet at a barrier or take a lock.  (A Python that *sets* an item shows 0
 * for a moment, always.)
 *
 * Codes, beside those of error.h:
 *
 *	-ERANGE     no item of that index
 *	-EOVERFLOW  the text is longer than the item's slot
 *	-EILSEQ     text that is not UTF-8
 *	-EPROTO     not a list of this layout, or a damaged one; the words say
 *	            what is wrong where
 *	-EAGAIN     another process kept changing the item's type
 *
 * Every process makes its own handle.  Any thread may use it, one at a time.
 */
#ifndef RUNRIG_LIST_H
#define RUNRIG_LIST_H

#include <stdbool.h>

#include <runrig/api.h>
#include <runrig/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of one text.  Python's format cell has 7 digits for its slot. */
#define RIG_TEXT_MAX 9999991

enum rig_value_kind {
	RIG_VALUE_NONE,
	RIG_VALUE_INT,
	RIG_VALUE_FLOAT,
	RIG_VALUE_BOOL,
	RIG_VALUE_STR, /* UTF-8, may contain NULs, need not end in one */
	RIG_VALUE_BYTES
};

/*
 * One value.  Its text is borrowed: what is given to a function is copied
 * before it returns; what a function gives belongs to the list's handle, ends
 * in a NUL beyond its bytes, and is valid until the next call with that handle.
 */
struct rig_value {
	enum rig_value_kind kind;
	union {
		int64_t integer;  /* RIG_VALUE_INT */
		double real;      /* RIG_VALUE_FLOAT */
		bool truth;       /* RIG_VALUE_BOOL */
		const char *text; /* RIG_VALUE_STR, RIG_VALUE_BYTES */
	};
	size_t bytes; /* of the text */
};

/* Values by the word.  `text` ends in a NUL and is borrowed. */
RIG_API struct rig_value rig_none(void);
RIG_API struct rig_value rig_int(int64_t integer);
RIG_API struct rig_value rig_float(double real);
RIG_API struct rig_value rig_bool(bool truth);
RIG_API struct rig_value rig_str(const char *text);
RIG_API struct rig_value rig_bytes(const void *text, size_t bytes);

/* Equal as Python's ==: 1, 1.0 and True are, text and bytes never, nan not even
 * to itself.  Any thread; never waits. */
RIG_API bool rig_value_equal(const struct rig_value *a,
			     const struct rig_value *b);

/*
 * Write what Python's repr() says of the value to `text`, at most `room` bytes
 * with the NUL that ends it (0: nothing is written), and return the length of
 * all of it without that NUL, as snprintf() does.  Text that is not UTF-8 shows
 * its stray bytes as \xNN.  What is printable is as in Unicode 14, which is
 * Python 3.11's.  Any thread, whatever its locale; never waits.
 */
RIG_API size_t rig_value_repr(const struct rig_value *value, char *text,
			      size_t room);

struct rig_list; /* in this process */

/*
 * Create a list of `count` values (0: an empty one) under `name`, or NULL for a
 * fresh name, and attach to it.  Of the options, .keep counts.
 *
 * Returns 0 and sets *list; its owner destroys it.  On failure *list is
 * untouched, nothing is left behind, and the result is as from
 * rig_segment_create(), or
 *
 *	-EINVAL     a value of no kind
 *	-EILSEQ     a str that is not UTF-8
 *	-EOVERFLOW  text of more than RIG_TEXT_MAX bytes
 *
 * The words name the item.
 */
RIG_API int rig_list_create(struct rig_list **list, const char *name,
			    const struct rig_value *values, size_t count,
			    const struct rig_segment_options *options);

/*
 * Attach to the list called `name`, whoever made it.  Of the options,
 * .read_only and .deadline_ns count.
 *
 * Returns 0 and sets *list.  On failure *list and the name are untouched and
 * the result is as from rig_segment_attach(), or
 *
 *	-ENODATA  its maker has not filled it (waited for until
 *	          options->deadline_ns)
 *	-EPROTO   no list, a damaged one, or one of Python 3.8
 */
RIG_API int rig_list_attach(struct rig_list **list, const char *name,
			    const struct rig_segment_options *options);

/*
 * A list in memory that is mapped already, such as a kernel's segment
 * (rig_team_data()).  `memory` is aligned to 8 and stays the caller's, and
 * mapped for as long as the handle is used; the handle has no name.  Returns as
 * rig_list_attach(), without waiting.
 */
RIG_API int rig_list_over(struct rig_list **list, void *memory, size_t bytes);

/*
 * How many bytes such a list takes, and lay one out in so many bytes of mapped
 * memory, aligned to 8, that nobody else uses yet: a segment made for a pool,
 * say.  bytes returns 0 and sets *bytes; both return -EINVAL, -EILSEQ or
 * -EOVERFLOW as rig_list_create() does, lay also -EINVAL where `bytes` are too
 * few.  Any thread; never wait.
 */
RIG_API int rig_list_bytes(const struct rig_value *values, size_t count,
			   size_t *bytes);
RIG_API int rig_list_lay(void *memory, size_t bytes,
			 const struct rig_value *values, size_t count);

/* How many items; never changes.  Never waits. */
RIG_API size_t rig_list_length(const struct rig_list *list);

/* The name; "" of a list over memory.  Valid until destroy. */
RIG_API const char *rig_list_name(const struct rig_list *list);

/* The segment it lies in, which stays the list's; NULL of a list over memory. */
RIG_API struct rig_segment *rig_list_segment(const struct rig_list *list);

/*
 * Get item `index`, or, below 0, item length + index.  Returns 0 and sets
 * *value, or -ERANGE, -EILSEQ, -EPROTO, -EAGAIN, -ENODATA (its maker has not
 * filled it), -EINVAL (detached), or -ENOMEM for long text.
 *
 * Orders: what a process wrote before it set an 8-byte value is seen by who
 * gets that value.
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
 * Exchange two items.  Returns 0, or with the list unchanged as get and set do:
 * -EOVERFLOW where one's text is longer than the other's slot.  can_swap only
 * tells.
 */
RIG_API int rig_list_swap(struct rig_list *list, int64_t a, int64_t b);
RIG_API int rig_list_can_swap(struct rig_list *list, int64_t a, int64_t b);

/*
 * Reverse the items [slice.begin, slice.end): of their pairs, 0 the outermost
 * and (slice.end - slice.begin) / 2 in all, those in `pairs`, so that ranks can
 * share the work.  Returns 0, -ERANGE, or what swap says of a pair, the ones
 * before it exchanged.  can_reverse only tells: where ranks that share a list
 * ask it first and then meet, it is reversed or as it was.
 */
RIG_API int rig_list_reverse(struct rig_list *list, struct rig_span slice,
			     struct rig_span pairs);
RIG_API int rig_list_can_reverse(struct rig_list *list, struct rig_span slice,
				 struct rig_span pairs);

/* How many items equal `value`; the first that does, or -ENOENT.  Or what get
 * says of an item that cannot be read. */
RIG_API int64_t rig_list_count(struct rig_list *list,
			       const struct rig_value *value);
RIG_API int64_t rig_list_index(struct rig_list *list,
			       const struct rig_value *value);

/*
 * As Python's: the format cells of all items in a row, and
 * "ShareableList([1, 2.5], name='...')".  Return 0 and set *text, which its
 * owner frees with free(), or what get says of an item, or -ENOMEM.
 */
RIG_API int rig_list_format(struct rig_list *list, char **text);
RIG_API int rig_list_repr(struct rig_list *list, char **text);

/* Unmap it; handle and name stay.  Twice is once. */
RIG_API void rig_list_detach(struct rig_list *list);

/* Remove the name, as rig_segment_unlink() does.  Twice is once. */
RIG_API int rig_list_unlink(struct rig_list *list);

/* Detach, remove the name if this process made the list without .keep, and free
 * the handle.  NULL is allowed. */
RIG_API void rig_list_destroy(struct rig_list *list);

#ifdef __cplusplus
}
#endif

#endif
