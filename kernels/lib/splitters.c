/* SPDX-License-Identifier: MIT */
/*
 * splitters.c - buckets of items, in vectors of AVX-512.
 *
 * A search without a branch, as for one item, in all lanes: a lane has the number
 * of the bucket as far as its bits are known, and at each of eight levels this
 * says which splitter the key is compared with.  The splitters of the upper seven
 * levels are in registers, where a lane takes one by a permutation; those of the
 * last level are gathered.
 */
#include <kernels/lib/splitters.h>

#include <kernels/lib/quicksort.h>

#ifdef QUICKSORT_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f")))
#define VECTOR static inline __attribute__((always_inline, target("avx512f")))

/* In this process: the splitters of each level, those of level k at 2^k - 1. */
struct splitter_tree {
	uint32_t narrow[SPLITTERS];
	uint64_t wide[SPLITTERS];
};

static void fill_levels(struct splitter_tree *levels, const uint64_t *splitters)
{
	size_t at = 0;

	for (size_t apart = SAMPLE_BUCKETS; apart > 1; apart /= 2)
		for (size_t b = apart / 2; b < SAMPLE_BUCKETS; b += apart) {
			levels->narrow[at] = (uint32_t)splitters[b - 1];
			levels->wide[at++] = splitters[b - 1];
		}
}

/* Keys of items, in vectors: as sort_key() and sort_least(). */
VECTOR __m512i keys8(const struct sort_order *by, __m512i v, bool least)
{
	const __m512i sign = _mm512_set1_epi64((long long)by->sign);
	const __m512i zero = _mm512_set1_epi64((long long)by->zero);
	const __m512i nan = _mm512_set1_epi64((long long)by->nan);
	__mmask8 mask;

	if (by->kind == SORT_UNSIGNED)
		return v;
	if (by->kind == SORT_SIGNED)
		return _mm512_xor_si512(v, sign);
	mask = _mm512_cmplt_epi64_mask(v, _mm512_setzero_si512());
	v = _mm512_mask_xor_epi64(_mm512_xor_si512(v, sign), mask, v,
				  _mm512_set1_epi64(-1));
	v = _mm512_sub_epi64(v, _mm512_set1_epi64((long long)by->lowest));
	if (!least)
		return v;
	mask = _mm512_cmple_epu64_mask(_mm512_sub_epi64(v, zero),
				       _mm512_set1_epi64(1));
	return _mm512_min_epu64(_mm512_mask_mov_epi64(v, mask, zero), nan);
}

VECTOR __m512i keys4(const struct sort_order *by, __m512i v, bool least)
{
	const __m512i sign = _mm512_set1_epi32((int)by->sign);
	const __m512i zero = _mm512_set1_epi32((int)by->zero);
	const __m512i nan = _mm512_set1_epi32((int)by->nan);
	__mmask16 mask;

	if (by->kind == SORT_UNSIGNED)
		return v;
	if (by->kind == SORT_SIGNED)
		return _mm512_xor_si512(v, sign);
	mask = _mm512_cmplt_epi32_mask(v, _mm512_setzero_si512());
	v = _mm512_mask_xor_epi32(_mm512_xor_si512(v, sign), mask, v,
				  _mm512_set1_epi32(-1));
	v = _mm512_sub_epi32(v, _mm512_set1_epi32((int)by->lowest));
	if (!least)
		return v;
	mask = _mm512_cmple_epu32_mask(_mm512_sub_epi32(v, zero),
				       _mm512_set1_epi32(1));
	return _mm512_min_epu32(_mm512_mask_mov_epi32(v, mask, zero), nan);
}

/* One more bit of the bucket's number. */
VECTOR __m512i next8(__m512i bucket, __m512i splitter, __m512i key)
{
	__m512i twice = _mm512_add_epi64(bucket, bucket);

	return _mm512_mask_add_epi64(twice,
				     _mm512_cmple_epu64_mask(splitter, key),
				     twice, _mm512_set1_epi64(1));
}

VECTOR __m512i next4(__m512i bucket, __m512i splitter, __m512i key)
{
	__m512i twice = _mm512_add_epi32(bucket, bucket);

	return _mm512_mask_add_epi32(twice,
				     _mm512_cmple_epu32_mask(splitter, key),
				     twice, _mm512_set1_epi32(1));
}

/* Entry `i` of a table of 16 words in two registers, and of 8 in one. */
VECTOR __m512i of16(const __m512i *table, __m512i i)
{
	return _mm512_permutex2var_epi64(table[0], i, table[1]);
}

/* Words of a table of 32 words. */
VECTOR __m512i of32(const __m512i *table, __m512i i)
{
	return _mm512_mask_mov_epi64(
		of16(table, i),
		_mm512_test_epi64_mask(i, _mm512_set1_epi64(16)),
		of16(table + 2, i));
}

VECTOR __m512i of64(const __m512i *table, __m512i i)
{
	return _mm512_mask_mov_epi64(
		of32(table, i),
		_mm512_test_epi64_mask(i, _mm512_set1_epi64(32)),
		of32(table + 4, i));
}

