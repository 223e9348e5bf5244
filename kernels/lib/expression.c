/* SPDX-License-Identifier: MIT */
/*
 * expression.c - the table of operations, and the words for a mistake.
 */
#include <kernels/lib/expression.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the text that are shown on either side of the caret. */
#define SHOWN 40

static const struct {
	const char *name;
	uint8_t arity, rule;
} operations[] = {
#define EXPRESSION(op, name, args, rule) { name, args, rule },
#include <kernels/lib/expression.def>
#undef EXPRESSION
};

/* NumPy's other names for the same operations. */
static const struct {
	const char *name;
	enum expression_op op;
} synonyms[] = {
	{ "true_divide", EXPRESSION_DIVIDE },
	{ "mod", EXPRESSION_REMAINDER },
	{ "pow", EXPRESSION_POWER },
	{ "abs", EXPRESSION_ABSOLUTE },
	{ "fabs", EXPRESSION_ABSOLUTE },
	{ "fix", EXPRESSION_TRUNC },
	{ "bitwise_not", EXPRESSION_INVERT },
	{ "bitwise_invert", EXPRESSION_INVERT },
	{ "bitwise_left_shift", EXPRESSION_LEFT_SHIFT },
	{ "bitwise_right_shift", EXPRESSION_RIGHT_SHIFT },
	{ "asin", EXPRESSION_ARCSIN },
	{ "acos", EXPRESSION_ARCCOS },
	{ "atan", EXPRESSION_ARCTAN },
	{ "asinh", EXPRESSION_ARCSINH },
	{ "acosh", EXPRESSION_ARCCOSH },
	{ "atanh", EXPRESSION_ARCTANH },
	{ "atan2", EXPRESSION_ARCTAN2 },
};

const char *expression_name(enum expression_op op)
{
	return operations[op].name;
}

int expression_arity(enum expression_op op)
{
	return operations[op].arity;
}

enum expression_rule expression_rule_of(enum expression_op op)
{
	return (enum expression_rule)operations[op].rule;
}

static bool is_name(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && memcmp(name, text, length) == 0;
}

enum expression_op expression_find(const char *name, size_t length)
{
	for (int op = EXPRESSION_ADD; op < EXPRESSION_OPS; op++)
		if (is_name(operations[op].name, name, length))
			return (enum expression_op)op;
	for (size_t i = 0; i < sizeof(synonyms) / sizeof(*synonyms); i++)
		if (is_name(synonyms[i].name, name, length))
			return synonyms[i].op;
	return EXPRESSION_OPS;
}

enum rig_dtype expression_cast(enum expression_op op)
{
	return (enum rig_dtype)(RIG_BOOL + (op - EXPRESSION_AS_BOOL));
}

enum expression_op expression_whole(const struct expression *e)
{
	enum expression_op op = (enum expression_op)e->nodes[e->count - 1].op;

	return expression_rule_of(op) == RULE_WHOLE ? op : EXPRESSION_OPS;
}

int expression_wrong(struct expression *e, int at, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(e->why, sizeof(e->why), format, list);
	va_end(list);
	e->wrong_at = at;
	return -EINVAL;
}

void expression_say(const struct expression *e, const char *text, char *why,
		    size_t why_bytes)
{
	int length = (int)strlen(text), at = e->wrong_at;
	int begin = at > SHOWN ? at - SHOWN : 0;
	int end = length - at > SHOWN ? at + SHOWN : length;

	if (at < 0 || at > length) {
		snprintf(why, why_bytes, "%s", e->why);
		return;
	}
	snprintf(why, why_bytes, "expr: %s, where the ^ is in: %s%.*s^%.*s%s",
		 e->why, begin ? "..." : "", at - begin, text + begin, end - at,
		 text + at, end < length ? "..." : "");
}

bool expression_is_float(enum rig_dtype dtype)
{
	return dtype >= RIG_FLOAT16 && dtype <= RIG_FLOAT64;
}

bool expression_is_unsigned(enum rig_dtype dtype)
{
	return dtype == RIG_BOOL || (dtype >= RIG_UINT8 && dtype <= RIG_UINT64);
}
