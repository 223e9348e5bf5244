/* SPDX-License-Identifier: MIT */
/*
 * py_memory.c - Memory: a segment's bytes for Python, unmapped when nobody looks.
 *
 * A Segment has one Memory, and so has each NumPy array over the bytes: as the
 * object that a memoryview holds, or as the base that numpy.ndarray(buffer=) keeps.
 * close() unmaps where the Segment alone is left, and refuses otherwise: no address
 * into the bytes outlives the bytes.
 */
#include "py_runrig.h"

#include <errno.h>
#include <unistd.h>

#include <sys/random.h>

static PyTypeObject *memory_type;

struct py_memory *py_memory_of(PyObject *object)
{
	struct py_memory *memory = (struct py_memory *)object;

	if (!PyObject_TypeCheck(object, memory_type)) {
		PyErr_SetString(PyExc_TypeError, "a Memory is expected");
		return NULL;
	}
	if (memory->closed || !memory->segment) {
		PyErr_SetString(PyExc_ValueError, "the segment is closed");
		return NULL;
	}
	return memory;
}

static void let_go(struct rig_segment *segment, struct rig_list *list)
{
	if (list)
		rig_list_destroy(list);
	else
		rig_segment_destroy(segment);
}

/* A number that no other Memory has: a worker that has attached to the segment knows
 * the segment by the number, whatever becomes of the name. */
static uint64_t next_token(void)
{
	static uint64_t last;
	static pid_t maker;

	if (maker != getpid() &&
	    getrandom(&last, sizeof(last), GRND_NONBLOCK) != sizeof(last))
		last = py_clock_ns() ^ (uint64_t)getpid() << 40;
	maker = getpid();
	return ++last;
}

PyObject *py_memory_wrap(struct rig_segment *segment, struct rig_list *list,
			 bool read_only)
{
	struct py_memory *memory = py_allocate(memory_type);

	if (!memory) {
		let_go(segment, list);
		return NULL;
	}
	memory->segment = segment;
	memory->list = list;
	memory->size = (Py_ssize_t)rig_segment_bytes(segment);
	memory->read_only = read_only;
	memory->token = next_token();
	py_where_enter(memory);
	return (PyObject *)memory;
}

static void dealloc(PyObject *self)
{
	struct py_memory *memory = (struct py_memory *)self;

	py_where_leave(memory);
	if (memory->owner && memory->owner == getpid())
		(void)rig_segment_unlink(memory->segment);
	let_go(memory->segment, memory->list);
	Py_XDECREF(memory->path);
	py_free(self);
}

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
	struct py_memory *memory = py_memory_of(self);

	view->obj = NULL;
	if (!memory)
		return -1;
	if (PyBuffer_FillInfo(view, self, rig_segment_data(memory->segment),
			      memory->size, memory->read_only, flags) < 0)
		return -1;
	memory->exports++;
	return 0;
}

static void release_buffer(PyObject *self, Py_buffer *view)
{
	(void)view;
	((struct py_memory *)self)->exports--;
}

static PyObject *mark_made(struct rig_segment *segment)
{
	PyObject *memory = py_memory_wrap(segment, NULL, false);

	if (memory)
		((struct py_memory *)memory)->made = true;
	return memory;
}

/* create(name or None, bytes, keep): a segment of zeroed bytes. */
static PyObject *create(PyObject *class, PyObject *args)
{
	struct rig_segment_options options = { 0 };
	struct rig_segment *segment = NULL;
	const char *name = NULL;
	PyObject *given;
	Py_ssize_t bytes;
	int keep, r;

	(void)class;
	if (!PyArg_ParseTuple(args, "Onp", &given, &bytes, &keep))
		return NULL;
	if (given != Py_None && !(name = py_name(given)))
		return NULL;
	options.keep = keep;
	PY_WAIT(r, rig_segment_create(&segment, name, (size_t)bytes, &options));
	return r < 0 ? py_raise(r) : mark_made(segment);
}

