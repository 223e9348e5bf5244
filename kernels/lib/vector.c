/* SPDX-License-Identifier: MIT */
/*
 * vector.c - run a program over registers, a loop an operation.
 *
 * Nothing here can raise a signal: a division by 0 gives 0, a shift by the width
 * or more leaves no bit, the least integer divided by -1 is itself.
 */
#include <kernels/lib/vector_frame.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include <kernels/lib/reals.h>
#include <runner/convert.h>
#include <runrig/kernels.h>

/* ---- doubles and floats ---- */

/* As NumPy divides: the quotient is rounded down, the rest has b's sign. */
static double remainder_of(double a, double b)
{
	double rest = fmod(a, b);

	if (b == 0)
		return rest;
	if (rest == 0)
		return copysign(0, b);
	return (b < 0) != (rest < 0) ? rest + b : rest;
}

static double quotient_of(double a, double b)
{
	double rest = fmod(a, b), quotient, whole;

	if (b == 0)
		return a / b;
	quotient = (a - rest) / b;
	if (rest != 0 && (b < 0) != (rest < 0))
		quotient -= 1;
	if (quotient == 0)
		return copysign(0, a / b);
	whole = floor(quotient);
	return quotient - whole > 0.5 ? whole + 1 : whole;
}

static float remainder_single(float a, float b)
{
	float rest = fmodf(a, b);

	if (b == 0)
		return rest;
	if (rest == 0)
		return copysignf(0, b);
	return (b < 0) != (rest < 0) ? rest + b : rest;
}

static float quotient_single(float a, float b)
{
	float rest = fmodf(a, b), quotient, whole;

	if (b == 0)
		return a / b;
	quotient = (a - rest) / b;
	if (rest != 0 && (b < 0) != (rest < 0))
		quotient -= 1;
	if (quotient == 0)
		return copysignf(0, a / b);
	whole = floorf(quotient);
	return quotient - whole > 0.5F ? whole + 1 : whole;
}

/* The arithmetic that doubles and floats share. */
#define ARITHMETIC(one)                                                        \
	CASE(EXPRESSION_ADD, a[i] + b[i])                                      \
	CASE(EXPRESSION_SUBTRACT, a[i] - b[i])                                 \
	CASE(EXPRESSION_MULTIPLY, a[i] * b[i])                                 \
	CASE(EXPRESSION_DIVIDE, a[i] / b[i])                                   \
	CASE(EXPRESSION_NEGATIVE, -a[i])                                       \
	CASE(EXPRESSION_SQUARE, a[i] * a[i])                                   \
	CASE(EXPRESSION_SIGN, a[i] > 0    ? one                                \
			      : a[i] < 0  ? -one                               \
			      : a[i] == 0 ? 0                                  \
					  : a[i])                              \
	CASE(EXPRESSION_MINIMUM, a[i] < b[i] || a[i] != a[i] ? a[i] : b[i])    \
	CASE(EXPRESSION_MAXIMUM, a[i] > b[i] || a[i] != a[i] ? a[i] : b[i])    \
	CASE(EXPRESSION_FMIN, a[i] <= b[i] || b[i] != b[i] ? a[i] : b[i])      \
	CASE(EXPRESSION_FMAX, a[i] >= b[i] || b[i] != b[i] ? a[i] : b[i])      \
	CASE(VECTOR_MULTIPLY_ADD, a[i] * b[i] + c[i])                          \
	CASE(VECTOR_MULTIPLY_SUBTRACT, a[i] * b[i] - c[i])                     \
	CASE(VECTOR_SUBTRACT_PRODUCT, c[i] - a[i] * b[i])

