/* SPDX-License-Identifier: MIT */
/*
 * quicksort_avx512.c - vectors of 64 bytes for the quicksort of keys.
 */
#include <kernels/lib/quicksort.h>

#ifdef QUICKSORT_X86

#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx512f,popcnt")))
#define APART  static __attribute__((noinline, target("avx512f,popcnt")))
#define VECTOR                                                                 \
	static inline __attribute__((always_inline, target("avx512f,popcnt")))

typedef __m512i vec;

#define BYTES 64
#define ROWS  16

struct division;
VECTOR void divide(struct division *d, vec v, vec pivot, size_t bytes);

VECTOR vec get(const char *keys, size_t bytes)
{
	(void)bytes;
	return _mm512_loadu_si512(keys);
}

VECTOR vec get_apart(const char *keys, size_t step, size_t bytes)
{
	vec apart =
		_mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9,
						    8, 7, 6, 5, 4, 3, 2, 1, 0),
				   _mm512_set1_epi32((int)step));

	return bytes == 8 ? _mm512_i32gather_epi64(
				    _mm512_castsi512_si256(apart), keys, 8)
			  : _mm512_i32gather_epi32(apart, keys, 4);
}

VECTOR void put(char *keys, vec v, size_t bytes)
{
	(void)bytes;
	_mm512_storeu_si512(keys, v);
}

VECTOR vec fill(uint64_t key, size_t bytes)
{
	return bytes == 8 ? _mm512_set1_epi64((long long)key)
			  : _mm512_set1_epi32((int)key);
}

VECTOR uint64_t first_key(vec v, size_t bytes)
{
	__m128i low = _mm512_castsi512_si128(v);

	return bytes == 8 ? (uint64_t)_mm_cvtsi128_si64(low)
			  : (uint32_t)_mm_cvtsi128_si32(low);
}

/* The lowest `count` lanes. */
VECTOR uint32_t lowest(size_t count, size_t bytes)
{
	return count < BYTES / bytes ? (UINT32_C(1) << count) - 1
				     : UINT32_MAX >> (32 - BYTES / bytes);
}

VECTOR vec get_some(const char *keys, size_t count, size_t bytes)
{
	uint32_t mask = lowest(count, bytes);
	vec most = _mm512_set1_epi64(-1);

	return bytes == 8
		       ? _mm512_mask_loadu_epi64(most, (__mmask8)mask, keys)
		       : _mm512_mask_loadu_epi32(most, (__mmask16)mask, keys);
}

VECTOR void put_some(char *keys, vec v, size_t count, size_t bytes)
{
	uint32_t mask = lowest(count, bytes);

	if (bytes == 8)
		_mm512_mask_storeu_epi64(keys, (__mmask8)mask, v);
	else
		_mm512_mask_storeu_epi32(keys, (__mmask16)mask, v);
}

VECTOR vec lesser(vec a, vec b, size_t bytes)
{
	return bytes == 8 ? _mm512_min_epu64(a, b) : _mm512_min_epu32(a, b);
}

VECTOR vec greater(vec a, vec b, size_t bytes)
{
	return bytes == 8 ? _mm512_max_epu64(a, b) : _mm512_max_epu32(a, b);
}

/* Parts of a vector, `apart` bytes, change places with the next: x, d in bytes. */
VECTOR vec swap_parts(vec v, size_t apart)
{
	switch (apart) {
	case 4:
		return _mm512_shuffle_epi32(v, _MM_PERM_CDAB);
	case 8:
		return _mm512_shuffle_epi32(v, _MM_PERM_BADC);
	case 16:
		return _mm512_shuffle_i64x2(v, v, 0xb1);
	default:
		return _mm512_shuffle_i64x2(v, v, 0x4e);
	}
}

