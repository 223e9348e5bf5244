/* SPDX-License-Identifier: MIT */
/*
 * expression_literal.h - numbers in the text of an expression.
 */
#ifndef KERNELS_EXPRESSION_LITERAL_H
#define KERNELS_EXPRESSION_LITERAL_H

#include <kernels/lib/expression.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS  "0123456789"

/* Read the literal at the beginning of a text.  Returns its bytes, or -EINVAL. */
int expression_literal(const char *text, struct expression_node *node);

/* Whether the name has a value: False, True, pi, inf or nan. */
bool expression_constant(const char *name, size_t length,
			 struct expression_node *node);

/* Read "-0.5" or "True" at the beginning of a text.  Returns its bytes, or
 * -EINVAL. */
int expression_scalar(const char *text, struct expression_node *node);

#endif
