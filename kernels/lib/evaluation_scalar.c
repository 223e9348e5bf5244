/* SPDX-License-Identifier: MIT */
/*
 * evaluation_scalar.c - the operations of expressions on single values, by the C
 * library.
 */
#include <kernels/lib/evaluation_scalar.h>

#include <float.h>
#include <math.h>

#include <kernels/lib/vector.h>
#include <runner/convert.h>
#include <runrig/kernels.h>

/* A real number as the dtype has it. */
static double rounded(enum rig_dtype dtype, double real)
{
	uint16_t half;

	if (dtype == RIG_FLOAT32)
		return (double)(float)real;
	if (dtype != RIG_FLOAT16)
		return real;
	half = convert_float16_of(real);
	convert_to_double(RIG_FLOAT16, &half, 0, 1, &real);
	return real;
}

uint64_t scalar_wrap(enum rig_dtype dtype, uint64_t whole)
{
	unsigned shift = 64 - 8 * rig_dtype_bytes(dtype);

	if (dtype == RIG_BOOL)
		return whole & 1;
	return is_natural(dtype)
		       ? whole << shift >> shift
		       : (uint64_t)((int64_t)(whole << shift) >> shift);
}

/* The distance from a number to the next one. */
double scalar_unit(enum rig_dtype dtype, double real)
{
	int digits = dtype == RIG_FLOAT64   ? DBL_MANT_DIG
		     : dtype == RIG_FLOAT32 ? FLT_MANT_DIG
					    : 11;
	int least = dtype == RIG_FLOAT64   ? -1074
		    : dtype == RIG_FLOAT32 ? -149
					   : -24;
	int exponent = 0;

	if (!isfinite(real))
		return 0;
	(void)frexp(real, &exponent);
	if (real == 0 || exponent - digits < least)
		return ldexp(1, least);
	return ldexp(1, exponent - digits);
}

static double real_of(const struct scalar *a)
{
	return is_float(a)            ? a->real
	       : is_natural(a->dtype) ? (double)a->whole
				      : (double)(int64_t)a->whole;
}

static bool truth_of(const struct scalar *a)
{
	return is_float(a) ? a->real != 0 : a->whole != 0;
}

/* Towards 0; the nearest of the dtype, and 0 of what is no number. */
static uint64_t cut(double real, enum rig_dtype dtype)
{
	int bits = 8 * (int)rig_dtype_bytes(dtype);
	bool natural = is_natural(dtype);

	if (isnan(real))
		return 0;
	if (real >= ldexp(1, natural ? bits : bits - 1))
		return (natural ? UINT64_MAX : (uint64_t)INT64_MAX) >>
		       (64 - bits);
	if (real <= (natural ? 0 : -ldexp(1, bits - 1)))
		return natural ? 0 : UINT64_MAX << (bits - 1);
	return natural ? (uint64_t)real : (uint64_t)(int64_t)real;
}

struct scalar scalar_convert(const struct scalar *a, enum rig_dtype dtype)
{
	struct scalar b = { .dtype = dtype, .slack = a->slack };

	if (a->dtype == dtype)
		return *a;
	if (expression_is_float(dtype)) {
		/* An integer of 64 bits goes to a float at once. */
		b.real = dtype == RIG_FLOAT32 && !is_float(a)
				 ? (double)(is_natural(a->dtype)
						    ? (float)a->whole
						    : (float)(int64_t)a->whole)
				 : rounded(dtype, real_of(a));
		b.slack += a->slack > 0 ? scalar_unit(dtype, b.real) : 0;
	} else if (dtype == RIG_BOOL) {
		b.whole = truth_of(a);
		b.slack = a->slack > 0 && fabs(real_of(a)) <= a->slack;
	} else {
		b.whole = is_float(a) ? cut(a->real, dtype)
				      : scalar_wrap(dtype, a->whole);
		b.slack = a->slack > 0 ? INFINITY : 0;
	}
	return b;
}

/* ---- floats ---- */

static double quotient(enum rig_dtype dtype, double a, double b)
{
	enum rig_dtype inner = dtype == RIG_FLOAT64 ? dtype : RIG_FLOAT32;
	double rest = fmod(a, b), q;

	if (b == 0)
		return rounded(inner, a / b);
	q = rounded(inner, rounded(inner, a - rest) / b);
	if (rest != 0 && (b < 0) != (rest < 0))
		q -= 1;
	if (q == 0)
		return copysign(0, a / b);
	return q - floor(q) > 0.5 ? floor(q) + 1 : floor(q);
}

static double modulus(double a, double b)
{
	double rest = fmod(a, b);

	if (b == 0 || (rest != 0 && (b < 0) == (rest < 0)))
		return rest;
	return rest == 0 ? copysign(0, b) : rest + b;
}

