/* SPDX-License-Identifier: MIT */
/*
 * expression_type.c - the dtype of each node, by NumPy 2's rules (NEP 50), and
 * arithmetic of Python numbers, done here and now.
 */
#include <kernels/lib/expression.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernels.h>

/* Every value of int64 and uint64 fits, and most results of two such values. */
__extension__ typedef __int128 wide;

#define WIDE_MIN ((wide)INT64_MIN)
#define WIDE_MAX ((wide)UINT64_MAX)

static int bits_of(enum rig_dtype dtype)
{
	return dtype == RIG_BOOL ? 1 : (int)rig_dtype_bytes(dtype) * 8;
}

static enum rig_dtype signed_of(int bits)
{
	return bits <= 8    ? RIG_INT8
	       : bits <= 16 ? RIG_INT16
	       : bits <= 32 ? RIG_INT32
	       : bits <= 64 ? RIG_INT64
			    : RIG_FLOAT64;
}

/* The smallest float dtype that holds the dtype: NumPy's choice of a loop. */
static enum rig_dtype float_of(enum rig_dtype dtype)
{
	if (expression_is_float(dtype))
		return dtype;
	return bits_of(dtype) <= 8    ? RIG_FLOAT16
	       : bits_of(dtype) <= 16 ? RIG_FLOAT32
				      : RIG_FLOAT64;
}

static enum rig_dtype promote(enum rig_dtype a, enum rig_dtype b)
{
	enum rig_dtype other;

	if (a == b || b == RIG_BOOL)
		return a;
	if (a == RIG_BOOL)
		return b;
	if (expression_is_float(a) || expression_is_float(b)) {
		a = float_of(a);
		b = float_of(b);
		return a > b ? a : b;
	}
	if (expression_is_unsigned(a) == expression_is_unsigned(b))
		return a > b ? a : b;
	if (expression_is_unsigned(a)) {
		other = a;
		a = b;
		b = other;
	}
	return bits_of(a) > bits_of(b) ? a : signed_of(2 * bits_of(b));
}

static struct expression_node *arg(struct expression *e,
				   const struct expression_node *node, int i)
{
	return &e->nodes[node->args[i]];
}

static wide whole_of(const struct expression_node *node)
{
	return node->dtype == RIG_UINT64 ? (wide)node->value.natural
					 : (wide)node->value.whole;
}

static double real_of(const struct expression_node *node)
{
	return node->dtype == RIG_FLOAT64 ? node->value.real
					  : (double)whole_of(node);
}

/* ---- Python numbers ---- */

static int set_whole(struct expression *e, struct expression_node *node,
		     wide value, double about)
{
	/* `about` tells where the value itself has wrapped around. */
	if (value < WIDE_MIN || value > WIDE_MAX || fabs(about) >= 0x1p65)
		return expression_wrong(e, node->at,
					"a whole number beyond 64 bits");
	node->op = EXPRESSION_LITERAL;
	node->weak = true;
	node->dtype = value > INT64_MAX ? RIG_UINT64 : RIG_INT64;
	node->value.natural = (uint64_t)value;
	return 0;
}

static int set_real(struct expression *e, struct expression_node *node,
		    double value)
{
	if (isnan(value))
		return expression_wrong(e, node->at, "no real number");
	node->op = EXPRESSION_LITERAL;
	node->weak = true;
	node->dtype = RIG_FLOAT64;
	node->value.real = value;
	return 0;
}

/* Python's operators: the quotient is rounded down. */
static wide floor_quotient(wide a, wide b)
{
	wide quotient = a / b;

	return quotient * b != a && (a < 0) != (b < 0) ? quotient - 1
						       : quotient;
}

static double floor_remainder(double a, double b)
{
	double rest = fmod(a, b);

	return rest != 0 && (rest < 0) != (b < 0) ? rest + b
	       : rest == 0                        ? copysign(0, b)
						  : rest;
}

static int fold_power(struct expression *e, struct expression_node *node,
		      wide a, wide b)
{
	double about = pow((double)a, (double)b);
	wide value = 1;

	if (a == -1)
		return set_whole(e, node, b % 2 ? -1 : 1, 1);
	/* The others are too large in few steps. */
	for (wide i = 0; i < b && a != 0 && a != 1 && fabs(about) < 0x1p65; i++)
		value *= a;
	if (a == 0)
		value = b == 0;
	return set_whole(e, node, value, about);
}

