/* SPDX-License-Identifier: MIT */
/*
 * sort_wide.c - items for which no unsigned number of 64 bits can stand.
 *
 * A sample sort by comparison, with merge sorts inside.  All parts keep the
 * order of equal items: equal items have the same bucket, chunks are dealt in
 * order, and merging prefers the earlier item.
 */
#include <kernels/lib/sort_wide.h>

#include <float.h>
#include <string.h>

#include <runrig/kernel.h>

#include <kernels/lib/clones.h>
#include <kernels/lib/order_sum.h>

/* Items that are put in order by insertion before the first merging. */
#define RUN 16

bool sort_wide_knows(uint32_t dtype)
{
	return dtype == RIG_FLOAT128 || dtype == RIG_COMPLEX64 ||
	       dtype == RIG_COMPLEX128 || dtype == RIG_COMPLEX256;
}

/* `dtype` is a constant wherever speed matters. */
INLINE size_t bytes_of(size_t dtype)
{
	return dtype == RIG_COMPLEX64    ? 2 * sizeof(float)
	       : dtype == RIG_COMPLEX128 ? 2 * sizeof(double)
	       : dtype == RIG_COMPLEX256 ? 2 * sizeof(long double)
					 : sizeof(long double);
}

struct parts {
	long double real, other;
};

INLINE struct parts load(size_t dtype, const void *item)
{
	struct parts parts = { 0, 0 };
	long double wide[2];
	double middle[2];
	float narrow[2];

	switch (dtype) {
	case RIG_COMPLEX64:
		memcpy(narrow, item, sizeof(narrow));
		return (struct parts){ narrow[0], narrow[1] };
	case RIG_COMPLEX128:
		memcpy(middle, item, sizeof(middle));
		return (struct parts){ middle[0], middle[1] };
	case RIG_COMPLEX256:
		memcpy(wide, item, sizeof(wide));
		return (struct parts){ wide[0], wide[1] };
	default:
		memcpy(&parts.real, item, sizeof(parts.real));
		return parts;
	}
}

/* 0: both parts are numbers; 1: only the real part is; 2: only the other part
 * is; 3: neither part is.  Lower kinds come first. */
INLINE int kind_of(struct parts x)
{
	return 2 * (x.real != x.real) + (x.other != x.other);
}

INLINE bool before(size_t dtype, const void *first, const void *second)
{
	struct parts a = load(dtype, first), b = load(dtype, second);

	/* Most items are numbers with different real parts: then the comparison
	 * ends here. */
	if (a.other == a.other && b.other == b.other) {
		if (a.real < b.real)
			return true;
		if (a.real > b.real)
			return false;
	}
	if (kind_of(a) != kind_of(b))
		return kind_of(a) < kind_of(b);
	/* Comparisons with a NaN are false. */
	if (a.real < b.real || a.real > b.real)
		return a.real < b.real;
	return a.other < b.other;
}

bool sort_wide_before(uint32_t dtype, const void *a, const void *b)
{
	return before(dtype, a, b);
}

/* The bytes of a long double that count: the other bytes of the 16 may have any
 * value. */
#define LONG_BYTES (LDBL_MANT_DIG == 64 ? 10 : sizeof(long double))

uint64_t sort_wide_class(uint32_t dtype, const void *item)
{
	struct parts x = load(dtype, item);
	unsigned char words[2][sizeof(long double)] = { { 0 } };

	if (x.real == x.real && x.real != 0 && x.other == x.other &&
	    (x.other != 0 || dtype == RIG_FLOAT128))
		return 0;
	/* Zeros stay zero here, and all NaNs become the same NaN. */
	if (x.real != x.real)
		memset(words[0], 0xff, sizeof(words[0]));
	else if (x.real != 0)
		memcpy(words[0], &x.real, LONG_BYTES);
	if (x.other != x.other)
		memset(words[1], 0xff, sizeof(words[1]));
	else if (x.other != 0)
		memcpy(words[1], &x.other, LONG_BYTES);
	return sum_items(words, 1, sizeof(words), 0, 0);
}

INLINE void insertion(size_t dtype, char *items, size_t count)
{
	const size_t bytes = bytes_of(dtype);
	char item[2 * sizeof(long double)];

	for (size_t i = 1; i < count; i++) {
		size_t at = i;

		memcpy(item, items + i * bytes, bytes);
		/* GCC 12 would keep two long doubles in registers of 10 bytes
		 * each, and drop the rest. */
		__asm__("" : "+m"(item));
		for (; at > 0 && before(dtype, item, items + (at - 1) * bytes);
		     at--)
			memcpy(items + at * bytes, items + (at - 1) * bytes,
			       bytes);
		memcpy(items + at * bytes, item, bytes);
	}
}

/* Two neighbouring runs, of `left` and `right` items. */
INLINE void merge(size_t dtype, char *to, const char *a, size_t left,
		  size_t right)
{
	const size_t bytes = bytes_of(dtype);
	const char *b = a + left * bytes;

	if (left && right && !before(dtype, b, b - bytes)) {
		memcpy(to, a, (left + right) * bytes);
		return;
	}
	while (left && right) {
		bool second = before(dtype, b, a);
		const char **from = second ? &b : &a;

		memcpy(to, *from, bytes);
		*from += bytes;
		to += bytes;
		left -= !second;
		right -= second;
	}
	memcpy(to, a, left * bytes);
	memcpy(to + left * bytes, b, right * bytes);
}

