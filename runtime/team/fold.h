/* SPDX-License-Identifier: MIT */
/*
 * fold.h - what the elements of a reduction are, and how two of them are one.
 */
#ifndef RUNRIG_FOLD_H
#define RUNRIG_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/* Is there such an operation on such a type? */
bool fold_has(int op, int type);

/* Is it folded by exact_sum(), and not two by two? */
bool fold_all_at_once(int op, int type);

/* out[i] = a[i] op b[i] for `count` elements; `out` may be `a` or `b`.  There
 * is such an operation on such a type. */
void fold(void *out, const void *a, const void *b, size_t count, int type,
	  int op);

#endif
