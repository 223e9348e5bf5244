/* SPDX-License-Identifier: MIT */
/*
 * py_module.c - the module runrig._runrig: its functions and its errors.
 */
#include "py_runrig.h"

#include <errno.h>
#include <string.h>
#include <time.h>

uint64_t py_clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

PyObject *py_why(int code)
{
	const char *words = rig_why();

	if (!words[0])
		words = strerror(code < 0 ? -code : code);
	return PyUnicode_DecodeUTF8(words, (Py_ssize_t)strlen(words),
				    "backslashreplace");
}

/* The exception of a code that is no OSError; or NULL. */
static PyObject *plain_exception(int code)
{
	switch (code) {
	case -EINVAL:
	case -EOVERFLOW:
	case -ENODATA:
	case -EPROTO:
		return PyExc_ValueError;
	case -EILSEQ:
		return PyExc_UnicodeError;
	case -ERANGE:
		return PyExc_IndexError;
	case -ENOMEM:
		return PyExc_MemoryError;
	default:
		return NULL;
	}
}

PyObject *py_raise(int code)
{
	PyObject *type = plain_exception(code), *words = py_why(code), *error;

	if (!words)
		return NULL;
	if (type) {
		PyErr_SetObject(type, words);
	} else {
		error = PyObject_CallFunction(PyExc_OSError, "iO", -code,
					      words);
		if (error)
			PyErr_SetObject((PyObject *)Py_TYPE(error), error);
		Py_XDECREF(error);
	}
	Py_DECREF(words);
	return NULL;
}

const char *py_name(PyObject *object)
{
	Py_ssize_t length;
	const char *name = PyUnicode_AsUTF8AndSize(object, &length);

	if (name && strlen(name) != (size_t)length) {
		PyErr_SetString(PyExc_ValueError, "embedded null character");
		return NULL;
	}
	return name && name[0] == '/' ? name + 1 : name;
}

void *py_allocate(PyTypeObject *type)
{
	allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);

	return allocate(type, 0);
}

void py_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	release(self);
	Py_DECREF(type);
}

PyObject *py_add_type(PyObject *module, PyType_Spec *spec)
{
	PyObject *type = PyType_FromSpec(spec);

	if (!type)
		return NULL;
	Py_INCREF(type);
	if (PyModule_AddObject(module, strrchr(spec->name, '.') + 1, type) <
	    0) {
		Py_DECREF(type);
		Py_DECREF(type);
		return NULL;
	}
	return type;
}

static PyObject *remove_name(PyObject *module, PyObject *object)
{
	const char *name = py_name(object);
	int r = name ? rig_segment_remove(name) : 0;

	(void)module;
	if (!name)
		return NULL;
	return r < 0 ? py_raise(r) : Py_NewRef(Py_None);
}

static PyObject *sweep(PyObject *module, PyObject *unused)
{
	int r = rig_sweep_clean(false, NULL);

	(void)module;
	(void)unused;
	return r < 0 ? py_raise(r) : PyLong_FromLong(r);
}

static PyObject *shm_available(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return PyLong_FromSize_t(rig_shm_available());
}

static PyObject *memory_available(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return PyLong_FromSize_t(rig_memory_available());
}

static PyObject *version(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return PyLong_FromLong(rig_version());
}

static PyMethodDef functions[] = {
	{ "remove", remove_name, METH_O,
	  "remove(name)\n\nRemove the name of a segment, whoever made it." },
	{ "sweep", sweep, METH_NOARGS, "Remove stale names: how many." },
	{ "shm_available", shm_available, METH_NOARGS,
	  "The bytes free in /dev/shm." },
	{ "memory_available", memory_available, METH_NOARGS,
	  "The bytes of memory that this process can still have." },
	{ "version", version, METH_NOARGS,
	  "The version of the library: 10000 * major + 100 * minor + patch." },
	{ NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "runrig._runrig",
	.m_doc = "The library of runrig, as the package runrig needs it.",
	.m_size = -1,
	.m_methods = functions,
};

PyMODINIT_FUNC PyInit__runrig(void);

PyMODINIT_FUNC PyInit__runrig(void)
{
	PyObject *module = PyModule_Create(&definition);

	if (!module)
		return NULL;
	if (PyModule_AddFunctions(module, py_kernel_functions) < 0 ||
	    PyModule_AddFunctions(module, py_where_functions) < 0 ||
	    py_memory_init(module) < 0 || py_segment_init(module) < 0 ||
	    py_manager_init(module) < 0 || py_pool_init(module) < 0 ||
	    py_team_init(module) < 0) {
		Py_DECREF(module);
		return NULL;
	}
	return module;
}
