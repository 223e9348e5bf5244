/* SPDX-License-Identifier: MIT */
/*
 * expression.h - an expression over arrays, as a list of nodes with types.
 *
 *	expression_parse()  "2*x + sin(y)" becomes nodes, and names of arrays
 *	expression_type()   the arrays' dtypes give each node its dtype
 *
 * Syntax and precedence are Python's, functions and promotion NumPy's (version 2:
 * a literal is a Python number, whose dtype follows its neighbour).  A node comes
 * after the nodes that it uses, so a loop over the nodes needs no recursion.
 * Memory and depth are bounded by the constants below, whatever the text.
 */
#ifndef KERNELS_EXPRESSION_H
#define KERNELS_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <runrig/dtype.h>
#include <runrig/kernel.h>

/* Bytes of a text with its terminator, and of the text of the scalars. */
#define EXPRESSION_BYTES 2048
#define SCALARS_BYTES    256

#define EXPRESSION_NODES   512
#define EXPRESSION_ARRAYS  (RIG_ARRAYS_MAX - 1)
#define EXPRESSION_DEPTH   64 /* depth of parentheses, signs and powers */
#define EXPRESSION_ARGS    3
#define EXPRESSION_SCALARS 32
#define EXPRESSION_WHY     160 /* bytes of words */

enum expression_op {
#define EXPRESSION(op, name, args, rule) EXPRESSION_##op,
#include <kernels/lib/expression.def>
#undef EXPRESSION
	EXPRESSION_OPS
};

/* How an operation joins the dtypes of its arguments. */
enum expression_rule {
	RULE_LEAF,    /* there are none */
	RULE_ARITH,   /* promoted; of two bools a bool */
	RULE_NO_BOOL, /* promoted; bools are refused */
	RULE_INT,     /* promoted; a bool becomes an int8 */
	RULE_DIVIDE,  /* a float; of integers a float64 */
	RULE_COMPARE, /* promoted; the result is bool */
	RULE_BITS,    /* promoted; floats are refused */
	RULE_SHIFT,   /* likewise; a bool becomes an int8 */
	RULE_LOGIC,   /* anything; the result is bool */
	RULE_FLOAT,   /* the smallest float that holds the dtype */
	RULE_TEST,    /* anything; the result is bool */
	RULE_WHERE,   /* the last two promoted */
	RULE_CAST,    /* anything; to the dtype of the name */
	RULE_WHOLE    /* a total of the whole expression: sum, min, max */
};

struct expression_node {
	uint8_t op;    /* enum expression_op */
	uint8_t dtype; /* enum rig_dtype of the value; a literal's own */
	uint8_t inner; /* dtype to which the arguments are converted */
	bool weak;     /* a Python number */
	uint16_t at;   /* place in the text, for the caret */
	uint16_t args[EXPRESSION_ARGS];
	union {
		int64_t whole; /* RIG_INT64, RIG_BOOL; the index of an array */
		uint64_t natural; /* RIG_UINT64 */
		double real;      /* RIG_FLOAT64 */
	} value;
};

struct expression {
	int count; /* number of nodes; the last node is the root */
	int arrays;
	struct expression_node nodes[EXPRESSION_NODES];
	char names[EXPRESSION_ARRAYS][RIG_DECLARED_BYTES];
	char why[EXPRESSION_WHY]; /* the mistake, in words */
	int wrong_at;             /* and where; -1: nowhere in the text */
};

/* `scalars` is "a=2, b=-0.5", or "".  Returns 0, or -EINVAL with why and
 * wrong_at. */
int expression_parse(struct expression *e, const char *text,
		     const char *scalars);

/* With the dtype of each array.  Returns 0, or -EINVAL likewise. */
int expression_type(struct expression *e, const enum rig_dtype *dtypes);

/* A line about the mistake, and the text with a caret. */
void expression_say(const struct expression *e, const char *text, char *why,
		    size_t why_bytes);

/* Note a mistake at byte `at`; returns -EINVAL. */
int expression_wrong(struct expression *e, int at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- operations ---- */

const char *expression_name(enum expression_op op);
int expression_arity(enum expression_op op);
enum expression_rule expression_rule_of(enum expression_op op);

/* The function called `name`; EXPRESSION_OPS: there is none. */
enum expression_op expression_find(const char *name, size_t length);

/* The dtype of a RULE_CAST. */
enum rig_dtype expression_cast(enum expression_op op);

/* The root is a sum, min or max: the operation; else EXPRESSION_OPS. */
enum expression_op expression_whole(const struct expression *e);

/* ---- dtypes ---- */

bool expression_is_float(enum rig_dtype dtype);
bool expression_is_unsigned(enum rig_dtype dtype);

#endif
