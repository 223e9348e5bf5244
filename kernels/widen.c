/* SPDX-License-Identifier: MIT */
/*
 * widen.c - items of any real dtype as doubles, or whole ones as 64 bits.
 */
#include "widen.h"

#define UNALIGNED __attribute__((aligned(1), may_alias))

typedef int8_t any_int8 UNALIGNED;
typedef int16_t any_int16 UNALIGNED;
typedef int32_t any_int32 UNALIGNED;
typedef int64_t any_int64 UNALIGNED;
typedef uint8_t any_uint8 UNALIGNED;
typedef uint16_t any_uint16 UNALIGNED;
typedef uint32_t any_uint32 UNALIGNED;
typedef uint64_t any_uint64 UNALIGNED;
typedef float any_float UNALIGNED;
typedef double any_double UNALIGNED;

bool widen_whole(enum rig_dtype dtype)
{
	return dtype >= RIG_BOOL && dtype <= RIG_UINT64;
}

bool widen_knows(const struct rig_array *array)
{
	enum rig_dtype dtype = array->dtype;

	return !array->swapped && (widen_whole(dtype) || dtype == RIG_FLOAT32 ||
				   dtype == RIG_FLOAT64);
}

/* A case of a switch over dtypes: a loop over items of one type. */
#define WIDEN(dtype, type, wide)                                               \
	case dtype: {                                                          \
		const type *from = items;                                      \
		for (size_t i = begin; i < end; i++)                           \
			*to++ = (wide)from[i];                                 \
		break;                                                         \
	}

void widen_to_double(enum rig_dtype dtype, const void *items, size_t begin,
		     size_t end, double *to)
{
	switch (dtype) {
		WIDEN(RIG_INT8, any_int8, double)
		WIDEN(RIG_INT16, any_int16, double)
		WIDEN(RIG_INT32, any_int32, double)
		WIDEN(RIG_INT64, any_int64, double)
		WIDEN(RIG_BOOL, any_uint8, double)
		WIDEN(RIG_UINT8, any_uint8, double)
		WIDEN(RIG_UINT16, any_uint16, double)
		WIDEN(RIG_UINT32, any_uint32, double)
		WIDEN(RIG_UINT64, any_uint64, double)
		WIDEN(RIG_FLOAT32, any_float, double)
		WIDEN(RIG_FLOAT64, any_double, double)
	default:
		break;
	}
}

void widen_to_64(enum rig_dtype dtype, const void *items, size_t begin,
		 size_t end, uint64_t *to)
{
	switch (dtype) {
		WIDEN(RIG_INT8, any_int8, uint64_t)
		WIDEN(RIG_INT16, any_int16, uint64_t)
		WIDEN(RIG_INT32, any_int32, uint64_t)
		WIDEN(RIG_INT64, any_int64, uint64_t)
		WIDEN(RIG_BOOL, any_uint8, uint64_t)
		WIDEN(RIG_UINT8, any_uint8, uint64_t)
		WIDEN(RIG_UINT16, any_uint16, uint64_t)
		WIDEN(RIG_UINT32, any_uint32, uint64_t)
		WIDEN(RIG_UINT64, any_uint64, uint64_t)
	default:
		break;
	}
}

#undef WIDEN