static double least(double a, double b, double sign)
{
	return isnan(a) || isnan(b) ? NAN : sign * a < sign * b ? a : b;
}

/* One operation of floats, not rounded yet. */
static double real_operation(enum expression_op op, enum rig_dtype dtype,
			     double a, double b)
{
	switch (op) {
	case EXPRESSION_ADD:
		return a + b;
	case EXPRESSION_SUBTRACT:
		return a - b;
	case EXPRESSION_MULTIPLY:
		return a * b;
	case EXPRESSION_DIVIDE:
		return a / b;
	case EXPRESSION_FLOOR_DIVIDE:
		return quotient(dtype, a, b);
	case EXPRESSION_REMAINDER:
		return modulus(a, b);
	case EXPRESSION_FMOD:
		return fmod(a, b);
	case EXPRESSION_NEGATIVE:
		return -a;
	case EXPRESSION_POSITIVE:
		return a;
	case EXPRESSION_ABSOLUTE:
		return fabs(a);
	case EXPRESSION_SIGN:
		return isnan(a) ? a : (a > 0) - (a < 0);
	case EXPRESSION_SQUARE:
		return a * a;
	case EXPRESSION_FLOOR:
		return floor(a);
	case EXPRESSION_CEIL:
		return ceil(a);
	case EXPRESSION_TRUNC:
		return trunc(a);
	case EXPRESSION_RINT:
		return nearbyint(a);
	case EXPRESSION_MINIMUM:
		return least(a, b, 1);
	case EXPRESSION_MAXIMUM:
		return least(a, b, -1);
	case EXPRESSION_FMIN:
		return isnan(a) ? b : isnan(b) ? a : least(a, b, 1);
	case EXPRESSION_FMAX:
		return isnan(a) ? b : isnan(b) ? a : least(a, b, -1);
	case EXPRESSION_COPYSIGN:
		return copysign(a, b);
	case EXPRESSION_SQRT:
		return sqrt(a);
	default:
		return op == EXPRESSION_POWER && b == 2
			       ? a * a
			       : vector_scalar(op, a, b);
	}
}

/* Is the function the vector library's? */
static bool is_approximate(enum expression_op op)
{
	return op == EXPRESSION_POWER ||
	       (op >= EXPRESSION_SIN && op <= EXPRESSION_ARCTAN2);
}

/* The value at each end of the arguments' ranges; how far it is from `middle`. */
static double spread(enum expression_op op, const struct scalar *a,
		     const struct scalar *b, double middle)
{
	double most = 0;

	for (int i = -1; i <= 1; i++)
		for (int k = -1; k <= 1; k++) {
			double end = real_operation(op, a->dtype,
						    a->real + i * a->slack,
						    b->real + k * b->slack);
			double off = fabs(end - middle);

			if (isnan(off) && !(isnan(end) && isnan(middle)) &&
			    end != middle)
				return INFINITY;
			most = off > most ? off : most;
		}
	return most;
}

struct scalar scalar_real(enum expression_op op, const struct scalar *a,
			  const struct scalar *b)
{
	struct scalar c = { .dtype = a->dtype };
	double exact = real_operation(op, c.dtype, a->real, b->real);

	c.real = rounded(c.dtype, exact);
	if (a->slack > 0 || b->slack > 0)
		c.slack = 2 * spread(op, a, b, exact) +
			  scalar_unit(c.dtype, c.real);
	if (is_approximate(op) && !isnan(c.real))
		c.slack +=
			UNITS * scalar_unit(c.dtype == RIG_FLOAT16 ? RIG_FLOAT32
								   : c.dtype,
					    c.real) +
			(c.dtype == RIG_FLOAT16 ? scalar_unit(c.dtype, c.real)
						: 0);
	return c;
}

/* ---- whole numbers ---- */

static uint64_t divided(bool natural, uint64_t a, uint64_t b, uint64_t *rest)
{
	int64_t x = (int64_t)a, y = (int64_t)b;

	*rest = 0;
	if (b == 0)
		return 0;
	if (natural) {
		*rest = a % b;
		return a / b;
	}
	if (y == -1)
		return -a;
	*rest = (uint64_t)(x % y);
	return (uint64_t)(x / y);
}

static uint64_t whole_power(uint64_t a, uint64_t b)
{
	uint64_t power = b & 1 ? a : 1;

	return b < 2 ? power : power * whole_power(a * a, b / 2);
}

static uint64_t shifted(enum rig_dtype dtype, uint64_t a, uint64_t b, bool left)
{
	bool wide = b >= 8 * rig_dtype_bytes(dtype);

	if (left)
		return wide ? 0 : a << b;
	if (is_natural(dtype))
		return wide ? 0 : a >> b;
	return (uint64_t)((int64_t)a >> (wide ? 63 : b));
}

