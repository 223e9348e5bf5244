/* SPDX-License-Identifier: MIT */
/*
 * fold.h - what the elements of a reduction are, and how two of them are one.
 */
#ifndef RUNRIG_FOLD_H
#define RUNRIG_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/* The number of the first operation of a user's own. */
#define FOLD_USER_OP 32

/* Is there such an operation on such a type? */
bool fold_has(int op, int type);

/* Is it folded all at once by fold_all(), since two by two rounds otherwise? */
bool fold_all_at_once(int op, int type);

/* Is there such an operation between two elements alone? */
bool fold_by_twos(int op, int type);

/* out[i] = a[i] op b[i] for `count` elements; `out` may be `a` or `b`.  There
 * is such an operation on such a type. */
void fold(void *out, const void *a, const void *b, size_t count, int type,
	  int op);

/* out[i] = from[0][i] op from[1][i] op ..., of `count` sources, in order.  `out`
 * may be from[0] or from[1], and where it is all at once any of them. */
void fold_all(void *out, const void *const *from, int count, size_t n, int type,
	      int op);

/* out[i] = in[i], as the operation leaves a source that is alone.  `out` may be
 * `in`. */
void fold_one(void *out, const void *in, size_t count, int type, int op);

#endif
