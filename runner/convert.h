/* SPDX-License-Identifier: MIT */
/*
 * convert.h - items of any real dtype of up to 8 bytes as doubles, or whole ones
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

/* An item widened, or what some come to. */
union number {
	double real;
	uint64_t whole;
};

/* Is it bool, or an integer or float of up to 8 bytes? */
bool convert_knows(const struct rig_array *array);

/* 0, or -EINVAL where convert_knows() not, with words: what `kernel` takes. */
int convert_check(const struct rig_array *array, const char *kernel, char *why,
		  size_t why_bytes);

/* A result is of this dtype: one that is made here becomes so.  0, or -EINVAL,
 * with words, where the user's is of another. */
int convert_result(struct rig_array *result, enum rig_dtype dtype, char *why,
		   size_t why_bytes);

/* Is it bool or an integer?  An integer with a sign? */
bool convert_whole(enum rig_dtype dtype);
bool convert_signed(enum rig_dtype dtype);

/* Items `begin` to `end` - 1 as doubles. */
void convert_to_double(enum rig_dtype dtype, const void *items, size_t begin,
		       size_t end, double *to);

/* The same for who only reads: doubles where they lie, others in `room`, which
 * has one for each item. */
const any_double *convert_doubles(enum rig_dtype dtype, const void *items,
				  size_t begin, size_t end, double *room);

/* Whole ones as 64 bits: extended by their sign, if they have one. */
void convert_to_64(enum rig_dtype dtype, const void *items, size_t begin,
		   size_t end, uint64_t *to);

/* The float16 nearest to a double, of two the even one. */
uint16_t convert_float16_of(double value);

#endif
