/* SPDX-License-Identifier: MIT */
/*
 * shuffle.h - four doubles chosen from two vectors of four: SHUFFLE(a, b, 0, 4, 1, 5)
 * is a[0], b[0], a[1], b[1].
 *
 * Clang, and GCC from 12 on, have one builtin; GCC 11 has another.
 */
#ifndef KERNELS_SHUFFLE_H
#define KERNELS_SHUFFLE_H

#include <stdint.h>

#ifdef __has_builtin
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE(a, b, i, k, l, m) __builtin_shufflevector(a, b, i, k, l, m)
#endif
#endif

#ifndef SHUFFLE
typedef int64_t shuffle_mask __attribute__((vector_size(32)));
#define SHUFFLE(a, b, i, k, l, m)                                              \
	__builtin_shuffle(a, b, (shuffle_mask){ i, k, l, m })
#endif

#endif
