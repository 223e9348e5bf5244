/* SPDX-License-Identifier: MIT */
/*
 * quicksort_avx2.c - vectors of 32 bytes for the quicksort of keys.
 *
 * AVX2 compares signed numbers, so that in registers keys have their highest bit
 * turned round.
 */
#include <kernels/lib/quicksort.h>

#ifdef QUICKSORT_X86

#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx2,popcnt")))
#define APART  static __attribute__((noinline, target("avx2,popcnt")))
#define VECTOR                                                                 \
	static inline __attribute__((always_inline, target("avx2,popcnt")))

typedef __m256i vec;

#define BYTES 32
#define ROWS  16

struct division;
VECTOR void divide(struct division *d, vec v, vec pivot, size_t bytes);

VECTOR vec flip(vec v, size_t bytes)
{
	return _mm256_xor_si256(v, bytes == 8 ? _mm256_set1_epi64x(INT64_MIN)
					      : _mm256_set1_epi32(INT32_MIN));
}

VECTOR vec get(const char *keys, size_t bytes)
{
	return flip(_mm256_loadu_si256((const __m256i *)(const void *)keys),
		    bytes);
}

VECTOR vec get_apart(const char *keys, size_t step, size_t bytes)
{
	vec apart = _mm256_mullo_epi32(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0),
				       _mm256_set1_epi32((int)step));

	return flip(
		bytes == 8 ? _mm256_i32gather_epi64(
				     (const long long *)(const void *)keys,
				     _mm256_castsi256_si128(apart), 8)
			   : _mm256_i32gather_epi32(
				     (const int *)(const void *)keys, apart, 4),
		bytes);
}

VECTOR void put(char *keys, vec v, size_t bytes)
{
	_mm256_storeu_si256((__m256i *)(void *)keys, flip(v, bytes));
}

VECTOR vec fill(uint64_t key, size_t bytes)
{
	return flip(bytes == 8 ? _mm256_set1_epi64x((long long)key)
			       : _mm256_set1_epi32((int)key),
		    bytes);
}

VECTOR uint64_t first_key(vec v, size_t bytes)
{
	__m128i low = _mm256_castsi256_si128(flip(v, bytes));

	return bytes == 8 ? (uint64_t)_mm_cvtsi128_si64(low)
			  : (uint32_t)_mm_cvtsi128_si32(low);
}

/* The lowest `count` lanes. */
VECTOR vec lowest(size_t count, size_t bytes)
{
	long long most = count < BYTES / bytes ? (long long)count : BYTES;

	return bytes == 8 ? _mm256_cmpgt_epi64(_mm256_set1_epi64x(most),
					       _mm256_set_epi64x(3, 2, 1, 0))
			  : _mm256_cmpgt_epi32(
				    _mm256_set1_epi32((int)most),
				    _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}

VECTOR vec get_some(const char *keys, size_t count, size_t bytes)
{
	vec mask = lowest(count, bytes), most = _mm256_set1_epi64x(-1);
	vec v = bytes == 8
			? _mm256_maskload_epi64(
				  (const long long *)(const void *)keys, mask)
			: _mm256_maskload_epi32((const int *)(const void *)keys,
						mask);

	return flip(_mm256_blendv_epi8(most, v, mask), bytes);
}

VECTOR void put_some(char *keys, vec v, size_t count, size_t bytes)
{
	vec mask = lowest(count, bytes);

	if (bytes == 8)
		_mm256_maskstore_epi64((long long *)(void *)keys, mask,
				       flip(v, bytes));
	else
		_mm256_maskstore_epi32((int *)(void *)keys, mask,
				       flip(v, bytes));
}

VECTOR vec lesser(vec a, vec b, size_t bytes)
{
	return bytes == 8 ? _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b))
			  : _mm256_min_epi32(a, b);
}

VECTOR vec greater(vec a, vec b, size_t bytes)
{
	return bytes == 8 ? _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b))
			  : _mm256_max_epi32(a, b);
}

/* x is a power of 2, or one less. */
VECTOR vec swap(vec v, size_t x, size_t bytes)
{
	if (x == 7)
		return _mm256_permutevar8x32_epi32(
			v, _mm256_set_epi32(0, 1, 2, 3, 4, 5, 6, 7));
	if (x == 3)
		return bytes == 8 ? _mm256_permute4x64_epi64(v, 0x1b)
				  : _mm256_shuffle_epi32(v, 0x1b);
	switch (x * bytes) {
	case 4:
		return _mm256_shuffle_epi32(v, 0xb1);
	case 8:
		return _mm256_shuffle_epi32(v, 0x4e);
	default:
		return _mm256_permute4x64_epi64(v, 0x4e);
	}
}

VECTOR vec pick(vec low, vec high, size_t d, size_t bytes)
{
	switch (d * bytes) {
	case 4:
		return _mm256_blend_epi32(low, high, 0xaa);
	case 8:
		return _mm256_blend_epi32(low, high, 0xcc);
	default:
		return _mm256_blend_epi32(low, high, 0xf0);
	}
}

VECTOR void exchange(vec *a, vec *b, size_t d, size_t bytes)
{
	vec x = *a, y = *b;

	switch (d * bytes) {
	case 4:
		*a = _mm256_blend_epi32(x, _mm256_slli_epi64(y, 32), 0xaa);
		*b = _mm256_blend_epi32(_mm256_srli_epi64(x, 32), y, 0xaa);
		break;
	case 8:
		*a = _mm256_unpacklo_epi64(x, y);
		*b = _mm256_unpackhi_epi64(x, y);
		break;
	default:
		*a = _mm256_permute2x128_si256(x, y, 0x20);
		*b = _mm256_permute2x128_si256(x, y, 0x31);
	}
}

/* Keys of 4 bytes in 4 rows. */
VECTOR vec turn(vec v, size_t rows, size_t bytes)
{
	(void)rows;
	(void)bytes;
	return _mm256_permutevar8x32_epi32(
		v, _mm256_set_epi32(7, 5, 3, 1, 6, 4, 2, 0));
}

#include <kernels/lib/quicksort_body.h>
#include <kernels/lib/quicksort_parts.h>

/* Which lanes are not below the pivot, a bit for each 4 bytes. */
VECTOR uint32_t above_of(vec v, vec pivot, size_t bytes)
{
	vec below = bytes == 8 ? _mm256_cmpgt_epi64(pivot, v)
			       : _mm256_cmpgt_epi32(pivot, v);

	return 0xff ^ (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(below));
}

VECTOR void divide(struct division *d, vec v, vec pivot, size_t bytes)
{
	uint32_t above = above_of(v, pivot, bytes);
	size_t count = (size_t)_mm_popcnt_u32(above) * 4 / bytes;

	v = _mm256_permutevar8x32_epi32(
		v, _mm256_cvtepu8_epi32(
			   _mm_cvtsi64_si128((long long)parts[above])));
	put(d->keys + d->low * bytes, v, bytes);
	put(d->keys + (d->high - lanes(bytes)) * bytes, v, bytes);
	d->low += lanes(bytes) - count;
	d->high -= count;
}

TARGET bool quicksort_avx2(char *keys, size_t count, size_t bytes,
			   unsigned depth)
{
	return bytes == 8 ? sort_in_vectors(keys, count, depth, 8)
			  : sort_in_vectors(keys, count, depth, 4);
}

#endif
