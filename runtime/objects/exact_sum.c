/* SPDX-License-Identifier: MIT */
/*
 * exact_sum.c - exact sums: integers of 2144 bits, in digits of 32.
 *
 * A double is a mantissa of 53 bits times 2^(exponent - 1075), exponent 1 to
 * 2046: an integer in units of 2^-1075 whose first bit is at `exponent`.  The
 * integer is added in two parts: the bits that fall in the digit of the first
 * bit, and the rest, which goes whole into the next digit.  Digits are held in 64
 * bits, and carried on before 2^11 rests could overflow a digit.
 *
 * At rest every digit but the last is 0 to 2^32 - 1, and the last has the sign: a
 * number has a single form.
 */
#include <runrig/sum.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

#define WORDS RIG_SUM_WORDS

/* Additions between two carries: a rest has at most 52 bits. */
#define CARRY_EVERY 1024

/* The unit's exponent: a sum is an integer times 2^-UNIT. */
#define UNIT 1075

enum { SEEN_NAN = 1, SEEN_PLUS = 2, SEEN_MINUS = 4 };

static void carry(int64_t *words)
{
	for (int i = 0; i < WORDS - 1; i++) {
		/* Towards minus infinity, for a digit is never negative. */
		words[i + 1] += words[i] >> 32;
		words[i] &= UINT32_MAX;
	}
}

static uint64_t special_of(double x)
{
	return isnan(x) ? SEEN_NAN : x > 0 ? SEEN_PLUS : SEEN_MINUS;
}

/* Add a double; the caller carries. */
static void add_one(struct rig_sum *sum, double x)
{
	uint64_t bits, mantissa;
	unsigned exponent;
	int64_t *word, low, high, sign;

	memcpy(&bits, &x, sizeof(bits));
	exponent = bits >> 52 & 0x7ff;
	mantissa = bits & ((UINT64_C(1) << 52) - 1);
	if (exponent == 0x7ff) {
		sum->special |= special_of(x);
		return;
	}
	if (exponent)
		mantissa |= UINT64_C(1) << 52;
	else
		exponent = 1;
	word = &sum->words[exponent / 32];
	low = (int64_t)(mantissa << exponent % 32 & UINT32_MAX);
	high = (int64_t)(mantissa >> (32 - exponent % 32));
	/* 0 or -1: (v ^ sign) - sign is v or -v. */
	sign = -(int64_t)(bits >> 63);
	word[0] += (low ^ sign) - sign;
	word[1] += (high ^ sign) - sign;
}

static void add_doubles(struct rig_sum *sum, const double *x, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_one(sum, x[i]);
}

static void add_floats(struct rig_sum *sum, const float *x, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_one(sum, (double)x[i]);
}

int rig_sum_add(struct rig_sum *sum, const void *x, size_t count, int type)
{
	size_t n;

	if (type != RIG_FLOAT32 && type != RIG_FLOAT64)
		return rig_fail(-EINVAL, "sum: type %d, not float32 or float64",
				type);
	for (size_t done = 0; done < count; done += n) {
		n = count - done < CARRY_EVERY ? count - done : CARRY_EVERY;
		if (type == RIG_FLOAT64)
			add_doubles(sum, (const double *)x + done, n);
		else
			add_floats(sum, (const float *)x + done, n);
		carry(sum->words);
	}
	return 0;
}

void rig_sum_merge(struct rig_sum *sum, const struct rig_sum *other)
{
	for (int i = 0; i < WORDS; i++)
		sum->words[i] += other->words[i];
	sum->special |= other->special;
	carry(sum->words);
}

/* Bits `from` to `from` + 63 of the digits, each of which has 32 bits. */
static uint64_t bits_at(const int64_t *words, int from)
{
	uint64_t bits = 0;

	for (int i = 0; i < 3; i++) {
		int word = from / 32 + i, shift = 32 * i - from % 32;
		uint64_t digit = word < WORDS ? (uint64_t)words[word] : 0;

		bits |= shift < 0    ? digit >> -shift
			: shift < 64 ? digit << shift
				     : 0;
	}
	return bits;
}

static bool any_below(const int64_t *words, int bit)
{
	for (int i = 0; i < bit / 32; i++)
		if (words[i])
			return true;
	return (words[bit / 32] & ((INT64_C(1) << bit % 32) - 1)) != 0;
}

/* The highest bit that is set; -1: none. */
static int highest(const int64_t *words)
{
	for (int i = WORDS - 1; i >= 0; i--)
		if (words[i])
			return 32 * i + 63 -
			       __builtin_clzll((unsigned long long)words[i]);
	return -1;
}

/* The nearest number of `digits` binary digits whose last is not below bit
 * `last`. */
static double nearest(const struct rig_sum *sum, int digits, int last)
{
	int64_t words[WORDS];
	bool negative = sum->words[WORDS - 1] < 0;
	uint64_t mantissa;
	int low;

	if (sum->special & SEEN_NAN || sum->special == (SEEN_PLUS | SEEN_MINUS))
		return (double)NAN;
	if (sum->special)
		return sum->special == SEEN_PLUS ? (double)INFINITY
						 : -(double)INFINITY;
	memcpy(words, sum->words, sizeof(words));
	for (int i = 0; negative && i < WORDS; i++)
		words[i] = -words[i];
	carry(words);
	low = highest(words) - (digits - 1);
	if (low < last)
		low = last;
	mantissa = bits_at(words, low) & ((UINT64_C(1) << digits) - 1);
	/* Half way to the next number the even number is taken. */
	if (bits_at(words, low - 1) & 1 &&
	    (mantissa & 1 || any_below(words, low - 1)))
		mantissa++;
	return ldexp(negative ? -(double)mantissa : (double)mantissa,
		     low - UNIT);
}

double rig_sum_float64(const struct rig_sum *sum)
{
	return nearest(sum, 53, UNIT - 1074) + 0.0;
}

float rig_sum_float32(const struct rig_sum *sum)
{
	/* A value that a float can hold exactly, or too large for a float. */
	return (float)(nearest(sum, 24, UNIT - 149) + 0.0);
}
