/* SPDX-License-Identifier: MIT */
/*
 * vector_compile.c - a typed expression becomes a program.
 *
 * The arguments come first, then the operation; a temporary is free again right
 * after its use.  Recursion is as deep as the expression, which the number of
 * nodes bounds.
 */
#include <kernels/lib/vector.h>

#include <string.h>

#include <runner/convert.h>

/* In this process: the state of a compilation. */
struct compiler {
	const struct expression *e;
	struct vector_program *program;
	int free_count;
	uint16_t free[2 * EXPRESSION_NODES];
};

static uint16_t put_node(struct compiler *c, int node, enum rig_dtype dtype);

enum vector_class vector_class_of(enum rig_dtype dtype)
{
	return dtype == RIG_FLOAT64         ? VECTOR_DOUBLE
	       : expression_is_float(dtype) ? VECTOR_FLOAT
					    : VECTOR_WHOLE;
}

static uint16_t take(struct compiler *c)
{
	if (c->free_count)
		return c->free[--c->free_count];
	return (uint16_t)(VECTOR_TEMPORARY + c->program->temporaries++);
}

static void drop(struct compiler *c, uint16_t where)
{
	if (where >= VECTOR_TEMPORARY)
		c->free[c->free_count++] = where;
}

/* Add an operation of `count` arguments, which are used up.  Where the items of
 * the result have another size than an argument's, the result lies elsewhere. */
static uint16_t add(struct compiler *c, struct vector_op op, int count,
		    bool apart)
{
	uint16_t to = 0;

	if (apart)
		to = take(c);
	for (int i = 0; i < count; i++)
		drop(c, op.args[i]);
	op.to = apart ? to : take(c);
	c->program->ops[c->program->count++] = op;
	return op.to;
}

/* ---- constants ---- */

static double real_of(const struct expression_node *node)
{
	return node->dtype == RIG_FLOAT64  ? node->value.real
	       : node->dtype == RIG_UINT64 ? (double)node->value.natural
					   : (double)node->value.whole;
}

static float nearest_half(double value)
{
	uint16_t half = convert_float16_of(value);
	double real;

	convert_to_double(RIG_FLOAT16, &half, 0, 1, &real);
	return (float)real;
}

static uint16_t put_constant(struct compiler *c,
			     const struct expression_node *node,
			     enum rig_dtype dtype)
{
	struct vector_program *program = c->program;
	struct vector_constant constant = { .kind = (uint8_t)vector_class_of(
						    dtype) };
	int i;

	if (dtype == RIG_FLOAT64)
		constant.value.real = real_of(node);
	else if (dtype == RIG_FLOAT32)
		constant.value.single = (float)real_of(node);
	else if (dtype == RIG_FLOAT16)
		constant.value.single = nearest_half(real_of(node));
	else if (dtype == RIG_BOOL)
		constant.value.whole = real_of(node) != 0;
	else
		constant.value.whole = node->value.natural;
	for (i = 0; i < program->constants; i++)
		if (memcmp(&program->constant[i], &constant,
			   sizeof(constant)) == 0)
			return (uint16_t)(VECTOR_CONSTANT + i);
	program->constant[program->constants++] = constant;
	return (uint16_t)(VECTOR_CONSTANT + i);
}

/* ---- conversions ---- */

/* Does every value of `from` have the same 64 bits as a value of `to`? */
static bool holds(enum rig_dtype to, enum rig_dtype from)
{
	if (from == RIG_BOOL || to == from)
		return true;
	if (expression_is_unsigned(to) && !expression_is_unsigned(from))
		return to == RIG_UINT64;
	if (expression_is_unsigned(to) == expression_is_unsigned(from))
		return to > from;
	return to == RIG_INT64 || (to - RIG_INT8) > (from - RIG_UINT8);
}

static bool is_narrow(enum rig_dtype dtype)
{
	return dtype != RIG_INT64 && dtype != RIG_UINT64 && dtype != RIG_BOOL;
}