static bool whole_less(const struct scalar *a, const struct scalar *b)
{
	bool minus = !is_natural(a->dtype) && (int64_t)a->whole < 0;

	if (minus != (!is_natural(b->dtype) && (int64_t)b->whole < 0))
		return minus;
	return a->whole < b->whole;
}

static uint64_t whole_operation(enum expression_op op, const struct scalar *a,
				const struct scalar *b)
{
	bool natural = is_natural(a->dtype), truth = a->dtype == RIG_BOOL;
	uint64_t x = a->whole, y = b->whole, rest;
	uint64_t q = divided(natural, x, y, &rest);
	bool turned = rest && !natural && (int64_t)(rest ^ y) < 0;

	switch (op) {
	case EXPRESSION_ADD:
		return truth ? x | y : x + y;
	case EXPRESSION_SUBTRACT:
		return x - y;
	case EXPRESSION_MULTIPLY:
		return x * y;
	case EXPRESSION_SQUARE:
		return x * x;
	case EXPRESSION_FLOOR_DIVIDE:
		return q - turned;
	case EXPRESSION_REMAINDER:
		return turned ? rest + y : rest;
	case EXPRESSION_FMOD:
		return rest;
	case EXPRESSION_POWER:
		return whole_power(x, y);
	case EXPRESSION_NEGATIVE:
		return -x;
	case EXPRESSION_ABSOLUTE:
		return !natural && (int64_t)x < 0 ? -x : x;
	case EXPRESSION_SIGN:
		return !natural && (int64_t)x < 0 ? UINT64_MAX : x != 0;
	case EXPRESSION_MINIMUM:
	case EXPRESSION_FMIN:
		return whole_less(a, b) ? x : y;
	case EXPRESSION_MAXIMUM:
	case EXPRESSION_FMAX:
		return whole_less(a, b) ? y : x;
	case EXPRESSION_AND:
		return x & y;
	case EXPRESSION_OR:
		return x | y;
	case EXPRESSION_XOR:
		return x ^ y;
	case EXPRESSION_INVERT:
		return ~x;
	case EXPRESSION_LEFT_SHIFT:
	case EXPRESSION_RIGHT_SHIFT:
		return shifted(a->dtype, x, y, op == EXPRESSION_LEFT_SHIFT);
	default:
		return x;
	}
}

struct scalar scalar_whole(enum expression_op op, const struct scalar *a,
			   const struct scalar *b)
{
	return (struct scalar){
		.dtype = a->dtype,
		.whole = scalar_wrap(a->dtype, whole_operation(op, a, b)),
		.slack = a->slack > 0 || b->slack > 0 ? INFINITY : 0
	};
}

/* ---- questions ---- */

bool scalar_less(const struct scalar *a, const struct scalar *b)
{
	return is_float(a) ? a->real < b->real : whole_less(a, b);
}

static bool same(const struct scalar *a, const struct scalar *b)
{
	return is_float(a) ? a->real == b->real
			   : !whole_less(a, b) && !whole_less(b, a);
}

static bool answer_of(enum expression_op op, const struct scalar *a,
		      const struct scalar *b)
{
	switch (op) {
	case EXPRESSION_LESS:
		return scalar_less(a, b);
	case EXPRESSION_LESS_EQUAL:
		return scalar_less(a, b) || same(a, b);
	case EXPRESSION_GREATER:
		return scalar_less(b, a);
	case EXPRESSION_GREATER_EQUAL:
		return scalar_less(b, a) || same(a, b);
	case EXPRESSION_EQUAL:
		return same(a, b);
	case EXPRESSION_NOT_EQUAL:
		return !same(a, b);
	case EXPRESSION_ISNAN:
		return isnan(real_of(a));
	case EXPRESSION_ISINF:
		return isinf(real_of(a));
	case EXPRESSION_ISFINITE:
		return isfinite(real_of(a));
	case EXPRESSION_SIGNBIT:
		return signbit(real_of(a));
	case EXPRESSION_LOGICAL_AND:
		return truth_of(a) && truth_of(b);
	case EXPRESSION_LOGICAL_OR:
		return truth_of(a) || truth_of(b);
	case EXPRESSION_LOGICAL_XOR:
		return truth_of(a) != truth_of(b);
	default:
		return !truth_of(a);
	}
}

/* With slack, the other answer may be as right. */
struct scalar scalar_question(enum expression_op op, const struct scalar *a,
			      const struct scalar *b)
{
	return (struct scalar){ .dtype = RIG_BOOL,
				.whole = answer_of(op, a, b),
				.slack = a->slack > 0 || b->slack > 0 };
}

struct scalar scalar_choice(const struct scalar *a, const struct scalar *b,
			    const struct scalar *c)
{
	struct scalar chosen = truth_of(a) ? *b : *c;

	if (a->slack > 0)
		chosen.slack = INFINITY;
	return chosen;
}
