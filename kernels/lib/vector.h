/* SPDX-License-Identifier: MIT */
/*
 * vector.h - a typed expression as a program over registers, and what runs it.
 *
 * A register is a block of VECTOR_BLOCK values that stays in the first two levels
 * of the cache.  The values of float64 are doubles, those of float32 and float16
 * floats (a float16 is rounded after each operation), and bools and integers are
 * 64 bits wide, extended by their sign (a narrow integer wraps around after each
 * operation).  So there are three classes, and each operation is a loop for each
 * class that has the operation.
 *
 * Registers 0 to `arrays` - 1 are the arrays' items, then come constants, which
 * are filled once, and last the temporaries.
 */
#ifndef KERNELS_VECTOR_H
#define KERNELS_VECTOR_H

#include <kernels/lib/expression.h>

/* Values of a register. */
#define VECTOR_BLOCK 1024

#define VECTOR_BYTES ((size_t)VECTOR_BLOCK * 8)

/* An operation has a wrap, a rounding or conversions behind it. */
#define VECTOR_OPS (EXPRESSION_NODES * 6)

#define VECTOR_CONSTANT  EXPRESSION_ARRAYS
#define VECTOR_TEMPORARY (VECTOR_CONSTANT + EXPRESSION_NODES)
#define VECTOR_REGISTERS (VECTOR_TEMPORARY + 2 * EXPRESSION_NODES)

enum vector_class { VECTOR_DOUBLE, VECTOR_FLOAT, VECTOR_WHOLE };

/* Beside the operations of an expression. */
enum vector_code {
	VECTOR_CONVERT = EXPRESSION_OPS, /* from class `from` */
	VECTOR_WRAP,                     /* wraps to the width of `dtype` */
	VECTOR_HALF,                     /* floats, to float16 */
	VECTOR_TRUTH,                    /* whether not 0; from class `from` */
	VECTOR_MULTIPLY_ADD,             /* a * b + c, rounded twice */
	VECTOR_MULTIPLY_SUBTRACT,        /* a * b - c */
	VECTOR_SUBTRACT_PRODUCT,         /* c - a * b */
	VECTOR_WHERE_LESS,               /* a < b ? c : d; the next likewise */
	VECTOR_WHERE_LESS_EQUAL,
	VECTOR_WHERE_EQUAL,
	VECTOR_WHERE_NOT_EQUAL
};

struct vector_op {
	uint8_t code;  /* enum expression_op or vector_code */
	uint8_t kind;  /* enum vector_class of the loop */
	uint8_t from;  /* enum vector_class of a conversion's argument */
	uint8_t dtype; /* enum rig_dtype, where the width or sign matters */
	/* Comparisons of whole numbers ask: is a, b a uint64? */
	bool natural[2];
	uint16_t to, args[4];
};

struct vector_constant {
	uint8_t kind; /* enum vector_class */
	union {
		double real;
		float single;
		uint64_t whole;
	} value;
};

struct vector_program {
	int arrays, constants, temporaries, count;
	struct vector_constant constant[EXPRESSION_NODES];
	struct vector_op ops[VECTOR_OPS];
	uint8_t dtype; /* enum rig_dtype of the expression */
	uint8_t inner; /* and of the values of register `result` */
	uint16_t result;
	/* The root is SUM, MIN or MAX of the result; else EXPRESSION_OPS. */
	uint8_t whole;
	uint16_t factor; /* a sum of products with this register; or result */
	bool product;
};

enum vector_class vector_class_of(enum rig_dtype dtype);

/* The program of a typed expression. */
void vector_compile(struct vector_program *program, const struct expression *e);

/* Registers that need memory of VECTOR_BYTES each, the arrays' registers
 * included. */
int vector_buffers(const struct vector_program *program);

/* Fill the constants' registers. */
void vector_fill(const struct vector_program *program, void *const *registers);

/* A block of `count` values.  Returns 0, or -EDOM for a whole number to a
 * negative power. */
int vector_run(const struct vector_program *program, void *const *registers,
	       size_t count);

/* The total of a block's values: the bits of a double, or 64 bits of a whole
 * number. */
uint64_t vector_total(const struct vector_program *program,
		      void *const *registers, size_t count);

/* The sums of the products of two blocks of doubles, each with the bits of
 * vector_total(), as both blocks are read side by side. */
void vector_total_pair(const double *const a[2], const double *const b[2],
		       size_t count, double to[2]);

/* sin, pow, ...: by the vector library where there is one, with an error of at
 * most 4 units in the last place.  b is the second argument, or NULL. */
void vector_doubles(enum expression_op op, size_t count, double *to,
		    const double *a, const double *b);
void vector_floats(enum expression_op op, size_t count, float *to,
		   const float *a, const float *b);

/* The same for a single value by the C library, with an error of at most 1
 * unit. */
double vector_scalar(enum expression_op op, double a, double b);
float vector_single(enum expression_op op, float a, float b);

#endif
