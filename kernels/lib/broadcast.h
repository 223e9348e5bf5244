/* SPDX-License-Identifier: MIT */
/*
 * broadcast.h - arrays of several shapes as a single shape, by NumPy's rule.
 *
 * Shapes are written below each other, with their ends aligned; a dimension
 * with a single element is repeated as often as the other shapes have elements.
 */
#ifndef KERNELS_BROADCAST_H
#define KERNELS_BROADCAST_H

#include <stdbool.h>

#include <runrig/kernel.h>

struct broadcast {
	int dims; /* dimensions of the result */
	int64_t extent[RIG_DIMS_MAX];
	size_t count; /* number of the result's elements */
	/* Bytes from an element of array k to the next along the dimension; 0:
	 * the element is repeated. */
	int64_t stride[RIG_ARRAYS_MAX][RIG_DIMS_MAX];
	bool flat[RIG_ARRAYS_MAX]; /* the elements lie as the result's do */
};

/* The common shape of `count` arrays.  Returns 0, or -EINVAL with words;
 * names[k] is the name of array k. */
int broadcast_shapes(struct broadcast *all, const struct rig_array *arrays,
		     int count, const char (*names)[RIG_DECLARED_BYTES],
		     char *why, size_t why_bytes);

/* Copy to `to` the elements of array k that belong to elements `begin` to
 * `begin` + `count` - 1 of the result, in C order. */
void broadcast_gather(const struct broadcast *all, int k, const void *items,
		      size_t item_bytes, size_t begin, size_t count, void *to);

#endif