/* x is a power of 2, or one less. */
VECTOR vec swap(vec v, size_t x, size_t bytes)
{
	if (x == 15)
		return _mm512_permutexvar_epi32(
			_mm512_set_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
					 12, 13, 14, 15),
			v);
	if (x == 7 && bytes == 4)
		return _mm512_permutexvar_epi32(
			_mm512_set_epi32(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2,
					 3, 4, 5, 6, 7),
			v);
	if (x == 7)
		return _mm512_permutexvar_epi64(
			_mm512_set_epi64(0, 1, 2, 3, 4, 5, 6, 7), v);
	if (x == 3)
		return bytes == 8 ? _mm512_permutex_epi64(v, 0x1b)
				  : _mm512_shuffle_epi32(v, _MM_PERM_ABCD);
	return swap_parts(v, x * bytes);
}

VECTOR vec pick(vec low, vec high, size_t d, size_t bytes)
{
	uint32_t mask = d == 1   ? 0xaaaa
			: d == 2 ? 0xcccc
			: d == 4 ? 0xf0f0
				 : 0xff00;

	return bytes == 8 ? _mm512_mask_blend_epi64((__mmask8)mask, low, high)
			  : _mm512_mask_blend_epi32((__mmask16)mask, low, high);
}

VECTOR void exchange(vec *a, vec *b, size_t d, size_t bytes)
{
	const vec low = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
	const vec high = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
	vec x = *a, y = *b;

	switch (d * bytes) {
	case 4:
		*a = _mm512_mask_blend_epi32(0xaaaa, x,
					     _mm512_slli_epi64(y, 32));
		*b = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(x, 32),
					     y);
		break;
	case 8:
		*a = _mm512_unpacklo_epi64(x, y);
		*b = _mm512_unpackhi_epi64(x, y);
		break;
	case 16:
		*a = _mm512_permutex2var_epi64(x, low, y);
		*b = _mm512_permutex2var_epi64(x, high, y);
		break;
	default:
		*a = _mm512_shuffle_i64x2(x, y, 0x44);
		*b = _mm512_shuffle_i64x2(x, y, 0xee);
	}
}

/* Keys of 4 bytes in 4 or 8 rows, and keys of 8 bytes in 4 rows. */
VECTOR vec turn(vec v, size_t rows, size_t bytes)
{
	if (bytes == 8)
		return _mm512_permutexvar_epi64(
			_mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0), v);
	if (rows == 4)
		return _mm512_permutexvar_epi32(
			_mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5,
					 1, 12, 8, 4, 0),
			v);
	return _mm512_permutexvar_epi32(_mm512_set_epi32(15, 13, 11, 9, 7, 5, 3,
							 1, 14, 12, 10, 8, 6, 4,
							 2, 0),
					v);
}

#include <kernels/lib/quicksort_body.h>
#include <kernels/lib/quicksort_parts.h>

/* A vector of the keys below, in order, and then the others.  It is stored whole:
 * compressed and masked stores are slow on some CPUs, and what they stored is slow
 * to load. */
VECTOR vec part(vec v, uint32_t above, uint32_t upper, size_t bytes)
{
	if (bytes == 8)
		return _mm512_permutexvar_epi64(
			_mm512_cvtepu8_epi64(
				_mm_cvtsi64_si128((long long)parts[above])),
			v);
	return _mm512_mask_expand_epi32(
		_mm512_maskz_compress_epi32((__mmask16)~above, v),
		(__mmask16)upper,
		_mm512_maskz_compress_epi32((__mmask16)above, v));
}

VECTOR void divide(struct division *d, vec v, vec pivot, size_t bytes)
{
	uint32_t above = bytes == 8 ? _mm512_cmpge_epu64_mask(v, pivot)
				    : _mm512_cmpge_epu32_mask(v, pivot);
	size_t count = (size_t)_mm_popcnt_u32(above);

	v = part(v, above, UINT32_MAX << (lanes(bytes) - count), bytes);
	put(d->keys + d->low * bytes, v, bytes);
	put(d->keys + (d->high - lanes(bytes)) * bytes, v, bytes);
	d->low += lanes(bytes) - count;
	d->high -= count;
}

TARGET bool quicksort_avx512(char *keys, size_t count, size_t bytes,
			     unsigned depth)
{
	return bytes == 8 ? sort_in_vectors(keys, count, depth, 8)
			  : sort_in_vectors(keys, count, depth, 4);
}

#endif
