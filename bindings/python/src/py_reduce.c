/* SPDX-License-Identifier: MIT */
/*
 * py_reduce.c - Team.allreduce(): the reduction of plain buffers in a single call.
 *
 * An Allreduce of some bytes takes a rank less than a microsecond, and each call of
 * Python's that looks at a buffer beforehand takes as long.  So buffers that say
 * their own type are taken as they are; all else is left to Team.collective().
 */
#include "py_team.h"

#include <string.h>

#include <runrig/kernels.h>

/* The type of a buffer's elements by the struct module's code, or -1. */
static int type_of(const Py_buffer *view)
{
	static const struct {
		const char *code;
		const char *dtype;
	} known[] = {
		{ "d", "float64" }, { "f", "float32" }, { "l", "int64" },
		{ "i", "int32" },   { "q", "int64" },   { "L", "uint64" },
		{ "I", "uint32" },  { "B", "uint8" },   { "b", "int8" },
	};
	struct rig_array array = { 0 };

	for (size_t i = 0; view->format && i < sizeof(known) / sizeof(*known);
	     i++)
		if (strcmp(view->format, known[i].code) == 0)
			return rig_dtype_parse(known[i].dtype, &array) == 0
				       ? (int)array.dtype
				       : -1;
	return -1;
}

static bool get(PyObject *object, int flags, Py_buffer *view)
{
	if (PyObject_GetBuffer(object, view,
			       PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | flags) == 0)
		return true;
	PyErr_Clear();
	return false;
}

/* allreduce(send, recv, op): False: these buffers are for collective(). */
static PyObject *allreduce(PyObject *self, PyObject *args)
{
	struct rig_team *team;
	PyObject *given, *wanted;
	Py_buffer send, recv;
	int op, type, r = 0;

	if (!PyArg_ParseTuple(args, "OOi", &given, &wanted, &op))
		return NULL;
	if (!get(given, 0, &send))
		Py_RETURN_FALSE;
	type = type_of(&send);
	if (type < 0 || !get(wanted, PyBUF_WRITABLE, &recv)) {
		PyBuffer_Release(&send);
		Py_RETURN_FALSE;
	}
	if (recv.len < send.len) {
		PyBuffer_Release(&send);
		PyBuffer_Release(&recv);
		Py_RETURN_FALSE;
	}
	team = py_team_enter(((struct py_team *)self)->team);
	if (team)
		PY_WAIT(r,
			rig_team_allreduce(team, send.buf, recv.buf,
					   (size_t)(send.len / send.itemsize),
					   type, op));
	PyBuffer_Release(&send);
	PyBuffer_Release(&recv);
	if (!team)
		return NULL;
	py_team_exit();
	return r < 0 ? py_raise(r) : PyBool_FromLong(true);
}

PyMethodDef py_reduce_methods[] = {
	{ "allreduce", allreduce, METH_VARARGS,
	  "allreduce(send, recv, op): False: call collective()" },
	{ NULL, NULL, 0, NULL },
};
