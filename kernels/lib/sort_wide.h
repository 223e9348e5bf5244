/* SPDX-License-Identifier: MIT */
/*
 * sort_wide.h - items that no unsigned number of 64 bits stands for: complex
 * numbers, and those of float128.
 *
 * They are moved as they are and compared as NumPy does: complex numbers by
 * their real parts, then by the others; what is no number, in either part, comes
 * last.  Those that are equal keep the order they came in.
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
 * The same for all items that compare as equal and may differ in their bits: a
 * zero in it, or no number.  Others never have the same, but for a chance of
 * 2^-64.  0: those equal to this one have the same bits.
 */
uint64_t sort_wide_class(uint32_t dtype, const void *item);

/* Sort sample->x.  Every rank calls it; waits. */
int sort_wide(const struct sample *sample, uint32_t dtype);

/* Sort `count` items by one rank alone; `other` has room for as many. */
void sort_wide_line(uint32_t dtype, char *items, char *other, size_t count);

#endif
