/* SPDX-License-Identifier: MIT */
/*
 * py_team.h - the shared parts of collectives and messages.
 */
#ifndef RUNRIG_PY_TEAM_H
#define RUNRIG_PY_TEAM_H

#include "py_runrig.h"

struct py_team {
	PyObject_HEAD struct rig_team *team; /* NULL: freed */
};

/* An object's bytes for a call: None has none, True is RIG_IN_PLACE. */
struct py_buffer {
	Py_buffer view;
	void *data;
	bool held; /* `view` is to be released */
};

/* Begin a call: the team, or NULL and an error where this process is no rank or
 * another thread is in a call. */
struct rig_team *py_team_enter(struct rig_team *team);

/* End a call; and likewise with None, or NULL and the exception of the code. */
void py_team_exit(void);
PyObject *py_team_leave(int code);

/* Get a buffer with room for `bytes` bytes: 0, or -1 and an error; give it back. */
int py_buffer_get(struct py_buffer *buffer, PyObject *object, bool writable,
		  size_t bytes);
void py_buffer_put(struct py_buffer *buffer);

/* The bytes of `count` elements, `times` times; false and an error where there
 * are too many. */
bool py_count_bytes(Py_ssize_t count, int type, int times, size_t *bytes);

/* End the call of a new team: a Team, None for NULL, or NULL and an exception. */
PyObject *py_team_new(int code, struct rig_team *team);

extern PyMethodDef py_message_methods[], py_grid_methods[];
extern PyMethodDef py_reduce_methods[];
extern PyMethodDef py_grid_functions[];
int py_message_init(PyObject *module);

#endif
