/* SPDX-License-Identifier: MIT */
/*
 * py_spec.c - the specification of a run, from Python's objects to the library's.
 */
#include "py_spec.h"

#include <string.h>

/* A tuple of integers, at most PY_DIMS_MAX; returns how many, or -1. */
static int read_numbers(PyObject *tuple, int64_t *numbers)
{
	Py_ssize_t count = PyTuple_Check(tuple) ? PyTuple_Size(tuple) : -1;

	if (count < 0 || count > PY_DIMS_MAX) {
		PyErr_SetString(PyExc_ValueError,
				"a tuple of at most 64 numbers is expected");
		return -1;
	}
	for (Py_ssize_t i = 0; i < count; i++) {
		numbers[i] = PyLong_AsLongLong(PyTuple_GetItem(tuple, i));
		if (numbers[i] == -1 && PyErr_Occurred())
			return -1;
	}
	return (int)count;
}

static int read_operand(struct py_spec *spec, size_t index, PyObject *tuple)
{
	struct rig_operand *operand = &spec->operands[index];
	unsigned long long address;
	PyObject *shape, *strides;
	int dtype, swapped;
	Py_ssize_t offset;

	if (!PyArg_ParseTuple(tuple, "zzzzKnipOO", &operand->name,
			      &operand->segment, &operand->file,
			      &operand->output, &address, &offset, &dtype,
			      &swapped, &shape, &strides))
		return -1;
	operand->data = (void *)(uintptr_t)address;
	operand->offset = (size_t)offset;
	operand->dtype = (enum rig_dtype)dtype;
	operand->swapped = swapped;
	if (shape != Py_None) {
		operand->dims = read_numbers(shape, spec->shapes[index]);
		operand->shape = spec->shapes[index];
	}
	if (strides != Py_None) {
		operand->strides = spec->strides[index];
		if (read_numbers(strides, spec->strides[index]) < 0)
			return -1;
	}
	return operand->dims < 0 ? -1 : 0;
}

static int read_setting(struct rig_setting *setting, PyObject *tuple)
{
	PyObject *value;

	if (!PyArg_ParseTuple(tuple, "sO", &setting->name, &value))
		return -1;
	if (PyUnicode_Check(value)) {
		setting->kind = RIG_SETTING_TEXT;
		setting->text = PyUnicode_AsUTF8AndSize(value, NULL);
	} else if (PyFloat_Check(value)) {
		setting->kind = RIG_SETTING_REAL;
		setting->real = PyFloat_AsDouble(value);
	} else {
		setting->kind = RIG_SETTING_INT;
		setting->integer = PyLong_AsLongLong(value);
	}
	return PyErr_Occurred() ? -1 : 0;
}

int py_spec_fill(struct py_spec *spec, PyObject *args)
{
	PyObject *operands, *settings;
	unsigned long long seed, limit;
	Py_ssize_t count, set;
	int verify;

	memset(spec, 0, sizeof(*spec));
	if (!PyArg_ParseTuple(args, "sO!O!iKK", &spec->spec.kernel,
			      &PyTuple_Type, &operands, &PyTuple_Type,
			      &settings, &verify, &seed, &limit))
		return -1;
	count = PyTuple_Size(operands);
	set = PyTuple_Size(settings);
	if (count > RIG_ARRAYS_MAX || set > PY_SETTINGS_MAX) {
		PyErr_SetString(PyExc_ValueError,
				"a kernel takes at most 16 arrays and 64 "
				"parameters");
		return -1;
	}
	for (Py_ssize_t i = 0; i < count; i++)
		if (read_operand(spec, (size_t)i,
				 PyTuple_GetItem(operands, i)) < 0)
			return -1;
	for (Py_ssize_t i = 0; i < set; i++)
		if (read_setting(&spec->settings[i],
				 PyTuple_GetItem(settings, i)) < 0)
			return -1;
	spec->spec.operands = spec->operands;
	spec->spec.operand_count = (size_t)count;
	spec->spec.settings = spec->settings;
	spec->spec.verify = (enum rig_verify)verify;
	spec->spec.seed = seed;
	spec->spec.limit_ns = limit;
	return 0;
}