static uint16_t put_truth(struct compiler *c, uint16_t where,
			  enum rig_dtype from)
{
	enum vector_class kind = vector_class_of(from);

	return add(c,
		   (struct vector_op){ .code = VECTOR_TRUTH,
				       .kind = VECTOR_WHOLE,
				       .from = (uint8_t)kind,
				       .args = { where } },
		   1, true);
}

/* After an operation of the dtype: round, or wrap around. */
static uint16_t put_width(struct compiler *c, uint16_t where,
			  enum rig_dtype dtype)
{
	enum vector_class kind = vector_class_of(dtype);
	struct vector_op op = { .code = VECTOR_WRAP,
				.kind = (uint8_t)kind,
				.dtype = (uint8_t)dtype,
				.args = { where } };

	if (dtype == RIG_FLOAT16)
		op.code = VECTOR_HALF;
	else if (kind != VECTOR_WHOLE || !is_narrow(dtype))
		return where;
	return add(c, op, 1, false);
}

static uint16_t put_conversion(struct compiler *c, uint16_t where,
			       enum rig_dtype from, enum rig_dtype to)
{
	enum vector_class kind = vector_class_of(to);

	if (from == to)
		return where;
	if (to == RIG_BOOL)
		return put_truth(c, where, from);
	if (vector_class_of(from) != kind)
		return add(c,
			   (struct vector_op){
				   .code = VECTOR_CONVERT,
				   .kind = (uint8_t)kind,
				   .from = (uint8_t)vector_class_of(from),
				   .dtype = (uint8_t)to,
				   .natural = { from == RIG_UINT64 },
				   .args = { where } },
			   1, true);
	if (kind == VECTOR_WHOLE && holds(to, from))
		return where;
	return to == RIG_FLOAT32 ? where : put_width(c, where, to);
}

/* ---- operations ---- */

static const struct expression_node *node_of(const struct compiler *c, int node)
{
	return &c->e->nodes[node];
}

static enum rig_dtype dtype_of(const struct compiler *c, int node)
{
	return (enum rig_dtype)node_of(c, node)->dtype;
}

static uint16_t put_bool(struct compiler *c, int node)
{
	return put_node(c, node, RIG_BOOL);
}

/* Is the node a product of floats in its parent's dtype? */
static bool is_product(const struct compiler *c, int node, enum rig_dtype dtype)
{
	return node_of(c, node)->op == EXPRESSION_MULTIPLY &&
	       dtype_of(c, node) == dtype &&
	       (dtype == RIG_FLOAT64 || dtype == RIG_FLOAT32);
}

/* a*b + c and similar expressions in a single loop; false: the node is no such
 * expression. */
static bool put_fused(struct compiler *c, const struct expression_node *node,
		      uint16_t *where)
{
	enum rig_dtype dtype = (enum rig_dtype)node->dtype;
	bool adds = node->op == EXPRESSION_ADD;
	int first = is_product(c, node->args[0], dtype);
	const struct expression_node *product;
	struct vector_op op = { .kind = (uint8_t)vector_class_of(dtype) };

	if (!adds && node->op != EXPRESSION_SUBTRACT)
		return false;
	if (!first && !is_product(c, node->args[1], dtype))
		return false;
	product = node_of(c, node->args[!first]);
	op.code = adds    ? VECTOR_MULTIPLY_ADD
		  : first ? VECTOR_MULTIPLY_SUBTRACT
			  : VECTOR_SUBTRACT_PRODUCT;
	op.args[0] = put_node(c, product->args[0], dtype);
	op.args[1] = put_node(c, product->args[1], dtype);
	op.args[2] = put_node(c, node->args[first], dtype);
	*where = add(c, op, 3, false);
	return true;
}

/* where(a < b, c, d) of doubles in a single loop; false: the node is no such
 * expression. */
