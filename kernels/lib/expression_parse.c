/* SPDX-License-Identifier: MIT */
/*
 * expression_parse.c - a text becomes the nodes of an expression.
 *
 * Recursive descent with Python's precedence.  The only recursion is through
 * parentheses, signs, powers and calls, each counted against EXPRESSION_DEPTH; a
 * chain such as a + b + c is a loop.
 */
#include <kernels/lib/expression.h>
#include <kernels/lib/expression_literal.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NO_KEYWORDS                                                            \
	"no and, or, not, if: write a & b, a | b, ~a, where(a, b, c)"

/* Levels of the operators, the loosest first. */
#define LEVEL_COMPARE 1
#define LEVEL_SIGN    8 /* for + - ~ before a value: such signs bind tighter */

struct named_number {
	char name[RIG_DECLARED_BYTES];
	struct expression_node node;
	bool used;
};

/* In this process: the state of a parse. */
struct parser {
	struct expression *e;
	const char *text, *at;
	int depth;
	int scalar_count;
	struct named_number scalars[EXPRESSION_SCALARS];
};

struct infix {
	const char *sign;
	uint8_t level, op;
};

/* A longer sign comes before its own beginning: << before <. */
static const struct infix infixes[] = {
	{ "<<", 5, EXPRESSION_LEFT_SHIFT },
	{ ">>", 5, EXPRESSION_RIGHT_SHIFT },
	{ "<=", LEVEL_COMPARE, EXPRESSION_LESS_EQUAL },
	{ ">=", LEVEL_COMPARE, EXPRESSION_GREATER_EQUAL },
	{ "==", LEVEL_COMPARE, EXPRESSION_EQUAL },
	{ "!=", LEVEL_COMPARE, EXPRESSION_NOT_EQUAL },
	{ "<", LEVEL_COMPARE, EXPRESSION_LESS },
	{ ">", LEVEL_COMPARE, EXPRESSION_GREATER },
	{ "|", 2, EXPRESSION_OR },
	{ "^", 3, EXPRESSION_XOR },
	{ "&", 4, EXPRESSION_AND },
	{ "+", 6, EXPRESSION_ADD },
	{ "-", 6, EXPRESSION_SUBTRACT },
	{ "//", 7, EXPRESSION_FLOOR_DIVIDE },
	{ "/", 7, EXPRESSION_DIVIDE },
	{ "%", 7, EXPRESSION_REMAINDER },
	{ "*", 7, EXPRESSION_MULTIPLY },
};

static int parse_infix(struct parser *p, int level, int *node);

static int wrong(struct parser *p, const char *at, const char *words)
{
	return expression_wrong(p->e, (int)(at - p->text), "%s", words);
}

static void skip_spaces(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t')
		p->at++;
}

/* A new node; returns its number, or -EINVAL. */
static int add_node(struct parser *p, const char *at,
		    const struct expression_node *node)
{
	struct expression *e = p->e;

	if (e->count == EXPRESSION_NODES)
		return expression_wrong(e, (int)(at - p->text),
					"more than %d values and operations",
					EXPRESSION_NODES);
	e->nodes[e->count] = *node;
	e->nodes[e->count].at = (uint16_t)(at - p->text);
	return e->count++;
}

static int add_operation(struct parser *p, const char *at,
			 enum expression_op op, const int *args, int *node)
{
	struct expression_node made = { .op = (uint8_t)op };

	for (int i = 0; i < expression_arity(op); i++)
		made.args[i] = (uint16_t)args[i];
	*node = add_node(p, at, &made);
	return *node < 0 ? *node : 0;
}

/* ---- values ---- */

static int parse_literal(struct parser *p, int *node)
{
	struct expression_node made;
	int length = expression_literal(p->at, &made);

	if (length < 0)
		return wrong(p, p->at, "no number, or one out of range");
	*node = add_node(p, p->at, &made);
	p->at += length;
	return *node < 0 ? *node : 0;
}

