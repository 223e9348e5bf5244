/* SPDX-License-Identifier: MIT */
/*
 * omp_form.h - the kernels' OpenMP forms, as an experienced user of OpenMP writes
 * loops.
 *
 * A form has parameters and memory; `fill` touches the memory first, with the threads
 * that will use the memory, `run` does all sweeps of one run in one parallel region,
 * and `wrong` looks at the answer after fill and run.
 */
#ifndef RIGBENCH_OMP_FORM_H
#define RIGBENCH_OMP_FORM_H

#include <stddef.h>
#include <stdint.h>

/* Bytes between words of different threads. */
#define OMP_LINE 128

/* Numbers behind a form's name, in the order of its `params`. */
#define OMP_PARAMS_MAX 4

struct omp_form {
	const char *name;
	const char *params; /* for the usage line */
	/* 0, or not where there is no memory. */
	int (*fill)(const uint64_t *params);
	void (*run)(const uint64_t *params);
	/* 0, or not, and words in `why` (CASE_WHY_BYTES). */
	int (*wrong)(const uint64_t *params, char *why);
};

/* The forms of each file, up to a form without a name. */
extern const struct omp_form omp_dense[], omp_order[], omp_sparse[], omp_npb[];

/* `count` items at *memory, on a page of their own; nothing where the items are there
 * already.  0, or not. */
int omp_memory(void *memory, size_t count, size_t item_bytes);

/* Print an element and the expected value; returns 1. */
int omp_wrong(char *why, size_t at, double found, double want);

#endif