static bool put_choice(struct compiler *c, const struct expression_node *node,
		       uint16_t *where)
{
	static const struct {
		uint8_t op, code;
		bool turned;
	} codes[] = {
		{ EXPRESSION_LESS, VECTOR_WHERE_LESS, false },
		{ EXPRESSION_LESS_EQUAL, VECTOR_WHERE_LESS_EQUAL, false },
		{ EXPRESSION_GREATER, VECTOR_WHERE_LESS, true },
		{ EXPRESSION_GREATER_EQUAL, VECTOR_WHERE_LESS_EQUAL, true },
		{ EXPRESSION_EQUAL, VECTOR_WHERE_EQUAL, false },
		{ EXPRESSION_NOT_EQUAL, VECTOR_WHERE_NOT_EQUAL, false },
	};
	const struct expression_node *test = node_of(c, node->args[0]);
	struct vector_op op = { .kind = VECTOR_DOUBLE };

	if (test->inner != RIG_FLOAT64 || node->inner != RIG_FLOAT64)
		return false;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (codes[i].op != test->op)
			continue;
		op.code = codes[i].code;
		op.args[codes[i].turned] =
			put_node(c, test->args[0], RIG_FLOAT64);
		op.args[!codes[i].turned] =
			put_node(c, test->args[1], RIG_FLOAT64);
		op.args[2] = put_node(c, node->args[1], RIG_FLOAT64);
		op.args[3] = put_node(c, node->args[2], RIG_FLOAT64);
		*where = add(c, op, 4, false);
		return true;
	}
	return false;
}

static uint16_t put_where(struct compiler *c,
			  const struct expression_node *node)
{
	enum rig_dtype dtype = (enum rig_dtype)node->inner;
	struct vector_op op = { .code = EXPRESSION_WHERE,
				.kind = (uint8_t)vector_class_of(dtype) };
	uint16_t where;

	if (put_choice(c, node, &where))
		return where;
	op.args[0] = put_bool(c, node->args[0]);
	op.args[1] = put_node(c, node->args[1], dtype);
	op.args[2] = put_node(c, node->args[2], dtype);
	return add(c, op, 3, true);
}

static uint16_t put_logic(struct compiler *c,
			  const struct expression_node *node)
{
	int arity = expression_arity((enum expression_op)node->op);
	struct vector_op op = { .code = node->op, .kind = VECTOR_WHOLE };

	for (int i = 0; i < arity; i++)
		op.args[i] = put_bool(c, node->args[i]);
	return add(c, op, arity, false);
}

/* isnan and similar functions, and comparisons: from any class to bools. */
static uint16_t put_question(struct compiler *c,
			     const struct expression_node *node)
{
	int arity = expression_arity((enum expression_op)node->op);
	struct vector_op op = { .code = node->op };

	for (int i = 0; i < arity; i++) {
		enum rig_dtype dtype = node->inner ? (enum rig_dtype)node->inner
						   : dtype_of(c, node->args[i]);

		op.kind = (uint8_t)vector_class_of(dtype);
		op.natural[i] = dtype == RIG_UINT64;
		op.args[i] = put_node(c, node->args[i], dtype);
	}
	return add(c, op, arity, true);
}

/* The operation on bools with the same meaning; the same operation: there is
 * none. */
static uint8_t code_of_bools(uint8_t op)
{
	switch ((enum expression_op)op) {
	case EXPRESSION_ADD:
	case EXPRESSION_MAXIMUM:
	case EXPRESSION_FMAX:
		return EXPRESSION_OR;
	case EXPRESSION_MULTIPLY:
	case EXPRESSION_MINIMUM:
	case EXPRESSION_FMIN:
		return EXPRESSION_AND;
	case EXPRESSION_INVERT:
		return EXPRESSION_LOGICAL_NOT;
	default:
		return op;
	}
}

/* Whether the operation leaves every value of the dtype unchanged. */
static bool changes_nothing(const struct expression_node *node)
{
	bool whole = !expression_is_float((enum rig_dtype)node->inner);

	switch ((enum expression_op)node->op) {
	case EXPRESSION_POSITIVE:
		return true;
	case EXPRESSION_FLOOR:
	case EXPRESSION_CEIL:
	case EXPRESSION_TRUNC:
		return whole;
	case EXPRESSION_ABSOLUTE:
		return expression_is_unsigned((enum rig_dtype)node->inner);
	default:
		return false;
	}
}

