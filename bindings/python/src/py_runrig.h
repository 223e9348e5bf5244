/* SPDX-License-Identifier: MIT */
/*
 * py_runrig.h - the parts of the extension module runrig._runrig.
 *
 * The module is compiled once for Python 3.11 and later (Py_LIMITED_API), or once
 * for each of 3.9, 3.10 and the builds without a global lock.  All calls of the
 * library that wait are made without Python's lock; handles are used with it.
 */
#ifndef RUNRIG_PY_RUNRIG_H
#define RUNRIG_PY_RUNRIG_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <runrig/runrig.h>

#if PY_VERSION_HEX < 0x030a0000
static inline PyObject *Py_NewRef(PyObject *object)
{
	Py_INCREF(object);
	return object;
}
#endif

/* A method whatever its flags are. */
#define PY_METHOD(function) ((PyCFunction)(void (*)(void))(function))

/* A call of the library without Python's lock; and such a call with a result. */
#define PY_RELEASED(call)                                                      \
	do {                                                                   \
		PyThreadState *unlocked = PyEval_SaveThread();                 \
		call;                                                          \
		PyEval_RestoreThread(unlocked);                                \
	} while (0)
#define PY_WAIT(code, call) PY_RELEASED((code) = (call))

/* How long a wait may go on before signals are looked at. */
#define PY_SLICE_NS UINT64_C(50000000)

/* CLOCK_MONOTONIC. */
uint64_t py_clock_ns(void);

/* Raise the meaning of a code of the library, with the words of rig_why(): ValueError,
 * IndexError, MemoryError, or the OSError of the code.  Returns NULL. */
PyObject *py_raise(int code);

/* The words of rig_why(), or of the system where there are none; a new reference. */
PyObject *py_why(int code);

/* A name as C has it: without Python's leading slash.  NULL and ValueError where a
 * NUL is in the name.  Borrowed from `object`. */
const char *py_name(PyObject *object);

/* An object of a type, zeroed beyond its head; no constructor is called. */
void *py_allocate(PyTypeObject *type);
void py_free(PyObject *self);

/* Addresses [begin, end). */
struct py_range {
	uintptr_t begin, end;
};

/* Memory: a segment's bytes in this process, a handle on them, and, where the
 * segment is a list's, the list. */
struct py_memory {
	PyObject_HEAD struct rig_segment
		*segment;      /* NULL: none yet, or no more */
	struct py_range range; /* the bytes, for window() */
	struct rig_list *list; /* owns `segment`; NULL: a plain segment */
	PyObject *path;        /* a file's, as bytes; or NULL */
	Py_ssize_t size;
	Py_ssize_t exports; /* buffers that others hold */
	bool closed;
	bool read_only;
	bool made;      /* by this process */
	uint64_t token; /* no other Memory's, of any process */
	pid_t owner; /* the process whose last reference removes the name; 0: as
		      * the library says */
};

/* The memory of an argument that must be one with bytes; or NULL and an error. */
struct py_memory *py_memory_of(PyObject *object);

/* A Memory for a handle, which the Memory owns from here on, also where the call
 * fails. */
PyObject *py_memory_wrap(struct rig_segment *segment, struct rig_list *list,
			 bool read_only);

/* Unmap the bytes of a Memory to which the caller has the only reference.  0, also
 * where it is done already; or -1 and a BufferError. */
int py_memory_close(PyObject *memory);

/* Make window() find a Memory by its addresses, and no longer find the Memory. */
void py_where_enter(struct py_memory *memory);
void py_where_leave(struct py_memory *memory);

/* Values of a list and of Python's.  `value` borrows from `object`.  from returns
 * 0, or -1 and an error. */
int py_value_from(PyObject *object, struct rig_value *value);
int py_values_from(PyObject *sequence, struct rig_value **values,
		   Py_ssize_t *count);

/* A type from its spec, entered into the module; or NULL and an error. */
PyObject *py_add_type(PyObject *module, PyType_Spec *spec);

/* The types of each file, entered into the module: 0, or -1 and an error. */
int py_memory_init(PyObject *module);
int py_segment_init(PyObject *module);
int py_manager_init(PyObject *module);
int py_pool_init(PyObject *module);
int py_team_init(PyObject *module);

extern PyMethodDef py_list_methods[];
extern PyMethodDef py_kernel_functions[];
extern PyMethodDef py_where_functions[];

#endif
