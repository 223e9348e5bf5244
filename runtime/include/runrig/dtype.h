/* SPDX-License-Identifier: MIT */
/*
 * dtype.h - the types of the elements of an array.
 */
#ifndef RUNRIG_DTYPE_H
#define RUNRIG_DTYPE_H

#ifdef __cplusplus
extern "C" {
#endif

/* The element types, by NumPy's names. */
enum rig_dtype {
	RIG_DTYPE_NONE,
	RIG_BOOL,
	RIG_INT8,
	RIG_INT16,
	RIG_INT32,
	RIG_INT64,
	RIG_UINT8,
	RIG_UINT16,
	RIG_UINT32,
	RIG_UINT64,
	RIG_FLOAT16,
	RIG_FLOAT32,
	RIG_FLOAT64,
	RIG_FLOAT128,
	RIG_COMPLEX64,
	RIG_COMPLEX128,
	RIG_COMPLEX256,
	RIG_BFLOAT16 /* the upper half of a float32; in no file of NumPy's */
};

#ifdef __cplusplus
}
#endif

#endif
