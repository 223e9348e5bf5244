/* SPDX-License-Identifier: MIT */
/*
 * widen.h - items of any real dtype as doubles, or whole ones as 64 bits, a
 * chunk at a time.
 *
 * Items are in the machine's byte order and need no alignment.
 */
#ifndef KERNELS_WIDEN_H
#define KERNELS_WIDEN_H

#include <stdbool.h>

#include <runrig/kernel.h>

/* Is it bool, or an integer or float of up to 8 bytes (but float16)? */
bool widen_knows(const struct rig_array *array);

/* Is it bool or an integer? */
bool widen_whole(enum rig_dtype dtype);

/* Items `begin` to `end` - 1 as doubles. */
void widen_to_double(enum rig_dtype dtype, const void *items, size_t begin,
		     size_t end, double *to);

/* The same of whole ones: extended by their sign, if they have one. */
void widen_to_64(enum rig_dtype dtype, const void *items, size_t begin,
		 size_t end, uint64_t *to);

#endif
