/* SPDX-License-Identifier: MIT */
/*
 * py_segment.c - Segment's bytes: what runrig.Segment is a Python class over.
 *
 * A Segment hands out a single memoryview, as CPython's SharedMemory does, and
 * close() takes the memoryview back.
 */
#include "py_runrig.h"

struct py_segment {
	PyObject_HEAD PyObject *memory; /* NULL: closed, or never opened */
	PyObject *view; /* the memoryview handed out; NULL: none yet */
	PyObject *name;
	Py_ssize_t size;
};

static void dealloc(PyObject *self)
{
	struct py_segment *segment = (struct py_segment *)self;

	Py_XDECREF(segment->view);
	Py_XDECREF(segment->memory);
	Py_XDECREF(segment->name);
	py_free(self);
}

/* Segment._open(memory): the constructor's second half. */
static PyObject *open_memory(PyObject *self, PyObject *memory)
{
	struct py_segment *segment = (struct py_segment *)self;
	struct py_memory *opened = py_memory_of(memory);

	if (!opened)
		return NULL;
	if (segment->memory) {
		PyErr_SetString(PyExc_ValueError, "the segment is open");
		return NULL;
	}
	Py_XDECREF(segment->name);
	segment->name = PyObject_GetAttrString(memory, "name");
	if (!segment->name)
		return NULL;
	segment->size = opened->size;
	segment->memory = Py_NewRef(memory);
	Py_RETURN_NONE;
}

static PyObject *need_memory(PyObject *self)
{
	PyObject *memory = ((struct py_segment *)self)->memory;

	if (!memory || ((struct py_memory *)memory)->closed) {
		PyErr_SetString(PyExc_ValueError, "the segment is closed");
		return NULL;
	}
	return memory;
}

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
	PyObject *memory = need_memory(self);

	view->obj = NULL;
	return memory ? PyObject_GetBuffer(memory, view, flags) : -1;
}

static PyObject *get_buf(PyObject *self, void *unused)
{
	struct py_segment *segment = (struct py_segment *)self;

	(void)unused;
	if (!segment->memory || ((struct py_memory *)segment->memory)->closed)
		Py_RETURN_NONE;
	if (!segment->view)
		segment->view = PyMemoryView_FromObject(segment->memory);
	return segment->view ? Py_NewRef(segment->view) : NULL;
}

static int take_view_back(struct py_segment *segment)
{
	PyObject *view = segment->view, *done;

	if (!view)
		return 0;
	segment->view = NULL;
	done = PyObject_CallMethod(view, "release", NULL);
	Py_DECREF(view);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

/* close(): a view that has views of its own stays, and so do the bytes. */
static PyObject *close_segment(PyObject *self, PyObject *unused)
{
	struct py_segment *segment = (struct py_segment *)self;

	(void)unused;
	if (!segment->memory)
		Py_RETURN_NONE;
	if (take_view_back(segment) < 0)
		return NULL;
	if (py_memory_close(segment->memory) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *get_memory(PyObject *self, void *unused)
{
	(void)unused;
	PyObject *memory = ((struct py_segment *)self)->memory;

	if (!memory) {
		PyErr_SetString(PyExc_ValueError, "the segment is not open");
		return NULL;
	}
	return Py_NewRef(memory);
}

static PyObject *get_name(PyObject *self, void *unused)
{
	PyObject *name = ((struct py_segment *)self)->name;

	(void)unused;
	return Py_NewRef(name ? name : Py_None);
}

static PyObject *get_size(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromSsize_t(((struct py_segment *)self)->size);
}

static PyGetSetDef attributes[] = {
	{ "buf", get_buf, NULL,
	  "A memoryview of the bytes, of format 'B'; None once closed.", NULL },
	{ "name", get_name, NULL, "The name, also once closed.", NULL },
	{ "size", get_size, NULL, "How many bytes, also once closed.", NULL },
	{ "_memory", get_memory, NULL, "The Memory.", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyMethodDef methods[] = {
	{ "_open", open_memory, METH_O, "_open(memory)" },
	{ "close", close_segment, METH_NOARGS,
	  "Unmap the bytes; the name stays.  Twice is once.\n\n"
	  "BufferError: an array or a memoryview over the bytes is alive." },
	{ NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
	{ Py_tp_doc, "The part of Segment that is C." },
	{ Py_tp_new, PyType_GenericNew },
	{ Py_tp_dealloc, dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, attributes },
	{ Py_bf_getbuffer, get_buffer },
	{ 0, NULL },
};

static PyType_Spec spec = {
	.name = "runrig._runrig.SegmentBase",
	.basicsize = sizeof(struct py_segment),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = slots,
};

int py_segment_init(PyObject *module)
{
	PyObject *type = py_add_type(module, &spec);

	Py_XDECREF(type);
	return type ? 0 : -1;
}