static bool is_keyword(const char *name, size_t length)
{
	static const char *const words[] = { "and", "or",   "not",
					     "if",  "else", "in",
					     "is",  "for",  "lambda" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == length &&
		    memcmp(words[i], name, length) == 0)
			return true;
	return false;
}

/* The scalar called `name`; NULL: there is none. */
static struct named_number *find_scalar(struct parser *p, const char *name,
					size_t length)
{
	for (int i = 0; i < p->scalar_count; i++)
		if (strlen(p->scalars[i].name) == length &&
		    memcmp(p->scalars[i].name, name, length) == 0)
			return &p->scalars[i];
	return NULL;
}

/* The array called `name`, new or old; or -EINVAL. */
static int find_array(struct parser *p, const char *name, size_t length)
{
	struct expression *e = p->e;

	for (int i = 0; i < e->arrays; i++)
		if (strlen(e->names[i]) == length &&
		    memcmp(e->names[i], name, length) == 0)
			return i;
	if (e->arrays == EXPRESSION_ARRAYS)
		return expression_wrong(e, (int)(name - p->text),
					"more than %d arrays",
					EXPRESSION_ARRAYS);
	snprintf(e->names[e->arrays], RIG_DECLARED_BYTES, "%.*s", (int)length,
		 name);
	return e->arrays++;
}

static int check_name(struct parser *p, const char *name, size_t length)
{
	int at = (int)(name - p->text);

	if (length >= RIG_DECLARED_BYTES)
		return expression_wrong(p->e, at,
					"a name of more than %d letters",
					RIG_DECLARED_BYTES - 1);
	if (is_keyword(name, length))
		return wrong(p, name, NO_KEYWORDS);
	if (expression_find(name, length) != EXPRESSION_OPS)
		return expression_wrong(p->e, at,
					"%.*s is a function: %.*s(...)",
					(int)length, name, (int)length, name);
	if (length == 3 && memcmp(name, "out", 3) == 0)
		return wrong(p, name, "out is the name of the result");
	return 0;
}

static int parse_name(struct parser *p, size_t length, int *node)
{
	const char *name = p->at;
	struct expression_node made = { .op = EXPRESSION_ARRAY };
	struct named_number *scalar = find_scalar(p, name, length);

	p->at += length;
	if (scalar) {
		scalar->used = true;
		made = scalar->node;
	} else if (!expression_constant(name, length, &made)) {
		int r = check_name(p, name, length);

		if (r == 0)
			r = find_array(p, name, length);
		if (r < 0)
			return r;
		made.value.whole = r;
	}
	*node = add_node(p, name, &made);
	return *node < 0 ? *node : 0;
}

static int parse_args(struct parser *p, enum expression_op op, const char *name,
		      int *args)
{
	int arity = expression_arity(op), count = 0, r;

	skip_spaces(p);
	while (*p->at != ')' || count) {
		int extra;

		r = parse_infix(p, LEVEL_COMPARE,
				count < arity ? &args[count] : &extra);
		if (r < 0)
			return r;
		count++;
		if (*p->at != ',')
			break;
		p->at++;
	}
	if (*p->at != ')')
		return wrong(p, p->at, "a ) is missing");
	p->at++;
	if (count == arity)
		return 0;
	return expression_wrong(
		p->e, (int)(name - p->text), "%s takes %d value%s, not %d%s",
		expression_name(op), arity, arity == 1 ? "" : "s", count,
		op == EXPRESSION_MIN   ? " (minimum takes 2)"
		: op == EXPRESSION_MAX ? " (maximum takes 2)"
				       : "");
}

static int parse_call(struct parser *p, size_t length, int *node)
{
	const char *name = p->at;
	enum expression_op op = expression_find(name, length);
	int args[EXPRESSION_ARGS], r;

	if (op == EXPRESSION_OPS)
		return expression_wrong(p->e, (int)(name - p->text),
					"there is no function %.*s",
					(int)(length < 40 ? length : 40), name);
	p->at = strchr(name + length, '(') + 1;
	r = parse_args(p, op, name, args);
	return r < 0 ? r : add_operation(p, name, op, args, node);
}