/* Numbers of a table of 64 numbers of 4 bytes. */
VECTOR __m512i narrow_of64(const __m512i *table, __m512i i)
{
	return _mm512_mask_mov_epi32(
		_mm512_permutex2var_epi32(table[0], i, table[1]),
		_mm512_test_epi32_mask(i, _mm512_set1_epi32(32)),
		_mm512_permutex2var_epi32(table[2], i, table[3]));
}

/* `count` entries of a table. */
VECTOR __m512i load8(const uint64_t *words, unsigned count)
{
	return _mm512_maskz_loadu_epi64((__mmask8)((1u << count) - 1), words);
}

VECTOR __m512i load4(const uint32_t *words, unsigned count)
{
	return _mm512_maskz_loadu_epi32((__mmask16)((1u << count) - 1), words);
}

TARGET static size_t note8(const struct splitter_tree *levels,
			   const struct sort_order *order, bool least,
			   const char *items, size_t count, uint8_t *notes)
{
	const uint64_t *w = levels->wide;
	const __m512i root = load8(w, 1), second = load8(w + 1, 2);
	const __m512i third = load8(w + 3, 4), fourth = load8(w + 7, 8);
	const struct sort_order by = *order;
	__m512i fifth[2], sixth[4], seventh[8];
	size_t i;

	for (i = 0; i < 2; i++)
		fifth[i] = load8(w + 15 + 8 * i, 8);
	for (i = 0; i < 4; i++)
		sixth[i] = load8(w + 31 + 8 * i, 8);
	for (i = 0; i < 8; i++)
		seventh[i] = load8(w + 63 + 8 * i, 8);
	for (i = 0; i + 8 <= count; i += 8) {
		__m512i key =
			keys8(&by, _mm512_loadu_si512(items + 8 * i), least);
		__m512i b = _mm512_setzero_si512();

		b = next8(b, _mm512_permutexvar_epi64(b, root), key);
		b = next8(b, _mm512_permutexvar_epi64(b, second), key);
		b = next8(b, _mm512_permutexvar_epi64(b, third), key);
		b = next8(b, _mm512_permutexvar_epi64(b, fourth), key);
		b = next8(b, of16(fifth, b), key);
		b = next8(b, of32(sixth, b), key);
		b = next8(b, of64(seventh, b), key);
		b = next8(b, _mm512_i64gather_epi64(b, w + 127, 8), key);
		_mm_storel_epi64((__m128i *)(void *)(notes + i),
				 _mm512_cvtepi64_epi8(b));
	}
	return i;
}

TARGET static size_t note4(const struct splitter_tree *levels,
			   const struct sort_order *order, bool least,
			   const char *items, size_t count, uint8_t *notes)
{
	const uint32_t *w = levels->narrow;
	const __m512i root = load4(w, 1), second = load4(w + 1, 2);
	const __m512i third = load4(w + 3, 4), fourth = load4(w + 7, 8);
	const __m512i fifth = load4(w + 15, 16);
	const __m512i sixth[2] = { load4(w + 31, 16), load4(w + 47, 16) };
	const struct sort_order by = *order;
	__m512i seventh[4];
	size_t i;

	for (i = 0; i < 4; i++)
		seventh[i] = load4(w + 63 + 16 * i, 16);
	for (i = 0; i + 16 <= count; i += 16) {
		__m512i key =
			keys4(&by, _mm512_loadu_si512(items + 4 * i), least);
		__m512i b = _mm512_setzero_si512();

		b = next4(b, _mm512_permutexvar_epi32(b, root), key);
		b = next4(b, _mm512_permutexvar_epi32(b, second), key);
		b = next4(b, _mm512_permutexvar_epi32(b, third), key);
		b = next4(b, _mm512_permutexvar_epi32(b, fourth), key);
		b = next4(b, _mm512_permutexvar_epi32(b, fifth), key);
		b = next4(b, _mm512_permutex2var_epi32(sixth[0], b, sixth[1]),
			  key);
		b = next4(b, narrow_of64(seventh, b), key);
		b = next4(b, _mm512_i32gather_epi32(b, w + 127, 4), key);
		_mm_storeu_si128((__m128i *)(void *)(notes + i),
				 _mm512_cvtepi32_epi8(b));
	}
	return i;
}

size_t splitters_note(const uint64_t splitters[SPLITTERS],
		      const struct sort_order *by, bool least,
		      const char *items, size_t count, size_t bytes,
		      uint8_t *notes)
{
	struct splitter_tree levels;

	/* A splitter may be the key after the greatest, which needs more bits. */
	if (bytes < 4 || quicksort_best() != QUICKSORT_AVX512 ||
	    (bytes == 4 && splitters[SPLITTERS - 1] > UINT32_MAX))
		return 0;
	fill_levels(&levels, splitters);
	least = least && by->stable;
	return bytes == 8 ? note8(&levels, by, least, items, count, notes)
			  : note4(&levels, by, least, items, count, notes);
}

#else

size_t splitters_note(const uint64_t splitters[SPLITTERS],
		      const struct sort_order *by, bool least,
		      const char *items, size_t count, size_t bytes,
		      uint8_t *notes)
{
	(void)splitters;
	(void)by;
	(void)least;
	(void)items;
	(void)count;
	(void)bytes;
	(void)notes;
	return 0;
}

#endif
