/* SPDX-License-Identifier: MIT */
/*
 * half.h - reductions of 16-bit floating-point numbers, by way of float32.
 */
#ifndef RUNRIG_HALF_H
#define RUNRIG_HALF_H

#include <stdbool.h>
#include <stddef.h>

/* RIG_FLOAT16 or RIG_BFLOAT16? */
bool half_has(int type);

/* out[i] = from[0][i] op from[1][i] op ... of `count` sources, for `n` elements:
 * SUM and PROD in float32 and rounded once, at the end; MIN and MAX.  `out` may
 * be any of the sources. */
void half_fold(void *out, const void *const *from, int count, size_t n,
	       int type, int op);

#endif