/* NumPy turns x**2 into x*x. */
static bool is_square(const struct compiler *c,
		      const struct expression_node *node)
{
	const struct expression_node *b = node_of(c, node->args[1]);

	return node->op == EXPRESSION_POWER && b->op == EXPRESSION_LITERAL &&
	       real_of(b) == 2;
}

static uint16_t put_arithmetic(struct compiler *c,
			       const struct expression_node *node)
{
	enum rig_dtype dtype = (enum rig_dtype)node->inner;
	int arity = expression_arity((enum expression_op)node->op);
	struct vector_op op = { .code = node->op,
				.kind = (uint8_t)vector_class_of(dtype),
				.dtype = (uint8_t)dtype };
	uint16_t where;

	if (changes_nothing(node))
		return put_node(c, node->args[0], dtype);
	if (put_fused(c, node, &where))
		return where;
	if (is_square(c, node)) {
		op.code = EXPRESSION_SQUARE;
		arity = 1;
	}
	if (dtype == RIG_BOOL)
		op.code = code_of_bools(op.code);
	for (int i = 0; i < arity; i++)
		op.args[i] = put_node(c, node->args[i], dtype);
	return put_width(c, add(c, op, arity, false), dtype);
}

static uint16_t put_operation(struct compiler *c,
			      const struct expression_node *node)
{
	switch (expression_rule_of((enum expression_op)node->op)) {
	case RULE_WHERE:
		return put_where(c, node);
	case RULE_LOGIC:
		return put_logic(c, node);
	case RULE_TEST:
	case RULE_COMPARE:
		return put_question(c, node);
	case RULE_CAST:
		return put_node(c, node->args[0], (enum rig_dtype)node->dtype);
	default:
		return put_arithmetic(c, node);
	}
}

/* The node's values as `dtype`; returns the register. */
static uint16_t put_node(struct compiler *c, int number, enum rig_dtype dtype)
{
	const struct expression_node *node = node_of(c, number);
	uint16_t where;

	if (node->op == EXPRESSION_LITERAL && (node->weak || dtype == RIG_BOOL))
		return put_constant(c, node, dtype);
	if (node->op == EXPRESSION_LITERAL)
		where = put_constant(c, node, (enum rig_dtype)node->dtype);
	else if (node->op == EXPRESSION_ARRAY)
		where = (uint16_t)node->value.whole;
	else
		where = put_operation(c, node);
	return put_conversion(c, where, (enum rig_dtype)node->dtype, dtype);
}

/* sum(a*b) adds up products as they are made. */
static void put_whole(struct compiler *c, const struct expression_node *root)
{
	enum rig_dtype dtype = (enum rig_dtype)root->inner;
	const struct expression_node *of = node_of(c, root->args[0]);

	c->program->whole = root->op;
	c->program->inner = root->inner;
	if (root->op == EXPRESSION_SUM && dtype == RIG_FLOAT64 &&
	    is_product(c, root->args[0], dtype)) {
		c->program->product = true;
		c->program->result = put_node(c, of->args[0], dtype);
		c->program->factor = put_node(c, of->args[1], dtype);
		return;
	}
	c->program->result = put_node(c, root->args[0], dtype);
}

void vector_compile(struct vector_program *program, const struct expression *e)
{
	const struct expression_node *root = &e->nodes[e->count - 1];
	struct compiler c = { .e = e, .program = program };

	program->arrays = e->arrays;
	program->constants = program->temporaries = program->count = 0;
	program->dtype = program->inner = root->dtype;
	program->whole = EXPRESSION_OPS;
	program->product = false;
	if (expression_whole(e) != EXPRESSION_OPS)
		put_whole(&c, root);
	else
		program->result =
			put_node(&c, e->count - 1, (enum rig_dtype)root->dtype);
}

int vector_buffers(const struct vector_program *program)
{
	return program->arrays + program->constants + program->temporaries;
}
