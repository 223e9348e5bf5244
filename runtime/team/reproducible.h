/* SPDX-License-Identifier: MIT */
/*
 * reproducible.h - the sum of all ranks' elements, folded at once and rounded once.
 */
#ifndef RUNRIG_REPRODUCIBLE_H
#define RUNRIG_REPRODUCIBLE_H

#include <stdbool.h>
#include <stddef.h>

/* Does RIG_REPRODUCIBLE sum elements of this type exactly? */
bool exact_has(int type);

/* out[i] = the number nearest to the sum of from[0][i] to from[count - 1][i], for `n`
 * elements of a type that RIG_REPRODUCIBLE sums.  `out` may be one of `from`. */
void exact_sum(void *out, const void *const *from, int count, size_t n,
	       int type);

#endif
