/* SPDX-License-Identifier: MIT */
/*
 * vector_frame.h - the registers of an operation, as the loops of vector.c,
 * vector_whole.c and vector_total.c see them.
 */
#ifndef KERNELS_VECTOR_FRAME_H
#define KERNELS_VECTOR_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kernels/lib/clones.h>
#include <kernels/lib/vector.h>

#ifdef __clang__
#define INDEPENDENT /* clang's pragma warns of loops left scalar */
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* A case of a switch over operations: the loop that computes `value` of item i. */
#define CASE(code, value)                                                      \
	case code:                                                             \
		INDEPENDENT                                                    \
		for (size_t i = 0; i < n; i++)                                 \
			to[i] = value;                                         \
		break;

/* The registers of an operation, and the number of items. */
struct frame {
	void *to;
	const void *args[4];
	size_t n;
};

/* Is a less than b, each an int64 or a uint64? */
INLINE bool is_less(uint64_t a, bool a_natural, uint64_t b, bool b_natural)
{
	bool a_minus = !a_natural && (int64_t)a < 0;
	bool b_minus = !b_natural && (int64_t)b < 0;

	return a_minus != b_minus ? a_minus : a < b;
}

/* An operation on whole numbers, and a comparison of whole numbers. */
void vector_whole(const struct vector_op *op, const struct frame *frame);
void vector_compare_whole(const struct vector_op *op,
			  const struct frame *frame);

#endif
