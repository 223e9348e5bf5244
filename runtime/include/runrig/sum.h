/* SPDX-License-Identifier: MIT */
/*
 * sum.h - sums of floating-point numbers that do not depend on their order.
 *
 *	struct rig_sum sum = { 0 };
 *
 *	rig_sum_add(&sum, x, n, RIG_FLOAT64);
 *	rig_sum_add(&sum, y, m, RIG_FLOAT64);
 *	total = rig_sum_float64(&sum);
 *
 * A sum is held exactly, and rounded a single time, when read: to the nearest
 * number, and half way to the even number.  So the result has the same bits in
 * whatever order and in however many parts the numbers are added, and the error is
 * at most half a unit in the last place.  (A superaccumulator: Kulisch 1981; the
 * words are as in Neal, "Fast exact summation using small and large
 * superaccumulators", 2015.)
 *
 * NaN, or infinities of both signs, make NaN (quiet, positive, no payload); an
 * infinity alone wins; a finite sum that is too large is an infinity; zero is +0.
 *
 * Any thread, a single thread at a time for a sum; nothing here waits.  A sum is
 * plain bytes: a sum may lie in shared memory and be copied.
 */
#ifndef RUNRIG_SUM_H
#define RUNRIG_SUM_H

#include <stdint.h>

#include <runrig/api.h>
#include <runrig/dtype.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Digits of 32 bits: 2^-1075 is the first bit, and 2^31 times the largest double
 * still fits. */
#define RIG_SUM_WORDS 67

/* A sum of nothing is all zeros.  Equal sums have equal bytes. */
struct rig_sum {
	int64_t words[RIG_SUM_WORDS]; /* the lowest first; the last is signed */
	uint64_t special;             /* has seen NaN, infinity, -infinity */
};

/* Add `count` numbers of type RIG_FLOAT32 or RIG_FLOAT64.  Returns 0, or -EINVAL
 * for another type. */
RIG_API int rig_sum_add(struct rig_sum *sum, const void *x, size_t count,
			int type);

/* Add all that `other` holds. */
RIG_API void rig_sum_merge(struct rig_sum *sum, const struct rig_sum *other);

/* The number nearest to the sum. */
RIG_API double rig_sum_float64(const struct rig_sum *sum);
RIG_API float rig_sum_float32(const struct rig_sum *sum);

#ifdef __cplusplus
}
#endif

#endif
