/* SPDX-License-Identifier: MIT */
/*
 * py_list.c - the items of a list, as methods of the Memory that the list is in.
 */
#include "py_runrig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int int_from(PyObject *object, struct rig_value *value)
{
	long long number = PyLong_AsLongLong(object);

	if (number == -1 && PyErr_Occurred())
		return -1;
	*value = rig_int(number);
	return 0;
}

static int str_from(PyObject *object, struct rig_value *value)
{
	Py_ssize_t length;
	const char *text = PyUnicode_AsUTF8AndSize(object, &length);

	if (!text)
		return -1;
	*value = rig_bytes(text, (size_t)length);
	value->kind = RIG_VALUE_STR;
	return 0;
}

static int bytes_from(PyObject *object, struct rig_value *value)
{
	char *text;
	Py_ssize_t length;

	if (PyBytes_AsStringAndSize(object, &text, &length) < 0)
		return -1;
	*value = rig_bytes(text, (size_t)length);
	return 0;
}

int py_value_from(PyObject *object, struct rig_value *value)
{
	if (object == Py_None) {
		*value = rig_none();
	} else if (object == Py_True || object == Py_False) {
		*value = rig_bool(object == Py_True);
	} else if (PyLong_CheckExact(object)) {
		return int_from(object, value);
	} else if (PyFloat_CheckExact(object)) {
		*value = rig_float(PyFloat_AsDouble(object));
	} else if (PyUnicode_CheckExact(object)) {
		return str_from(object, value);
	} else if (PyBytes_CheckExact(object)) {
		return bytes_from(object, value);
	} else {
		/* As CPython's list does. */
		PyErr_SetObject(PyExc_KeyError, (PyObject *)Py_TYPE(object));
		return -1;
	}
	return 0;
}

/* The values borrow from the items of `sequence`, a list or a tuple. */
int py_values_from(PyObject *sequence, struct rig_value **values,
		   Py_ssize_t *count)
{
	*count = PyTuple_Check(sequence) ? PyTuple_Size(sequence) : -1;
	if (*count < 0) {
		PyErr_SetString(PyExc_TypeError, "a tuple is expected");
		return -1;
	}
	*values = PyMem_Calloc((size_t)*count + 1, sizeof(**values));
	if (!*values) {
		PyErr_NoMemory();
		return -1;
	}
	for (Py_ssize_t i = 0; i < *count; i++)
		if (py_value_from(PyTuple_GetItem(sequence, i), &(*values)[i]) <
		    0) {
			PyMem_Free(*values);
			return -1;
		}
	return 0;
}

static PyObject *value_to(const struct rig_value *value)
{
	switch (value->kind) {
	case RIG_VALUE_NONE:
		return Py_NewRef(Py_None);
	case RIG_VALUE_INT:
		return PyLong_FromLongLong(value->integer);
	case RIG_VALUE_FLOAT:
		return PyFloat_FromDouble(value->real);
	case RIG_VALUE_BOOL:
		return PyBool_FromLong(value->truth);
	case RIG_VALUE_STR:
		return PyUnicode_DecodeUTF8(value->text,
					    (Py_ssize_t)value->bytes, NULL);
	case RIG_VALUE_BYTES:
		return PyBytes_FromStringAndSize(value->text,
						 (Py_ssize_t)value->bytes);
	}
	PyErr_SetString(PyExc_ValueError, "a value of no kind");
	return NULL;
}

/* The list in a Memory that is open; or NULL and an error. */
static struct rig_list *list_of(PyObject *self)
{
	struct py_memory *memory = py_memory_of(self);

	if (memory && !memory->list)
		PyErr_SetString(PyExc_TypeError, "the segment is no list");
	return memory ? memory->list : NULL;
}

static PyObject *length(PyObject *self, PyObject *unused)
{
	struct rig_list *list = list_of(self);

	(void)unused;
	return list ? PyLong_FromSize_t(rig_list_length(list)) : NULL;
}

static PyObject *get(PyObject *self, PyObject *index)
{
	struct rig_list *list = list_of(self);
	struct rig_value value;
	long long i;
	int r;

	if (!list)
		return NULL;
	i = PyLong_AsLongLong(index);
	if (i == -1 && PyErr_Occurred())
		return NULL;
	r = rig_list_get(list, i, &value);
	if (r == -ERANGE) {
		PyErr_SetString(PyExc_IndexError, "index out of range");
		return NULL;
	}
	return r < 0 ? py_raise(r) : value_to(&value);
}

static PyObject *set_failed(int code)
{
	if (code == -EOVERFLOW)
		PyErr_SetString(PyExc_ValueError,
				"bytes/str item exceeds available storage");
	else if (code == -ERANGE)
		PyErr_SetString(PyExc_IndexError,
				"assignment index out of range");
	else
		py_raise(code);
	return NULL;
}

static PyObject *set(PyObject *self, PyObject *args)
{
	struct rig_list *list = list_of(self);
	struct rig_value value;
	PyObject *object;
	long long i;
	int r;

	if (!list || !PyArg_ParseTuple(args, "LO", &i, &object) ||
	    py_value_from(object, &value) < 0)
		return NULL;
	r = rig_list_set(list, i, &value);
	return r < 0 ? set_failed(r) : Py_NewRef(Py_None);
}

/* A text that the library made, as Python's. */
static PyObject *own_text(int code, char *text)
{
	PyObject *made;

	if (code < 0)
		return py_raise(code);
	made = PyUnicode_FromString(text);
	free(text);
	return made;
}

static PyObject *format(PyObject *self, PyObject *unused)
{
	struct rig_list *list = list_of(self);
	char *text = NULL;
	int r;

	(void)unused;
	if (!list)
		return NULL;
	r = rig_list_format(list, &text);
	return own_text(r, text);
}

static PyObject *represent(PyObject *self, PyObject *unused)
{
	struct rig_list *list = list_of(self);
	char *text = NULL;
	int r;

	(void)unused;
	if (!list)
		return NULL;
	r = rig_list_repr(list, &text);
	return own_text(r, text);
}

PyMethodDef py_list_methods[] = {
	{ "list_length", length, METH_NOARGS, "How many items." },
	{ "list_get", get, METH_O, "list_get(index)" },
	{ "list_set", set, METH_VARARGS, "list_set(index, value)" },
	{ "list_format", format, METH_NOARGS, "The format cells in a row." },
	{ "list_repr", represent, METH_NOARGS, "repr() of the list." },
	{ NULL, NULL, 0, NULL },
};
