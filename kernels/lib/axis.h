/* SPDX-License-Identifier: MIT */
/*
 * axis.h - the parameter axis= of a kernel: which lines of an array belong
 * together.
 *
 * An array of shape (a, b, c) in C order has, along axis 1, a * c lines of b
 * elements each.  Element i of line (o, j) is number (o * b + i) * c + j: the
 * array is `outer` blocks of `along` rows of `inner` elements.  Without an axis
 * the whole array is one line.
 */
#ifndef KERNELS_AXIS_H
#define KERNELS_AXIS_H

#include <stddef.h>
#include <stdint.h>

#include <runrig/kernel.h>

/* The choices of the parameter, and the field's values. */
#define AXIS_CHOICES "none 0 1 2 3 -1 -2"
enum { AXIS_NONE };

#define AXIS_PARAM(type, text)                                                 \
	{                                                                      \
		.name = "axis", .help = text, .kind = RIG_PARAM_CHOICE,        \
		.offset = offsetof(type, axis), .fallback = "none",            \
		.choices = AXIS_CHOICES                                        \
	}

/* The parameter columns=: generated data as a matrix. */
#define AXIS_COLUMNS(type)                                                     \
	{                                                                      \
		.name = "columns",                                             \
		.help = "of generated data: a matrix with so many; 0: none",   \
		.kind = RIG_PARAM_SIZE, .offset = offsetof(type, columns),     \
		.fallback = "0", .max = 9007199254740992.0                     \
	}

struct axis_lines {
	uint64_t outer, along, inner;
};

/*
 * The lines of an array along the axis that the user chose, and in `rest` the
 * array's dimensions without the axis: dims and shape.  An array without
 * dimensions, which generated data is, has a single line.  A matrix in Fortran
 * order is taken as its transpose in C order.  Returns 0, or -EINVAL with
 * words.
 */
int axis_find(const struct rig_array *array, uint32_t choice,
	      struct axis_lines *lines, struct rig_array *rest, char *why,
	      size_t why_bytes);

/*
 * The same for array 0, whose generated data is a matrix of `columns` columns,
 * or, where `columns` is 0, has a single dimension.
 */
int axis_find_generated(const struct rig_kernel_args *args, uint32_t choice,
			size_t columns, struct axis_lines *lines,
			struct rig_array *rest, char *why, size_t why_bytes);

#endif
