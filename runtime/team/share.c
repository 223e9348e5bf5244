/* SPDX-License-Identifier: MIT */
/*
 * share.c - work dealt out: a word per rank, from which owner and thieves take.
 *
 * The word of a rank says which chunks are left: `begin` and `end`, and the low bits
 * of the number of the chunks' share (the tag).  The owner takes chunks from the
 * front, thieves from the back, both by one CAS.  A thief puts the chunks that are not
 * needed at once into the thief's own word, which is empty at that moment, so that
 * other ranks can take the chunks from there.
 *
 * No rank waits for another rank at the beginning.  The word of a rank that has not
 * begun the share has an earlier tag.  If the word is empty, every rank can compute
 * the strip, and the first rank to take a chunk writes the new tag.  If the word is
 * not empty, the owner is still at the earlier share: thieves leave the word alone,
 * and the owner begins its strip later.  A rank that finds a later tag in its own word
 * keeps stolen chunks in hand.
 *
 * No word is ever the same twice within a share: a chunk that is no longer the first
 * of the word is done or in hand, for thieves take the first chunk only if no other is
 * left, and do that chunk at once.  So a CAS that succeeds means that nothing has
 * changed.
 *
 * Tags tell 128 shares apart; the beginning of a share is a call (call.h), and no rank
 * is more than CALLS_OPEN calls behind.  A rank may have had no part of many shares;
 * at the beginning of a share the rank brings its word up to the share before.  Static
 * shares use no word, and have no tag.
 */
#include <errno.h>

#include <runrig/share.h>

#include "team/call.h"
#include "team/wide.h"

#define BITS 28
#define MASK ((UINT64_C(1) << BITS) - 1)

_Static_assert(RIG_SHARE_CHUNKS_MAX <= MASK + 1, "an end fits");
_Static_assert(CALLS_OPEN < 64, "tags are told apart");

/* A guided part is this fraction of what is left of a strip. */
#define GUIDED 16

static uint64_t pack(uint8_t tag, size_t begin, size_t end)
{
	return (uint64_t)tag << 2 * BITS | (uint64_t)begin << BITS | end;
}

static struct rig_span span_of(uint64_t word)
{
	return (struct rig_span){ word >> BITS & MASK, word & MASK };
}

static size_t length(struct rig_span span)
{
	return span.end - span.begin;
}

/* The chunks of `rank` that are left, by the rank's word. */
static struct rig_span left_of(const struct rig_share *share, int rank,
			       uint64_t word)
{
	static const struct rig_span nothing;
	struct rig_span span = span_of(word);
	uint8_t behind = (uint8_t)(share->tag - (uint8_t)(word >> 2 * BITS));

	if (behind == 0)
		return span;
	/* A later share: the rank is through with this share. */
	if (behind >= 128)
		return nothing;
	if (length(span) && rank != share->team->rank)
		return nothing;
	/* The rank has not begun the share before this share: its chunks there
	 * would be lost behind a word of this share. */
	if (behind > 1 && rank != share->team->rank)
		return nothing;
	return rig_strip(share->units, rank, share->team->size);
}

static _Atomic uint64_t *word_of(const struct rig_share *share, int rank)
{
	return &share->team->members[rank].share;
}

/* How many of `left` chunks are taken at once. */
static size_t portion(const struct rig_share *share, size_t left)
{
	size_t part = share->schedule == RIG_SHARE_GUIDED ? left / GUIDED : 1;

	return part ? part : 1;
}

/* Take from the front of this rank's own chunks. */
static bool take_own(struct rig_share *share, struct rig_span *taken)
{
	const int rank = share->team->rank;
	_Atomic uint64_t *word = word_of(share, rank);
	/* relaxed, here and below: no memory but the word is involved. */
	uint64_t seen = load_relaxed(word);

	for (;;) {
		struct rig_span left = left_of(share, rank, seen);
		size_t n = portion(share, length(left));

		if (!length(left))
			return false;
		if (!cas_relaxed(word, &seen,
				 pack(share->tag, left.begin + n, left.end)))
			continue;
		*taken = (struct rig_span){ left.begin, left.begin + n };
		return true;
	}
}

/* The rank with the most chunks left, and its word; -1: no chunk is left. */
static int find_victim(const struct rig_share *share, uint64_t *word)
{
	const int size = share->team->size;
	size_t most = 0;
	int victim = -1;

	/* From the next rank on, so that not all thieves take the same victim. */
	for (int i = 1; i < size; i++) {
		int rank = (share->team->rank + i) % size;
		uint64_t seen = load_relaxed(word_of(share, rank));
		size_t left = length(left_of(share, rank, seen));

		if (left > most) {
			most = left;
			victim = rank;
			*word = seen;
		}
	}
	return victim;
}

/* Keep stolen chunks: in the word, where other ranks can take them, or in hand. */
static void keep(struct rig_share *share, struct rig_span rest)
{
	_Atomic uint64_t *word = word_of(share, share->team->rank);
	uint64_t seen = load_relaxed(word);

	if (!length(rest))
		return;
	if ((uint8_t)(seen >> 2 * BITS) != share->tag ||
	    !cas_relaxed(word, &seen, pack(share->tag, rest.begin, rest.end)))
		share->hand = rest;
}

/* Take half of the chunks of the rank with the most. */
static bool steal(struct rig_share *share, struct rig_span *taken)
{
	struct rig_span left;
	uint64_t seen;
	int victim;
	size_t n;

	do {
		victim = find_victim(share, &seen);
		if (victim < 0)
			return false;
		left = left_of(share, victim, seen);
		left.begin = left.end - (length(left) + 1) / 2;
		n = portion(share, length(left));
	} while (!cas_relaxed(word_of(share, victim), &seen,
			      pack(share->tag,
				   left_of(share, victim, seen).begin,
				   left.begin)));
	*taken = (struct rig_span){ left.begin, left.begin + n };
	left.begin += n;
	keep(share, left);
	return true;
}

