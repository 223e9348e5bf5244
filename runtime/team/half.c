/* SPDX-License-Identifier: MIT */
/*
 * half.c - reductions of 16-bit floating-point numbers, by way of float32.
 *
 * A block of elements is widened, folded with the same block of the next source
 * in float32, and rounded when all sources are in: to nearest, ties to even.
 * Conversions are arithmetic on bits, without a branch, so that the compiler
 * can make vectors of the loops on every machine; no number that a conversion
 * works with is denormal in float32, so flushing of denormals changes nothing.
 */
#include "team/half.h"

#include <stdint.h>
#include <string.h>

#include <runrig/collective.h>

#include "team/fold.h"

/* Elements at a time: the sums of a block stay in the first-level cache. */
#define BLOCK 256

#define SIGN   UINT32_C(0x80000000)
#define INF    UINT32_C(0x7f800000) /* float32 */
#define ONE_UP UINT32_C(0x00800000) /* 1 in the exponent of a float32 */

static inline float float_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static inline uint32_t bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* The exponents of float32 are 112 more. */
static inline float from_float16(uint16_t half)
{
	const uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
	const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
	const uint32_t normal = magnitude + 112 * ONE_UP;
	const uint32_t special = normal + 112 * ONE_UP; /* inf, NaN */
	/* 2^-14 and a fraction of 2^-14, less 2^-14. */
	const uint32_t small =
		bits_of(float_of(normal + ONE_UP) - float_of(113 * ONE_UP));
	uint32_t bits = magnitude < ONE_UP ? small : normal;

	bits = magnitude >= 31 * ONE_UP ? special : bits;
	return float_of(bits | sign);
}

static inline uint16_t to_float16(float x)
{
	const uint32_t sign = bits_of(x) & SIGN;
	const uint32_t magnitude = bits_of(x) ^ sign;
	/* Half of the last place but one more if that is odd; a carry into the
	 * exponent is right, and one beyond the largest is infinity. */
	const uint32_t normal =
		(magnitude - 112 * ONE_UP + 0xfff + (magnitude >> 13 & 1)) >>
		13;
	/* Below 2^-14 an addition of 1/2 rounds at 2^-24, the last place. */
	const uint32_t small =
		bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
	uint32_t half = magnitude < 113 * ONE_UP ? small : normal;

	half = magnitude >= 143 * ONE_UP ? 0x7c00 : half;
	half = magnitude > INF ? 0x7e00 : half;
	return (uint16_t)(half | sign >> 16);
}

static inline float from_bfloat16(uint16_t half)
{
	return float_of((uint32_t)half << 16);
}

static inline uint16_t to_bfloat16(float x)
{
	const uint32_t bits = bits_of(x);
	const uint32_t near = bits + 0x7fff + (bits >> 16 & 1);
	const uint32_t none = bits | UINT32_C(0x400000); /* a quiet NaN */

	return (uint16_t)(((bits & ~SIGN) > INF ? none : near) >> 16);
}

static void widen(float *to, const uint16_t *from, size_t n, int type)
{
	if (type == RIG_FLOAT16)
		for (size_t i = 0; i < n; i++)
			to[i] = from_float16(from[i]);
	else
		for (size_t i = 0; i < n; i++)
			to[i] = from_bfloat16(from[i]);
}

static void narrow(uint16_t *to, const float *from, size_t n, int type)
{
	if (type == RIG_FLOAT16)
		for (size_t i = 0; i < n; i++)
			to[i] = to_float16(from[i]);
	else
		for (size_t i = 0; i < n; i++)
			to[i] = to_bfloat16(from[i]);
}

bool half_has(int type)
{
	return type == RIG_FLOAT16 || type == RIG_BFLOAT16;
}

void half_fold(void *out, const void *const *from, int count, size_t n,
	       int type, int op)
{
	float all[BLOCK], next[BLOCK];

	for (size_t at = 0; at < n; at += BLOCK) {
		const size_t some = n - at < BLOCK ? n - at : BLOCK;

		widen(all, (const uint16_t *)from[0] + at, some, type);
		for (int k = 1; k < count; k++) {
			widen(next, (const uint16_t *)from[k] + at, some, type);
			fold(all, all, next, some, RIG_FLOAT32, op);
		}
		/* `out` may be one of the sources: written when all sources
		 * are read. */
		narrow((uint16_t *)out + at, all, some, type);
	}
}
