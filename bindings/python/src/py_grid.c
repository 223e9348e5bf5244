/* SPDX-License-Identifier: MIT */
/*
 * py_grid.c - ranks in a grid, as methods of a Team.
 */
#include "py_team.h"

#include <errno.h>

/* Read a tuple of at most RIG_DIMS_MAX numbers: how many, or -1 and an error. */
static int read_dims(PyObject *tuple, int dims[RIG_DIMS_MAX])
{
	Py_ssize_t count = PyTuple_Check(tuple) ? PyTuple_Size(tuple) : -1;

	if (count < 0 || count > RIG_DIMS_MAX) {
		PyErr_SetString(PyExc_ValueError,
				"a grid has at most 4 dimensions");
		return -1;
	}
	for (Py_ssize_t i = 0; i < count; i++) {
		dims[i] = (int)PyLong_AsLong(PyTuple_GetItem(tuple, i));
		if (dims[i] == -1 && PyErr_Occurred())
			return -1;
	}
	return (int)count;
}

static PyObject *dims_to(const int *dims, int count)
{
	PyObject *tuple = PyTuple_New(count);

	for (int i = 0; tuple && i < count; i++)
		(void)PyTuple_SetItem(tuple, i, PyLong_FromLong(dims[i]));
	return tuple;
}

static PyObject *cart_create(PyObject *self, PyObject *args)
{
	int dims[RIG_DIMS_MAX], ends[RIG_DIMS_MAX], count, r;
	struct rig_team *team, *made = NULL;
	bool periods[RIG_DIMS_MAX];
	PyObject *given, *given_ends;

	if (!PyArg_ParseTuple(args, "OO", &given, &given_ends))
		return NULL;
	count = read_dims(given, dims);
	if (count < 0 || read_dims(given_ends, ends) < 0)
		return NULL;
	for (int i = 0; i < count; i++)
		periods[i] = ends[i] != 0;
	team = py_team_enter(((struct py_team *)self)->team);
	if (!team)
		return NULL;
	PY_WAIT(r, rig_team_cart_create(team, count, dims, periods, &made));
	return py_team_new(r, made);
}

static PyObject *cart_coords(PyObject *self, PyObject *given)
{
	int coords[RIG_DIMS_MAX] = { 0 }, count = 0, r;
	long rank = PyLong_AsLong(given);
	struct rig_team *team;

	if (rank == -1 && PyErr_Occurred())
		return NULL;
	team = py_team_enter(((struct py_team *)self)->team);
	if (!team)
		return NULL;
	r = rig_team_cart_get(team, &count, NULL, NULL, NULL);
	if (r == 0)
		r = rig_team_cart_coords(team, (int)rank, coords);
	py_team_exit();
	return r < 0 ? py_raise(r) : dims_to(coords, count);
}

static PyObject *cart_rank(PyObject *self, PyObject *given)
{
	int coords[RIG_DIMS_MAX] = { 0 }, rank = 0, r;
	struct rig_team *team;

	if (read_dims(given, coords) < 0)
		return NULL;
	team = py_team_enter(((struct py_team *)self)->team);
	if (!team)
		return NULL;
	r = rig_team_cart_rank(team, coords, &rank);
	py_team_exit();
	return r < 0 ? py_raise(r) : PyLong_FromLong(rank);
}

static PyObject *cart_shift(PyObject *self, PyObject *args)
{
	int dim, disp, source = 0, dest = 0, r;
	struct rig_team *team;

	if (!PyArg_ParseTuple(args, "ii", &dim, &disp))
		return NULL;
	team = py_team_enter(((struct py_team *)self)->team);
	if (!team)
		return NULL;
	r = rig_team_cart_shift(team, dim, disp, &source, &dest);
	py_team_exit();
	return r < 0 ? py_raise(r) : Py_BuildValue("ii", source, dest);
}

/* halo(array, extents, width, type) */
static PyObject *halo(PyObject *self, PyObject *args)
{
	int dims[RIG_DIMS_MAX], type, count, r;
	size_t extents[RIG_DIMS_MAX], bytes;
	PyObject *object, *shape;
	Py_ssize_t width, elements = 1;
	struct py_buffer buffer;
	struct rig_team *team;

	if (!PyArg_ParseTuple(args, "OOni", &object, &shape, &width, &type))
		return NULL;
	count = read_dims(shape, dims);
	if (count < 0)
		return NULL;
	for (int i = 0; i < count; i++) {
		extents[i] = (size_t)dims[i];
		elements *= dims[i];
	}
	team = py_team_enter(((struct py_team *)self)->team);
	if (!team)
		return NULL;
	if (!py_count_bytes(elements, type, 1, &bytes) || object == Py_True ||
	    py_buffer_get(&buffer, object, true, bytes) < 0) {
		py_team_exit();
		return NULL;
	}
	r = rig_team_cart_get(team, &count, NULL, NULL, NULL);
	if (r == 0 && count != PyTuple_Size(shape))
		r = rig_why_set(-EINVAL, "halo: the array has as many "
					 "dimensions as the grid");
	if (r == 0)
		PY_WAIT(r, rig_team_halo(team, buffer.data, extents,
					 (size_t)width, type));
	py_buffer_put(&buffer);
	return py_team_leave(r);
}

/* dims_create(size, dims): the sides of a grid of `size` ranks */
static PyObject *dims_create(PyObject *module, PyObject *args)
{
	int dims[RIG_DIMS_MAX], count, size, r;
	PyObject *given;

	(void)module;
	if (!PyArg_ParseTuple(args, "iO", &size, &given))
		return NULL;
	count = read_dims(given, dims);
	if (count < 0)
		return NULL;
	r = rig_dims_create(size, count, dims);
	return r < 0 ? py_raise(r) : dims_to(dims, count);
}

PyMethodDef py_grid_functions[] = {
	{ "dims_create", dims_create, METH_VARARGS, "dims_create(size, dims)" },
	{ NULL, NULL, 0, NULL },
};

PyMethodDef py_grid_methods[] = {
	{ "cart_create", cart_create, METH_VARARGS,
	  "cart_create(dims, periods)" },
	{ "cart_coords", cart_coords, METH_O, "cart_coords(rank)" },
	{ "cart_rank", cart_rank, METH_O, "cart_rank(coords)" },
	{ "cart_shift", cart_shift, METH_VARARGS, "cart_shift(dim, disp)" },
	{ "halo", halo, METH_VARARGS, "halo(array, extents, width, type)" },
	{ NULL, NULL, 0, NULL },
};
