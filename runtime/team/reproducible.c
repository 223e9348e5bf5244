/* SPDX-License-Identifier: MIT */
/*
 * reproducible.c - sums across ranks with RIG_REPRODUCIBLE: exact, then rounded.
 *
 * Element by element the loops keep a running sum, the running sum of its errors
 * (TwoSum: Knuth 1969, after Moller 1965; cascaded as in Ogita, Rump and Oishi 2005),
 * and whether the second sum has lost a bit.  Mostly no bit is lost: then the two sums
 * together are the exact sum, and their addition rounds the exact sum correctly.  Where
 * a bit is lost, or an element is not finite, the element is summed again in a
 * superaccumulator (sum.h).  So each result is the number nearest to the exact sum,
 * which knows no order.
 *
 * The loops run over neighbouring elements, so that the compiler can make vectors of
 * the loops.  The arithmetic of IEEE 754 is needed as it is: no -ffast-math, and no
 * flushing of denormal numbers to zero.
 */
#include "team/reproducible.h"

#include <math.h>

#include <runrig/collective.h>
#include <runrig/sum.h>

/* Elements at a time: the sums fit the first-level cache. */
#define BLOCK 256

struct block {
	double sum[BLOCK];
	double error[BLOCK];
	double lost[BLOCK]; /* not 0: `error` is not all */
};

/* sum += x exactly: returns the error of the rounded sum. */
static inline double two_sum(double *sum, double x)
{
	double a = *sum, s = a + x, b = s - a;

	*sum = s;
	return (a - (s - b)) + (x - b);
}

static inline void add(struct block *block, size_t i, double x)
{
	double error = two_sum(&block->sum[i], x);
	double lost = two_sum(&block->error[i], error);

	block->lost[i] += fabs(lost);
}

static void add_doubles(struct block *block, const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(block, i, x[i]);
}

static void add_floats(struct block *block, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(block, i, (double)x[i]);
}

/* Element `i` of all, by the superaccumulator. */
static void sum_again(struct rig_sum *sum, const void *const *from, int count,
		      size_t i, int type)
{
	const size_t item =
		type == RIG_FLOAT64 ? sizeof(double) : sizeof(float);

	*sum = (struct rig_sum){ 0 };
	for (int k = 0; k < count; k++)
		(void)rig_sum_add(sum, (const char *)from[k] + i * item, 1,
				  type);
}

/* 0.0 is added so that zero is +0. */
static double round_double(const struct block *block, size_t i,
			   const void *const *from, int count, size_t at)
{
	double all = block->sum[i] + block->error[i] + 0.0;
	struct rig_sum sum;

	if (block->lost[i] == 0 && isfinite(all))
		return all;
	sum_again(&sum, from, count, at + i, RIG_FLOAT64);
	return rig_sum_float64(&sum);
}

/* Two roundings are not one rounding: only a sum that a double holds is right. */
static float round_float(const struct block *block, size_t i,
			 const void *const *from, int count, size_t at)
{
	struct rig_sum sum;

	if (block->error[i] == 0 && block->lost[i] == 0 &&
	    isfinite(block->sum[i]))
		return (float)(block->sum[i] + 0.0);
	sum_again(&sum, from, count, at + i, RIG_FLOAT32);
	return rig_sum_float32(&sum);
}

static void sum_block(void *out, const void *const *from, int count, size_t at,
		      size_t n, int type)
{
	struct block block = { 0 };
	double doubles[BLOCK];
	float floats[BLOCK];

	for (int k = 0; k < count; k++)
		if (type == RIG_FLOAT64)
			add_doubles(&block, (const double *)from[k] + at, n);
		else
			add_floats(&block, (const float *)from[k] + at, n);
	/* `out` may be one of the sources: written when every element is
	 * known. */
	for (size_t i = 0; i < n; i++)
		if (type == RIG_FLOAT64)
			doubles[i] = round_double(&block, i, from, count, at);
		else
			floats[i] = round_float(&block, i, from, count, at);
	for (size_t i = 0; i < n; i++)
		if (type == RIG_FLOAT64)
			((double *)out)[at + i] = doubles[i];
		else
			((float *)out)[at + i] = floats[i];
}

bool exact_has(int type)
{
	return type == RIG_FLOAT32 || type == RIG_FLOAT64 ||
	       type == RIG_COMPLEX64 || type == RIG_COMPLEX128;
}

void exact_sum(void *out, const void *const *from, int count, size_t n,
	       int type)
{
	/* A complex number is two numbers. */
	if (type == RIG_COMPLEX64 || type == RIG_COMPLEX128) {
		n *= 2;
		type = type == RIG_COMPLEX64 ? RIG_FLOAT32 : RIG_FLOAT64;
	}
	for (size_t at = 0; at < n; at += BLOCK)
		sum_block(out, from, count, at, n - at < BLOCK ? n - at : BLOCK,
			  type);
}