CLONES_WIDE static void run_doubles(const struct vector_op *op,
				    const struct frame *frame)
{
	const double *a = frame->args[0], *b = frame->args[1];
	const double *c = frame->args[2], *d = frame->args[3];
	double *to = frame->to;
	size_t n = frame->n;

	switch (op->code) {
		ARITHMETIC(1.0)
		CASE(EXPRESSION_ABSOLUTE, fabs(a[i]))
		CASE(EXPRESSION_SQRT, sqrt(a[i]))
		CASE(EXPRESSION_FLOOR, floor(a[i]))
		CASE(EXPRESSION_CEIL, ceil(a[i]))
		CASE(EXPRESSION_TRUNC, trunc(a[i]))
		CASE(EXPRESSION_RINT, rint(a[i]))
		CASE(EXPRESSION_COPYSIGN, copysign(a[i], b[i]))
		CASE(EXPRESSION_FMOD, fmod(a[i], b[i]))
		CASE(EXPRESSION_REMAINDER, remainder_of(a[i], b[i]))
		CASE(EXPRESSION_FLOOR_DIVIDE, quotient_of(a[i], b[i]))
		CASE(VECTOR_WHERE_LESS, a[i] < b[i] ? c[i] : d[i])
		CASE(VECTOR_WHERE_LESS_EQUAL, a[i] <= b[i] ? c[i] : d[i])
		CASE(VECTOR_WHERE_EQUAL, a[i] == b[i] ? c[i] : d[i])
		CASE(VECTOR_WHERE_NOT_EQUAL, a[i] != b[i] ? c[i] : d[i])
	default:
		vector_doubles((enum expression_op)op->code, n, to, a, b);
	}
}

CLONES_WIDE static void run_floats(const struct vector_op *op,
				   const struct frame *frame)
{
	const float *a = frame->args[0], *b = frame->args[1];
	const float *c = frame->args[2];
	float *to = frame->to;
	size_t n = frame->n;

	switch (op->code) {
		ARITHMETIC(1.0F)
		CASE(EXPRESSION_ABSOLUTE, fabsf(a[i]))
		CASE(EXPRESSION_SQRT, sqrtf(a[i]))
		CASE(EXPRESSION_FLOOR, floorf(a[i]))
		CASE(EXPRESSION_CEIL, ceilf(a[i]))
		CASE(EXPRESSION_TRUNC, truncf(a[i]))
		CASE(EXPRESSION_RINT, rintf(a[i]))
		CASE(EXPRESSION_COPYSIGN, copysignf(a[i], b[i]))
		CASE(EXPRESSION_FMOD, fmodf(a[i], b[i]))
		CASE(EXPRESSION_REMAINDER, remainder_single(a[i], b[i]))
		CASE(EXPRESSION_FLOOR_DIVIDE, quotient_single(a[i], b[i]))
	default:
		vector_floats((enum expression_op)op->code, n, to, a, b);
	}
}

/* Questions that are asked of doubles and floats; the answers are bools. */
#define QUESTIONS                                                              \
	CASE(EXPRESSION_LESS, a[i] < b[i])                                     \
	CASE(EXPRESSION_LESS_EQUAL, a[i] <= b[i])                              \
	CASE(EXPRESSION_GREATER, a[i] > b[i])                                  \
	CASE(EXPRESSION_GREATER_EQUAL, a[i] >= b[i])                           \
	CASE(EXPRESSION_EQUAL, a[i] == b[i])                                   \
	CASE(EXPRESSION_NOT_EQUAL, a[i] != b[i])                               \
	CASE(EXPRESSION_ISNAN, a[i] != a[i])                                   \
	CASE(EXPRESSION_ISINF, !!__builtin_isinf(a[i]))                        \
	CASE(EXPRESSION_ISFINITE, !!__builtin_isfinite(a[i]))                  \
	CASE(EXPRESSION_SIGNBIT, !!signbit(a[i]))

CLONES_WIDE static void ask_doubles(const struct vector_op *op,
				    const struct frame *frame)
{
	const double *a = frame->args[0], *b = frame->args[1];
	uint64_t *to = frame->to;
	size_t n = frame->n;

	switch (op->code) {
		QUESTIONS
	default:
		break;
	}
}

CLONES_WIDE static void ask_floats(const struct vector_op *op,
				   const struct frame *frame)
{
	const float *a = frame->args[0], *b = frame->args[1];
	uint64_t *to = frame->to;
	size_t n = frame->n;

	switch (op->code) {
		QUESTIONS
	default:
		break;
	}
}

/* ---- conversions ---- */

