/* SPDX-License-Identifier: MIT */
/*
 * sort_keys.h - items as keys: unsigned numbers of the same size and order.
 *
 * Equal keys have the same bits, and the order of keys is total: -0.0 comes
 * before 0.0, and NaNs come last, by their bits.  In a stable order the two
 * zeros compare as equal, and so do all NaNs, as in NumPy.
 */
#ifndef KERNELS_SORT_KEYS_H
#define KERNELS_SORT_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <runrig/kernel.h>

#include <kernels/lib/clones.h>
#include <kernels/lib/sample.h>

enum sort_kind { SORT_UNSIGNED, SORT_SIGNED, SORT_FLOAT };

static const struct {
	enum rig_dtype dtype;
	enum sort_kind kind;
	uint64_t infinity; /* for SORT_FLOAT: the bits of infinity */
} sort_dtypes[] = {
	{ RIG_BOOL, SORT_UNSIGNED, 0 },
	{ RIG_INT8, SORT_SIGNED, 0 },
	{ RIG_INT16, SORT_SIGNED, 0 },
	{ RIG_INT32, SORT_SIGNED, 0 },
	{ RIG_INT64, SORT_SIGNED, 0 },
	{ RIG_UINT8, SORT_UNSIGNED, 0 },
	{ RIG_UINT16, SORT_UNSIGNED, 0 },
	{ RIG_UINT32, SORT_UNSIGNED, 0 },
	{ RIG_UINT64, SORT_UNSIGNED, 0 },
	{ RIG_FLOAT16, SORT_FLOAT, UINT64_C(0x7c00) },
	{ RIG_FLOAT32, SORT_FLOAT, UINT64_C(0x7f800000) },
	{ RIG_FLOAT64, SORT_FLOAT, UINT64_C(0x7ff0000000000000) },
};

#define SORT_DTYPES (sizeof(sort_dtypes) / sizeof(*sort_dtypes))

/* In this process: the kind of the items, and which items are equal. */
struct sort_order {
	enum sort_kind kind;
	uint64_t sign, lowest; /* the sign bit; minus infinity's key */
	bool stable;           /* and there are equal items of other bits */
	uint64_t zero, nan;    /* keys: of -0.0; of the least NaN */
};

/* The place of a dtype in the table; SORT_DTYPES: the dtype has no keys. */
static inline size_t sort_dtype(uint32_t dtype)
{
	size_t i = 0;

	while (i < SORT_DTYPES && sort_dtypes[i].dtype != dtype)
		i++;
	return i;
}

/* `bytes` is a constant wherever speed matters. */
INLINE uint64_t sort_load(const char *items, size_t i, size_t bytes)
{
	uint64_t word = 0;

	memcpy(&word, items + i * bytes, bytes);
	return word;
}

INLINE void sort_store(char *items, size_t i, size_t bytes, uint64_t word)
{
	memcpy(items + i * bytes, &word, bytes);
}

INLINE uint64_t sort_mask(size_t bytes)
{
	return bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * bytes) - 1;
}

/* Floats: the bits of negative floats are inverted, which puts the negative
 * floats below the others in order; then minus infinity becomes 0, and the NaNs
 * that lay below wrap to the top. */
INLINE uint64_t sort_key(const struct sort_order *by, uint64_t item,
			 size_t bytes)
{
	if (by->kind == SORT_UNSIGNED)
		return item;
	if (by->kind == SORT_SIGNED)
		return item ^ by->sign;
	item = item & by->sign ? ~item : item | by->sign;
	return (item - by->lowest) & sort_mask(bytes);
}

INLINE uint64_t sort_item(const struct sort_order *by, uint64_t key,
			  size_t bytes)
{
	if (by->kind == SORT_UNSIGNED)
		return key;
	if (by->kind == SORT_SIGNED)
		return key ^ by->sign;
	key = (key + by->lowest) & sort_mask(bytes);
	return (key & by->sign ? key ^ by->sign : ~key) & sort_mask(bytes);
}

/* Whether the key belongs to equal items with different bits: a zero, a NaN. */
static inline bool sort_is_zero(const struct sort_order *by, uint64_t key)
{
	return key - by->zero <= 1;
}

static inline bool sort_is_nan(const struct sort_order *by, uint64_t key)
{
	return key >= by->nan;
}

/* The least of the keys that compare as equal to `key`. */
static inline uint64_t sort_least(const struct sort_order *by, uint64_t key)
{
	if (!by->stable)
		return key;
	if (sort_is_zero(by, key))
		return by->zero;
	return sort_is_nan(by, key) ? by->nan : key;
}

/* And the greatest. */
static inline uint64_t sort_greatest(const struct sort_order *by, uint64_t key)
{
	if (!by->stable)
		return key;
	if (sort_is_zero(by, key))
		return by->zero + 1;
	return sort_is_nan(by, key) ? UINT64_MAX : key;
}

static inline struct sort_order sort_order_of(uint32_t dtype, size_t bytes,
					      bool stable)
{
	size_t at = sort_dtype(dtype);
	uint64_t infinity = sort_dtypes[at].infinity;
	struct sort_order by = {
		.kind = sort_dtypes[at].kind,
		.sign = UINT64_C(1) << (8 * bytes - 1),
	};

	/* The key of minus infinity: its bits, inverted. */
	by.lowest = ~(infinity | by.sign) & sort_mask(bytes);
	by.stable = stable && by.kind == SORT_FLOAT;
	by.zero = sort_key(&by, by.sign, bytes);
	by.nan = sort_key(&by, infinity, bytes) + 1;
	return by;
}

/* Sort sample->x, items of 1, 2, 4 or 8 bytes.  Called by every rank; waits. */
int sort_keys(const struct sample *sample, const struct sort_order *by,
	      size_t bytes);

/* A single rank sorts `count` items; `other` has room for as many.  The order
 * is not stable. */
void sort_keys_line(const struct sort_order *by, size_t bytes, char *items,
		    char *other, size_t count);

#endif