static int fold_shift(struct expression *e, struct expression_node *node,
		      wide a, wide b, bool left)
{
	if (b < 0)
		return expression_wrong(e, node->at, "a negative shift");
	if (!left)
		return set_whole(e, node, b > 100 ? -(a < 0) : a >> (int)b, 0);
	if (a == 0)
		return set_whole(e, node, 0, 0);
	if (b > 64)
		return set_whole(e, node, 0, INFINITY);
	return set_whole(e, node, a * ((wide)1 << (int)b),
			 ldexp((double)a, (int)b));
}

static int fold_whole(struct expression *e, struct expression_node *node,
		      wide a, wide b)
{
	switch ((enum expression_op)node->op) {
	case EXPRESSION_ADD:
		return set_whole(e, node, a + b, 0);
	case EXPRESSION_SUBTRACT:
		return set_whole(e, node, a - b, 0);
	case EXPRESSION_MULTIPLY:
		return set_whole(e, node,
				 fabs((double)a * (double)b) >= 0x1p65 ? 0
								       : a * b,
				 (double)a * (double)b);
	case EXPRESSION_FLOOR_DIVIDE:
		return set_whole(e, node, floor_quotient(a, b), 0);
	case EXPRESSION_REMAINDER:
		return set_whole(e, node, a - floor_quotient(a, b) * b, 0);
	case EXPRESSION_POWER:
		return fold_power(e, node, a, b);
	case EXPRESSION_NEGATIVE:
		return set_whole(e, node, -a, 0);
	case EXPRESSION_POSITIVE:
		return set_whole(e, node, a, 0);
	case EXPRESSION_ABSOLUTE:
		return set_whole(e, node, a < 0 ? -a : a, 0);
	case EXPRESSION_AND:
		return set_whole(e, node, a & b, 0);
	case EXPRESSION_OR:
		return set_whole(e, node, a | b, 0);
	case EXPRESSION_XOR:
		return set_whole(e, node, a ^ b, 0);
	case EXPRESSION_INVERT:
		return set_whole(e, node, ~a, 0);
	default:
		return fold_shift(e, node, a, b,
				  node->op == EXPRESSION_LEFT_SHIFT);
	}
}

static int fold_real(struct expression *e, struct expression_node *node,
		     double a, double b)
{
	switch ((enum expression_op)node->op) {
	case EXPRESSION_ADD:
		return set_real(e, node, a + b);
	case EXPRESSION_SUBTRACT:
		return set_real(e, node, a - b);
	case EXPRESSION_MULTIPLY:
		return set_real(e, node, a * b);
	case EXPRESSION_DIVIDE:
		return set_real(e, node, a / b);
	case EXPRESSION_FLOOR_DIVIDE:
		return set_real(e, node,
				floor((a - floor_remainder(a, b)) / b));
	case EXPRESSION_REMAINDER:
		return set_real(e, node, floor_remainder(a, b));
	case EXPRESSION_NEGATIVE:
		return set_real(e, node, -a);
	case EXPRESSION_POSITIVE:
		return set_real(e, node, a);
	case EXPRESSION_ABSOLUTE:
		return set_real(e, node, fabs(a));
	default:
		return set_real(e, node, pow(a, b));
	}
}

/* Python itself has these operators. */
static bool is_python(const struct expression_node *node)
{
	switch ((enum expression_op)node->op) {
	case EXPRESSION_ADD:
	case EXPRESSION_SUBTRACT:
	case EXPRESSION_MULTIPLY:
	case EXPRESSION_DIVIDE:
	case EXPRESSION_FLOOR_DIVIDE:
	case EXPRESSION_REMAINDER:
	case EXPRESSION_POWER:
	case EXPRESSION_NEGATIVE:
	case EXPRESSION_POSITIVE:
	case EXPRESSION_ABSOLUTE:
	case EXPRESSION_AND:
	case EXPRESSION_OR:
	case EXPRESSION_XOR:
	case EXPRESSION_INVERT:
	case EXPRESSION_LEFT_SHIFT:
	case EXPRESSION_RIGHT_SHIFT:
		return true;
	default:
		return false;
	}
}

static bool divides(const struct expression_node *node)
{
	return node->op == EXPRESSION_DIVIDE ||
	       node->op == EXPRESSION_FLOOR_DIVIDE ||
	       node->op == EXPRESSION_REMAINDER;
}

