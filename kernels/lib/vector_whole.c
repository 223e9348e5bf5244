/* SPDX-License-Identifier: MIT */
/*
 * vector_whole.c - the loops of whole numbers, 64 bits wide whatever their dtype.
 *
 * A division by 0 gives 0, a shift by the width or more leaves no bit, the least
 * integer divided by -1 is itself.
 */
#include <kernels/lib/vector_frame.h>

#include <runrig/kernels.h>

static int64_t quotient_whole(int64_t a, int64_t b)
{
	if (b == 0)
		return 0;
	if (b == -1)
		return (int64_t)(-(uint64_t)a);
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t remainder_whole(int64_t a, int64_t b)
{
	int64_t rest = b == 0 || b == -1 ? 0 : a % b;

	return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static uint64_t power_whole(uint64_t a, uint64_t b)
{
	uint64_t power = 1;

	for (; b; b >>= 1) {
		if (b & 1)
			power *= a;
		a *= a;
	}
	return power;
}

/* A shift by any number: a negative number is beyond every width. */
static uint64_t shift_left(uint64_t a, uint64_t b, uint64_t bits)
{
	return b < bits ? a << b : 0;
}

static uint64_t shift_right(uint64_t a, uint64_t b, uint64_t bits, bool natural)
{
	if (natural)
		return b < bits ? a >> b : 0;
	return (uint64_t)((int64_t)a >> (b < bits ? b : 63));
}

static uint64_t bits_of(const struct vector_op *op)
{
	return rig_dtype_bytes((enum rig_dtype)op->dtype) * UINT64_C(8);
}

/* Operations that depend on the sign: for int64, and for all narrower dtypes,
 * whose numbers never reach the highest of 64 bits by their size. */
CLONES static void run_signed(const struct vector_op *op,
			      const struct frame *frame)
{
	const int64_t *a = frame->args[0], *b = frame->args[1];
	int64_t *to = frame->to;
	size_t n = frame->n;

	switch (op->code) {
		CASE(EXPRESSION_FLOOR_DIVIDE, quotient_whole(a[i], b[i]))
		CASE(EXPRESSION_REMAINDER, remainder_whole(a[i], b[i]))
		CASE(EXPRESSION_FMOD, b[i] == 0 || b[i] == -1 ? 0 : a[i] % b[i])
		CASE(EXPRESSION_MINIMUM, a[i] < b[i] ? a[i] : b[i])
		CASE(EXPRESSION_FMIN, a[i] < b[i] ? a[i] : b[i])
		CASE(EXPRESSION_MAXIMUM, a[i] > b[i] ? a[i] : b[i])
		CASE(EXPRESSION_FMAX, a[i] > b[i] ? a[i] : b[i])
		CASE(EXPRESSION_SIGN, (a[i] > 0) - (a[i] < 0))
		CASE(EXPRESSION_ABSOLUTE,
		     a[i] < 0 ? (int64_t)(-(uint64_t)a[i]) : a[i])
		CASE(EXPRESSION_SIGNBIT, a[i] < 0)
	default:
		break;
	}
}

CLONES static void run_natural(const struct vector_op *op,
			       const struct frame *frame)
{
	const uint64_t *a = frame->args[0], *b = frame->args[1];
	uint64_t *to = frame->to;
	size_t n = frame->n;

	switch (op->code) {
		CASE(EXPRESSION_FLOOR_DIVIDE, b[i] == 0 ? 0 : a[i] / b[i])
		CASE(EXPRESSION_REMAINDER, b[i] == 0 ? 0 : a[i] % b[i])
		CASE(EXPRESSION_FMOD, b[i] == 0 ? 0 : a[i] % b[i])
		CASE(EXPRESSION_MINIMUM, a[i] < b[i] ? a[i] : b[i])
		CASE(EXPRESSION_FMIN, a[i] < b[i] ? a[i] : b[i])
		CASE(EXPRESSION_MAXIMUM, a[i] > b[i] ? a[i] : b[i])
		CASE(EXPRESSION_FMAX, a[i] > b[i] ? a[i] : b[i])
		CASE(EXPRESSION_SIGN, a[i] != 0)
		CASE(EXPRESSION_ABSOLUTE, a[i])
		CASE(EXPRESSION_SIGNBIT, 0)
	default:
		break;
	}
}

CLONES static void run_whole(const struct vector_op *op,
			     const struct frame *frame)
{
	const uint64_t *a = frame->args[0], *b = frame->args[1];
	const uint64_t *c = frame->args[2];
	uint64_t *to = frame->to, bits = bits_of(op);
	bool natural = expression_is_unsigned((enum rig_dtype)op->dtype);
	size_t n = frame->n;

	switch (op->code) {
		CASE(EXPRESSION_ADD, a[i] + b[i])
		CASE(EXPRESSION_SUBTRACT, a[i] - b[i])
		CASE(EXPRESSION_MULTIPLY, a[i] * b[i])
		CASE(EXPRESSION_SQUARE, a[i] * a[i])
		CASE(EXPRESSION_NEGATIVE, -a[i])
		CASE(EXPRESSION_POWER, power_whole(a[i], b[i]))
		CASE(EXPRESSION_AND, a[i] & b[i])
		CASE(EXPRESSION_LOGICAL_AND, a[i] & b[i])
		CASE(EXPRESSION_OR, a[i] | b[i])
		CASE(EXPRESSION_LOGICAL_OR, a[i] | b[i])
		CASE(EXPRESSION_XOR, a[i] ^ b[i])
		CASE(EXPRESSION_LOGICAL_XOR, a[i] ^ b[i])
		CASE(EXPRESSION_INVERT, ~a[i])
		CASE(EXPRESSION_LOGICAL_NOT, a[i] ^ 1)
		CASE(EXPRESSION_LEFT_SHIFT, shift_left(a[i], b[i], bits))
		CASE(EXPRESSION_RIGHT_SHIFT,
		     shift_right(a[i], b[i], bits, natural))
		CASE(EXPRESSION_WHERE, a[i] ? b[i] : c[i])
		CASE(EXPRESSION_EQUAL, a[i] == b[i])
		CASE(EXPRESSION_NOT_EQUAL, a[i] != b[i])
		CASE(EXPRESSION_ISNAN, 0)
		CASE(EXPRESSION_ISINF, 0)
		CASE(EXPRESSION_ISFINITE, 1)
	default:
		if (op->dtype == RIG_UINT64 ||
		    (op->code == EXPRESSION_SIGNBIT && op->natural[0]))
			run_natural(op, frame);
		else
			run_signed(op, frame);
	}
}

void vector_whole(const struct vector_op *op, const struct frame *frame)
{
	run_whole(op, frame);
}

void vector_compare_whole(const struct vector_op *op, const struct frame *frame)
{
	const uint64_t *a = frame->args[0], *b = frame->args[1];
	bool an = op->natural[0], bn = op->natural[1];
	uint64_t *to = frame->to;
	size_t n = frame->n;

	switch (op->code) {
		CASE(EXPRESSION_LESS, is_less(a[i], an, b[i], bn))
		CASE(EXPRESSION_LESS_EQUAL, !is_less(b[i], bn, a[i], an))
		CASE(EXPRESSION_GREATER, is_less(b[i], bn, a[i], an))
		CASE(EXPRESSION_GREATER_EQUAL, !is_less(a[i], an, b[i], bn))
	case EXPRESSION_EQUAL:
		for (size_t i = 0; i < n; i++)
			to[i] = !is_less(a[i], an, b[i], bn) &&
				!is_less(b[i], bn, a[i], an);
		break;
	default:
		for (size_t i = 0; i < n; i++)
			to[i] = is_less(a[i], an, b[i], bn) ||
				is_less(b[i], bn, a[i], an);
		break;
	}
}
