/* SPDX-License-Identifier: MIT */
/*
 * evaluation_proof.c - the values of an expression again, one by one.
 *
 * Every node has a value and a *slack*: how far the value may rightly be off.
 * Arithmetic is exact as IEEE 754 has it, and adds no slack.  A function of the
 * vector library adds 4 units in the last place, and 1 for the C library's own.
 * What an operation makes of its arguments' slack is found by computing the
 * operation at the ends of the arguments' ranges too.
 */
#include <kernels/lib/evaluation.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/reals.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/vector.h>
#include <runner/convert.h>
#include <runrig/kernels.h>

/* Units in the last place that a function may be off. */
#define UNITS 5

struct scalar {
	enum rig_dtype dtype;
	double real;    /* of a float */
	uint64_t whole; /* of all others, extended by the sign */
	double slack;
};

/* In this process: one block that is proved. */
struct proof {
	const struct evaluate_args *args;
	struct expression expression;
	struct broadcast shapes;
	void *data[RIG_ARRAYS_MAX];
	const void *items[RIG_ARRAYS_MAX]; /* of the block */
	char memory[EXPRESSION_ARRAYS][VECTOR_BYTES];
	struct scalar values[EXPRESSION_NODES];
};

static bool is_float(const struct scalar *a)
{
	return expression_is_float(a->dtype);
}

static bool is_natural(enum rig_dtype dtype)
{
	return expression_is_unsigned(dtype);
}

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

/* Whole numbers wrap around. */
static uint64_t wrapped(enum rig_dtype dtype, uint64_t whole)
{
	unsigned shift = 64 - 8 * rig_dtype_bytes(dtype);

	if (dtype == RIG_BOOL)
		return whole & 1;
	return is_natural(dtype)
		       ? whole << shift >> shift
		       : (uint64_t)((int64_t)(whole << shift) >> shift);
}

/* The distance from a number to the next one. */
static double unit_of(enum rig_dtype dtype, double real)
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

