/* SPDX-License-Identifier: MIT */
/*
 * sort_wide.c - items that no unsigned number of 64 bits stands for.
 *
 * The sample sort of sort.c with comparisons for keys and, within a bucket, a
 * merge sort for the radix sort.  All of its parts keep the order of items that
 * are equal: those have one bucket, chunks are dealt in order, and merging
 * prefers what came first.
 */
#include "sort_wide.h"

#include <string.h>

#include "clones.h"
#include "share.h"

/* Items that are put in order by insertion before the first merging. */
#define RUN 16

bool sort_wide_knows(uint32_t dtype)
{
	return dtype == RIG_FLOAT128 || dtype == RIG_COMPLEX64 ||
	       dtype == RIG_COMPLEX128 || dtype == RIG_COMPLEX256;
}

/* `dtype` is a constant wherever these matter. */
INLINE size_t bytes_of(uint32_t dtype)
{
	return dtype == RIG_COMPLEX64    ? 2 * sizeof(float)
	       : dtype == RIG_COMPLEX128 ? 2 * sizeof(double)
	       : dtype == RIG_COMPLEX256 ? 2 * sizeof(long double)
					 : sizeof(long double);
}

struct parts {
	long double real, other;
};

INLINE struct parts load(uint32_t dtype, const void *item)
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

/* Of which kind it is: a number; one but for the other part; but for the real
 * part; none.  In this order they come. */
INLINE int kind_of(struct parts x)
{
	return 2 * (x.real != x.real) + (x.other != x.other);
}

INLINE bool before(uint32_t dtype, const void *first, const void *second)
{
	struct parts a = load(dtype, first), b = load(dtype, second);

	/* Most are numbers, of other real parts: then this is all. */
	if (a.other == a.other && b.other == b.other) {
		if (a.real < b.real)
			return true;
		if (a.real > b.real)
			return false;
	}
	if (kind_of(a) != kind_of(b))
		return kind_of(a) < kind_of(b);
	/* Comparisons with what is no number are false. */
	if (a.real < b.real || a.real > b.real)
		return a.real < b.real;
	return a.other < b.other;
}

bool sort_wide_before(uint32_t dtype, const void *a, const void *b)
{
	return before(dtype, a, b);
}

INLINE void insertion(uint32_t dtype, char *items, size_t count)
{
	const size_t bytes = bytes_of(dtype);
	char item[2 * sizeof(long double)];

	for (size_t i = 1; i < count; i++) {
		size_t at = i;

		memcpy(item, items + i * bytes, bytes);
		for (; at > 0 && before(dtype, item, items + (at - 1) * bytes);
		     at--)
			memcpy(items + at * bytes, items + (at - 1) * bytes,
			       bytes);
		memcpy(items + at * bytes, item, bytes);
	}
}

