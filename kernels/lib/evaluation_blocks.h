/* SPDX-License-Identifier: MIT */
/*
 * evaluation_blocks.h - an expression as a rank computes it: a block of elements
 * goes from the arrays into registers, through the program, and into the result.
 */
#ifndef KERNELS_EVALUATION_BLOCKS_H
#define KERNELS_EVALUATION_BLOCKS_H

#include <kernels/lib/evaluation.h>
#include <kernels/lib/vector.h>

/* In this process: one rank's expression, ready to run. */
struct evaluation {
	struct expression expression;
	struct vector_program program;
	struct broadcast shapes;
	void *registers[VECTOR_REGISTERS];
	char *memory;              /* of the registers */
	char items[VECTOR_BYTES];  /* of an array, before they are converted */
	char *own[RIG_ARRAYS_MAX]; /* the register of array k, if copied */
	bool streams;
};

/* Make the registers of an expression that check took.  Returns 0, or -ENOMEM;
 * evaluation_close() frees. */
int evaluation_open(const struct evaluate_args *args, struct evaluation **made);
void evaluation_close(struct evaluation *own);

/* Have the result computed where it is to lie, from element `begin` of `out` on,
 * where it can be. */
void evaluation_aim(struct evaluation *own, char *out, size_t begin);

/* Compute elements `begin` to `begin` + `count` - 1 into the registers.  Returns as
 * vector_run(). */
int evaluation_block(const struct evaluate_args *args, struct evaluation *own,
		     void *const data[], size_t begin, size_t count);

/* Write the register of the result to these elements of `out`. */
void evaluation_store(const struct evaluation *own, char *out, size_t begin,
		      size_t count);

/* Write a total, as vector_total() returns it, as the item `out` of the result. */
void evaluation_put_total(const struct evaluation *own, uint64_t total,
			  void *out);

#endif
