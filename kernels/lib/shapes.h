/* SPDX-License-Identifier: MIT */
/*
 * shapes.h - the user's arrays as matrices.
 */
#ifndef KERNELS_SHAPES_H
#define KERNELS_SHAPES_H

#include <runrig/kernel.h>

/* The elements of the array's last dimension; 0: it has no dimension. */
static inline size_t shape_columns(const struct rig_array *array)
{
	uint32_t dims = array->dims < RIG_DIMS_MAX ? array->dims : RIG_DIMS_MAX;

	return dims ? (size_t)array->shape[dims - 1] : 0;
}

/* The product of the dimensions before the last one. */
static inline size_t shape_rows(const struct rig_array *array)
{
	uint32_t dims = array->dims < RIG_DIMS_MAX ? array->dims : RIG_DIMS_MAX;
	size_t rows = 1;

	for (uint32_t d = 0; d + 1 < dims; d++)
		rows *= (size_t)array->shape[d];
	return rows;
}

#endif
