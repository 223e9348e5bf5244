/* SPDX-License-Identifier: MIT */
/*
 * judge.h - may a number be the sum, the norm or the extreme of some items?  Item
 * after item, in extended precision.
 */
#ifndef KERNELS_JUDGE_H
#define KERNELS_JUDGE_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include <kernels/lib/reals.h>
#include <runner/convert.h>

/* Numbers to be judged: those of x, or the chunks' totals. */
struct items {
	enum rig_dtype dtype;
	const void *at;
	size_t begin, end;
};

static inline double item_of(const struct items *items, size_t i)
{
	double item;

	convert_to_double(items->dtype, items->at, i, i + 1, &item);
	return item;
}

static inline bool is_sum(const struct items *items, double result,
			  long double *want)
{
	struct reals_due due = { 0 };

	for (size_t i = items->begin; i < items->end; i++)
		reals_due_add(&due, item_of(items, i));
	*want = due.sum + due.others;
	return reals_due_is(&due, result);
}

static inline bool is_squares(const struct items *items, double result,
			      long double *want)
{
	struct reals_due due = { 0 };

	for (size_t i = items->begin; i < items->end; i++)
		reals_due_add(&due, (long double)item_of(items, i) *
					    item_of(items, i));
	*want = due.sum + due.others;
	return reals_due_is(&due, result);
}

/* Squares are added up with an error as in reals_due_is(), of which the root has
 * half; then there are the roundings of the root, and of scaling. */
static inline bool is_norm(const struct items *items, double result,
			   long double *want)
{
	size_t count = items->end - items->begin;
	long double sum = 0, nu = (long double)(count + 8) * 0x1p-54L;

	for (size_t i = items->begin; i < items->end; i++)
		sum += (long double)item_of(items, i) * item_of(items, i);
	*want = sqrtl(sum);
	if (!isfinite((double)*want))
		return result == (double)*want ||
		       (result != result && sum != sum);
	return fabsl(result - *want) <= *want * nu / (1 - nu) + DBL_TRUE_MIN;
}

/* The root of totals that are sums of squares already. */
static inline bool is_root(const struct items *items, double result,
			   long double *want)
{
	struct reals_due due = { 0 };
	long double nu;

	for (size_t i = items->begin; i < items->end; i++)
		reals_due_add(&due, item_of(items, i));
	*want = sqrtl(due.sum) + due.others;
	nu = (long double)(due.count + 4) * 0x1p-53L;
	return fabsl(result - *want) <= *want * nu / (1 - nu) + DBL_TRUE_MIN;
}

static inline bool is_extreme(const struct items *items, bool least,
			      double result, long double *want)
{
	double best = item_of(items, items->begin);

	for (size_t i = items->begin + 1; i < items->end && best == best; i++) {
		double item = item_of(items, i);

		if (item != item || (least ? item < best : item > best))
			best = item;
	}
	*want = best;
	return result == best || (result != result && best != best);
}

#endif