CLONES_WIDE static void wrap(const struct vector_op *op,
			     const struct frame *frame)
{
	const uint64_t *a = frame->args[0];
	uint64_t *to = frame->to;
	size_t n = frame->n;

	switch (op->dtype) {
		CASE(RIG_INT8, (uint64_t)(int8_t)a[i])
		CASE(RIG_INT16, (uint64_t)(int16_t)a[i])
		CASE(RIG_INT32, (uint64_t)(int32_t)a[i])
		CASE(RIG_UINT8, (uint8_t)a[i])
		CASE(RIG_UINT16, (uint16_t)a[i])
		CASE(RIG_UINT32, (uint32_t)a[i])
	default:
		break;
	}
}

/* The float16 next to a number, as a float. */
static float half_of(double value)
{
	uint16_t half = convert_float16_of(value);
	double real;

	convert_to_double(RIG_FLOAT16, &half, 0, 1, &real);
	return (float)real;
}

static void round_halves(const struct frame *frame)
{
	const float *a = frame->args[0];
	float *to = frame->to;

	for (size_t i = 0; i < frame->n; i++)
		to[i] = half_of((double)a[i]);
}

/* The integer of a float: rounded towards 0; beyond the range the nearest
 * integer of the dtype; for a NaN 0. */
static uint64_t whole_of(double value, enum rig_dtype dtype)
{
	double bits = rig_dtype_bytes(dtype) * 8.0;
	bool natural = expression_is_unsigned(dtype);
	double above = natural ? exp2(bits) : exp2(bits - 1);
	double least = natural ? 0 : -above;
	uint64_t greatest = natural ? UINT64_MAX : (uint64_t)INT64_MAX;

	if (value != value)
		return 0;
	if (value >= above)
		return greatest >> (64 - (int)bits);
	if (value <= least)
		return (uint64_t)(int64_t)least;
	return natural ? (uint64_t)value : (uint64_t)(int64_t)value;
}

/* The conversions of a literal and of an array: to each class from each other
 * class. */
CLONES_WIDE static void to_doubles(const struct vector_op *op,
				   const struct frame *frame)
{
	const float *singles = frame->args[0];
	const int64_t *whole = frame->args[0];
	const uint64_t *natural = frame->args[0];
	double *to = frame->to;
	size_t n = frame->n;

	switch (op->from == VECTOR_FLOAT ? 0 : 1 + op->natural[0]) {
		CASE(0, (double)singles[i])
		CASE(1, (double)whole[i])
		CASE(2, (double)natural[i])
	default:
		break;
	}
}

CLONES_WIDE static void to_floats(const struct vector_op *op,
				  const struct frame *frame)
{
	const double *reals = frame->args[0];
	const int64_t *whole = frame->args[0];
	const uint64_t *natural = frame->args[0];
	float *to = frame->to;
	size_t n = frame->n;
	bool half = op->dtype == RIG_FLOAT16;

	switch ((op->from == VECTOR_DOUBLE ? 0 : 1 + op->natural[0]) +
		3 * half) {
		CASE(0, (float)reals[i])
		CASE(1, (float)whole[i])
		CASE(2, (float)natural[i])
		CASE(3, half_of(reals[i]))
		CASE(4, half_of((double)whole[i]))
		CASE(5, half_of((double)natural[i]))
	default:
		break;
	}
}

static void to_whole(const struct vector_op *op, const struct frame *frame)
{
	enum rig_dtype dtype = (enum rig_dtype)op->dtype;
	const double *reals = frame->args[0];
	const float *singles = frame->args[0];
	uint64_t *to = frame->to;

	for (size_t i = 0; i < frame->n; i++)
		to[i] = whole_of(op->from == VECTOR_DOUBLE ? reals[i]
							   : (double)singles[i],
				 dtype);
}

CLONES_WIDE static void to_bools(const struct vector_op *op,
				 const struct frame *frame)
{
	const double *reals = frame->args[0];
	const float *singles = frame->args[0];
	const uint64_t *whole = frame->args[0];
	uint64_t *to = frame->to;
	size_t n = frame->n;

	switch (op->from) {
		CASE(VECTOR_DOUBLE, reals[i] != 0)
		CASE(VECTOR_FLOAT, singles[i] != 0)
		CASE(VECTOR_WHOLE, whole[i] != 0)
	default:
		break;
	}
}

