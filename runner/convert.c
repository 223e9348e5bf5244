/* SPDX-License-Identifier: MIT */
/*
 * convert.c - items of any real dtype as doubles, and integers as 64 bits.
 */
#include <runner/convert.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <runner/dtype.h>

/* A float16: a sign, 5 bits of exponent, 10 of fraction. */
#define HALF_SIGN     0x8000
#define HALF_INFINITY 0x7c00
#define HALF_QUIET    0x0200
#define HALF_FRACTION 10
#define HALF_OVERFLOW 65520.0 /* from here on a value becomes infinity */
#define HALF_NORMAL   0x1p-14 /* the least value that is not denormal */

/* The exponent of a double has a bias of 1023, the exponent of a float16 a bias
 * of 15. */
#define DOUBLE_FRACTION 52
#define DOUBLE_EXPONENT UINT64_C(0x7ff0000000000000)
#define BIAS            0x1p1008

/* The double of the bits `bits`, and the bits of a double. */
static double double_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

bool convert_whole(enum rig_dtype dtype)
{
	return dtype >= RIG_BOOL && dtype <= RIG_UINT64;
}

bool convert_signed(enum rig_dtype dtype)
{
	return dtype >= RIG_INT8 && dtype <= RIG_INT64;
}

bool convert_knows(const struct rig_array *array)
{
	return !array->swapped && array->dtype >= RIG_BOOL &&
	       array->dtype <= RIG_FLOAT64;
}

int convert_check(const struct rig_array *array, const char *kernel, char *why,
		  size_t why_bytes)
{
	if (convert_knows(array))
		return 0;
	snprintf(why, why_bytes,
		 "%s takes bool, integers, float16, float32 and float64, in "
		 "this machine's byte order",
		 kernel);
	return -EINVAL;
}

int convert_result(struct rig_array *result, enum rig_dtype dtype, char *why,
		   size_t why_bytes)
{
	bool given = result->dims > 0;

	if (given && (result->dtype != dtype || result->swapped)) {
		snprintf(why, why_bytes,
			 "result is %s%s: of these items it is %s, in this "
			 "machine's byte order",
			 rig_dtype_name(result->dtype),
			 result->swapped ? " in the other byte order" : "",
			 rig_dtype_name(dtype));
		return -EINVAL;
	}
	result->dtype = dtype;
	return 0;
}

/* The bits of a float16, without the sign, moved to the place of a double's
 * bits, are the same number with a bias that is too small: a product corrects
 * the bias, for denormals too.  Infinities and NaNs have the greatest exponent
 * in both formats. */
static double of_float16(uint16_t half)
{
	uint64_t sign = (uint64_t)(half & HALF_SIGN) << 48;
	uint64_t bits = (uint64_t)(half & ~HALF_SIGN)
			<< (DOUBLE_FRACTION - HALF_FRACTION);

	if ((half & HALF_INFINITY) == HALF_INFINITY)
		return double_of(sign | bits | DOUBLE_EXPONENT);
	return double_of(sign | bits_of(double_of(bits) * BIAS));
}

uint16_t convert_float16_of(double value)
{
	uint16_t sign = signbit(value) ? HALF_SIGN : 0;
	double size = fabs(value), power, rounder;

	if (size != size)
		return sign | HALF_INFINITY | HALF_QUIET;
	if (size >= HALF_OVERFLOW)
		return sign | HALF_INFINITY;
	/* The last bit of `rounder` is worth as much as the last bit of a
	 * float16 of the same exponent: the sum is rounded to a float16. */
	power = double_of(bits_of(size) & DOUBLE_EXPONENT);
	rounder = (power > HALF_NORMAL ? power : HALF_NORMAL) * 0x1.8p42;
	size = size + rounder - rounder;
	return sign | (uint16_t)(bits_of(size / BIAS) >>
				 (DOUBLE_FRACTION - HALF_FRACTION));
}

static void halves_to_double(const any_uint16 *from, size_t begin, size_t end,
			     double *to)
{
	for (size_t i = begin; i < end; i++)
		*to++ = of_float16(from[i]);
}

/* A case of a switch over dtypes: a loop over items of a type. */
#define WIDEN_AS(dtype, type, value)                                           \
	case dtype: {                                                          \
		const type *from = items;                                      \
		for (size_t i = begin; i < end; i++)                           \
			*to++ = value;                                         \
		break;                                                         \
	}
#define WIDEN(dtype, type, wide) WIDEN_AS(dtype, type, (wide)from[i])

void convert_to_double(enum rig_dtype dtype, const void *items, size_t begin,
		       size_t end, double *to)
{
	switch (dtype) {
		WIDEN(RIG_INT8, any_int8, double)
		WIDEN(RIG_INT16, any_int16, double)
		WIDEN(RIG_INT32, any_int32, double)
		WIDEN(RIG_INT64, any_int64, double)
		/* A bool with any bit set is true, as in NumPy. */
		WIDEN_AS(RIG_BOOL, any_uint8, from[i] != 0)
		WIDEN(RIG_UINT8, any_uint8, double)
		WIDEN(RIG_UINT16, any_uint16, double)
		WIDEN(RIG_UINT32, any_uint32, double)
		WIDEN(RIG_UINT64, any_uint64, double)
		WIDEN(RIG_FLOAT32, any_float, double)
		WIDEN(RIG_FLOAT64, any_double, double)
	case RIG_FLOAT16:
		halves_to_double(items, begin, end, to);
		break;
	default:
		break;
	}
}

const any_double *convert_doubles(enum rig_dtype dtype, const void *items,
				  size_t begin, size_t end, double *room)
{
	if (dtype == RIG_FLOAT64)
		return (const any_double *)items + begin;
	convert_to_double(dtype, items, begin, end, room);
	return room;
}

void convert_to_64(enum rig_dtype dtype, const void *items, size_t begin,
		   size_t end, uint64_t *to)
{
	switch (dtype) {
		WIDEN(RIG_INT8, any_int8, uint64_t)
		WIDEN(RIG_INT16, any_int16, uint64_t)
		WIDEN(RIG_INT32, any_int32, uint64_t)
		WIDEN(RIG_INT64, any_int64, uint64_t)
		WIDEN_AS(RIG_BOOL, any_uint8, from[i] != 0)
		WIDEN(RIG_UINT8, any_uint8, uint64_t)
		WIDEN(RIG_UINT16, any_uint16, uint64_t)
		WIDEN(RIG_UINT32, any_uint32, uint64_t)
		WIDEN(RIG_UINT64, any_uint64, uint64_t)
	default:
		break;
	}
}

#undef WIDEN
#undef WIDEN_AS
