/* SPDX-License-Identifier: MIT */
/*
 * py_where.c - the Memory in which the bytes of an array lie.
 *
 * Every Memory with bytes in this process is in a tree, ordered by address.  So the
 * way from an array to its segment is one search, and no walk along the bases of the
 * array.  The tree is used with Python's lock.
 */
#include "py_runrig.h"

#include <search.h>
#include <stddef.h>

static void *memories;

static int compare(const void *a, const void *b)
{
	const struct py_range *x = a, *y = b;

	return x->end <= y->begin ? -1 : x->begin >= y->end;
}

void py_where_enter(struct py_memory *memory)
{
	struct py_range *range = &memory->range;

	range->begin = (uintptr_t)rig_segment_data(memory->segment);
	range->end = range->begin + (size_t)memory->size;
	/* Without memory for the tree, window() does not find the Memory. */
	if (range->begin < range->end)
		(void)tsearch(range, &memories, compare);
}

void py_where_leave(struct py_memory *memory)
{
	void *node = tfind(&memory->range, &memories, compare);

	if (node && *(struct py_range **)node == &memory->range)
		(void)tdelete(&memory->range, &memories, compare);
}

/* The Memory with the bytes of a buffer; or NULL. */
static struct py_memory *memory_with(const Py_buffer *view)
{
	uintptr_t first = (uintptr_t)view->buf;
	struct py_range range = { .begin = first, .end = first + 1 };
	void *node = view->len > 0 ? tfind(&range, &memories, compare) : NULL;

	return node ? (struct py_memory *)(void *)(*(char **)node -
						   offsetof(struct py_memory,
							    range))
		    : NULL;
}

/* window(object): (Memory, offset, bytes, in C order) of an object with a buffer in
 * a Memory; None: the bytes lie elsewhere, or the object has no buffer. */
static PyObject *window(PyObject *module, PyObject *object)
{
	struct py_memory *memory;
	PyObject *found = NULL;
	Py_buffer view;

	(void)module;
	if (PyObject_GetBuffer(object, &view, PyBUF_STRIDED_RO) < 0) {
		PyErr_Clear();
		Py_RETURN_NONE;
	}
	memory = memory_with(&view);
	if (memory)
		found = Py_BuildValue(
			"OnnO", memory,
			(Py_ssize_t)((uintptr_t)view.buf - memory->range.begin),
			view.len,
			PyBuffer_IsContiguous(&view, 'C') ? Py_True : Py_False);
	PyBuffer_Release(&view);
	if (!memory)
		Py_RETURN_NONE;
	return found;
}

PyMethodDef py_where_functions[] = {
	{ "window", window, METH_O,
	  "window(object): (Memory, offset, bytes, in C order) or None" },
	{ NULL, NULL, 0, NULL },
};