/* Two runs that lie one after the other, of `left` and `right` items. */
INLINE void merge(uint32_t dtype, char *to, const char *a, size_t left,
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
INLINE void merge_sort(uint32_t dtype, char *to, char *items, size_t count)
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

size_t sort_wide_memory(size_t item_bytes)
{
	return 2 * SAMPLES * item_bytes;
}

/* The same splitters in every rank, BUCKETS - 1 of them, at the beginning of
 * `memory`. */
INLINE void split(uint32_t dtype, const struct sort_wide *s, char *memory)
{
	const size_t bytes = bytes_of(dtype);
	char *samples = memory + SAMPLES * bytes;
	size_t step = s->length / SAMPLES;

	for (size_t i = 0; i < SAMPLES; i++)
		memcpy(samples + i * bytes,
		       s->x + (i * step + share_scatter(i) % step) * bytes,
		       bytes);
	merge_sort(dtype, memory, samples, SAMPLES);
	for (size_t b = 0; b + 1 < BUCKETS; b++)
		memcpy(memory + b * bytes,
		       memory + (b + 1) * (SAMPLES / BUCKETS) * bytes, bytes);
}

/* How many splitters the item is not before. */
INLINE size_t bucket_of(uint32_t dtype, const char *splitters, const char *item)
{
	const size_t bytes = bytes_of(dtype);
	size_t bucket = 0;

	for (size_t half = BUCKETS / 2; half > 0; half /= 2)
		if (!before(dtype, item,
			    splitters + (bucket + half - 1) * bytes))
			bucket += half;
	return bucket;
}

INLINE void note(uint32_t dtype, const struct sort_wide *s,
		 const char *splitters, size_t chunk)
{
	struct rig_span span = rig_strip(s->length, (int)chunk, CHUNKS);
	uint64_t *places = s->places + chunk * BUCKETS;

	memset(places, 0, BUCKETS * sizeof(*places));
	for (size_t i = span.begin; i < span.end; i++) {
		s->notes[i] = (uint8_t)bucket_of(dtype, splitters,
						 s->x + i * bytes_of(dtype));
		places[s->notes[i]]++;
	}
}

void sort_place(uint64_t *totals, uint64_t *places, struct rig_span buckets)
{
	for (size_t b = buckets.begin; b < buckets.end; b++) {
		uint64_t next = 0;

		for (size_t c = 0; c < CHUNKS; c++) {
			uint64_t found = places[c * BUCKETS + b];

			places[c * BUCKETS + b] = next;
			next += found;
		}
		totals[b] = next;
	}
}

INLINE void deal(uint32_t dtype, const struct sort_wide *s, size_t chunk,
		 const uint64_t *firsts)
{
	const size_t bytes = bytes_of(dtype);
	struct rig_span span = rig_strip(s->length, (int)chunk, CHUNKS);
	uint64_t next[BUCKETS];

	for (size_t b = 0; b < BUCKETS; b++)
		next[b] = firsts[b] + s->places[chunk * BUCKETS + b];
	for (size_t i = span.begin; i < span.end; i++)
		memcpy(s->dealt + next[s->notes[i]]++ * bytes, s->x + i * bytes,
		       bytes);
}

/* As in sort.c: ranks have about as many items. */
INLINE void finish_own(uint32_t dtype, const struct sort_wide *s,
		       const uint64_t *firsts)
{
	const size_t bytes = bytes_of(dtype);
	struct rig_span strip = rig_team_strip(s->team, s->length);

	for (size_t b = 0; b < BUCKETS; b++)
		if (firsts[b] >= strip.begin && firsts[b] < strip.end)
			merge_sort(dtype, s->x + firsts[b] * bytes,
				   s->dealt + firsts[b] * bytes, s->totals[b]);
}

INLINE int sort_few(uint32_t dtype, const struct sort_wide *s)
{
	if (rig_team_rank(s->team) == 0) {
		memcpy(s->dealt, s->x, s->length * bytes_of(dtype));
		merge_sort(dtype, s->x, s->dealt, s->length);
	}
	return rig_team_barrier(s->team);
}

INLINE int sort_typed(uint32_t dtype, const struct sort_wide *s, char *memory)
{
	struct rig_span chunks = rig_team_strip(s->team, CHUNKS);
	uint64_t firsts[BUCKETS], next = 0;

	if (s->length <= ONE_BUCKET)
		return sort_few(dtype, s);
	split(dtype, s, memory);
	for (size_t c = chunks.begin; c < chunks.end; c++)
		note(dtype, s, memory, c);
	rig_team_barrier(s->team);
	sort_place(s->totals, s->places, rig_team_strip(s->team, BUCKETS));
	rig_team_barrier(s->team);
	for (size_t b = 0; b < BUCKETS; b++) {
		firsts[b] = next;
		next += s->totals[b];
	}
	for (size_t c = chunks.begin; c < chunks.end; c++)
		deal(dtype, s, c, firsts);
	rig_team_barrier(s->team);
	finish_own(dtype, s, firsts);
	return rig_team_barrier(s->team);
}

int sort_wide(const struct sort_wide *sort, void *memory)
{
	switch (sort->dtype) {
	case RIG_COMPLEX64:
		return sort_typed(RIG_COMPLEX64, sort, memory);
	case RIG_COMPLEX128:
		return sort_typed(RIG_COMPLEX128, sort, memory);
	case RIG_COMPLEX256:
		return sort_typed(RIG_COMPLEX256, sort, memory);
	default:
		return sort_typed(RIG_FLOAT128, sort, memory);
	}
}
