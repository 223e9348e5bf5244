/* SPDX-License-Identifier: MIT */
/*
 * py_kernel.c - the kernels that are known, and those of a user's own library.
 */
#include "py_spec.h"

#include <dlfcn.h>
#include <errno.h>

static PyObject *pair(const char *a, const char *b)
{
	return Py_BuildValue("ss", a ? a : "", b ? b : "");
}

/* Append to a list, and let go of `item`. */
static int append(PyObject *list, PyObject *item)
{
	int r = item ? PyList_Append(list, item) : -1;

	Py_XDECREF(item);
	return r;
}

static PyObject *kernel_names(PyObject *module, PyObject *unused)
{
	PyObject *list = PyList_New(0);
	const struct rig_kernel *kernel;

	(void)module;
	(void)unused;
	for (size_t i = 0; list && (kernel = rig_kernel_at(i)); i++)
		if (append(list, PyUnicode_FromString(kernel->name)) < 0)
			Py_CLEAR(list);
	return list;
}

static int describe_params(PyObject *list, const struct rig_kernel *kernel)
{
	for (const struct rig_param *p = kernel->params; p && p->name; p++)
		if (append(list,
			   Py_BuildValue("sss", p->name, p->help ? p->help : "",
					 p->fallback ? p->fallback : "")) < 0)
			return -1;
	return 0;
}

static int describe_arrays(PyObject *list, const struct rig_kernel *kernel)
{
	for (const struct rig_array_spec *a = kernel->arrays; a && a->name; a++)
		if (append(list, Py_BuildValue("si", a->name, (int)a->role)) <
		    0)
			return -1;
	return 0;
}

/* kernel(name): ((name, summary), (verified, ""), params, arrays), or None. */
static PyObject *kernel_words(PyObject *module, PyObject *given)
{
	const char *name = py_name(given);
	const struct rig_kernel *kernel = name ? rig_kernel_find(name) : NULL;
	PyObject *params, *arrays;

	(void)module;
	if (!name)
		return NULL;
	if (!kernel)
		Py_RETURN_NONE;
	params = PyList_New(0);
	arrays = PyList_New(0);
	if (!params || !arrays || describe_params(params, kernel) < 0 ||
	    describe_arrays(arrays, kernel) < 0) {
		Py_XDECREF(params);
		Py_XDECREF(arrays);
		return NULL;
	}
	return Py_BuildValue("NsNN", pair(kernel->name, kernel->summary),
			     kernel->verified ? kernel->verified : "", params,
			     arrays);
}

static PyObject *load_failed(PyObject *type, const char *words)
{
	PyErr_SetString(type, words ? words : "cannot be loaded");
	return NULL;
}

/* load_kernel(path): its name.  The library stays loaded: the kernel is in there. */
static PyObject *load_kernel(PyObject *module, PyObject *given)
{
	const char *path = PyUnicode_AsUTF8AndSize(given, NULL);
	const struct rig_kernel *kernel;
	void *object;
	int r;

	(void)module;
	if (!path)
		return NULL;
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return load_failed(PyExc_OSError, dlerror());
	kernel = dlsym(object, "runrig_kernel");
	if (!kernel)
		return load_failed(PyExc_ValueError, dlerror());
	r = rig_kernel_examine(kernel);
	if (r == 0)
		r = rig_kernel_register(kernel);
	return r < 0 ? py_raise(r) : PyUnicode_FromString(kernel->name);
}

/* check_kernel(...), as Pool.run_kernel(): what an outcome would be. */
static PyObject *check_kernel(PyObject *module, PyObject *args)
{
	struct py_spec *spec = PyMem_Malloc(sizeof(*spec));
	struct rig_outcome *outcome = NULL;
	PyObject *known = NULL;
	int r;

	(void)module;
	if (!spec)
		return PyErr_NoMemory();
	if (py_spec_fill(spec, args) == 0) {
		r = rig_kernel_check(&spec->spec, &outcome);
		known = r < 0 ? py_raise(r) : py_outcome(outcome);
		rig_outcome_free(outcome);
	}
	PyMem_Free(spec);
	return known;
}

static PyObject *register_kernels(PyObject *module, PyObject *unused)
{
	int r = rig_kernels_register();

	(void)module;
	(void)unused;
	return r < 0 ? py_raise(r) : Py_NewRef(Py_None);
}

/* dtype(text): (number, bytes, swapped) of a dtype that the library has. */
static PyObject *dtype(PyObject *module, PyObject *given)
{
	const char *text = PyUnicode_AsUTF8AndSize(given, NULL);
	struct rig_array array = { 0 };
	int r = text ? rig_dtype_parse(text, &array) : 0;

	(void)module;
	if (!text)
		return NULL;
	if (r < 0)
		return py_raise(r);
	return Py_BuildValue("iii", (int)array.dtype, (int)array.item_bytes,
			     (int)array.swapped);
}

PyMethodDef py_kernel_functions[] = {
	{ "register_kernels", register_kernels, METH_NOARGS,
	  "Make the kernels of runrig known." },
	{ "kernels", kernel_names, METH_NOARGS, "The names of all kernels." },
	{ "kernel", kernel_words, METH_O,
	  "kernel(name): ((name, summary), verified, params, arrays) or None" },
	{ "load_kernel", load_kernel, METH_O, "load_kernel(path): its name" },
	{ "check_kernel", check_kernel, METH_VARARGS,
	  "check_kernel(...), as Pool.run_kernel(), without running" },
	{ "dtype", dtype, METH_O, "dtype(text): (number, bytes, swapped)" },
	{ NULL, NULL, 0, NULL },
};