static void choose_doubles(const struct frame *frame)
{
	const uint64_t *a = frame->args[0];
	const double *b = frame->args[1], *c = frame->args[2];
	double *to = frame->to;

	for (size_t i = 0; i < frame->n; i++)
		to[i] = a[i] ? b[i] : c[i];
}

static void choose_floats(const struct frame *frame)
{
	const uint64_t *a = frame->args[0];
	const float *b = frame->args[1], *c = frame->args[2];
	float *to = frame->to;

	for (size_t i = 0; i < frame->n; i++)
		to[i] = a[i] ? b[i] : c[i];
}

/* ---- a program ---- */

static void run_conversion(const struct vector_op *op,
			   const struct frame *frame)
{
	switch (op->kind) {
	case VECTOR_DOUBLE:
		to_doubles(op, frame);
		break;
	case VECTOR_FLOAT:
		to_floats(op, frame);
		break;
	default:
		to_whole(op, frame);
		break;
	}
}

static bool is_question(const struct vector_op *op)
{
	return (op->code >= EXPRESSION_LESS &&
		op->code <= EXPRESSION_NOT_EQUAL) ||
	       (op->code >= EXPRESSION_ISNAN && op->code <= EXPRESSION_SIGNBIT);
}

static void run_class(const struct vector_op *op, const struct frame *frame)
{
	bool asks = is_question(op);

	switch (op->kind) {
	case VECTOR_DOUBLE:
		(asks ? ask_doubles : run_doubles)(op, frame);
		break;
	case VECTOR_FLOAT:
		(asks ? ask_floats : run_floats)(op, frame);
		break;
	default:
		(asks && op->code < EXPRESSION_ISNAN ? vector_compare_whole
						     : vector_whole)(op, frame);
		break;
	}
}

static void run_op(const struct vector_op *op, const struct frame *frame)
{
	switch (op->code) {
	case VECTOR_CONVERT:
		run_conversion(op, frame);
		break;
	case VECTOR_WRAP:
		wrap(op, frame);
		break;
	case VECTOR_HALF:
		round_halves(frame);
		break;
	case VECTOR_TRUTH:
		to_bools(op, frame);
		break;
	case EXPRESSION_WHERE:
		if (op->kind == VECTOR_DOUBLE)
			choose_doubles(frame);
		else if (op->kind == VECTOR_FLOAT)
			choose_floats(frame);
		else
			run_class(op, frame);
		break;
	default:
		run_class(op, frame);
		break;
	}
}

/* A whole number to a negative power is none. */
static bool is_refused(const struct vector_op *op, const struct frame *frame)
{
	const int64_t *b = frame->args[1];
	bool negative = false;

	if (op->code != EXPRESSION_POWER || op->kind != VECTOR_WHOLE ||
	    expression_is_unsigned((enum rig_dtype)op->dtype))
		return false;
	for (size_t i = 0; i < frame->n; i++)
		negative |= b[i] < 0;
	return negative;
}

int vector_run(const struct vector_program *program, void *const *registers,
	       size_t count)
{
	for (int k = 0; k < program->count; k++) {
		const struct vector_op *op = &program->ops[k];
		struct frame frame = { .to = registers[op->to], .n = count };

		for (int i = 0; i < 4; i++)
			frame.args[i] = registers[op->args[i]];
		if (is_refused(op, &frame))
			return -EDOM;
		run_op(op, &frame);
	}
	return 0;
}

void vector_fill(const struct vector_program *program, void *const *registers)
{
	for (int k = 0; k < program->constants; k++) {
		const struct vector_constant *constant = &program->constant[k];
		void *to = registers[VECTOR_CONSTANT + k];

		for (size_t i = 0; i < VECTOR_BLOCK; i++) {
			if (constant->kind == VECTOR_FLOAT)
				((float *)to)[i] = constant->value.single;
			else
				((uint64_t *)to)[i] = constant->value.whole;
		}
	}
}
