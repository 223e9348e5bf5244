/* SPDX-License-Identifier: MIT */
/*
 * py_outcome.c - the outcome of a run, from the library's struct to a dictionary.
 */
#include "py_spec.h"

#include <string.h>

/* Bytes of an array up to which the array is copied, and not attached to. */
#define COPIED_MAX 4096

/* Enter `value` into the dictionary, and let go of `value`. */
static int enter(PyObject *dictionary, const char *key, PyObject *value)
{
	int r = value ? PyDict_SetItemString(dictionary, key, value) : -1;

	Py_XDECREF(value);
	return r;
}

static PyObject *number_to(const struct rig_number *number)
{
	switch (number->kind) {
	case RIG_NUMBER_INT:
		return PyLong_FromLongLong(number->integer);
	case RIG_NUMBER_UINT:
		return PyLong_FromUnsignedLongLong(number->natural);
	default:
		return PyFloat_FromDouble(number->real);
	}
}

/* One "name = value" of the result. */
static int enter_finding(PyObject *found, const struct rig_outcome *outcome,
			 const char *part, size_t bytes)
{
	const char *equals = memmem(part, bytes, " = ", 3);
	struct rig_number number;
	char name[128];
	size_t length = equals ? (size_t)(equals - part) : 0;

	if (!equals || length >= sizeof(name))
		return 0;
	memcpy(name, part, length);
	name[length] = 0;
	if (rig_outcome_get(outcome, name, &number) == 0)
		return enter(found, name, number_to(&number));
	return enter(found, name,
		     PyUnicode_DecodeUTF8(equals + 3,
					  (Py_ssize_t)(bytes - length - 3),
					  "replace"));
}

static PyObject *findings(const struct rig_outcome *outcome)
{
	const char *part = outcome->result ? outcome->result : "";
	PyObject *found = PyDict_New();

	while (found && *part) {
		const char *comma = strstr(part, ", ");
		size_t bytes = comma ? (size_t)(comma - part) : strlen(part);

		if (enter_finding(found, outcome, part, bytes) < 0) {
			Py_DECREF(found);
			return NULL;
		}
		part += bytes + (comma ? 2 : 0);
	}
	return found;
}

/* The elements: bytes, or a Memory of the segment that the library has made. */
static PyObject *elements(const struct rig_outcome_array *array)
{
	struct rig_segment *segment = NULL;
	int r;

	if (array->bytes <= COPIED_MAX)
		return PyBytes_FromStringAndSize(
			(const char *)rig_segment_data(array->segment) +
				array->offset,
			(Py_ssize_t)array->bytes);
	r = rig_segment_attach(&segment, rig_segment_name(array->segment),
			       NULL);
	return r < 0 ? py_raise(r) : py_memory_wrap(segment, NULL, false);
}

static PyObject *numbers(const int64_t *values, int count)
{
	PyObject *tuple = PyTuple_New(count);

	for (int i = 0; tuple && i < count; i++)
		(void)PyTuple_SetItem(tuple, i, PyLong_FromLongLong(values[i]));
	return tuple;
}

/* (role, dtype's code, shape, count, elements or None, offset) of one array. */
static PyObject *describe(const struct rig_outcome_array *array)
{
	char code[RIG_DTYPE_CODE_BYTES];
	bool shown = array->made && array->segment && array->role & RIG_OUTPUT;
	PyObject *shape = numbers(array->shape, array->dims);
	PyObject *bytes = shown ? elements(array) : Py_NewRef(Py_None);

	if (!shape || !bytes) {
		Py_XDECREF(shape);
		Py_XDECREF(bytes);
		return NULL;
	}
	return Py_BuildValue("isNKNn", (int)array->role,
			     rig_dtype_code(&array->array, code), shape,
			     (unsigned long long)array->array.count, bytes,
			     (Py_ssize_t)array->offset);
}

static PyObject *arrays(const struct rig_outcome *outcome)
{
	PyObject *all = PyDict_New();

	for (int i = 0; all && i < outcome->array_count; i++)
		if (enter(all, outcome->arrays[i].name,
			  describe(&outcome->arrays[i])) < 0) {
			Py_DECREF(all);
			return NULL;
		}
	return all;
}

static PyObject *times(const struct rig_outcome *outcome)
{
	PyObject *list = PyList_New(0);

	for (int i = 0; list && outcome->times_ns && i < outcome->runs; i++) {
		PyObject *seconds =
			PyFloat_FromDouble((double)outcome->times_ns[i] * 1e-9);
		int r = seconds ? PyList_Append(list, seconds) : -1;

		Py_XDECREF(seconds);
		if (r < 0) {
			Py_DECREF(list);
			return NULL;
		}
	}
	return list;
}

PyObject *py_outcome(const struct rig_outcome *outcome)
{
	PyObject *known = PyDict_New();

	if (!known)
		return NULL;
	if (enter(known, "text",
		  PyUnicode_FromString(outcome->result ? outcome->result
						       : "")) < 0 ||
	    enter(known, "found", findings(outcome)) < 0 ||
	    enter(known, "arrays", arrays(outcome)) < 0 ||
	    enter(known, "times", times(outcome)) < 0 ||
	    enter(known, "started", PyBool_FromLong(outcome->started)) < 0 ||
	    enter(known, "verified", PyBool_FromLong(outcome->verified)) < 0 ||
	    enter(known, "blocks",
		  PyLong_FromUnsignedLongLong(outcome->blocks)) < 0 ||
	    enter(known, "covered",
		  PyLong_FromUnsignedLongLong(outcome->covered)) < 0 ||
	    enter(known, "seed", PyLong_FromUnsignedLongLong(outcome->seed)) <
		    0) {
		Py_DECREF(known);
		return NULL;
	}
	return known;
}
