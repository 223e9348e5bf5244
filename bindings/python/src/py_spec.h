/* SPDX-License-Identifier: MIT */
/*
 * py_spec.h - the specification of a run, from Python's objects to the library's.
 */
#ifndef RUNRIG_PY_SPEC_H
#define RUNRIG_PY_SPEC_H

#include "py_runrig.h"

#include <runrig/kernels.h>

#define PY_DIMS_MAX     64
#define PY_SETTINGS_MAX 64

/* A rig_spec with the memory that the spec points to.  Texts are borrowed from the
 * Python objects, which live as long as the caller holds the arguments. */
struct py_spec {
	struct rig_spec spec;
	struct rig_operand operands[RIG_ARRAYS_MAX];
	int64_t shapes[RIG_ARRAYS_MAX][PY_DIMS_MAX];
	int64_t strides[RIG_ARRAYS_MAX][PY_DIMS_MAX];
	struct rig_setting settings[PY_SETTINGS_MAX + 1];
};

/*
 * Fill in a spec from (kernel, operands, settings, verify, seed, limit_ns), where an
 * operand is (name, segment, file, output, address, offset, dtype, swapped, shape,
 * strides) and a setting is (name, value).  Returns 0, or -1 and an error.
 */
int py_spec_fill(struct py_spec *spec, PyObject *args);

/* A dictionary with the outcome of a run, for Outcome; or NULL and an error. */
PyObject *py_outcome(const struct rig_outcome *outcome);

#endif
