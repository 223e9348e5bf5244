/* SPDX-License-Identifier: MIT */
/*
 * fours.h - four doubles as a value, where a loop is to keep lanes in registers: gcc
 * keeps arrays of more than eight lanes, and lanes that are compared, in memory.
 *
 * Functions take pointers to such values: without AVX a value has no register.
 */
#ifndef KERNELS_FOURS_H
#define KERNELS_FOURS_H

#include <stdint.h>

#define FOUR 4

typedef double four __attribute__((vector_size(FOUR * sizeof(double))));
typedef int64_t four_masks __attribute__((vector_size(FOUR * sizeof(double))));

/* Four doubles in an array, aligned or not. */
typedef double any_four __attribute__((vector_size(FOUR * sizeof(double)),
				       aligned(1), may_alias));

#endif