/* Take a chunk that is dealt out in turn, without a word. */
static bool take_dealt(struct rig_share *share, struct rig_span *taken)
{
	const size_t next = share->next;

	if (next >= share->units)
		return false;
	*taken = (struct rig_span){ next, next + 1 };
	share->next = share->units - next > (size_t)share->team->size
			      ? next + (size_t)share->team->size
			      : share->units;
	return true;
}

static bool take_hand(struct rig_share *share, struct rig_span *taken)
{
	size_t n = portion(share, length(share->hand));

	if (!length(share->hand))
		return false;
	*taken = (struct rig_span){ share->hand.begin, share->hand.begin + n };
	share->hand.begin += n;
	return true;
}

/* How many elements make a chunk, and how many chunks there are. */
static void divide(struct rig_share *share, size_t chunk)
{
	const size_t most = RIG_SHARE_CHUNKS_MAX - 1, count = share->count;

	/* The strip is one chunk of each rank's: see take_strip(). */
	if (share->schedule == RIG_SHARE_STATIC && chunk == 0)
		return;
	share->unit = chunk ? chunk : 1;
	if (share->schedule != RIG_SHARE_STATIC && count / share->unit >= most)
		share->unit = count / most + 1;
	share->units = count / share->unit + (count % share->unit > 0);
}

/* Bring a word that was not needed for a while up to the share before this share, with
 * no chunk left: this rank is through with the share before. */
static void catch_up(const struct rig_share *share)
{
	_Atomic uint64_t *word = word_of(share, share->team->rank);
	uint64_t seen = load_relaxed(word);
	uint8_t behind = (uint8_t)(share->tag - (uint8_t)(seen >> 2 * BITS));

	/* If a thief was first, the word has this share's tag. */
	if (behind > 1 && behind < 128)
		(void)cas_relaxed(word, &seen,
				  pack((uint8_t)(share->tag - 1), 0, 0));
}

/* In a team of several hosts each host shares out the strips of its ranks. */
COLD static int begin_wide(struct rig_share *share, struct rig_team *team,
			   const struct terms *terms, const void *where)
{
	const enum rig_schedule schedule = (enum rig_schedule)terms->words[1];
	struct rig_team *local = &team->owner->world;
	struct rig_span strips = {
		rig_strip(terms->count, wide_first(team->owner), team->size)
			.begin,
		rig_strip(terms->count,
			  wide_first(team->owner) + local->size - 1, team->size)
			.end,
	};
	int r;

	(void)wide_enter(team, terms, where);
	team->owner->wide.terms = NULL;
	if (team == team->owner->wide.world && schedule != RIG_SHARE_STATIC) {
		r = rig_share_begin(share, local, length(strips), schedule,
				    terms->words[0]);
		share->first = strips.begin;
		return r;
	}
	*share = (struct rig_share){ .team = team,
				     .schedule = RIG_SHARE_STATIC,
				     .count = terms->count,
				     .next = (size_t)team->rank };
	divide(share, schedule != RIG_SHARE_STATIC && !terms->words[0]
			      ? 1
			      : terms->words[0]);
	return 0;
}

int rig_share_begin(struct rig_share *share, struct rig_team *team,
		    size_t count, enum rig_schedule schedule, size_t chunk)
{
	const struct terms terms = { .verb = VERB_SHARE,
				     .count = count,
				     .words = { chunk, (uint64_t)schedule } };
	struct call call;

	if (rank_check_thread(team->owner, "share") < 0)
		return -EINVAL;
	if (schedule < RIG_SHARE_STATIC || schedule > RIG_SHARE_GUIDED)
		return rig_team_fail(team, -EINVAL, "share: no schedule %d",
				     (int)schedule);
	if (team->wide)
		return begin_wide(share, team, &terms,
				  __builtin_return_address(0));
	*share = (struct rig_share){ .team = team,
				     .schedule = schedule,
				     .count = count };
	share->next = (size_t)team->rank;
	divide(share, chunk);
	call_enter(team, &terms, __builtin_return_address(0));
	call = call_begin(team);
	if (!load_relaxed(&team->owner->layout.team->shared))
		store_relaxed(&team->owner->layout.team->shared, 1);
	if (schedule != RIG_SHARE_STATIC) {
		share->tag = (uint8_t)++team->shares;
		catch_up(share);
	}
	call_end(&call, false);
	return call_leave(team, false, 0);
}

/* A static share without a chunk is the strip, once. */
static bool take_strip(struct rig_share *share, struct rig_span *part)
{
	struct rig_span strip = rig_team_strip(share->team, share->count);

	if (!length(strip) || share->next == SIZE_MAX)
		return false;
	share->next = SIZE_MAX;
	*part = strip;
	return true;
}

bool rig_share_next(struct rig_share *share, struct rig_span *part)
{
	struct rank *rank = share->team->owner;
	struct rig_span taken;

	if (rank_check_thread(rank, "share_next") < 0) {
		rank_failed(rank, -EINVAL, rig_why());
		return false;
	}
	if (share->schedule == RIG_SHARE_STATIC) {
		if (share->unit == 0)
			return take_strip(share, part);
		if (!take_dealt(share, &taken))
			return false;
	} else if (!take_hand(share, &taken) && !take_own(share, &taken) &&
		   !steal(share, &taken)) {
		return false;
	}
	part->begin = taken.begin * share->unit;
	part->end = taken.end == share->units ? share->count
					      : taken.end * share->unit;
	part->begin += share->first;
	part->end += share->first;
	return true;
}
