/* SPDX-License-Identifier: MIT */
/*
 * axis.c - the parameter axis= of a kernel: which lines of an array belong
 * together.
 */
#include <kernels/lib/axis.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <runner/dtype.h>

/* The values of the choices, in their order. */
static const int axes[] = { 0, 0, 1, 2, 3, -1, -2 };

/* Do the elements lie in Fortran order? */
static bool is_fortran(const struct rig_array *array)
{
	for (uint32_t d = 0; d + 1 < array->dims && d < RIG_DIMS_MAX; d++)
		if (array->shape[d] > 1 && array->shape[d + 1] > 1 &&
		    array->strides[d] < array->strides[d + 1])
			return true;
	return false;
}

static int refuse(const struct rig_array *array, int axis, uint32_t dims,
		  char *why, size_t why_bytes)
{
	if (array->dims > RIG_DIMS_MAX)
		snprintf(
			why, why_bytes,
			"axis=%d: the array has %u dimensions, and axis= takes "
			"%d at most",
			axis, array->dims, RIG_DIMS_MAX);
	else if (is_fortran(array) && array->dims > 2)
		snprintf(why, why_bytes,
			 "axis=%d: an array of %u dimensions is to be in C "
			 "order; save it with np.ascontiguousarray(a)",
			 axis, array->dims);
	else
		snprintf(
			why, why_bytes,
			"axis=%d is out of range: the array has %u dimension%s",
			axis, dims, dims == 1 ? "" : "s");
	return -EINVAL;
}

/* The dimensions in the order in which they lie in memory, without the axis. */
static void find_rest(const int64_t *shape, uint32_t dims, uint32_t axis,
		      struct rig_array *rest)
{
	rest->dims = 0;
	for (uint32_t d = 0; d < dims; d++)
		if (d != axis)
			rest->shape[rest->dims++] = shape[d];
}

int axis_find(const struct rig_array *array, uint32_t choice,
	      struct axis_lines *lines, struct rig_array *rest, char *why,
	      size_t why_bytes)
{
	int64_t shape[RIG_DIMS_MAX] = { (int64_t)array->count };
	uint32_t dims = array->dims ? array->dims : 1, axis;
	bool turned = is_fortran(array) && dims == 2;
	int chosen = axes[choice];

	*lines = (struct axis_lines){ 1, array->count, 1 };
	rest->dims = 0;
	if (choice == AXIS_NONE)
		return 0;
	if (dims > RIG_DIMS_MAX || (is_fortran(array) && !turned) ||
	    chosen >= (int)dims || chosen < -(int)dims)
		return refuse(array, chosen, dims, why, why_bytes);
	axis = (uint32_t)(chosen < 0 ? chosen + (int)dims : chosen);
	for (uint32_t d = 0; d < array->dims; d++)
		shape[d] = array->shape[turned ? dims - 1 - d : d];
	if (turned)
		axis = dims - 1 - axis;
	*lines = (struct axis_lines){ 1, (uint64_t)shape[axis], 1 };
	for (uint32_t d = 0; d < axis; d++)
		lines->outer *= (uint64_t)shape[d];
	for (uint32_t d = axis + 1; d < dims; d++)
		lines->inner *= (uint64_t)shape[d];
	find_rest(shape, dims, axis, rest);
	return 0;
}

int axis_find_generated(const struct rig_kernel_args *args, uint32_t choice,
			size_t columns, struct axis_lines *lines,
			struct rig_array *rest, char *why, size_t why_bytes)
{
	struct rig_array array = args->arrays[0];

	if (columns && args->given) {
		snprintf(why, why_bytes,
			 "columns= is of generated data: the array given has a "
			 "shape");
		return -EINVAL;
	}
	if (columns && array.count % columns) {
		snprintf(why, why_bytes,
			 "columns=%zu: %llu elements make no whole rows",
			 columns, (unsigned long long)array.count);
		return -EINVAL;
	}
	if (columns) {
		array.dims = 2;
		array.shape[0] = (int64_t)(array.count / columns);
		array.shape[1] = (int64_t)columns;
		array.strides[1] = array.item_bytes;
		array.strides[0] = array.shape[1] * array.item_bytes;
	}
	return axis_find(&array, choice, lines, rest, why, why_bytes);
}
