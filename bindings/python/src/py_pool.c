/* SPDX-License-Identifier: MIT */
/*
 * py_pool.c - Pool: workers that are no forks of the interpreter, and their runs.
 *
 * A wait goes on in slices, without Python's lock: between slices Python looks at
 * its signals, and an exception of a handler cancels the run.  A kernel over
 * segments alone is all waits for jobs, and runs in the thread of the caller; any
 * other kernel copies data in between, and runs in a thread of its own.  A run has an end
 * before the call returns, whatever happens.  runrig.Pool lets one thread at a time
 * begin a run.
 */
#include "py_spec.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

struct py_pool {
	PyObject_HEAD struct rig_pool *pool; /* NULL: destroyed */
	/* A cancel is wanted of the run at hand.  Written by cancel(), read by
	 * the thread that waits. */
	atomic_bool cancel;
};

/* A kernel's run in a thread of its own: between jobs, rig_kernel_run() copies, and
 * has no deadline. */
struct kernel_thread {
	struct rig_pool *pool;
	const struct rig_spec *spec;
	struct rig_outcome *outcome;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
	int code;
	char why[1024];
};

static struct rig_pool *pool_of(PyObject *self)
{
	struct rig_pool *pool = ((struct py_pool *)self)->pool;

	if (!pool)
		PyErr_SetString(PyExc_ValueError, "the pool is closed");
	return pool;
}