static struct scalar converted(const struct scalar *a, enum rig_dtype dtype)
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
		b.slack += a->slack > 0 ? unit_of(dtype, b.real) : 0;
	} else if (dtype == RIG_BOOL) {
		b.whole = truth_of(a);
		b.slack = a->slack > 0 && fabs(real_of(a)) <= a->slack;
	} else {
		b.whole = is_float(a) ? cut(a->real, dtype)
				      : wrapped(dtype, a->whole);
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

static struct scalar real_node(enum expression_op op, const struct scalar *a,
			       const struct scalar *b)
{
	struct scalar c = { .dtype = a->dtype };
	double exact = real_operation(op, c.dtype, a->real, b->real);

	c.real = rounded(c.dtype, exact);
	if (a->slack > 0 || b->slack > 0)
		c.slack =
			2 * spread(op, a, b, exact) + unit_of(c.dtype, c.real);
	if (is_approximate(op) && !isnan(c.real))
		c.slack +=
			UNITS * unit_of(c.dtype == RIG_FLOAT16 ? RIG_FLOAT32
							       : c.dtype,
					c.real) +
			(c.dtype == RIG_FLOAT16 ? unit_of(c.dtype, c.real) : 0);
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

static struct scalar whole_node(enum expression_op op, const struct scalar *a,
				const struct scalar *b)
{
	return (struct scalar){
		.dtype = a->dtype,
		.whole = wrapped(a->dtype, whole_operation(op, a, b)),
		.slack = a->slack > 0 || b->slack > 0 ? INFINITY : 0
	};
}

/* ---- questions ---- */

static bool less(const struct scalar *a, const struct scalar *b)
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
		return less(a, b);
	case EXPRESSION_LESS_EQUAL:
		return less(a, b) || same(a, b);
	case EXPRESSION_GREATER:
		return less(b, a);
	case EXPRESSION_GREATER_EQUAL:
		return less(b, a) || same(a, b);
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
static struct scalar question(enum expression_op op, const struct scalar *a,
			      const struct scalar *b)
{
	return (struct scalar){ .dtype = RIG_BOOL,
				.whole = answer_of(op, a, b),
				.slack = a->slack > 0 || b->slack > 0 };
}

static struct scalar choice(const struct scalar *a, const struct scalar *b,
			    const struct scalar *c)
{
	struct scalar chosen = truth_of(a) ? *b : *c;

	if (a->slack > 0)
		chosen.slack = INFINITY;
	return chosen;
}

/* ---- nodes ---- */

static struct scalar literal(const struct expression_node *node,
			     enum rig_dtype dtype)
{
	struct scalar a = { .dtype = (enum rig_dtype)node->dtype };

	if (is_float(&a))
		a.real = node->value.real;
	else
		a.whole = node->value.natural;
	if (!is_float(&a) && !expression_is_float(dtype) && dtype != RIG_BOOL)
		a.dtype = dtype;
	return converted(&a, dtype);
}

/* An argument as the dtype that the node wants. */
static struct scalar argument(const struct proof *p,
			      const struct expression_node *node, int i,
			      enum rig_dtype dtype)
{
	int arg = node->args[i];
	const struct expression_node *from = &p->expression.nodes[arg];

	if (i >= expression_arity((enum expression_op)node->op))
		return (struct scalar){ .dtype = dtype };
	if (!dtype)
		dtype = (enum rig_dtype)from->dtype;
	if (from->op == EXPRESSION_LITERAL && from->weak)
		return literal(from, dtype);
	return converted(&p->values[arg], dtype);
}

static struct scalar item_of(const struct proof *p, int k, size_t i)
{
	const struct rig_array *array = &p->args->header.arrays[k];
	struct scalar a = { .dtype = (enum rig_dtype)array->dtype };

	if (is_float(&a))
		convert_to_double(a.dtype, p->items[k], i, i + 1, &a.real);
	else
		convert_to_64(a.dtype, p->items[k], i, i + 1, &a.whole);
	return a;
}

static struct scalar value_of(const struct proof *p,
			      const struct expression_node *node, size_t i)
{
	enum expression_op op = (enum expression_op)node->op;
	enum expression_rule rule = expression_rule_of(op);
	enum rig_dtype inner = (enum rig_dtype)node->inner;
	struct scalar a, b, c;

	if (op == EXPRESSION_LITERAL)
		return literal(node, (enum rig_dtype)node->dtype);
	if (op == EXPRESSION_ARRAY)
		return item_of(p, (int)node->value.whole, i);
	if (rule == RULE_CAST)
		return argument(p, node, 0, (enum rig_dtype)node->dtype);
	a = argument(p, node, 0, rule == RULE_WHERE ? RIG_BOOL : inner);
	b = argument(p, node, 1, inner);
	c = argument(p, node, 2, inner);
	if (rule == RULE_WHERE)
		return choice(&a, &b, &c);
	if (rule == RULE_WHOLE)
		return a;
	if (rule == RULE_COMPARE || rule == RULE_TEST || rule == RULE_LOGIC)
		return question(op, &a, &b);
	return expression_is_float(inner) ? real_node(op, &a, &b)
					  : whole_node(op, &a, &b);
}

/* The value of element i of the block: of what a total is of, too. */
static struct scalar element(struct proof *p, size_t i)
{
	const struct expression *e = &p->expression;

	for (int k = 0; k < e->count; k++)
		p->values[k] = value_of(p, &e->nodes[k], i);
	return p->values[e->count - 1];
}

/* ---- blocks ---- */

/* Is the number right, as far as the slack goes? */
static bool is_right(const struct scalar *want, double real, uint64_t whole)
{
	double most = want->dtype == RIG_FLOAT64   ? DBL_MAX
		      : want->dtype == RIG_FLOAT32 ? (double)FLT_MAX
						   : 65504;

	if (!is_float(want))
		return whole == want->whole || want->slack > 0;
	if (isnan(want->real) && isnan(real))
		return true;
	if (want->real == real || isinf(want->slack))
		return true;
	/* At the end of the range one of the two may be infinite. */
	if (isinf(want->real) || isinf(real))
		return want->slack + UNITS * unit_of(want->dtype, most) >=
			       most - fabs(isinf(real) ? want->real : real) &&
		       signbit(real) == signbit(want->real);
	return fabs(real - want->real) <= want->slack;
}

static int fail_value(struct rig_team *team, size_t at,
		      const struct scalar *want, double real, uint64_t whole)
{
	if (is_float(want))
		return rig_team_fail(team, -EBADMSG,
				     "evaluate: element %zu is %.17g, "
				     "expected %.17g within %.3g",
				     at, real, want->real, want->slack);
	return rig_team_fail(team, -EBADMSG,
			     "evaluate: element %zu is %lld, expected %lld", at,
			     (long long)whole, (long long)want->whole);
}

static void read_item(enum rig_dtype dtype, const void *items, size_t i,
		      double *real, uint64_t *whole)
{
	*real = 0;
	*whole = 0;
	if (expression_is_float(dtype))
		convert_to_double(dtype, items, i, i + 1, real);
	else
		convert_to_64(dtype, items, i, i + 1, whole);
}

static int prove_elements(struct rig_team *team, struct proof *p,
			  struct rig_span span)
{
	int n = p->expression.arrays;

	for (size_t at = span.begin; at < span.end; at++) {
		struct scalar want = element(p, at - span.begin);
		double real;
		uint64_t whole;

		read_item(want.dtype, p->data[n], at, &real, &whole);
		if (!is_right(&want, real, whole))
			return fail_value(team, at, &want, real, whole);
	}
	return 0;
}

/* Knowledge about a total. */
struct due {
	struct reals_due sum;
	long double slack;
	struct scalar best; /* of a min or max */
	bool any, unsure;   /* unsure: a value may be anything */
	uint64_t whole;
};

static void add_due(struct due *due, enum expression_op op,
		    const struct scalar *value)
{
	bool better;

	due->unsure |= value->slack > 0 && !is_float(value);
	due->unsure |= isinf(value->slack) || isnan(value->slack);
	due->whole += value->whole;
	if (is_float(value)) {
		reals_due_add(&due->sum, value->real);
		due->slack += value->slack;
	}
	better = !due->any ||
		 (op == EXPRESSION_MIN ? less(value, &due->best)
				       : less(&due->best, value)) ||
		 (is_float(value) && isnan(value->real));
	if (better &&
	    !(due->any && is_float(&due->best) && isnan(due->best.real)))
		due->best = *value;
	due->any = true;
}

/* May `total` be what is due?  Whole ones by their bits. */
static bool is_due(const struct due *due, enum expression_op op, bool whole,
		   uint64_t total)
{
	union number number = { .whole = total };
	struct reals_due wider = due->sum;
	double real = number.real;

	if (due->unsure)
		return true;
	if (whole)
		return total ==
		       (op == EXPRESSION_SUM ? due->whole : due->best.whole);
	if (op == EXPRESSION_SUM) {
		/* As much as if the terms had been that much larger. */
		if (reals_due_is(&wider, real))
			return true;
		return isfinite(real) && wider.others == 0 &&
		       fabsl(real - wider.sum) <=
			       due->slack + wider.size *
						    (long double)wider.count *
						    0x1p-52L;
	}
	if (isnan(due->best.real))
		return isnan(real);
	return real == due->best.real ||
	       fabsl(real - due->best.real) <= due->slack;
}

static int fail_total(struct rig_team *team, const char *what,
		      enum expression_op op)
{
	return rig_team_fail(team, -EBADMSG,
			     "evaluate: %s does not follow from the %s of its "
			     "values",
			     what, expression_name(op));
}

static int prove_chunk(struct rig_team *team, struct proof *p, size_t chunk,
		       struct rig_span span)
{
	enum expression_op op = expression_whole(&p->expression);
	const uint64_t *totals = p->data[p->expression.arrays + 1];
	struct due due = { .any = false };
	bool whole = true;

	for (size_t at = span.begin; at < span.end; at++) {
		struct scalar value = element(p, at - span.begin);

		whole = !is_float(&value);
		add_due(&due, op, &value);
	}
	if (is_due(&due, op, whole, totals[chunk]))
		return 0;
	return fail_total(team, "a chunk's total", op);
}

static int prove_total(struct rig_team *team, struct proof *p)
{
	int n = p->expression.arrays;
	enum expression_op op = expression_whole(&p->expression);
	enum rig_dtype dtype = (enum rig_dtype)p->args->header.arrays[n].dtype;
	const union number *totals = p->data[n + 1];
	struct due due = { .any = false };
	union number found;
	double real;

	for (size_t c = 0; c < share_chunks(p->args->elements); c++) {
		struct scalar total = { .dtype = expression_is_float(dtype)
							 ? RIG_FLOAT64
							 : dtype,
					.real = totals[c].real,
					.whole = totals[c].whole };

		add_due(&due, op, &total);
	}
	read_item(dtype, p->data[n], 0, &real, &found.whole);
	if (!expression_is_float(dtype))
		return is_due(&due, op, true, wrapped(dtype, found.whole))
			       ? 0
			       : fail_total(team, "the result", op);
	/* The last rounding is to the result's dtype. */
	due.slack += unit_of(dtype, real);
	found.real = real;
	if (isinf(real) && dtype != RIG_FLOAT64 &&
	    fabsl(due.sum.sum) >
		    (dtype == RIG_FLOAT32 ? (long double)FLT_MAX : 65504))
		return 0;
	return is_due(&due, op, false, found.whole)
		       ? 0
		       : fail_total(team, "the result", op);
}

/* Each chunk of elements is a block, and what they come to is the last one. */
static int prove_block(struct rig_team *team, struct proof *p, uint64_t block)
{
	const struct evaluate_args *args = p->args;
	bool whole = expression_whole(&p->expression) != EXPRESSION_OPS;
	struct rig_span span;

	if (block == share_chunks(args->elements))
		return whole ? prove_total(team, p) : 0;
	span = share_chunk(args->elements, block);
	for (int k = 0; k < p->expression.arrays; k++)
		p->items[k] = evaluation_items(
			args, &p->shapes, k, p->data[k], span.begin,
			span.end - span.begin, p->memory[k]);
	return whole ? prove_chunk(team, p, block, span)
		     : prove_elements(team, p, span);
}

size_t evaluation_proof_bytes(void)
{
	return sizeof(struct proof);
}

int evaluation_prove(struct rig_team *team, uint64_t block)
{
	const struct evaluate_args *args = rig_team_args(team);
	struct proof *p = malloc(sizeof(*p));
	char why[160];
	int r;

	if (!p)
		return rig_team_fail(team, -ENOMEM, "evaluate: out of memory");
	p->args = args;
	r = evaluation_read(args, &p->expression, &p->shapes, why, sizeof(why));
	if (r < 0) {
		free(p);
		return rig_team_fail(team, r, "%s", why);
	}
	for (int k = 0; k < p->expression.arrays + 1; k++)
		p->data[k] = rig_team_data(team, k);
	if (expression_whole(&p->expression) != EXPRESSION_OPS)
		p->data[p->expression.arrays + 1] =
			rig_team_data(team, p->expression.arrays + 1);
	r = prove_block(team, p, block);
	free(p);
	return r;
}
