/* SPDX-License-Identifier: MIT */
/*
 * sample.h - a sample sort: the part that does not depend on the kind of item.
 *
 *	1  every rank draws the same sample, and takes splitters from it: the
 *	   values between two splitters are a bucket
 *	2  each chunk notes its items' buckets, and the number of items in each
 *	3  each bucket's counts become places, chunk after chunk
 *	4  each chunk deals its items out to the second array
 *	5  each bucket is put in order and back into the first array
 *
 * with a barrier after each step but the first.  Neither chunks nor buckets
 * depend on the team.
 *
 * A value so frequent that it is two splitters at least gets a separate bucket.
 * Such a bucket is in order already, however large, and every rank moves a part
 * of the bucket.  All other buckets have about 1/256 of the items or less, and
 * ranks sort equal shares of these buckets.
 *
 * Several hosts each do steps 1 to 4 alone, with the same results, and share out the
 * buckets of step 5.
 *
 * What the items are is told by a struct sample_kind.  Its functions are known
 * when this is compiled, and become part of the loops.
 */
#ifndef KERNELS_SAMPLE_H
#define KERNELS_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <runrig/team.h>

#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>

#define SAMPLE_BUCKETS 256
#define SAMPLE_CHUNKS  256

/* Items of the sample. */
#define SAMPLE_ITEMS (SAMPLE_BUCKETS * 16)

/* Up to so many items a single rank is quickest. */
#define SAMPLE_FEW 4096

/* Words of the array with s->totals and s->places. */
#define SAMPLE_COUNTS (SAMPLE_BUCKETS + SAMPLE_CHUNKS * SAMPLE_BUCKETS)

/* In this process: a rank's view of a run. */
struct sample {
	struct rig_team *team;
	size_t length;
	char *x, *dealt;            /* shared: items, and the second array */
	uint8_t *notes;             /* shared: each item's bucket */
	uint64_t *totals, *places;  /* shared: of buckets; chunks x buckets */
	void *memory;               /* private: sample_memory() */
	bool equal[SAMPLE_BUCKETS]; /* all items of the bucket are equal */
	size_t item_bytes;          /* of x; 0: the kernel is for one host */
};

/* Every rank of every host has sorted the buckets that begin in its strip of the
 * world: each host gets the buckets of the others.  Waits. */
int sample_exchange(const struct sample *s);

/* What is done with items of a kind.  `what` tells apart kinds that differ in
 * little, and is a constant too. */
struct sample_kind {
	/* The bucket of item i of x. */
	size_t (*bucket)(const struct sample *s, size_t what, size_t i);
	/* Note the buckets of the first of these items of x, as many as is quick
	 * to do at once; returns how many. */
	size_t (*note)(const struct sample *s, size_t what,
		       struct rig_span span);
	/* Put item `from` of x to place `to` of dealt. */
	void (*deal)(const struct sample *s, size_t what, size_t to,
		     size_t from);
	/* Items first to end - 1, from dealt to x: unchanged, or sorted. */
	void (*move)(const struct sample *s, size_t what, size_t first,
		     size_t end);
	void (*sort)(const struct sample *s, size_t what, size_t first,
		     size_t end);
};

/* Room for the sample and as much again, as items or as words. */
static inline size_t sample_memory(size_t item_bytes)
{
	return 2 * SAMPLE_ITEMS *
	       (item_bytes < sizeof(uint64_t) ? sizeof(uint64_t) : item_bytes);
}

/* The place in x of number i of the sample: an item of each of as many strips.
 * There are at least SAMPLE_ITEMS items. */
static inline size_t sample_at(const struct sample *s, size_t i)
{
	size_t step = s->length / SAMPLE_ITEMS;

	return i * step + share_scatter(i) % step;
}

/* The rough progress of a sort when all items are noted, and dealt. */
#define SAMPLE_NOTED 0.3
#define SAMPLE_DEALT 0.6

/* From `from` to `to` of a sort is done, as far as `done` is of `count`. */
static inline void sample_say(const struct sample *s, double from, double to,
			      size_t done, size_t count)
{
	rig_team_progress(s->team,
			  from + (to - from) * (double)done / (double)count);
}

INLINE void sample_note(const struct sample *s, const struct sample_kind *kind,
			size_t what, size_t chunk)
{
	struct rig_span span = rig_strip(s->length, (int)chunk, SAMPLE_CHUNKS);
	uint64_t found[SAMPLE_BUCKETS] = { 0 };
	size_t noted = kind->note ? kind->note(s, what, span) : 0;

	for (size_t i = span.begin + noted; i < span.end; i++)
		s->notes[i] = (uint8_t)kind->bucket(s, what, i);
	for (size_t i = span.begin; i < span.end; i++)
		found[s->notes[i]]++;
	memcpy(s->places + chunk * SAMPLE_BUCKETS, found, sizeof(found));
}

