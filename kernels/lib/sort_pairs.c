/* SPDX-License-Identifier: MIT */
/*
 * sort_pairs.c - a sample sort of keys with the places of their items.
 */
#include <kernels/lib/sort_pairs.h>

#include <stdlib.h>
#include <string.h>

#include <kernels/lib/splitters.h>

#define RADIX 256

/* Pairs up to which a bucket is sorted by insertion. */
#define FEW 48

/* In this process: one rank's view of a run. */
struct paired {
	struct sample sample; /* first: what is given stands for all of it */
	struct sort_order by;
	const char *items;
	uint64_t splitters[SPLITTERS];
};

INLINE const struct paired *paired(const struct sample *s)
{
	return (const struct paired *)s;
}

INLINE struct sort_pair *dealt(const struct sample *s)
{
	return (struct sort_pair *)s->dealt;
}

/* How many splitters are at most the key: a search without a branch. */
INLINE size_t bucket_of(const struct sample *s, size_t bytes, size_t i)
{
	const uint64_t *at = paired(s)->splitters;
	uint64_t key = pair_key(&paired(s)->by, paired(s)->items, i, bytes);
	size_t bucket = 0;

	for (size_t half = SAMPLE_BUCKETS / 2; half > 0; half /= 2)
		bucket += at[bucket + half - 1] <= key ? half : 0;
	return bucket;
}

INLINE size_t note(const struct sample *s, size_t bytes, struct rig_span span)
{
	return splitters_note(paired(s)->splitters, &paired(s)->by, true,
			      paired(s)->items + span.begin * bytes,
			      span.end - span.begin, bytes,
			      s->notes + span.begin);
}

INLINE void deal(const struct sample *s, size_t bytes, size_t to, size_t from)
{
	dealt(s)[to] = (struct sort_pair){
		pair_key(&paired(s)->by, paired(s)->items, from, bytes), from
	};
}

static void put(const struct sample *s, const struct sort_pair *pairs,
		size_t first, size_t count)
{
	uint64_t *places = (uint64_t *)s->x + first;

	for (size_t i = 0; i < count; i++)
		places[i] = pairs[i].place;
}

INLINE void move(const struct sample *s, size_t bytes, size_t first, size_t end)
{
	(void)bytes;
	put(s, dealt(s) + first, first, end - first);
}

static void insertion(struct sort_pair *pairs, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct sort_pair pair = pairs[i];
		size_t at = i;

		for (; at > 0 && pairs[at - 1].key > pair.key; at--)
			pairs[at] = pairs[at - 1];
		pairs[at] = pair;
	}
}

/* A digit of all keys; counts become places. */
static void pass(struct sort_pair *restrict to,
		 const struct sort_pair *restrict from, size_t count,
		 size_t digit, uint64_t counts[RADIX])
{
	uint64_t next = 0;

	for (size_t d = 0; d < RADIX; d++) {
		uint64_t found = counts[d];

		counts[d] = next;
		next += found;
	}
	for (size_t i = 0; i < count; i++)
		to[counts[from[i].key >> 8 * digit & (RADIX - 1)]++] = from[i];
}

/* By radix, lowest digit first, skipping digits that all keys share; returns
 * the array with the sorted pairs: `pairs` or `other`. */
static struct sort_pair *radix(struct sort_pair *pairs, struct sort_pair *other,
			       size_t count, size_t bytes)
{
	uint64_t counts[8][RADIX];
	uint64_t first = pairs->key;

	memset(counts, 0, bytes * sizeof(counts[0]));
	for (size_t i = 0; i < count; i++)
		for (size_t d = 0; d < bytes; d++)
			counts[d][pairs[i].key >> 8 * d & (RADIX - 1)]++;
	for (size_t d = 0; d < bytes; d++) {
		struct sort_pair *swap = pairs;

		if (counts[d][first >> 8 * d & (RADIX - 1)] == count)
			continue;
		pass(other, pairs, count, d, counts[d]);
		pairs = other;
		other = swap;
	}
	return pairs;
}

INLINE void sort(const struct sample *s, size_t bytes, size_t first, size_t end)
{
	struct sort_pair *pairs = dealt(s) + first;

	if (end - first > FEW)
		pairs = radix(pairs, dealt(s) + s->length + first, end - first,
			      bytes);
	else
		insertion(pairs, end - first);
	put(s, pairs, first, end - first);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The same splitters in every rank.  Where a value is several splitters, the
 * last of these becomes the next greater key: the bucket before then holds only
 * this value. */
INLINE void split(struct paired *p, size_t bytes)
{
	uint64_t *samples = p->sample.memory;
	uint64_t before;

	for (size_t i = 0; i < SAMPLE_ITEMS; i++)
		samples[i] = pair_key(&p->by, p->items,
				      sample_at(&p->sample, i), bytes);
	qsort(samples, SAMPLE_ITEMS, sizeof(*samples), by_value);
	for (size_t b = 0; b < SPLITTERS; b++)
		p->splitters[b] =
			samples[(b + 1) * (SAMPLE_ITEMS / SAMPLE_BUCKETS)];
	before = p->splitters[0];
	for (size_t b = 1; b < SPLITTERS; b++) {
		uint64_t key = p->splitters[b];

		if (key == before && key < UINT64_MAX &&
		    (b + 1 == SPLITTERS || p->splitters[b + 1] > key))
			p->splitters[b]++;
		before = key;
	}
	p->sample.equal[0] = false;
	for (size_t b = 1; b < SAMPLE_BUCKETS; b++)
		p->sample.equal[b] =
			p->splitters[b - 1] ==
			(b < SPLITTERS ? p->splitters[b] - 1 : UINT64_MAX);
}

static const struct sample_kind kind = { bucket_of, note, deal, move, sort };

INLINE int sort_sized(struct paired *p, size_t bytes)
{
	if (p->sample.length <= SAMPLE_FEW)
		return sample_sort_few(&p->sample, &kind, bytes);
	split(p, bytes);
	return sample_sort(&p->sample, &kind, bytes);
}

int sort_pairs(const struct sample *sample, const struct sort_order *by,
	       const char *items, size_t bytes)
{
	struct paired p = { .sample = *sample, .by = *by, .items = items };

	switch (bytes) {
	case 1:
		return sort_sized(&p, 1);
	case 2:
		return sort_sized(&p, 2);
	case 4:
		return sort_sized(&p, 4);
	default:
		return sort_sized(&p, 8);
	}
}
