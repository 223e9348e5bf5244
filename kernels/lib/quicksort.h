/* SPDX-License-Identifier: MIT */
/*
 * quicksort.h - keys in ascending order by a quicksort in vectors, where this CPU
 * has vectors for it.
 */
#ifndef KERNELS_QUICKSORT_H
#define KERNELS_QUICKSORT_H

#include <stdbool.h>
#include <stddef.h>

/* In what the keys are sorted. */
enum quicksort_kind { QUICKSORT_NONE, QUICKSORT_AVX2, QUICKSORT_AVX512 };

#if defined(__x86_64__)
#define QUICKSORT_X86
#endif

/* The best that this CPU has. */
enum quicksort_kind quicksort_best(void);

/* Divisions that may follow one another, at most: twice as many as halves. */
#define QUICKSORT_DEPTH 128

/*
 * Sort `count` keys where they lie: unsigned numbers of `bytes` bytes, 4 or 8, at
 * any address.  `by` is at most quicksort_best().  Returns false, with the keys in
 * some order, for QUICKSORT_NONE, and where too many divisions were poor: the time
 * is at most that of 2 * log2(count) divisions of all keys.
 */
bool quicksort(enum quicksort_kind by, void *keys, size_t count, size_t bytes);

/* The same with at most `depth` divisions, which is up to QUICKSORT_DEPTH. */
bool quicksort_within(enum quicksort_kind by, void *keys, size_t count,
		      size_t bytes, unsigned depth);

/* In files of their own: for AVX2, and for AVX-512F. */
bool quicksort_avx2(char *keys, size_t count, size_t bytes, unsigned depth);
bool quicksort_avx512(char *keys, size_t count, size_t bytes, unsigned depth);

#endif