/* An operation on Python numbers becomes a Python number. */
static int fold(struct expression *e, struct expression_node *node)
{
	int arity = expression_arity((enum expression_op)node->op);
	enum expression_rule rule =
		expression_rule_of((enum expression_op)node->op);
	struct expression_node a = *arg(e, node, 0);
	struct expression_node b = arity > 1 ? *arg(e, node, 1) : a;
	bool real = a.dtype == RIG_FLOAT64 || b.dtype == RIG_FLOAT64;

	if (divides(node) && real_of(&b) == 0)
		return expression_wrong(e, node->at, "a division by 0");
	if (real && (rule == RULE_BITS || rule == RULE_SHIFT))
		return expression_wrong(e, node->at,
					"%s is of whole numbers, not floats",
					expression_name(node->op));
	if (real || node->op == EXPRESSION_DIVIDE ||
	    (node->op == EXPRESSION_POWER && whole_of(&b) < 0))
		return fold_real(e, node, real_of(&a), real_of(&b));
	return fold_whole(e, node, whole_of(&a), whole_of(&b));
}

/* ---- promotion ---- */

static wide least_of(enum rig_dtype dtype)
{
	return expression_is_unsigned(dtype)
		       ? 0
		       : -((wide)1 << (bits_of(dtype) - 1));
}

static wide greatest_of(enum rig_dtype dtype)
{
	return ((wide)1 << (bits_of(dtype) - !expression_is_unsigned(dtype))) -
	       1;
}

/* A literal that is a whole number has the dtype that the literal's neighbour
 * gives. */
static int check_fits(struct expression *e, const struct expression_node *a,
		      enum rig_dtype dtype)
{
	if (!a->weak || a->dtype == RIG_FLOAT64 || expression_is_float(dtype) ||
	    (whole_of(a) >= least_of(dtype) &&
	     whole_of(a) <= greatest_of(dtype)))
		return 0;
	return expression_wrong(e, a->at, "a number out of the range of %s",
				rig_dtype_name(dtype));
}

/* The common dtype of the arguments from `first` to the last. */
static enum rig_dtype common_of(struct expression *e,
				const struct expression_node *node, int first)
{
	int arity = expression_arity((enum expression_op)node->op);
	enum rig_dtype strong = RIG_DTYPE_NONE;
	bool real = false, whole = false;

	for (int i = first; i < arity; i++) {
		const struct expression_node *a = arg(e, node, i);

		if (!a->weak)
			strong = strong ? promote(strong, a->dtype)
					: (enum rig_dtype)a->dtype;
		real |= a->weak && a->dtype == RIG_FLOAT64;
		whole |= a->weak && a->dtype != RIG_FLOAT64;
	}
	if (real && !expression_is_float(strong))
		return RIG_FLOAT64;
	if (whole && (!strong || strong == RIG_BOOL))
		return RIG_INT64;
	return strong;
}

/* The float dtype of all arguments, found for each argument by itself. */
static enum rig_dtype common_float(struct expression *e,
				   const struct expression_node *node)
{
	int arity = expression_arity((enum expression_op)node->op);
	enum rig_dtype dtype = float_of(common_of(e, node, 0));

	for (int i = 0; i < arity; i++)
		if (arg(e, node, i)->weak)
			return dtype;
	dtype = float_of((enum rig_dtype)arg(e, node, 0)->dtype);
	return arity == 1
		       ? dtype
		       : promote(dtype, float_of((enum rig_dtype)arg(e, node, 1)
							 ->dtype));
}

static int refuse(struct expression *e, const struct expression_node *node,
		  const char *what, const char *instead)
{
	return expression_wrong(e, node->at, "%s is not of %s%s",
				expression_name((enum expression_op)node->op),
				what, instead);
}

/* The dtype for the arguments, by the rule; or -EINVAL. */
static int find_inner(struct expression *e, const struct expression_node *node,
		      enum rig_dtype *inner)
{
	enum expression_rule rule =
		expression_rule_of((enum expression_op)node->op);
	bool is_float = expression_is_float(*inner);

	switch (rule) {
	case RULE_NO_BOOL:
		return *inner == RIG_BOOL
			       ? refuse(e, node, "bools",
					node->op == EXPRESSION_SUBTRACT
						? ": write a ^ b"
						: ": write ~a")
			       : 0;
	case RULE_BITS:
		return is_float ? refuse(e, node, "floats", "") : 0;
	case RULE_SHIFT:
		if (is_float)
			return refuse(e, node, "floats", "");
		*inner = *inner == RIG_BOOL ? RIG_INT8 : *inner;
		return 0;
	case RULE_INT:
		*inner = *inner == RIG_BOOL ? RIG_INT8 : *inner;
		return 0;
	case RULE_DIVIDE:
		*inner = is_float ? *inner : RIG_FLOAT64;
		return 0;
	case RULE_FLOAT:
		*inner = common_float(e, node);
		return 0;
	default:
		return 0;
	}
}

