/* SPDX-License-Identifier: MIT */
/*
 * sort_lines.h - each line of an array along an axis (axis.h) in ascending order,
 * by a single rank, which has a copy of some lines in memory of its own.
 */
#ifndef KERNELS_SORT_LINES_H
#define KERNELS_SORT_LINES_H

#include <stddef.h>
#include <stdint.h>

#include <runrig/kernel.h>

#include <kernels/lib/axis.h>

/* Bytes that a rank allocates. */
size_t sort_lines_memory(const struct axis_lines *lines, size_t item_bytes);

/* Sort x, items of a dtype that the kernel sort takes.  Called by every rank;
 * waits. 0, or -ENOMEM with words. */
int sort_lines(struct rig_team *team, char *x, uint32_t dtype,
	       size_t item_bytes, const struct axis_lines *lines);

/* The sum of elements begin to end - 1, which is the same for the elements of a
 * line in any order (order_sum.h). */
uint64_t sort_lines_sum(const char *x, size_t item_bytes,
			const struct axis_lines *lines, struct rig_span strip);

#endif
