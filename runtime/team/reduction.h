/* SPDX-License-Identifier: MIT */
/*
 * reduction.h - common parts of the blocking reductions: a rank offers elements, and
 * folds the elements of several ranks.
 */
#ifndef RUNRIG_REDUCTION_H
#define RUNRIG_REDUCTION_H

#include <stddef.h>

#include "team/call.h"

/* In this process: the terms of all pieces of one reduction. */
struct reduction {
	int type;
	int op;
	int root; /* -1: all ranks have the result */
	size_t item;
	const char *send; /* RIG_IN_PLACE: `recv` */
	char *recv;
};

static inline size_t size_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Offer this rank's `count` elements from `first`.  *mine is a copy, for the result
 * will overwrite the elements. */
void reduction_offer(struct call *call, const struct reduction *r, size_t first,
		     size_t count, const void **mine);

/* out = the fold of the offers of ranks 0 to `last`: of the `count` elements of this
 * call, `n` from element `at`.  `out` may be `mine` in ranks 0 and 1.  -EINVAL: a
 * rank has offered another length. */
int reduction_fold(struct call *call, const struct reduction *r, int last,
		   const void *mine, size_t count, size_t at, size_t n,
		   void *out);

#endif