/* In the given buckets, counts of chunks become places from 0 on, chunk after
 * chunk; and the totals are set. */
static inline void sample_place(const struct sample *s, struct rig_span buckets)
{
	for (size_t b = buckets.begin; b < buckets.end; b++) {
		uint64_t next = 0;

		for (size_t c = 0; c < SAMPLE_CHUNKS; c++) {
			uint64_t *place = s->places + c * SAMPLE_BUCKETS + b;
			uint64_t found = *place;

			*place = next;
			next += found;
		}
		s->totals[b] = next;
	}
}

INLINE void sample_deal(const struct sample *s, const struct sample_kind *kind,
			size_t what, size_t chunk)
{
	struct rig_span span = rig_strip(s->length, (int)chunk, SAMPLE_CHUNKS);
	const uint64_t *places = s->places + chunk * SAMPLE_BUCKETS;
	uint64_t next[SAMPLE_BUCKETS], first = 0;

	for (size_t b = 0; b < SAMPLE_BUCKETS; b++) {
		next[b] = first + places[b];
		first += s->totals[b];
	}
	for (size_t i = span.begin; i < span.end; i++)
		kind->deal(s, what, next[s->notes[i]]++, i);
}

/* Move the part of items first to end - 1 that lies in the own strip of all
 * items. */
INLINE void sample_move(const struct sample *s, const struct sample_kind *kind,
			size_t what, size_t first, size_t end)
{
	struct rig_span own = rig_team_strip(s->team, s->length);
	size_t from = first > own.begin ? first : own.begin;
	size_t to = end < own.end ? end : own.end;

	if (from < to)
		kind->move(s, what, from, to);
}

/* Every rank has a strip of the items to be sorted, and sorts the buckets that
 * begin in the strip. */
INLINE void sample_finish(const struct sample *s,
			  const struct sample_kind *kind, size_t what)
{
	size_t first = 0, sorted = 0, unequal = 0;
	struct rig_span own;

	for (size_t b = 0; b < SAMPLE_BUCKETS; b++)
		unequal += s->equal[b] ? 0 : s->totals[b];
	own = world_strip(s->team, unequal);
	for (size_t b = 0; b < SAMPLE_BUCKETS; b++) {
		size_t end = first + s->totals[b];

		if (s->equal[b]) {
			sample_move(s, kind, what, first, end);
		} else {
			if (first < end && sorted >= own.begin &&
			    sorted < own.end) {
				kind->sort(s, what, first, end);
				sample_say(s, SAMPLE_DEALT, 1,
					   sorted - own.begin,
					   own.end - own.begin);
			}
			sorted += s->totals[b];
		}
		first = end;
	}
}

/* Sort with the kind's splitters and s->equal.  Called by every rank; waits. */
INLINE int sample_sort(const struct sample *s, const struct sample_kind *kind,
		       size_t what)
{
	struct rig_span chunks = rig_team_strip(s->team, SAMPLE_CHUNKS);

	for (size_t c = chunks.begin; c < chunks.end; c++) {
		sample_note(s, kind, what, c);
		sample_say(s, 0, SAMPLE_NOTED, c + 1 - chunks.begin,
			   chunks.end - chunks.begin);
	}
	rig_team_barrier(s->team);
	sample_place(s, rig_team_strip(s->team, SAMPLE_BUCKETS));
	rig_team_barrier(s->team);
	for (size_t c = chunks.begin; c < chunks.end; c++) {
		sample_deal(s, kind, what, c);
		sample_say(s, SAMPLE_NOTED, SAMPLE_DEALT, c + 1 - chunks.begin,
			   chunks.end - chunks.begin);
	}
	rig_team_barrier(s->team);
	sample_finish(s, kind, what);
	if (s->item_bytes && rig_team_hosts(s->team, NULL) > 1)
		return sample_exchange(s);
	return rig_team_barrier(s->team);
}

/* The same for few items: a single rank sorts. */
INLINE int sample_sort_few(const struct sample *s,
			   const struct sample_kind *kind, size_t what)
{
	if (rig_team_rank(s->team) == 0) {
		for (size_t i = 0; i < s->length; i++)
			kind->deal(s, what, i, i);
		kind->sort(s, what, 0, s->length);
	}
	return rig_team_barrier(s->team);
}

#endif
