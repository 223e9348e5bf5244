/* SPDX-License-Identifier: MIT */
/*
 * elements.h - elements of every type, the result of every operation on
 * elements, and whether two elements are the same: a serial reference for a
 * team's results.
 *
 *	elements_put(&x, RIG_FLOAT64, &(struct element_of){ rank, 3, size, 0 });
 *	elements_fold(&sum, from, 5, RIG_FLOAT64, RIG_SUM);
 *	elements_same(&sum, &got, RIG_FLOAT64)
 *
 * Numbers are chosen so that no order of folding rounds a result.  Among the
 * floating-point numbers there are NaN, zeros of both signs and infinities;
 * each element has such a number on a single rank, by turns.
 */
#ifndef RUNRIG_TEST_ELEMENTS_H
#define RUNRIG_TEST_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of an element of the longest type that is tried. */
#define ELEMENT_BYTES 544

/* The most types that are tried at a time. */
#define ELEMENT_TYPES_MAX 64

/* The element: the `index`-th element that `rank` of `size` has, in the trial
 * `turn`. */
struct element_of {
	int rank;
	size_t index;
	int size;
	unsigned turn;
};

/* All types of the library, and opaque types of some lengths.  Returns the
 * number of types. */
int elements_types(int types[ELEMENT_TYPES_MAX]);

/* Is the type known here?  A new type needs a row in elements.c. */
bool elements_known(int type);

/* Whether the library must have the operation on the type. */
bool elements_has(int op, int type);

void elements_put(void *out, int type, const struct element_of *which);

/* out = from[0] op from[1] op ... of `count` elements, in order. */
void elements_fold(void *out, const void *const *from, int count, int type,
		   int op);

/* The same, but for the parts that no kernel can tell: the sign of a zero, the
 * bits of a NaN, the bytes between the members of a struct. */
bool elements_same(const void *a, const void *b, int type);

/* Two associative operations of a user's own, which do not commute: the element
 * of the lowest rank, and of the highest.  Made before the pool. */
int elements_first_op(void);
int elements_last_op(void);

/* 16-bit numbers, slowly: 10 bits of fraction, or 7. */
double element_wide(unsigned half, int fraction);
unsigned element_narrow(double x, int fraction);

#endif