/* Pool(workers, place or None, barrier) */
static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *words)
{
	struct rig_pool_options options = { .start = RIG_EXEC };
	struct py_pool *self;
	int barrier, r;

	(void)words;
	if (!PyArg_ParseTuple(args, "izi", &options.workers, &options.place,
			      &barrier))
		return NULL;
	options.barrier = (enum rig_barrier_kind)barrier;
	self = py_allocate(type);
	if (!self)
		return NULL;
	PY_WAIT(r, rig_pool_create(&self->pool, &options));
	if (r < 0) {
		py_raise(r);
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static void destroy(struct py_pool *self)
{
	struct rig_pool *pool = self->pool;

	self->pool = NULL;
	PY_RELEASED(rig_pool_destroy(pool));
}

static void dealloc(PyObject *self)
{
	destroy((struct py_pool *)self);
	py_free(self);
}

static PyObject *destroy_pool(PyObject *self, PyObject *unused)
{
	(void)unused;
	destroy((struct py_pool *)self);
	Py_RETURN_NONE;
}

/* ---- a function ---- */

static int read_segments(PyObject *tuple, struct rig_job *job)
{
	Py_ssize_t count = PyTuple_Size(tuple);

	if (count > RIG_SEGMENTS_MAX) {
		PyErr_SetString(PyExc_ValueError,
				"a function takes at most 16 arrays");
		return -1;
	}
	for (Py_ssize_t i = 0; i < count; i++) {
		struct rig_handed *handed = &job->segments[i];
		Py_ssize_t offset, bytes;
		int read_only;

		if (!PyArg_ParseTuple(PyTuple_GetItem(tuple, i), "snnp",
				      &handed->name, &offset, &bytes,
				      &read_only))
			return -1;
		handed->offset = (size_t)offset;
		handed->bytes = (size_t)bytes;
		handed->read_only = read_only;
	}
	return 0;
}

/* Did the run end, of which a wait has just said -EINVAL?  The first slice that met
 * the job's limit ended it. */
static int code_after_limit(struct rig_pool *pool, int code)
{
	return rig_pool_report(pool)->end == RIG_END_LIMIT ? -ETIMEDOUT : code;
}

/* A call that waits for jobs without Python's lock. */
struct job_wait {
	struct py_pool *self;
	PyThreadState *unlocked;
	bool began;  /* a job was submitted */
	bool raised; /* a signal's handler has raised a Python error */
};

/* Look at Python's signals, with the lock meanwhile. */
static void look_at_signals(struct job_wait *wait)
{
	PyEval_RestoreThread(wait->unlocked);
	wait->raised = wait->raised || PyErr_CheckSignals() < 0;
	wait->unlocked = PyEval_SaveThread();
}

/* Run a job, as rig_pool_run() does: its code, with `raised` set where a handler
 * has raised. */
static int run_job(void *arg, const struct rig_job *job)
{
	struct job_wait *wait = arg;
	struct rig_pool *pool = wait->self->pool;
	bool again = false;
	uint64_t until;
	int r = rig_pool_submit(pool, job);

	wait->began |= r == 0;
	while (r == 0) {
		/* A cancel may have come between two jobs of a kernel. */
		if (wait->raised || atomic_load(&wait->self->cancel))
			(void)rig_pool_cancel(pool);
		until = wait->raised ? RIG_FOREVER
				     : py_clock_ns() + PY_SLICE_NS;
		r = rig_pool_wait(pool, until);
		if (again && r == -EINVAL)
			return code_after_limit(pool, r);
		if (r != -ETIMEDOUT || py_clock_ns() < until)
			return r;
		again = true;
		look_at_signals(wait);
		r = 0;
	}
	return r;
}

/* call(name, segments, args, limit_ns): (code, why, began, rank 0's result) */
static PyObject *call(PyObject *self, PyObject *args)
{
	struct job_wait wait = { .self = (struct py_pool *)self };
	struct rig_pool *pool = pool_of(self);
	char result[RIG_RESULT_MAX] = { 0 };
	struct rig_job job = { .result = result,
			       .result_bytes = sizeof(result) };
	unsigned long long limit;
	Py_ssize_t args_bytes;
	PyObject *segments;
	int r;

	if (!pool ||
	    !PyArg_ParseTuple(args, "sO!y#K", &job.name, &PyTuple_Type,
			      &segments, &job.args, &args_bytes, &limit))
		return NULL;
	job.args_bytes = (size_t)args_bytes;
	job.limit_ns = limit;
	if (read_segments(segments, &job) < 0)
		return NULL;
	atomic_store(&wait.self->cancel, false);
	wait.unlocked = PyEval_SaveThread();
	r = run_job(&wait, &job);
	PyEval_RestoreThread(wait.unlocked);
	if (PyErr_Occurred())
		return NULL;
	return Py_BuildValue("iNiy#", r, py_why(r), wait.began, result,
			     (Py_ssize_t)sizeof(result));
}

/* ---- a kernel ---- */

static void *run_thread(void *arg)
{
	struct kernel_thread *thread = arg;
	int code = rig_kernel_run(thread->pool, thread->spec, &thread->outcome);

	if (code < 0)
		strncpy(thread->why, rig_why(), sizeof(thread->why) - 1);
	pthread_mutex_lock(&thread->lock);
	thread->code = code;
	thread->done = true;
	pthread_cond_signal(&thread->ended);
	pthread_mutex_unlock(&thread->lock);
	return NULL;
}

/* Signals are for the threads of the program. */
static int start_thread(struct kernel_thread *thread, pthread_t *id)
{
	pthread_condattr_t attributes;
	sigset_t all, before;
	int r;

	pthread_mutex_init(&thread->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&thread->ended, &attributes);
	pthread_condattr_destroy(&attributes);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(id, NULL, run_thread, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

/* Wait for the thread, `ns` at most.  Without Python's lock. */
static bool thread_ended(struct kernel_thread *thread, uint64_t ns)
{
	uint64_t until = py_clock_ns() + ns;
	struct timespec at = { .tv_sec = (time_t)(until / 1000000000u),
			       .tv_nsec = (long)(until % 1000000000u) };
	bool done;

	pthread_mutex_lock(&thread->lock);
	while (!thread->done &&
	       pthread_cond_timedwait(&thread->ended, &thread->lock, &at) == 0)
		;
	done = thread->done;
	pthread_mutex_unlock(&thread->lock);
	return done;
}

/* A cancel may come between two jobs of the kernel, and is asked for again. */
static void wait_for_thread(struct py_pool *self, struct kernel_thread *thread,
			    pthread_t id)
{
	bool raised = false, done;

	do {
		bool wanted = raised || atomic_load(&self->cancel);

		if (wanted)
			(void)rig_pool_cancel(thread->pool);
		PY_WAIT(done,
			thread_ended(thread, wanted ? 1000000 : PY_SLICE_NS));
		raised = raised || PyErr_CheckSignals() < 0;
	} while (!done);
	pthread_join(id, NULL);
	pthread_mutex_destroy(&thread->lock);
	pthread_cond_destroy(&thread->ended);
}

/* (code, why, outcome or None) */
static PyObject *kernel_ended(int code, const char *words,
			      const struct rig_outcome *outcome)
{
	PyObject *why = PyUnicode_DecodeUTF8(words, (Py_ssize_t)strlen(words),
					     "replace");
	PyObject *known = outcome ? py_outcome(outcome) : Py_NewRef(Py_None);

	if (!why || !known) {
		Py_XDECREF(why);
		Py_XDECREF(known);
		return NULL;
	}
	return Py_BuildValue("iNN", code, why, known);
}

/* Whether the elements lie in C order, without gaps. */
static bool is_plain(const struct rig_operand *operand)
{
	int64_t stride = rig_dtype_bytes(operand->dtype);

	for (int d = operand->dims - 1; operand->strides && d >= 0; d--) {
		if (operand->shape[d] != 1 && operand->strides[d] != stride)
			return false;
		stride *= operand->shape[d];
	}
	return !operand->swapped;
}

/* Whether every array is in a segment, where the kernel takes it as it lies. */
static bool is_in_place(const struct rig_spec *spec)
{
	for (size_t i = 0; i < spec->operand_count; i++)
		if (!spec->operands[i].segment || spec->operands[i].output ||
		    !is_plain(&spec->operands[i]))
			return false;
	return spec->operand_count > 0;
}

/* A thread of its own would cost the call a tenth of a millisecond. */
static PyObject *run_here(struct py_pool *self, struct rig_spec *spec)
{
	struct job_wait wait = { .self = self };
	struct rig_outcome *outcome = NULL;
	PyObject *ended = NULL;
	int code;

	spec->run_job = run_job;
	spec->run_job_arg = &wait;
	atomic_store(&self->cancel, false);
	wait.unlocked = PyEval_SaveThread();
	code = rig_kernel_run(self->pool, spec, &outcome);
	PyEval_RestoreThread(wait.unlocked);
	if (!PyErr_Occurred())
		ended = kernel_ended(code, code < 0 ? rig_why() : "", outcome);
	PY_RELEASED(rig_outcome_free(outcome));
	return ended;
}

static PyObject *run_in_thread(struct py_pool *self, struct rig_spec *spec)
{
	struct kernel_thread thread = { .pool = self->pool, .spec = spec };
	PyObject *ended = NULL;
	pthread_t id;
	int r;

	atomic_store(&self->cancel, false);
	r = start_thread(&thread, &id);
	if (r < 0)
		return py_raise(r);
	wait_for_thread(self, &thread, id);
	if (!PyErr_Occurred())
		ended = kernel_ended(thread.code, thread.why, thread.outcome);
	rig_outcome_free(thread.outcome);
	return ended;
}

/* run_kernel(kernel, operands, settings, verify, seed, limit_ns) */
static PyObject *run_kernel(PyObject *self, PyObject *args)
{
	struct rig_pool *pool = pool_of(self);
	PyObject *ended = NULL;
	struct py_spec *spec;

	if (!pool)
		return NULL;
	spec = PyMem_Malloc(sizeof(*spec));
	if (!spec)
		return PyErr_NoMemory();
	if (py_spec_fill(spec, args) == 0)
		ended = (is_in_place(&spec->spec) ? run_here : run_in_thread)(
			(struct py_pool *)self, &spec->spec);
	PyMem_Free(spec);
	return ended;
}

/* ---- facts about the pool ---- */

static PyObject *cancel(PyObject *self, PyObject *unused)
{
	struct py_pool *own = (struct py_pool *)self;

	(void)unused;
	atomic_store(&own->cancel, true);
	return PyBool_FromLong(own->pool && rig_pool_cancel(own->pool) == 0);
}

static PyObject *progress(PyObject *self, PyObject *unused)
{
	struct rig_pool *pool = pool_of(self);

	(void)unused;
	return pool ? PyFloat_FromDouble(rig_pool_progress(pool)) : NULL;
}

static PyObject *describe_ranks(const struct rig_report *report)
{
	PyObject *ranks = PyTuple_New(report->ranks ? report->size : 0);

	for (int i = 0; ranks && report->ranks && i < report->size; i++) {
		const struct rig_rank_report *rank = &report->ranks[i];
		PyObject *one = Py_BuildValue("iiiKs", (int)rank->pid, rank->pu,
					      (int)rank->state,
					      (unsigned long long)rank->epoch,
					      rank->where ? rank->where : "");

		if (!one)
			Py_CLEAR(ranks);
		else
			(void)PyTuple_SetItem(ranks, i, one);
	}
	return ranks;
}

static PyObject *text_of(const char *text)
{
	return PyUnicode_DecodeUTF8(text ? text : "",
				    text ? (Py_ssize_t)strlen(text) : 0,
				    "replace");
}

/* report(): (end, rank, code, wait status, kernel, segment, offset, ranks, text) */
static PyObject *report(PyObject *self, PyObject *unused)
{
	struct rig_pool *pool = pool_of(self);
	const struct rig_report *known = pool ? rig_pool_report(pool) : NULL;
	PyObject *ranks = known ? describe_ranks(known) : NULL;

	(void)unused;
	if (!ranks)
		return NULL;
	return Py_BuildValue(
		"iiiiNinNN", (int)known->end, known->rank, known->code,
		known->wait_status, text_of(known->kernel), known->segment,
		(Py_ssize_t)known->offset, ranks, text_of(known->text));
}

/* worker(rank): (pid, package, node, core, pu, pus, as_planned) */
static PyObject *worker(PyObject *self, PyObject *rank)
{
	struct rig_pool *pool = pool_of(self);
	struct rig_worker known;
	long number;
	int r;

	if (!pool)
		return NULL;
	number = PyLong_AsLong(rank);
	if (number == -1 && PyErr_Occurred())
		return NULL;
	r = rig_pool_worker(pool, (int)number, &known);
	if (r < 0)
		return py_raise(r);
	return Py_BuildValue("iiiiiiO", (int)known.pid, known.package,
			     known.node, known.core, known.pu, known.pus,
			     known.as_planned ? Py_True : Py_False);
}

static PyObject *get_size(PyObject *self, void *unused)
{
	struct rig_pool *pool = pool_of(self);

	(void)unused;
	return pool ? PyLong_FromLong(rig_pool_size(pool)) : NULL;
}

static PyGetSetDef attributes[] = {
	{ "size", get_size, NULL, "How many workers.", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyMethodDef methods[] = {
	{ "call", call, METH_VARARGS,
	  "call(name, segments, args, limit_ns): (code, why, began, result)" },
	{ "run_kernel", run_kernel, METH_VARARGS,
	  "run_kernel(kernel, operands, settings, verify, seed, limit_ns): "
	  "(code, why, outcome)" },
	{ "cancel", cancel, METH_NOARGS, "End the run in progress." },
	{ "progress", progress, METH_NOARGS, "How far the run is, 0 to 1." },
	{ "report", report, METH_NOARGS, "How the last run ended." },
	{ "worker", worker, METH_O, "worker(rank): where a worker is." },
	{ "destroy", destroy_pool, METH_NOARGS, "End the workers." },
	{ NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
	{ Py_tp_doc, "Workers; see runrig.Pool." },
	{ Py_tp_new, make },
	{ Py_tp_dealloc, dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, attributes },
	{ 0, NULL },
};

static PyType_Spec spec = {
	.name = "runrig._runrig.Pool",
	.basicsize = sizeof(struct py_pool),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = slots,
};

int py_pool_init(PyObject *module)
{
	PyObject *type = py_add_type(module, &spec);

	Py_XDECREF(type);
	return type ? 0 : -1;
}
