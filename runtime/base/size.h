/* SPDX-License-Identifier: MIT */
/*
 * size.h - arithmetic on sizes that cannot wrap.
 */
#ifndef RUNRIG_SIZE_H
#define RUNRIG_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES ((size_t)4096)

/* Each sets *sum or *product and returns true, or returns false where the
 * result does not fit a size_t. */
static inline bool size_add(size_t a, size_t b, size_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

static inline bool size_mul(size_t a, size_t b, size_t *product)
{
	return !__builtin_mul_overflow(a, b, product);
}

/* `value` rounded up to a multiple of `unit`, a power of two.  The caller has
 * made sure that the result does not wrap. */
static inline size_t size_round_up(size_t value, size_t unit)
{
	return (value + unit - 1) & ~(unit - 1);
}

#endif
