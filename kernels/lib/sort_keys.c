/* SPDX-License-Identifier: MIT */
/*
 * sort_keys.c - a sample sort of keys, with quicksorts or radix sorts inside.
 *
 * Items are dealt out as keys.  A bucket's keys of 4 and 8 bytes are sorted in
 * vectors where they lie, where this CPU has vectors for it (quicksort.h).  Other
 * keys, and those that the quicksort gives up, are sorted by radix between the two
 * arrays.  They end as items in the first.
 *
 * In a stable order zeros have a bucket of their own, and so have all that are
 * no numbers: dealt in order, they are in order.
 */
#include <kernels/lib/sort_keys.h>

#include <string.h>

#include <kernels/lib/clones.h>
#include <kernels/lib/quicksort.h>
#include <kernels/lib/sample.h>
#include <kernels/lib/splitters.h>

#define RADIX 256

/* Keys up to which a bucket is sorted by insertion. */
#define FEW 48

/* In this process: one rank's view of a run. */
struct keyed {
	struct sample sample; /* first: what is given stands for all of it */
	struct sort_order by;
	enum quicksort_kind vectors;
	uint64_t splitters[SPLITTERS];
};

INLINE const struct keyed *keyed(const struct sample *s)
{
	return (const struct keyed *)s;
}

INLINE uint64_t key_at(const struct keyed *k, size_t i, size_t bytes)
{
	return sort_key(&k->by, sort_load(k->sample.x, i, bytes), bytes);
}

/* How many splitters are at most the key: a search without a branch. */
INLINE size_t bucket_of(const struct sample *s, size_t bytes, size_t i)
{
	const uint64_t *at = keyed(s)->splitters;
	uint64_t key = key_at(keyed(s), i, bytes);
	size_t bucket = 0;

	for (size_t half = SAMPLE_BUCKETS / 2; half > 0; half /= 2)
		bucket += at[bucket + half - 1] <= key ? half : 0;
	return bucket;
}

INLINE size_t note(const struct sample *s, size_t bytes, struct rig_span span)
{
	return splitters_note(keyed(s)->splitters, &keyed(s)->by, false,
			      s->x + span.begin * bytes, span.end - span.begin,
			      bytes, s->notes + span.begin);
}

INLINE void deal(const struct sample *s, size_t bytes, size_t to, size_t from)
{
	sort_store(s->dealt, to, bytes, key_at(keyed(s), from, bytes));
}

/* Keys become items, and go to x. */
INLINE void put(const struct sample *s, size_t bytes, const char *keys,
		size_t first, size_t count)
{
	char *x = s->x + first * bytes;

	for (size_t i = 0; i < count; i++)
		sort_store(x, i, bytes,
			   sort_item(&keyed(s)->by, sort_load(keys, i, bytes),
				     bytes));
}

INLINE void move(const struct sample *s, size_t bytes, size_t first, size_t end)
{
	put(s, bytes, s->dealt + first * bytes, first, end - first);
}

INLINE void insertion(char *keys, size_t count, size_t bytes)
{
	for (size_t i = 1; i < count; i++) {
		uint64_t key = sort_load(keys, i, bytes);
		size_t at = i;

		for (; at > 0 && sort_load(keys, at - 1, bytes) > key; at--)
			sort_store(keys, at, bytes,
				   sort_load(keys, at - 1, bytes));
		sort_store(keys, at, bytes, key);
	}
}

/* A digit of all keys; counts become places. */
INLINE void pass(char *restrict to, const char *restrict from, size_t count,
		 size_t digit, uint64_t counts[RADIX], size_t bytes)
{
	uint64_t next = 0;

	for (size_t d = 0; d < RADIX; d++) {
		uint64_t found = counts[d];

		counts[d] = next;
		next += found;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t key = sort_load(from, i, bytes);

		sort_store(to, counts[key >> 8 * digit & (RADIX - 1)]++, bytes,
			   key);
	}
}

/* Sort keys by radix, lowest digit first, skipping digits that all keys share;
 * returns the array with the sorted keys: `keys` or `other`. */
INLINE char *radix(char *keys, char *other, size_t count, size_t bytes)
{
	uint64_t counts[8][RADIX];
	uint64_t first = sort_load(keys, 0, bytes);

	memset(counts, 0, bytes * sizeof(counts[0]));
	for (size_t i = 0; i < count; i++) {
		uint64_t key = sort_load(keys, i, bytes);

		for (size_t d = 0; d < bytes; d++)
			counts[d][key >> 8 * d & (RADIX - 1)]++;
	}
	for (size_t d = 0; d < bytes; d++) {
		char *swap = keys;

		if (counts[d][first >> 8 * d & (RADIX - 1)] == count)
			continue;
		pass(other, keys, count, d, counts[d], bytes);
		keys = other;
		other = swap;
	}
	return keys;
}

