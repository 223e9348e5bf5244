/* SPDX-License-Identifier: MIT */
/*
 * sort_wide.h - items for which no unsigned number of 64 bits can stand:
 * complex numbers and float128.
 *
 * Items are moved unchanged and compared as in NumPy: complex numbers by their
 * real parts, then by the imaginary parts; an item with a NaN in either part
 * comes last.  Equal items keep their order.
 */
#ifndef KERNELS_SORT_WIDE_H
#define KERNELS_SORT_WIDE_H

#include <stdbool.h>
#include <stdint.h>

#include <kernels/lib/sample.h>

bool sort_wide_knows(uint32_t dtype);

/* Is the first item to come before the second? */
bool sort_wide_before(uint32_t dtype, const void *a, const void *b);

/*
 * The same number for all items that compare as equal and may have different
 * bits: items with a zero or a NaN.  Unequal items have different numbers, but
 * for a chance of 2^-64. 0: all items equal to this item have the same bits.
 */
uint64_t sort_wide_class(uint32_t dtype, const void *item);

/* Sort sample->x.  Called by every rank; waits. */
int sort_wide(const struct sample *sample, uint32_t dtype);

/* A single rank sorts `count` items; `other` has room for as many. */
void sort_wide_line(uint32_t dtype, char *items, char *other, size_t count);

#endif
