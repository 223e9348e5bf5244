/* SPDX-License-Identifier: MIT */
/*
 * quicksort.c - which vectors keys are sorted in.
 */
#include <kernels/lib/quicksort.h>

enum quicksort_kind quicksort_best(void)
{
#ifdef QUICKSORT_X86
	if (__builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("popcnt"))
		return QUICKSORT_AVX512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
		return QUICKSORT_AVX2;
#endif
	return QUICKSORT_NONE;
}

bool quicksort_within(enum quicksort_kind by, void *keys, size_t count,
		      size_t bytes, unsigned depth)
{
#ifdef QUICKSORT_X86
	if (by == QUICKSORT_AVX512)
		return quicksort_avx512(keys, count, bytes, depth);
	if (by == QUICKSORT_AVX2)
		return quicksort_avx2(keys, count, bytes, depth);
#else
	(void)keys;
	(void)count;
	(void)bytes;
	(void)depth;
#endif
	(void)by;
	return false;
}

bool quicksort(enum quicksort_kind by, void *keys, size_t count, size_t bytes)
{
	unsigned depth = 0;

	for (size_t left = count; left > 0; left /= 2)
		depth += 2;
	return quicksort_within(by, keys, count, bytes, depth);
}
