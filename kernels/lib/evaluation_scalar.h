/* SPDX-License-Identifier: MIT */
/*
 * evaluation_scalar.h - a single value of an expression, and how far the value may
 * rightly be off.
 *
 * Arithmetic is exact as IEEE 754 has it, and adds no slack.  A function adds as
 * many units in the last place as the vector library and the C library may be off
 * together.  The slack of the arguments is carried on by computing the operation
 * at the ends of the arguments' ranges too.
 */
#ifndef KERNELS_EVALUATION_SCALAR_H
#define KERNELS_EVALUATION_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include <kernels/lib/expression.h>

/* Units in the last place that a function may be off. */
#define UNITS 5

struct scalar {
	enum rig_dtype dtype;
	double real;    /* of a float */
	uint64_t whole; /* of all others, extended by the sign */
	double slack;
};

static inline bool is_float(const struct scalar *a)
{
	return expression_is_float(a->dtype);
}

static inline bool is_natural(enum rig_dtype dtype)
{
	return expression_is_unsigned(dtype);
}

/* The distance from a number to the next one of the dtype. */
double scalar_unit(enum rig_dtype dtype, double real);

/* A value as the dtype has it. */
struct scalar scalar_convert(const struct scalar *a, enum rig_dtype dtype);

/* A whole number within the width of the dtype: such numbers wrap around. */
uint64_t scalar_wrap(enum rig_dtype dtype, uint64_t whole);

/* Is a less than b? */
bool scalar_less(const struct scalar *a, const struct scalar *b);

/* An operation on floats, and an operation on whole numbers. */
struct scalar scalar_real(enum expression_op op, const struct scalar *a,
			  const struct scalar *b);
struct scalar scalar_whole(enum expression_op op, const struct scalar *a,
			   const struct scalar *b);

/* A comparison, a test or a logical operation: a bool. */
struct scalar scalar_question(enum expression_op op, const struct scalar *a,
			      const struct scalar *b);

/* where(a, b, c) */
struct scalar scalar_choice(const struct scalar *a, const struct scalar *b,
			    const struct scalar *c);

#endif
