/* SPDX-License-Identifier: MIT */
/*
 * fold.h - the elements of a reduction, and how two elements become one.
 */
#ifndef RUNRIG_FOLD_H
#define RUNRIG_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/* The number of the first operation of a user's own. */
#define FOLD_USER_OP 32

/* Does the type have the operation? */
bool fold_has(int op, int type);

/* Does fold_all() fold all sources at once, since two by two would round otherwise? */
bool fold_all_at_once(int op, int type);

/* Does the type have the operation between two elements alone? */
bool fold_by_twos(int op, int type);

/* out[i] = a[i] op b[i] for `count` elements; `out` may be `a` or `b`.  The type has
 * the operation. */
void fold(void *out, const void *a, const void *b, size_t count, int type,
	  int op);

/* out[i] = from[0][i] op from[1][i] op ..., of `count` sources, in order.  `out` may
 * be from[0] or from[1], and any source where fold_all() folds at once. */
void fold_all(void *out, const void *const *from, int count, size_t n, int type,
	      int op);

/* out[i] = in[i], as the operation leaves the only source.  `out` may be `in`. */
void fold_one(void *out, const void *in, size_t count, int type, int op);

#endif
