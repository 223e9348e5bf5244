/* SPDX-License-Identifier: MIT */
/*
 * judge.h - may a number be the sum, the product or the extreme of some items?
 * Item after item, in extended precision.
 */
#ifndef KERNELS_JUDGE_H
#define KERNELS_JUDGE_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kernels/lib/reals.h>

/* A product of doubles: the numbers above 1 and the numbers below 1 apart, for
 * in the end either product is beyond a long double's range.  Each product is a
 * factor times a power of two. */
struct product_due {
	long double large, small;
	int64_t large_power, small_power;
	size_t count, zeros, infinities, nans;
	bool negative;
};

static inline struct product_due product_due_begin(void)
{
	return (struct product_due){ .large = 1, .small = 1 };
}

static inline void product_due_add(struct product_due *due, double item)
{
	int power = 0;

	due->count++;
	due->nans += item != item;
	due->infinities += isinf(item) != 0;
	due->zeros += item == 0;
	due->negative ^= signbit(item) != 0;
	if (!isfinite(item) || item == 0)
		return;
	if (fabs(item) >= 1) {
		due->large = frexpl(due->large * fabsl(item), &power);
		due->large_power += power;
	} else {
		due->small = frexpl(due->small * fabsl(item), &power);
		due->small_power += power;
	}
}

/*
 * Whether `result` may be the product, in any order of the multiplications.
 * Each multiplication has an error of 2^-53 at most (Higham, Accuracy and
 * Stability of Numerical Algorithms, 2nd ed., 3.1).  Where a product of some of
 * the items is beyond a double's range, the result depends on the order and is
 * not judged.
 */
static inline bool product_due_is(const struct product_due *due, double result)
{
	bool over = due->large_power > DBL_MAX_EXP - 1;
	bool under = due->small_power < DBL_MIN_EXP;
	int64_t power = due->large_power + due->small_power;
	long double want, nu = (long double)due->count * (0x1p-53L + 0x1p-62L);

	if (due->nans || (due->zeros && due->infinities))
		return result != result;
	if (due->zeros)
		return result == 0 || over;
	if (due->infinities)
		return isinf(result) || under;
	if (over || under)
		return true;
	want = ldexpl(due->large * due->small, (int)power);
	return (signbit(result) != 0) == due->negative &&
	       fabsl(fabsl(result) - want) <= want * nu / (1 - nu);
}

#endif
