/* SPDX-License-Identifier: MIT */
/*
 * py_team.c - Team: the calls of a process that is a rank, of `runrig exec` or by a
 * name.
 *
 * A buffer is an object with contiguous bytes, None for a buffer that nobody looks
 * at on this rank, or True for RIG_IN_PLACE.  Each call checks that the buffers
 * have the bytes that the call moves.  Waits are without Python's lock; a second
 * thread that calls meanwhile gets a RuntimeError.
 */
#include "py_team.h"

#include <errno.h>
#include <stdatomic.h>

static PyTypeObject *team_type;
/* This process is a rank now. */
static bool joined;
/* A thread is in a call of a team. */
static atomic_flag busy = ATOMIC_FLAG_INIT;

struct rig_team *py_team_enter(struct rig_team *team)
{
	if (!joined || !team) {
		PyErr_SetString(
			PyExc_ValueError,
			"this process is no rank, or the team is freed");
		return NULL;
	}
	if (atomic_flag_test_and_set(&busy)) {
		PyErr_SetString(PyExc_RuntimeError,
				"another thread is in a call of the team");
		return NULL;
	}
	return team;
}

static struct rig_team *team_of(PyObject *self)
{
	return py_team_enter(((struct py_team *)self)->team);
}

void py_team_exit(void)
{
	atomic_flag_clear(&busy);
}

PyObject *py_team_leave(int code)
{
	py_team_exit();
	return code < 0 ? py_raise(code) : Py_NewRef(Py_None);
}

static PyObject *wrap(struct rig_team *team)
{
	struct py_team *made;

	if (!team)
		Py_RETURN_NONE;
	made = py_allocate(team_type);
	if (made)
		made->team = team;
	return (PyObject *)made;
}

PyObject *py_team_new(int code, struct rig_team *team)
{
	py_team_exit();
	return code < 0 ? py_raise(code) : wrap(team);
}

/* ---- buffers ---- */