static int parse_parentheses(struct parser *p, int *node)
{
	int r;

	p->at++;
	r = parse_infix(p, LEVEL_COMPARE, node);
	if (r < 0)
		return r;
	if (*p->at == ',')
		return wrong(p, p->at, "no tuples");
	if (*p->at != ')')
		return wrong(p, p->at, "a ) is missing");
	p->at++;
	return 0;
}

static int parse_value(struct parser *p, int *node)
{
	size_t length;

	skip_spaces(p);
	if (*p->at == '(')
		return parse_parentheses(p, node);
	if (*p->at && strchr(DIGITS ".", *p->at))
		return parse_literal(p, node);
	if (!*p->at || !strchr(LETTERS, *p->at))
		return wrong(p, p->at, "a value is missing");
	length = strspn(p->at, LETTERS DIGITS);
	if (p->at[length + strspn(p->at + length, " \t")] == '(')
		return parse_call(p, length, node);
	return parse_name(p, length, node);
}

/* ---- operators ---- */

static int parse_sign(struct parser *p, int *node);

/* A value, and the power to which the value is raised. */
static int parse_power(struct parser *p, int *node)
{
	int args[EXPRESSION_ARGS];
	const char *at;
	int r = parse_value(p, node);

	if (r < 0)
		return r;
	skip_spaces(p);
	at = p->at;
	if (strncmp(at, "**", 2) != 0)
		return 0;
	p->at += 2;
	args[0] = *node;
	r = parse_sign(p, &args[1]);
	return r < 0 ? r : add_operation(p, at, EXPRESSION_POWER, args, node);
}

static int parse_signed(struct parser *p, int *node)
{
	const char *at;
	enum expression_op op;
	int arg, r;

	skip_spaces(p);
	at = p->at;
	if (!*at || !strchr("+-~", *at))
		return parse_power(p, node);
	op = *at == '-'   ? EXPRESSION_NEGATIVE
	     : *at == '+' ? EXPRESSION_POSITIVE
			  : EXPRESSION_INVERT;
	p->at++;
	r = parse_sign(p, &arg);
	return r < 0 ? r : add_operation(p, at, op, &arg, node);
}

/* All recursion comes through here. */
static int parse_sign(struct parser *p, int *node)
{
	int r;

	if (p->depth == EXPRESSION_DEPTH) {
		return expression_wrong(p->e, (int)(p->at - p->text),
					"nested deeper than %d",
					EXPRESSION_DEPTH);
	}
	p->depth++;
	r = parse_signed(p, node);
	p->depth--;
	return r;
}

static const struct infix *find_infix(const char *at)
{
	for (size_t i = 0; i < sizeof(infixes) / sizeof(*infixes); i++)
		if (strncmp(at, infixes[i].sign, strlen(infixes[i].sign)) == 0)
			return &infixes[i];
	return NULL;
}

static int parse_infix(struct parser *p, int level, int *node)
{
	bool compared = false;
	int r = parse_sign(p, node);

	while (r == 0) {
		const struct infix *infix;
		const char *at;
		int args[EXPRESSION_ARGS];

		skip_spaces(p);
		at = p->at;
		infix = find_infix(at);
		if (!infix || infix->level < level)
			break;
		if (compared && infix->level == LEVEL_COMPARE)
			return wrong(p, at,
				     "comparisons do not chain: write "
				     "(a < b) & (b < c)");
		compared |= infix->level == LEVEL_COMPARE;
		p->at += strlen(infix->sign);
		args[0] = *node;
		r = parse_infix(p, infix->level + 1, &args[1]);
		if (r == 0)
			r = add_operation(p, at, (enum expression_op)infix->op,
					  args, node);
	}
	return r;
}

/* ---- scalars ---- */

