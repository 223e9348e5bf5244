/* SPDX-License-Identifier: MIT */
/*
 * reals.h - doubles added up, always in the same order; and the proof of a sum.
 */
#ifndef KERNELS_REALS_H
#define KERNELS_REALS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include <kernels/lib/clones.h>
#include <runner/convert.h>

/* Additions side by side: in a chain each addition waits for the addition
 * before. */
#define REALS_LANES 8

INLINE double reals_join(const double lanes[REALS_LANES])
{
	return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
	       ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

INLINE double reals_sum(const any_double *x, size_t count)
{
	double lanes[REALS_LANES] = { 0 };
	size_t i = 0;

	for (; i + REALS_LANES <= count; i += REALS_LANES)
		for (size_t l = 0; l < REALS_LANES; l++)
			lanes[l] += x[i + l];
	for (; i < count; i++)
		lanes[0] += x[i];
	return reals_join(lanes);
}

INLINE double reals_dot(const any_double *x, const any_double *y, size_t count)
{
	double lanes[REALS_LANES] = { 0 };
	size_t i = 0;

	for (; i + REALS_LANES <= count; i += REALS_LANES)
		for (size_t l = 0; l < REALS_LANES; l++)
			lanes[l] += x[i + l] * y[i + l];
	for (; i < count; i++)
		lanes[0] += x[i] * y[i];
	return reals_join(lanes);
}

/* The facts of a sum of terms that was to be taken in doubles; a term is an
 * item, or a product of two items. */
struct reals_due {
	long double sum,
		size;  /* sum of the finite terms; of their absolute values */
	double others; /* the sum of the infinite terms and NaNs */
	size_t count;
};

INLINE void reals_due_add(struct reals_due *due, long double term)
{
	double rounded = (double)term;

	due->count++;
	if (!isfinite(rounded)) {
		due->others += rounded;
		return;
	}
	due->sum += term;
	due->size += fabsl(term);
}

/*
 * Whether `result` may be the sum of the terms, in any order of the additions.
 * The error is at most nu / (1 - nu) of `size`, where n is the count and u =
 * 2^-53 (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.1
 * and 4.2), plus the loss of products that are too small for a double.  `sum`
 * has a rounding error of its own, of 2^-64 for each term.  Where `size` is
 * beyond a double's range, a sum may be infinite in some order and finite in
 * another.
 */
static inline bool reals_due_is(const struct reals_due *due, double result)
{
	long double nu = (long double)due->count * (0x1p-53L + 0x1p-63L);
	bool fits = due->size <= DBL_MAX;

	if (due->others != due->others)
		return result != result;
	if (due->others != 0)
		return fits ? result == due->others : !isfinite(result);
	if (!isfinite(result))
		return !fits;
	return fabsl(result - due->sum) <=
	       due->size * nu / (1 - nu) +
		       (long double)due->count * DBL_TRUE_MIN;
}

#endif
