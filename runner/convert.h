/* SPDX-License-Identifier: MIT */
/*
 * convert.h - items of any real dtype of up to 8 bytes as doubles, and integers
 * as 64 bits, a chunk at a time.
 *
 * Items are in the machine's byte order and need no alignment.
 */
#ifndef KERNELS_CONVERT_H
#define KERNELS_CONVERT_H

#include <stdbool.h>

#include <runrig/kernel.h>

/* The user's items may lie at any address. */
#define WIDEN_ANY __attribute__((aligned(1), may_alias))

typedef int8_t any_int8 WIDEN_ANY;
typedef int16_t any_int16 WIDEN_ANY;
typedef int32_t any_int32 WIDEN_ANY;
typedef int64_t any_int64 WIDEN_ANY;
typedef uint8_t any_uint8 WIDEN_ANY;
typedef uint16_t any_uint16 WIDEN_ANY;
typedef uint32_t any_uint32 WIDEN_ANY;
typedef uint64_t any_uint64 WIDEN_ANY;
typedef float any_float WIDEN_ANY;
typedef double any_double WIDEN_ANY;

/* A widened item, or a reduction of several items. */
union number {
	double real;
	uint64_t whole;
};

/* Whether the items are bool, or integers or floats of up to 8 bytes. */
bool convert_knows(const struct rig_array *array);

/* 0, or -EINVAL where convert_knows() returns false, with words: the dtypes
 * that `kernel` takes. */
int convert_check(const struct rig_array *array, const char *kernel, char *why,
		  size_t why_bytes);

/* The result has the dtype `dtype`: a result that is made here gets the dtype.
 * 0, or -EINVAL with words where the user's result has another dtype. */
int convert_result(struct rig_array *result, enum rig_dtype dtype, char *why,
		   size_t why_bytes);

/* whole: whether a dtype is bool or an integer. signed: whether it is an
 * integer with a sign. */
bool convert_whole(enum rig_dtype dtype);
bool convert_signed(enum rig_dtype dtype);

/* Items `begin` to `end` - 1 as doubles. */
void convert_to_double(enum rig_dtype dtype, const void *items, size_t begin,
		       size_t end, double *to);

/* The same, for a caller that only reads: doubles are read in place; other
 * items are converted into `room`, which has a double for each item. */
const any_double *convert_doubles(enum rig_dtype dtype, const void *items,
				  size_t begin, size_t end, double *room);

/* Bools and integers as 64 bits, extended by the sign if there is a sign. */
void convert_to_64(enum rig_dtype dtype, const void *items, size_t begin,
		   size_t end, uint64_t *to);

/* The float16 nearest to a double; half way, the even float16. */
uint16_t convert_float16_of(double value);

#endif