/* attach(name, read_only): the segment of that name. */
static PyObject *attach(PyObject *class, PyObject *args)
{
	struct rig_segment_options options = { 0 };
	struct rig_segment *segment = NULL;
	PyObject *given;
	const char *name;
	int read_only, r;

	(void)class;
	if (!PyArg_ParseTuple(args, "Up", &given, &read_only) ||
	    !(name = py_name(given)))
		return NULL;
	options.read_only = read_only;
	r = rig_segment_attach(&segment, name, &options);
	return r < 0 ? py_raise(r) : py_memory_wrap(segment, NULL, read_only);
}

/* open_file(path, read_only): a file of any file system, mapped. */
static PyObject *open_file(PyObject *class, PyObject *args)
{
	struct rig_segment_options options = { 0 };
	struct rig_segment *segment = NULL;
	PyObject *path, *made;
	int read_only, r;

	(void)class;
	if (!PyArg_ParseTuple(args, "O&p", PyUnicode_FSConverter, &path,
			      &read_only))
		return NULL;
	options.read_only = read_only;
	r = rig_segment_open_file(&segment, PyBytes_AsString(path), &options);
	if (r < 0) {
		Py_DECREF(path);
		return py_raise(r);
	}
	made = py_memory_wrap(segment, NULL, read_only);
	if (made)
		((struct py_memory *)made)->path = path;
	else
		Py_DECREF(path);
	return made;
}

/* create_list(name or None, values): a segment that is a list. */
static PyObject *create_list(PyObject *class, PyObject *args)
{
	struct rig_list *list = NULL;
	struct rig_value *values;
	PyObject *given, *sequence;
	const char *name = NULL;
	Py_ssize_t count;
	int r;

	(void)class;
	if (!PyArg_ParseTuple(args, "OO", &given, &sequence))
		return NULL;
	if (given != Py_None && !(name = py_name(given)))
		return NULL;
	if (py_values_from(sequence, &values, &count) < 0)
		return NULL;
	r = rig_list_create(&list, name, values, (size_t)count, NULL);
	PyMem_Free(values);
	if (r < 0)
		return py_raise(r);
	return py_memory_wrap(rig_list_segment(list), list, false);
}

static PyObject *attach_list(PyObject *class, PyObject *given)
{
	struct rig_list *list = NULL;
	const char *name = py_name(given);
	int r;

	(void)class;
	if (!name)
		return NULL;
	r = rig_list_attach(&list, name, NULL);
	if (r < 0)
		return py_raise(r);
	return py_memory_wrap(rig_list_segment(list), list, false);
}

int py_memory_close(PyObject *self)
{
	struct py_memory *memory = (struct py_memory *)self;

	if (memory->closed)
		return 0;
	if (memory->exports > 0 || Py_REFCNT(self) > 1) {
		PyErr_SetString(PyExc_BufferError,
				"cannot close a segment with live views: "
				"delete the arrays and memoryviews over it");
		return -1;
	}
	py_where_leave(memory);
	memory->closed = true;
	if (memory->list)
		rig_list_detach(memory->list);
	else
		rig_segment_detach(memory->segment);
	return 0;
}

static PyObject *unlink_memory(PyObject *self, PyObject *unused)
{
	struct py_memory *memory = (struct py_memory *)self;
	int r = memory->list ? rig_list_unlink(memory->list)
			     : rig_segment_unlink(memory->segment);

	(void)unused;
	return r < 0 ? py_raise(r) : Py_NewRef(Py_None);
}

/* own(): the name, which another process made, goes with this Memory. */
static PyObject *own_memory(PyObject *self, PyObject *unused)
{
	(void)unused;
	((struct py_memory *)self)->owner = getpid();
	Py_RETURN_NONE;
}

static PyObject *get_made(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct py_memory *)self)->made);
}

static PyObject *get_name(PyObject *self, void *unused)
{
	(void)unused;
	return PyUnicode_FromString(
		rig_segment_name(((struct py_memory *)self)->segment));
}