/* Returns where the sorted keys are: `keys` or `other`. */
INLINE char *sort_any(enum quicksort_kind vectors, char *keys, char *other,
		      size_t count, size_t bytes)
{
	if (bytes >= 4 && quicksort(vectors, keys, count, bytes))
		return keys;
	if (count > FEW)
		return radix(keys, other, count, bytes);
	insertion(keys, count, bytes);
	return keys;
}

INLINE void sort(const struct sample *s, size_t bytes, size_t first, size_t end)
{
	char *keys = s->dealt + first * bytes;

	keys = sort_any(keyed(s)->vectors, keys, s->x + first * bytes,
			end - first, bytes);
	put(s, bytes, keys, first, end - first);
}

/* Where a value is several splitters, the last of these becomes the next
 * greater key: the bucket before then holds only this value. */
static void part_equals(struct keyed *k)
{
	uint64_t before = k->splitters[0];

	for (size_t b = 1; b < SPLITTERS; b++) {
		uint64_t key = k->splitters[b];
		uint64_t greatest = sort_greatest(&k->by, key);

		if (key == before && greatest < UINT64_MAX &&
		    (b + 1 == SPLITTERS || k->splitters[b + 1] > key))
			k->splitters[b] = greatest + 1;
		before = key;
	}
}

/* Find the buckets with room for a single key only. */
static void find_equals(struct keyed *k)
{
	k->sample.equal[0] = false;
	for (size_t b = 1; b < SAMPLE_BUCKETS; b++) {
		uint64_t last =
			b < SPLITTERS ? k->splitters[b] - 1 : UINT64_MAX;

		k->sample.equal[b] =
			sort_greatest(&k->by, k->splitters[b - 1]) == last;
	}
}

/* The same splitters in every rank; too few items need none. */
INLINE void split(struct keyed *k, size_t bytes)
{
	uint64_t *samples = k->sample.memory;
	bool few = k->sample.length < SAMPLE_ITEMS;

	for (size_t i = 0; i < SAMPLE_ITEMS; i++)
		samples[i] =
			few ? k->by.nan
			    : sort_least(&k->by,
					 key_at(k, sample_at(&k->sample, i),
						bytes));
	samples = (uint64_t *)radix((char *)samples,
				    (char *)(samples + SAMPLE_ITEMS),
				    SAMPLE_ITEMS, sizeof(*samples));
	for (size_t b = 0; b < SPLITTERS; b++)
		k->splitters[b] =
			samples[(b + 1) * (SAMPLE_ITEMS / SAMPLE_BUCKETS)];
	/* Equal keys with different bits have separate buckets, be they few or
	 * many. */
	if (k->by.stable) {
		k->splitters[SPLITTERS / 4] = k->by.zero;
		k->splitters[SPLITTERS / 2] = k->by.zero + 2;
		k->splitters[SPLITTERS / 4 * 3] = k->by.nan;
		insertion((char *)k->splitters, SPLITTERS, sizeof(uint64_t));
	}
	part_equals(k);
	find_equals(k);
}

static const struct sample_kind kind = { bucket_of, note, deal, move, sort };

INLINE int sort_sized(struct keyed *k, size_t bytes)
{
	if (k->sample.length <= SAMPLE_FEW && !k->by.stable)
		return sample_sort_few(&k->sample, &kind, bytes);
	split(k, bytes);
	return sample_sort(&k->sample, &kind, bytes);
}

int sort_keys(const struct sample *sample, const struct sort_order *by,
	      size_t bytes)
{
	struct keyed k = { .sample = *sample,
			   .by = *by,
			   .vectors = quicksort_best() };

	switch (bytes) {
	case 1:
		return sort_sized(&k, 1);
	case 2:
		return sort_sized(&k, 2);
	case 4:
		return sort_sized(&k, 4);
	default:
		return sort_sized(&k, 8);
	}
}

INLINE void line_sized(const struct sort_order *by, size_t bytes, char *items,
		       char *other, size_t count)
{
	const struct sort_order own = *by;
	char *keys;

	for (size_t i = 0; i < count; i++)
		sort_store(items, i, bytes,
			   sort_key(&own, sort_load(items, i, bytes), bytes));
	keys = sort_any(quicksort_best(), items, other, count, bytes);
	for (size_t i = 0; i < count; i++)
		sort_store(items, i, bytes,
			   sort_item(&own, sort_load(keys, i, bytes), bytes));
}

void sort_keys_line(const struct sort_order *by, size_t bytes, char *items,
		    char *other, size_t count)
{
	switch (bytes) {
	case 1:
		line_sized(by, 1, items, other, count);
		break;
	case 2:
		line_sized(by, 2, items, other, count);
		break;
	case 4:
		line_sized(by, 4, items, other, count);
		break;
	default:
		line_sized(by, 8, items, other, count);
	}
}
