/* SPDX-License-Identifier: MIT */
/*
 * evaluation_proof.c - the values of an expression again, one by one
 * (evaluation_scalar.h), and whether the result's are within the slack.
 */
#include <kernels/lib/evaluation.h>
#include <kernels/lib/evaluation_scalar.h>

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
	return scalar_convert(&a, dtype);
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
	return scalar_convert(&p->values[arg], dtype);
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
		return scalar_choice(&a, &b, &c);
	if (rule == RULE_WHOLE)
		return a;
	if (rule == RULE_COMPARE || rule == RULE_TEST || rule == RULE_LOGIC)
		return scalar_question(op, &a, &b);
	return expression_is_float(inner) ? scalar_real(op, &a, &b)
					  : scalar_whole(op, &a, &b);
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
		return want->slack + UNITS * scalar_unit(want->dtype, most) >=
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
		 (op == EXPRESSION_MIN ? scalar_less(value, &due->best)
				       : scalar_less(&due->best, value)) ||
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
		return is_due(&due, op, true, scalar_wrap(dtype, found.whole))
			       ? 0
			       : fail_total(team, "the result", op);
	/* The last rounding is to the result's dtype. */
	due.slack += scalar_unit(dtype, real);
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