static PyObject *get_size(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromSsize_t(((struct py_memory *)self)->size);
}

static PyObject *get_address(PyObject *self, void *unused)
{
	struct py_memory *memory = py_memory_of(self);

	(void)unused;
	return memory ? PyLong_FromVoidPtr(rig_segment_data(memory->segment))
		      : NULL;
}

static PyObject *get_token(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromUnsignedLongLong(((struct py_memory *)self)->token);
}

static PyObject *get_named(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(
		rig_segment_named(((struct py_memory *)self)->segment));
}

static PyObject *get_closed(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct py_memory *)self)->closed);
}

static PyObject *get_read_only(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct py_memory *)self)->read_only);
}

static PyObject *get_path(PyObject *self, void *unused)
{
	PyObject *path = ((struct py_memory *)self)->path;

	(void)unused;
	return Py_NewRef(path ? path : Py_None);
}

static PyGetSetDef attributes[] = {
	{ "name", get_name, NULL, "The segment's name.", NULL },
	{ "size", get_size, NULL, "How many bytes.", NULL },
	{ "address", get_address, NULL, "Where the bytes lie here.", NULL },
	{ "token", get_token, NULL, "No other Memory has this number.", NULL },
	{ "named", get_named, NULL, "Does the name lead here?", NULL },
	{ "closed", get_closed, NULL, "Are the bytes unmapped?", NULL },
	{ "made", get_made, NULL, "Made by this process?", NULL },
	{ "path", get_path, NULL, "The file's, as bytes; or None.", NULL },
	{ "read_only", get_read_only, NULL, "Mapped to be read only?", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyMethodDef methods[] = {
	{ "create", create, METH_VARARGS | METH_STATIC,
	  "create(name, bytes, keep)" },
	{ "attach", attach, METH_VARARGS | METH_STATIC,
	  "attach(name, read_only)" },
	{ "open_file", open_file, METH_VARARGS | METH_STATIC,
	  "open_file(path, read_only)" },
	{ "create_list", create_list, METH_VARARGS | METH_STATIC,
	  "create_list(name, values)" },
	{ "attach_list", attach_list, METH_O | METH_STATIC,
	  "attach_list(name)" },
	{ "own", own_memory, METH_NOARGS, "Remove the name at the end." },
	{ "unlink", unlink_memory, METH_NOARGS, "Remove the name." },
	{ NULL, NULL, 0, NULL },
};

/* A Memory is made by create() and its like alone. */
static PyObject *refuse(PyTypeObject *type, PyObject *args, PyObject *words)
{
	(void)type;
	(void)args;
	(void)words;
	PyErr_SetString(PyExc_TypeError, "use runrig.Segment");
	return NULL;
}

static PyType_Slot slots[] = {
	{ Py_tp_new, refuse },
	{ Py_tp_doc, "A segment's bytes in this process." },
	{ Py_tp_dealloc, dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, attributes },
	{ Py_bf_getbuffer, get_buffer },
	{ Py_bf_releasebuffer, release_buffer },
	{ 0, NULL },
};

static PyType_Spec spec = {
	.name = "runrig._runrig.Memory",
	.basicsize = sizeof(struct py_memory),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = slots,
};

/* A type has a single table of methods; py_list.c has the methods of lists. */
static PyMethodDef *all_methods(void)
{
	static PyMethodDef all[32];
	size_t count = 0;

	for (PyMethodDef *m = methods; m->ml_name; m++)
		all[count++] = *m;
	for (PyMethodDef *m = py_list_methods; m->ml_name; m++)
		all[count++] = *m;
	return all;
}

int py_memory_init(PyObject *module)
{
	for (PyType_Slot *slot = slots; slot->slot; slot++)
		if (slot->slot == Py_tp_methods)
			slot->pfunc = all_methods();
	memory_type = (PyTypeObject *)py_add_type(module, &spec);
	return memory_type ? 0 : -1;
}