int py_buffer_get(struct py_buffer *buffer, PyObject *object, bool writable,
		  size_t bytes)
{
	*buffer = (struct py_buffer){ 0 };
	if (object == Py_None)
		return 0;
	if (object == Py_True) {
		buffer->data = RIG_IN_PLACE;
		return 0;
	}
	if (PyObject_GetBuffer(object, &buffer->view,
			       writable ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0)
		return -1;
	buffer->held = true;
	buffer->data = buffer->view.buf;
	if ((size_t)buffer->view.len >= bytes)
		return 0;
	PyErr_Format(PyExc_ValueError,
		     "a buffer has %zd bytes, and the call moves %zu",
		     buffer->view.len, bytes);
	PyBuffer_Release(&buffer->view);
	buffer->held = false;
	return -1;
}

void py_buffer_put(struct py_buffer *buffer)
{
	if (buffer->held)
		PyBuffer_Release(&buffer->view);
}

bool py_count_bytes(Py_ssize_t count, int type, int times, size_t *bytes)
{
	size_t item = rig_type_bytes(type);

	if (count >= 0 && item > 0 &&
	    !__builtin_mul_overflow((size_t)count, item, bytes) &&
	    !__builtin_mul_overflow(*bytes, (size_t)times, bytes))
		return true;
	PyErr_SetString(PyExc_ValueError, "a count or a type that cannot be");
	return false;
}

/* ---- collectives ---- */

enum {
	BCAST,
	REDUCE,
	ALLREDUCE,
	SCAN,
	EXSCAN,
	GATHER,
	SCATTER,
	ALLGATHER,
	ALLTOALL,
	VERBS
};

/* How many times `count` elements the buffers have: of each verb, `send` and
 * `recv`; A: as many as ranks. */
#define A 0
static const struct {
	int send, recv;
} times_of[VERBS] = {
	[BCAST] = { 1, 1 },   [REDUCE] = { 1, 1 },    [ALLREDUCE] = { 1, 1 },
	[SCAN] = { 1, 1 },    [EXSCAN] = { 1, 1 },    [GATHER] = { 1, A },
	[SCATTER] = { A, 1 }, [ALLGATHER] = { 1, A }, [ALLTOALL] = { A, A },
};

struct py_call {
	void *send, *recv;
	size_t count;
	int type, op, root;
};

static int call_verb(struct rig_team *team, int verb, const struct py_call *m)
{
	switch (verb) {
	case BCAST:
		return rig_team_bcast(team, m->recv, m->count, m->type,
				      m->root);
	case REDUCE:
		return rig_team_reduce(team, m->send, m->recv, m->count,
				       m->type, m->op, m->root);
	case ALLREDUCE:
		return rig_team_allreduce(team, m->send, m->recv, m->count,
					  m->type, m->op);
	case SCAN:
		return rig_team_scan(team, m->send, m->recv, m->count, m->type,
				     m->op);
	case EXSCAN:
		return rig_team_exscan(team, m->send, m->recv, m->count,
				       m->type, m->op);
	case GATHER:
		return rig_team_gather(team, m->send, m->count, m->type,
				       m->recv, m->count, m->type, m->root);
	case SCATTER:
		return rig_team_scatter(team, m->send, m->count, m->type,
					m->recv, m->count, m->type, m->root);
	case ALLGATHER:
		return rig_team_allgather(team, m->send, m->count, m->type,
					  m->recv, m->count, m->type);
	default:
		return rig_team_alltoall(team, m->send, m->count, m->type,
					 m->recv, m->count, m->type);
	}
}

/* collective(verb, send, recv, count, type, op, root) */
static PyObject *collective(PyObject *self, PyObject *args)
{
	struct py_buffer send, recv;
	PyObject *given, *wanted, *done = NULL;
	size_t send_bytes, recv_bytes;
	struct rig_team *team;
	struct py_call m = { 0 };
	Py_ssize_t count;
	int verb, size, r;

	if (!PyArg_ParseTuple(args, "iOOniii", &verb, &given, &wanted, &count,
			      &m.type, &m.op, &m.root))
		return NULL;
	if (verb < 0 || verb >= VERBS) {
		PyErr_SetString(PyExc_ValueError, "no such verb");
		return NULL;
	}
	team = team_of(self);
	if (!team)
		return NULL;
	size = rig_team_size(team);
	m.count = (size_t)count;
	if (py_count_bytes(count, m.type, times_of[verb].send ? 1 : size,
			   &send_bytes) &&
	    py_count_bytes(count, m.type, times_of[verb].recv ? 1 : size,
			   &recv_bytes) &&
	    py_buffer_get(&send, given, false, send_bytes) == 0) {
		if (py_buffer_get(&recv, wanted, true, recv_bytes) == 0) {
			m.send = send.data;
			m.recv = recv.data;
			PY_WAIT(r, call_verb(team, verb, &m));
			py_buffer_put(&recv);
			py_buffer_put(&send);
			return py_team_leave(r);
		}
		py_buffer_put(&send);
	}
	py_team_exit();
	return done;
}

static PyObject *barrier(PyObject *self, PyObject *unused)
{
	struct rig_team *team = team_of(self);
	int r;

	(void)unused;
	if (!team)
		return NULL;
	PY_WAIT(r, rig_team_barrier(team));
	return py_team_leave(r);
}

/* ---- teams ---- */

static PyObject *split(PyObject *self, PyObject *args)
{
	struct rig_team *team, *made = NULL;
	int color, key, r;

	if (!PyArg_ParseTuple(args, "ii", &color, &key))
		return NULL;
	team = team_of(self);
	if (!team)
		return NULL;
	PY_WAIT(r, rig_team_split(team, color, key, &made));
	return py_team_new(r, made);
}

static PyObject *free_team(PyObject *self, PyObject *unused)
{
	struct py_team *own = (struct py_team *)self;
	struct rig_team *team = team_of(self);
	int r;

	(void)unused;
	if (!team)
		return NULL;
	own->team = NULL;
	PY_WAIT(r, rig_team_free(team));
	return py_team_leave(r);
}

/* share(count, schedule, chunk): all parts that this rank takes, one at a time, as
 * a function that gives (begin, end) or None. */
struct py_share {
	PyObject_HEAD struct rig_share share;
};

static PyTypeObject *share_type;

static PyObject *share(PyObject *self, PyObject *args)
{
	Py_ssize_t count, chunk;
	struct py_share *made;
	struct rig_team *team;
	int schedule, r;

	if (!PyArg_ParseTuple(args, "nin", &count, &schedule, &chunk))
		return NULL;
	made = py_allocate(share_type);
	team = made ? team_of(self) : NULL;
	if (!team) {
		Py_XDECREF((PyObject *)made);
		return NULL;
	}
	PY_WAIT(r, rig_share_begin(&made->share, team, (size_t)count,
				   (enum rig_schedule)schedule, (size_t)chunk));
	py_team_exit();
	if (r == 0)
		return (PyObject *)made;
	Py_DECREF(made);
	return py_raise(r);
}

static PyObject *itself(PyObject *self)
{
	return Py_NewRef(self);
}

static PyObject *next_part(PyObject *self)
{
	struct py_share *own = (struct py_share *)self;
	struct rig_span part;
	bool taken;

	if (!py_team_enter(own->share.team))
		return NULL;
	taken = rig_share_next(&own->share, &part);
	py_team_exit();
	return taken ? Py_BuildValue("nn", (Py_ssize_t)part.begin,
				     (Py_ssize_t)part.end)
		     : NULL;
}

/* counter(): the address of 8 bytes of the team's heap, for fetch_add() alone. */
static PyObject *counter(PyObject *self, PyObject *unused)
{
	struct rig_team *team = team_of(self);
	void *memory = NULL;
	int r;

	(void)unused;
	if (!team)
		return NULL;
	PY_WAIT(r, rig_team_alloc(team, sizeof(uint64_t), &memory));
	py_team_exit();
	return r < 0 ? py_raise(r) : PyLong_FromVoidPtr(memory);
}

/* fetch_add(counter, value, rank): the number before.  The library refuses an
 * address that is not of the team's heap. */
static PyObject *fetch_add(PyObject *self, PyObject *args)
{
	unsigned long long word, value;
	struct rig_team *team;
	uint64_t before = 0;
	int rank, r;

	if (!PyArg_ParseTuple(args, "KKi", &word, &value, &rank))
		return NULL;
	team = team_of(self);
	if (!team)
		return NULL;
	r = rig_team_fetch_add(team, (uint64_t *)(uintptr_t)word, value, rank,
			       &before);
	py_team_exit();
	return r < 0 ? py_raise(r) : PyLong_FromLongLong((int64_t)before);
}

static PyObject *get_rank(PyObject *self, void *unused)
{
	struct rig_team *team = ((struct py_team *)self)->team;

	(void)unused;
	return PyLong_FromLong(joined && team ? rig_team_rank(team) : -1);
}

static PyObject *get_size(PyObject *self, void *unused)
{
	struct rig_team *team = ((struct py_team *)self)->team;

	(void)unused;
	return PyLong_FromLong(joined && team ? rig_team_size(team) : -1);
}

/* ---- the process ---- */

/* How long to wait under a name before signals are looked at: then the seat is given
 * up for a moment. */
#define JOIN_SLICE_NS UINT64_C(500000000)

/* Join by name, Ctrl-C heeded: as rig_join(), or 1 with an exception. */
static int join_by_name(struct rig_team **team,
			struct rig_join_options *options)
{
	const uint64_t deadline_ns = options->deadline_ns;
	int r;

	for (;;) {
		options->deadline_ns = py_clock_ns() + JOIN_SLICE_NS;
		if (options->deadline_ns > deadline_ns)
			options->deadline_ns = deadline_ns;
		PY_WAIT(r, rig_join(team, options));
		if (r != -ETIMEDOUT || py_clock_ns() >= deadline_ns)
			return r;
		if (PyErr_CheckSignals() < 0)
			return 1;
	}
}

/* join(name or None, size, number, deadline_ns) */
static PyObject *join_team(PyObject *module, PyObject *args)
{
	struct rig_join_options options = { .deadline_ns = 0 };
	unsigned long long deadline_ns;
	struct rig_team *team = NULL;
	int r;

	(void)module;
	if (!PyArg_ParseTuple(args, "ziiK", &options.name, &options.size,
			      &options.number, &deadline_ns))
		return NULL;
	options.deadline_ns = deadline_ns;
	if (options.name)
		r = join_by_name(&team, &options);
	else
		PY_WAIT(r, rig_join(&team, &options));
	if (r > 0)
		return NULL;
	if (r < 0)
		return py_raise(r);
	joined = true;
	return wrap(team);
}

static PyObject *leave_team(PyObject *module, PyObject *unused)
{
	int r;

	(void)module;
	(void)unused;
	if (!joined)
		Py_RETURN_NONE;
	joined = false;
	r = rig_leave();
	return r < 0 ? py_raise(r) : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
	{ "join", join_team, METH_VARARGS, "Become a rank: the Team of all." },
	{ "leave", leave_team, METH_NOARGS, "End being a rank." },
	{ NULL, NULL, 0, NULL },
};

static PyGetSetDef attributes[] = {
	{ "rank", get_rank, NULL, "This process's number.", NULL },
	{ "size", get_size, NULL, "How many ranks.", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyMethodDef methods[] = {
	{ "collective", collective, METH_VARARGS,
	  "collective(verb, send, recv, count, type, op, root)" },
	{ "barrier", barrier, METH_NOARGS, "Wait for all." },
	{ "split", split, METH_VARARGS, "split(color, key): a Team or None" },
	{ "free", free_team, METH_NOARGS, "Collective." },
	{ "share", share, METH_VARARGS, "share(count, schedule, chunk)" },
	{ "counter", counter, METH_NOARGS, "Collective: a counter." },
	{ "fetch_add", fetch_add, METH_VARARGS,
	  "fetch_add(counter, value, rank)" },
	{ NULL, NULL, 0, NULL },
};

static PyType_Slot team_slots[] = {
	{ Py_tp_dealloc, py_free },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, attributes },
	{ 0, NULL },
};

static PyType_Slot share_slots[] = {
	{ Py_tp_dealloc, py_free },
	{ Py_tp_iter, itself },
	{ Py_tp_iternext, next_part },
	{ 0, NULL },
};

static PyType_Spec team_spec = {
	.name = "runrig._runrig.Team",
	.basicsize = sizeof(struct py_team),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = team_slots,
};

static PyType_Spec share_spec = {
	.name = "runrig._runrig.Share",
	.basicsize = sizeof(struct py_share),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = share_slots,
};

/* A type has a single table of methods, in four files. */
static PyMethodDef *all_methods(void)
{
	static PyMethodDef all[40];
	PyMethodDef *const tables[] = { methods, py_message_methods,
					py_grid_methods, py_reduce_methods };
	size_t count = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (PyMethodDef *m = tables[i]; m->ml_name; m++)
			all[count++] = *m;
	return all;
}

int py_team_init(PyObject *module)
{
	for (PyType_Slot *slot = team_slots; slot->slot; slot++)
		if (slot->slot == Py_tp_methods)
			slot->pfunc = all_methods();
	team_type = (PyTypeObject *)py_add_type(module, &team_spec);
	share_type = (PyTypeObject *)py_add_type(module, &share_spec);
	if (!team_type || !share_type)
		return -1;
	if (py_message_init(module) < 0 ||
	    PyModule_AddFunctions(module, py_grid_functions) < 0)
		return -1;
	return PyModule_AddFunctions(module, functions);
}
