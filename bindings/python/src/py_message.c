/* SPDX-License-Identifier: MIT */
/*
 * py_message.c - the messages of a Team, and the requests of messages.
 */
#include "py_team.h"

#include <errno.h>

/* A request begun, and the buffer that the request reads or writes. */
struct py_request {
	PyObject_HEAD struct rig_team *team;
	struct rig_request *request; /* NULL: complete */
	Py_buffer view;
	bool held; /* `view` is to be released */
	struct rig_status status;
};

static PyTypeObject *request_type;

static PyObject *status_to(const struct rig_status *status)
{
	return Py_BuildValue("iin", status->source, status->tag,
			     (Py_ssize_t)status->bytes);
}

/* Parse (buffer, bytes, rank, tag), enter the team and get the buffer. */
static struct rig_team *begin_message(PyObject *self, PyObject *args,
				      bool writable, struct py_buffer *buffer,
				      Py_ssize_t *bytes, int *rank, int *tag)
{
	PyObject *object;
	struct rig_team *team;

	if (!PyArg_ParseTuple(args, "Onii", &object, bytes, rank, tag))
		return NULL;
	team = py_team_enter(((struct py_team *)self)->team);
	if (!team)
		return NULL;
	if (*bytes >= 0 && object != Py_True &&
	    py_buffer_get(buffer, object, writable, (size_t)*bytes) == 0)
		return team;
	if (!PyErr_Occurred())
		PyErr_SetString(PyExc_ValueError, "no such buffer");
	py_team_exit();
	return NULL;
}

static PyObject *send_message(PyObject *self, PyObject *args)
{
	struct py_buffer buffer;
	struct rig_team *team;
	Py_ssize_t bytes;
	int rank, tag, r;

	team = begin_message(self, args, false, &buffer, &bytes, &rank, &tag);
	if (!team)
		return NULL;
	PY_WAIT(r, rig_team_send(team, buffer.data, (size_t)bytes, RIG_UINT8,
				 rank, tag));
	py_buffer_put(&buffer);
	return py_team_leave(r);
}

static PyObject *recv_message(PyObject *self, PyObject *args)
{
	struct rig_status status = { 0 };
	struct py_buffer buffer;
	struct rig_team *team;
	Py_ssize_t bytes;
	int rank, tag, r;

	team = begin_message(self, args, true, &buffer, &bytes, &rank, &tag);
	if (!team)
		return NULL;
	PY_WAIT(r, rig_team_recv(team, buffer.data, (size_t)bytes, RIG_UINT8,
				 rank, tag, &status));
	py_buffer_put(&buffer);
	py_team_exit();
	return r < 0 ? py_raise(r) : status_to(&status);
}

/* probe(source, tag, wait): a status, or None */
static PyObject *probe(PyObject *self, PyObject *args)
{
	struct rig_status status = { 0 };
	struct rig_team *team;
	int source, tag, wait, r;
	bool found = true;

	if (!PyArg_ParseTuple(args, "iip", &source, &tag, &wait))
		return NULL;
	team = py_team_enter(((struct py_team *)self)->team);
	if (!team)
		return NULL;
	if (wait)
		PY_WAIT(r, rig_team_probe(team, source, tag, &status));
	else
		r = rig_team_iprobe(team, source, tag, &found, &status);
	py_team_exit();
	if (r < 0)
		return py_raise(r);
	return found ? status_to(&status) : Py_NewRef(Py_None);
}

static PyObject *begin_request(PyObject *self, PyObject *args, bool receives)
{
	struct py_request *made;
	struct py_buffer buffer;
	struct rig_team *team;
	Py_ssize_t bytes;
	int rank, tag, r;

	team = begin_message(self, args, receives, &buffer, &bytes, &rank,
			     &tag);
	if (!team)
		return NULL;
	made = py_allocate(request_type);
	if (!made) {
		py_buffer_put(&buffer);
		return py_team_leave(-ENOMEM);
	}
	made->team = team;
	made->view = buffer.view;
	made->held = buffer.held;
	r = receives ? rig_team_irecv(team, buffer.data, (size_t)bytes,
				      RIG_UINT8, rank, tag, &made->request)
		     : rig_team_isend(team, buffer.data, (size_t)bytes,
				      RIG_UINT8, rank, tag, &made->request);
	py_team_exit();
	if (r == 0)
		return (PyObject *)made;
	Py_DECREF(made);
	return py_raise(r);
}

static PyObject *isend(PyObject *self, PyObject *args)
{
	return begin_request(self, args, false);
}

static PyObject *irecv(PyObject *self, PyObject *args)
{
	return begin_request(self, args, true);
}

/* The request is complete: the buffer is the program's again. */
static PyObject *complete(struct py_request *request, int code)
{
	if (request->held)
		PyBuffer_Release(&request->view);
	request->held = false;
	return code < 0 ? py_raise(code) : status_to(&request->status);
}

static PyObject *wait_request(PyObject *self, PyObject *unused)
{
	struct py_request *request = (struct py_request *)self;
	int r;

	(void)unused;
	if (!request->request)
		return complete(request, 0);
	if (!py_team_enter(request->team))
		return NULL;
	PY_WAIT(r, rig_team_wait(request->team, &request->request,
				 &request->status));
	py_team_exit();
	return complete(request, r);
}

static PyObject *test_request(PyObject *self, PyObject *unused)
{
	struct py_request *request = (struct py_request *)self;
	bool done = false;
	int r;

	(void)unused;
	if (!request->request)
		return complete(request, 0);
	if (!py_team_enter(request->team))
		return NULL;
	r = rig_team_test(request->team, &request->request, &done,
			  &request->status);
	py_team_exit();
	if (r == 0 && !done)
		Py_RETURN_NONE;
	return complete(request, r);
}

/* The buffer of a request that nobody has waited for is in use: it stays. */
static void dealloc_request(PyObject *self)
{
	struct py_request *request = (struct py_request *)self;

	if (!request->request && request->held)
		PyBuffer_Release(&request->view);
	py_free(self);
}

PyMethodDef py_message_methods[] = {
	{ "send", send_message, METH_VARARGS,
	  "send(buffer, bytes, dest, tag)" },
	{ "recv", recv_message, METH_VARARGS,
	  "recv(buffer, bytes, source, tag): (source, tag, bytes)" },
	{ "isend", isend, METH_VARARGS, "isend(buffer, bytes, dest, tag)" },
	{ "irecv", irecv, METH_VARARGS, "irecv(buffer, bytes, source, tag)" },
	{ "probe", probe, METH_VARARGS, "probe(source, tag, wait)" },
	{ NULL, NULL, 0, NULL },
};

static PyMethodDef request_methods[] = {
	{ "wait", wait_request, METH_NOARGS, "A status, once complete." },
	{ "test", test_request, METH_NOARGS, "A status, or None: not yet." },
	{ NULL, NULL, 0, NULL },
};

static PyType_Slot request_slots[] = {
	{ Py_tp_dealloc, dealloc_request },
	{ Py_tp_methods, request_methods },
	{ 0, NULL },
};

static PyType_Spec request_spec = {
	.name = "runrig._runrig.Request",
	.basicsize = sizeof(struct py_request),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = request_slots,
};

int py_message_init(PyObject *module)
{
	request_type = (PyTypeObject *)py_add_type(module, &request_spec);
	return request_type ? 0 : -1;
}
