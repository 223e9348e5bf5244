/* SPDX-License-Identifier: MIT */
/*
 * dtype.h - element types by NumPy's names ("float64") and codes ("<f8").
 *
 * A code is a byte order (< > = |), a kind (b i u f c) and the bytes of an
 * item.  Example: without the byte order "i8" is 64 bits to NumPy, and 8 bits
 * to most other programs.  Such a word is refused, and the words say what the
 * word may mean.
 */
#ifndef KERNELS_DTYPE_H
#define KERNELS_DTYPE_H

#include <runrig/kernels.h>

/* The alignment of an item where items are aligned; 1 for RIG_DTYPE_NONE. */
uint32_t dtype_align(enum rig_dtype dtype);

/* The dtype of a name or a code: sets dtype, item_bytes and swapped.  Returns 0
 * or -EINVAL with a line of words in `why`. */
int dtype_parse(const char *text, struct rig_array *array, char *why,
		size_t why_bytes);

/* The same, of a code alone: -EINVAL has no words. */
int dtype_parse_code(const char *text, struct rig_array *array);

#endif