static int check_power(struct expression *e, const struct expression_node *node)
{
	const struct expression_node *b;

	if (node->op != EXPRESSION_POWER || expression_is_float(node->inner))
		return 0;
	b = arg(e, node, 1);
	if (b->op != EXPRESSION_LITERAL || whole_of(b) >= 0)
		return 0;
	return expression_wrong(e, node->at,
				"whole numbers to a negative power are none: "
				"write %lld.0",
				(long long)b->value.whole);
}

/* Arguments of a common dtype, by the rule. */
static int type_common(struct expression *e, struct expression_node *node)
{
	int arity = expression_arity((enum expression_op)node->op);
	enum rig_dtype inner = common_of(e, node, 0);
	enum expression_rule rule =
		expression_rule_of((enum expression_op)node->op);
	int r = find_inner(e, node, &inner);

	node->inner = (uint8_t)inner;
	node->dtype = rule == RULE_COMPARE ? RIG_BOOL : (uint8_t)inner;
	/* Whole numbers are compared by their values, however wide the dtypes
	 * are. */
	if (rule == RULE_COMPARE) {
		bool whole = true;

		for (int i = 0; i < arity; i++)
			whole &= arg(e, node, i)->dtype <= RIG_UINT64;
		if (whole) {
			node->inner = RIG_DTYPE_NONE;
			return r;
		}
	}
	for (int i = 0; i < arity && r == 0; i++)
		r = check_fits(e, arg(e, node, i), inner);
	return r == 0 ? check_power(e, node) : r;
}

static int type_where(struct expression *e, struct expression_node *node)
{
	enum rig_dtype dtype = common_of(e, node, 1);
	int r = check_fits(e, arg(e, node, 1), dtype);

	node->dtype = node->inner = (uint8_t)dtype;
	return r == 0 ? check_fits(e, arg(e, node, 2), dtype) : r;
}

static void type_whole(struct expression *e, struct expression_node *node)
{
	enum rig_dtype dtype = (enum rig_dtype)arg(e, node, 0)->dtype;

	node->inner = (uint8_t)dtype;
	if (node->op == EXPRESSION_SUM && !expression_is_float(dtype))
		dtype = dtype >= RIG_UINT8 ? RIG_UINT64 : RIG_INT64;
	node->dtype = (uint8_t)dtype;
}

static int type_node(struct expression *e, struct expression_node *node,
		     const enum rig_dtype *dtypes)
{
	enum expression_op op = (enum expression_op)node->op;
	bool weak = is_python(node);

	for (int i = 0; i < expression_arity(op); i++)
		weak &= arg(e, node, i)->weak;
	if (weak)
		return fold(e, node);
	switch (expression_rule_of(op)) {
	case RULE_LEAF:
		if (op == EXPRESSION_ARRAY)
			node->dtype = (uint8_t)dtypes[node->value.whole];
		return 0;
	case RULE_LOGIC:
	case RULE_TEST:
		node->dtype = RIG_BOOL;
		return 0;
	case RULE_CAST:
		node->dtype = (uint8_t)expression_cast(op);
		return 0;
	case RULE_WHERE:
		return type_where(e, node);
	case RULE_WHOLE:
		type_whole(e, node);
		return 0;
	default:
		return type_common(e, node);
	}
}

static int check_dtype(struct expression *e, int array, enum rig_dtype dtype)
{
	if (dtype >= RIG_BOOL && dtype <= RIG_FLOAT64)
		return 0;
	return expression_wrong(e, -1,
				"%s is %s: evaluate takes bool, integers, "
				"float16, float32 and float64",
				e->names[array], rig_dtype_name(dtype));
}

int expression_type(struct expression *e, const enum rig_dtype *dtypes)
{
	int r = 0;

	for (int i = 0; i < e->arrays && r == 0; i++)
		r = check_dtype(e, i, dtypes[i]);
	for (int i = 0; i < e->count && r == 0; i++)
		r = type_node(e, &e->nodes[i], dtypes);
	return r;
}
