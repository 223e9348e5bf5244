/* SPDX-License-Identifier: MIT */
/*
 * expression_literal.c - numbers in the text of an expression: Python's literals, and
 * the names that are numbers.
 */
#include <kernels/lib/expression_literal.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <common/number.h>

/* Bytes of a literal with its terminator. */
#define LITERAL_BYTES 64

/* A whole number: decimal, or 0x with hexadecimal digits. */
static int read_whole(const char *digits, struct expression_node *node)
{
	bool hex = digits[0] == '0' && (digits[1] | 0x20) == 'x';
	char *end;

	errno = 0;
	node->value.natural = strtoull(digits, &end, hex ? 16 : 10);
	if (*end || end == digits || errno)
		return -EINVAL;
	node->dtype = node->value.natural > INT64_MAX ? RIG_UINT64 : RIG_INT64;
	return 0;
}

/* The bytes of a number at the beginning of a text. */
static size_t number_length(const char *text)
{
	size_t length;

	if (text[0] == '0' && (text[1] | 0x20) == 'x')
		return 2 + strspn(text + 2, DIGITS "abcdefABCDEF");
	length = strspn(text, DIGITS ".");
	if (length && (text[length] | 0x20) == 'e') {
		size_t sign =
			text[length + 1] == '+' || text[length + 1] == '-';
		size_t digits = strspn(text + length + 1 + sign, DIGITS);

		length += digits ? 1 + sign + digits : 0;
	}
	return length;
}

int expression_literal(const char *text, struct expression_node *node)
{
	size_t length = number_length(text);
	char digits[LITERAL_BYTES];
	int r;

	*node = (struct expression_node){ .op = EXPRESSION_LITERAL,
					  .weak = true };
	if (length == 0 || length >= sizeof(digits) ||
	    strchr(LETTERS DIGITS ".", text[length] ? text[length] : ' '))
		return -EINVAL;
	memcpy(digits, text, length);
	digits[length] = 0;
	if (strspn(digits, DIGITS) == length || (digits[1] | 0x20) == 'x') {
		r = read_whole(digits, node);
	} else {
		node->dtype = RIG_FLOAT64;
		r = number_real(digits, &node->value.real);
	}
	return r < 0 ? -EINVAL : (int)length;
}

bool expression_constant(const char *name, size_t length,
			 struct expression_node *node)
{
	static const struct {
		const char *name;
		enum rig_dtype dtype;
		double real;
	} constants[] = {
		{ "False", RIG_BOOL, 0 },
		{ "True", RIG_BOOL, 1 },
		{ "pi", RIG_FLOAT64, 3.14159265358979323846 },
		{ "inf", RIG_FLOAT64, INFINITY },
		{ "nan", RIG_FLOAT64, NAN },
	};

	for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++) {
		if (strlen(constants[i].name) != length ||
		    memcmp(constants[i].name, name, length) != 0)
			continue;
		*node = (struct expression_node){
			.op = EXPRESSION_LITERAL,
			.dtype = (uint8_t)constants[i].dtype,
			.weak = constants[i].dtype != RIG_BOOL
		};
		if (node->weak)
			node->value.real = constants[i].real;
		else
			node->value.whole = constants[i].real != 0;
		return true;
	}
	return false;
}

int expression_scalar(const char *text, struct expression_node *node)
{
	bool minus = *text == '-';
	size_t letters = strspn(text, LETTERS);
	int length;

	if (!minus && letters && expression_constant(text, letters, node))
		return (int)letters;
	length = expression_literal(text + minus, node);
	if (length < 0 || !minus)
		return length;
	if (node->dtype == RIG_UINT64 &&
	    node->value.natural > (uint64_t)INT64_MAX + 1)
		return -EINVAL;
	if (node->dtype == RIG_FLOAT64)
		node->value.real = -node->value.real;
	else
		node->value.natural = -node->value.natural;
	if (node->dtype == RIG_UINT64)
		node->dtype = RIG_INT64;
	return length + 1;
}
