/* SPDX-License-Identifier: MIT */
/*
 * py_manager.c - Manager: a process that removes names when the caller ends.
 */
#include "py_runrig.h"

struct py_manager {
	PyObject_HEAD struct rig_manager *manager; /* NULL: shut down */
};

static PyObject *start(PyTypeObject *type, PyObject *args, PyObject *words)
{
	struct py_manager *self;
	int r;

	(void)args;
	(void)words;
	self = py_allocate(type);
	if (!self)
		return NULL;
	PY_WAIT(r, rig_manager_start(&self->manager));
	if (r < 0) {
		Py_DECREF(self);
		return py_raise(r);
	}
	return (PyObject *)self;
}

static void shut_down(struct py_manager *self)
{
	struct rig_manager *manager = self->manager;

	self->manager = NULL;
	PY_RELEASED(rig_manager_shutdown(manager));
}

static void dealloc(PyObject *self)
{
	shut_down((struct py_manager *)self);
	py_free(self);
}

static PyObject *shutdown_manager(PyObject *self, PyObject *unused)
{
	(void)unused;
	shut_down((struct py_manager *)self);
	Py_RETURN_NONE;
}

static struct rig_manager *manager_of(PyObject *self)
{
	struct rig_manager *manager = ((struct py_manager *)self)->manager;

	if (!manager)
		PyErr_SetString(PyExc_ValueError, "the manager is shut down");
	return manager;
}

static PyObject *make_segment(PyObject *self, PyObject *bytes)
{
	struct rig_manager *manager = manager_of(self);
	struct rig_segment *segment = NULL;
	Py_ssize_t size;
	int r;

	if (!manager)
		return NULL;
	size = PyLong_AsSsize_t(bytes);
	if (size == -1 && PyErr_Occurred())
		return NULL;
	r = rig_manager_segment(manager, &segment, (size_t)size);
	return r < 0 ? py_raise(r) : py_memory_wrap(segment, NULL, false);
}

static PyObject *make_list(PyObject *self, PyObject *sequence)
{
	struct rig_manager *manager = manager_of(self);
	struct rig_list *list = NULL;
	struct rig_value *values;
	Py_ssize_t count;
	int r;

	if (!manager || py_values_from(sequence, &values, &count) < 0)
		return NULL;
	r = rig_manager_list(manager, &list, values, (size_t)count);
	PyMem_Free(values);
	if (r < 0)
		return py_raise(r);
	return py_memory_wrap(rig_list_segment(list), list, false);
}

static PyObject *get_pid(PyObject *self, void *unused)
{
	struct rig_manager *manager = manager_of(self);

	(void)unused;
	return manager ? PyLong_FromLong(rig_manager_pid(manager)) : NULL;
}

static PyGetSetDef attributes[] = {
	{ "pid", get_pid, NULL, "The manager's process.", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyMethodDef methods[] = {
	{ "segment", make_segment, METH_O, "segment(bytes): a Memory" },
	{ "list", make_list, METH_O, "list(values): a Memory that is a list" },
	{ "shutdown", shutdown_manager, METH_NOARGS,
	  "Remove the names of all members." },
	{ NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
	{ Py_tp_doc, "A process that watches this one and removes names." },
	{ Py_tp_new, start },
	{ Py_tp_dealloc, dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, attributes },
	{ 0, NULL },
};

static PyType_Spec spec = {
	.name = "runrig._runrig.Manager",
	.basicsize = sizeof(struct py_manager),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = slots,
};

int py_manager_init(PyObject *module)
{
	PyObject *type = py_add_type(module, &spec);

	Py_XDECREF(type);
	return type ? 0 : -1;
}