/* Sort `items` into `to`; both are written. */
INLINE void merge_sort(size_t dtype, char *to, char *items, size_t count)
{
	const size_t bytes = bytes_of(dtype);
	char *end = to;

	for (size_t i = 0; i < count; i += RUN)
		insertion(dtype, items + i * bytes,
			  count - i < RUN ? count - i : RUN);
	for (size_t run = RUN; run < count; run *= 2) {
		char *swap = items;

		for (size_t i = 0; i < count; i += 2 * run) {
			size_t left = count - i < run ? count - i : run;
			size_t right = count - i - left;

			merge(dtype, to + i * bytes, items + i * bytes, left,
			      right < run ? right : run);
		}
		items = to;
		to = swap;
	}
	if (items != end)
		memcpy(end, items, count * bytes);
}

INLINE size_t bucket_of(const struct sample *s, size_t dtype, size_t i)
{
	const size_t bytes = bytes_of(dtype);
	const char *item = s->x + i * bytes, *splitters = s->memory;
	size_t bucket = 0; /* how many splitters the item is not before */

	for (size_t half = SAMPLE_BUCKETS / 2; half > 0; half /= 2)
		if (!before(dtype, item,
			    splitters + (bucket + half - 1) * bytes))
			bucket += half;
	/* Items equal to a frequent value lie apart from the items beyond. */
	if (bucket > 0 && s->equal[bucket - 1] &&
	    !before(dtype, splitters + (bucket - 1) * bytes, item))
		bucket--;
	return bucket;
}

INLINE void deal(const struct sample *s, size_t dtype, size_t to, size_t from)
{
	const size_t bytes = bytes_of(dtype);

	memcpy(s->dealt + to * bytes, s->x + from * bytes, bytes);
}

INLINE void move(const struct sample *s, size_t dtype, size_t first, size_t end)
{
	const size_t bytes = bytes_of(dtype);

	memcpy(s->x + first * bytes, s->dealt + first * bytes,
	       (end - first) * bytes);
}

INLINE void sort(const struct sample *s, size_t dtype, size_t first, size_t end)
{
	const size_t bytes = bytes_of(dtype);

	merge_sort(dtype, s->x + first * bytes, s->dealt + first * bytes,
		   end - first);
}

/* The same splitters in every rank, at the beginning of the memory.  Where a
 * value is two splitters, the bucket between the two is for this value
 * alone. */
INLINE void split(struct sample *s, size_t dtype)
{
	const size_t bytes = bytes_of(dtype);
	char *splitters = s->memory;
	char *samples = splitters + SAMPLE_ITEMS * bytes;

	for (size_t i = 0; i < SAMPLE_ITEMS; i++)
		memcpy(samples + i * bytes, s->x + sample_at(s, i) * bytes,
		       bytes);
	merge_sort(dtype, splitters, samples, SAMPLE_ITEMS);
	for (size_t b = 0; b + 1 < SAMPLE_BUCKETS; b++) {
		char *splitter = splitters + b * bytes;

		memcpy(splitter,
		       splitters + (b + 1) * (SAMPLE_ITEMS / SAMPLE_BUCKETS) *
					   bytes,
		       bytes);
		s->equal[b] =
			b > 0 && !before(dtype, splitter - bytes, splitter);
	}
}

static const struct sample_kind kind = { bucket_of, NULL, deal, move, sort };

INLINE int sort_typed(const struct sample *sample, size_t dtype)
{
	struct sample s = *sample;

	if (s.length <= SAMPLE_FEW)
		return sample_sort_few(&s, &kind, dtype);
	split(&s, dtype);
	return sample_sort(&s, &kind, dtype);
}

int sort_wide(const struct sample *sample, uint32_t dtype)
{
	switch (dtype) {
	case RIG_COMPLEX64:
		return sort_typed(sample, RIG_COMPLEX64);
	case RIG_COMPLEX128:
		return sort_typed(sample, RIG_COMPLEX128);
	case RIG_COMPLEX256:
		return sort_typed(sample, RIG_COMPLEX256);
	default:
		return sort_typed(sample, RIG_FLOAT128);
	}
}

INLINE void line_typed(size_t dtype, char *items, char *other, size_t count)
{
	memcpy(other, items, count * bytes_of(dtype));
	merge_sort(dtype, items, other, count);
}

void sort_wide_line(uint32_t dtype, char *items, char *other, size_t count)
{
	switch (dtype) {
	case RIG_COMPLEX64:
		line_typed(RIG_COMPLEX64, items, other, count);
		break;
	case RIG_COMPLEX128:
		line_typed(RIG_COMPLEX128, items, other, count);
		break;
	case RIG_COMPLEX256:
		line_typed(RIG_COMPLEX256, items, other, count);
		break;
	default:
		line_typed(RIG_FLOAT128, items, other, count);
	}
}