static int add_scalar(struct parser *p, const char *name, size_t length,
		      const struct expression_node *node)
{
	struct named_number *scalar = &p->scalars[p->scalar_count];
	struct expression_node constant;

	if (p->scalar_count == EXPRESSION_SCALARS)
		return expression_wrong(p->e, -1, "let: more than %d scalars",
					EXPRESSION_SCALARS);
	if (length >= RIG_DECLARED_BYTES || is_keyword(name, length) ||
	    expression_constant(name, length, &constant) ||
	    expression_find(name, length) != EXPRESSION_OPS)
		return expression_wrong(p->e, -1,
					"let: %.40s: the name is taken", name);
	if (find_scalar(p, name, length))
		return expression_wrong(p->e, -1, "let: %.40s: given twice",
					name);
	snprintf(scalar->name, sizeof(scalar->name), "%.*s", (int)length, name);
	scalar->node = *node;
	p->scalar_count++;
	return 0;
}

static int parse_scalars(struct parser *p, const char *text)
{
	int r = 0;

	for (text += strspn(text, " ,"); *text && r == 0;
	     text += strspn(text, " ,")) {
		size_t length = strchr(DIGITS, *text)
					? 0
					: strspn(text, LETTERS DIGITS);
		const char *value = text + length;
		struct expression_node node;
		int bytes;

		value += strspn(value, " ");
		bytes = length && *value == '=' ? 0 : -EINVAL;
		if (bytes == 0) {
			value += 1 + strspn(value + 1, " ");
			bytes = expression_scalar(value, &node);
		}
		if (bytes < 0)
			return expression_wrong(p->e, -1,
						"let: \"%.40s\" is not as in "
						"let=\"a=2, b=-0.5\"",
						text);
		r = add_scalar(p, text, length, &node);
		text = value + bytes;
	}
	return r;
}

/* ---- the whole text ---- */

static int check_used(struct parser *p)
{
	for (int i = 0; i < p->scalar_count; i++)
		if (!p->scalars[i].used)
			return expression_wrong(p->e, -1,
						"let: the expression has no %s",
						p->scalars[i].name);
	if (p->e->arrays == 0)
		return expression_wrong(p->e, 0,
					"it names no array, and has no shape");
	return 0;
}

static int check_whole(struct expression *e)
{
	for (int i = 0; i < e->count - 1; i++) {
		enum expression_op op = (enum expression_op)e->nodes[i].op;

		if (expression_rule_of(op) == RULE_WHOLE)
			return expression_wrong(e, e->nodes[i].at,
						"%s is of the whole "
						"expression, and stands around "
						"all of it",
						expression_name(op));
	}
	return 0;
}

/* The text where an operator or the end would be right. */
static int left_over(struct parser *p)
{
	if (*p->at == '=')
		return wrong(p, p->at, "no assignment: == compares");
	if (*p->at == ')')
		return wrong(p, p->at, "a ) that closes nothing");
	if (is_keyword(p->at, strspn(p->at, LETTERS)))
		return wrong(p, p->at, NO_KEYWORDS);
	if (strchr(LETTERS DIGITS "(", *p->at))
		return wrong(p, p->at, "an operator is missing");
	return wrong(p, p->at, "no character of an expression");
}

int expression_parse(struct expression *e, const char *text,
		     const char *scalars)
{
	struct parser p = { .e = e, .text = text, .at = text };
	int root, r;

	e->count = e->arrays = 0;
	if (strlen(text) >= EXPRESSION_BYTES)
		return expression_wrong(e, -1, "expr: more than %d bytes",
					EXPRESSION_BYTES - 1);
	r = parse_scalars(&p, scalars);
	if (r == 0)
		r = parse_infix(&p, LEVEL_COMPARE, &root);
	if (r == 0 && *p.at)
		r = left_over(&p);
	if (r == 0)
		r = check_used(&p);
	return r < 0 ? r : check_whole(e);
}
