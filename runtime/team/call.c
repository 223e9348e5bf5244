/* SPDX-License-Identifier: MIT */
/*
 * call.c - lines, stages, and the agreement of all ranks on their calls.
 *
 * Every rank numbers the calls of a team.  For each of the last CALLS_OPEN calls the
 * rank has a slot of two lines: *up* holds the rank's contribution, *down* the result
 * for others to read.  Each line has the number of the call, written last.  Numbers
 * only grow, over runs as well, so no slot is ever reset: a slot of an earlier call
 * has a lower number.  A rank that needs nothing more of a call stores the call's
 * number in `finished`; a slot, or a part of the stage, is written again when every
 * rank has finished the call.  A rank reads `finished` of other ranks only where the
 * rank has no newer knowledge, so most calls read the needed lines and nothing else.
 * In a large team no rank looks at all others: every MEET_EVERY calls all ranks meet.
 *
 * The sign beside the number is a hash of all calls of this rank in this team: see
 * match.c.
 */
#include "team/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>

/* Bytes of one half of the stage, before the other half is looked at.  Both halves
 * together stay in cache; data that is longer than caches gains when a line comes
 * back later, after the last reader has dropped the line. */
#define STAGE_CACHED      ((size_t)128 << 10)
#define STAGE_CACHED_LONG ((size_t)256 << 10)

/* Calls of a large team between two at which all meet: having met in call k, all
 * are through with k - 1, and call k - 1 + CALLS_OPEN may begin. */
#define MEET_EVERY (CALLS_OPEN - 1)

/* The place of bytes that do not fit a line. */
struct place {
	uint64_t segment; /* as rank_segment(); 0: a stage */
	uint64_t offset;
	uint64_t bytes;
};

static struct call_shm *slot_of(const struct call *call, int rank)
{
	return &call->team->members[rank].calls[call->number % CALLS_OPEN];
}

static struct call_shm *slot_next(const struct call *call,
				  struct member_shm *member)
{
	return &member->calls[(call->number + 1) % CALLS_OPEN];
}

static struct call_shm *own_slot(const struct call *call)
{
	return &call->team->self->calls[call->number % CALLS_OPEN];
}

/* A call of a team that has ended writes its words here. */
static unsigned char nowhere[STAGE_HALF];

/* Wait until every rank is through with call `number`; false: the team has
 * ended. */
COLD static bool get_through(struct rig_team *team, uint64_t number)
{
	uint64_t least = team->number;

	if (team->through >= number)
		return true;
	for (int i = 0; i < team->size; i++) {
		uint64_t seen;

		if (i == team->rank)
			continue;
		seen = rank_await(team->owner, &team->members[i].finished,
				  number);
		if (seen < number)
			return false;
		if (seen < least)
			least = seen;
	}
	team->through = least;
	return true;
}

int call_leave(struct rig_team *team, bool lent, int r)
{
	struct rank *owner = team->owner;
	struct rank_shm *mine = owner->mine;

	if (lent && r == 0)
		(void)get_through(team, team->number);
	if (__builtin_expect(owner->way != NULL, 0))
		way_leave(owner);
	store_relaxed(&mine->where, 0);
	store_relaxed(&mine->calls, VERB_NONE);
	if (TRACE_BRANCH(owner->trace))
		trace_end(owner->span);
	return rank_result(owner, r);
}

static struct call begin(struct rig_team *team)
{
	struct call call = { .team = team, .number = ++team->number };
	struct team_shm *shm = team->owner->layout.team;

	/* The first call of the run?  relaxed: read when all ranks have finished. */
	if (!load_relaxed(&shm->called))
		store_relaxed(&shm->called, 1);
	/* Others may still read the lines of an earlier call, so nothing may be
	 * written over those lines. */
	if (team->number > team->through + CALLS_OPEN)
		call.ended = !get_through(team, team->number - CALLS_OPEN);
	call.sign = team->sign;
	return call;
}

/* Is every rank through with call `number`?  Does not wait. */
static bool is_through(struct rig_team *team, uint64_t number)
{
	uint64_t least = team->number;

	if (team->through >= number)
		return true;
	for (int i = 0; i < team->size; i++) {
		uint64_t seen;

		if (i == team->rank)
			continue;
		/* acquire: `rank` has read whatever the rank read before. */
		seen = load_acquire(&team->members[i].finished);
		if (seen < least)
			least = seen;
		if (least < number)
			return false;
	}
	team->through = least;
	return true;
}

/* Room for `bytes` bytes in this rank's stage; NULL: the team has ended.  The room
 * moves to the other half where the first half is full, or earlier, so that the stage
 * stays in cache, where no rank would have to wait. */
static unsigned char *take_stage(const struct call *call, size_t bytes)
{
	struct rig_team *team = call->team;
	struct rank *owner = team->owner;
	struct stage *stage = &owner->stage;
	/* 2 where the second half is full. */
	size_t half = stage->at / STAGE_HALF;
	const size_t other = half == 0 ? 1 : 0;
	const size_t cached = owner->is_long ? STAGE_CACHED_LONG : STAGE_CACHED;
	size_t at;

	if (stage->user != team) {
		if (stage->user &&
		    !get_through(stage->user, stage->until[0] > stage->until[1]
						      ? stage->until[0]
						      : stage->until[1]))
			return NULL;
		stage->user = team;
		stage->until[0] = stage->until[1] = 0;
	}
	if (stage->at == STAGE_BYTES ||
	    stage->at % STAGE_HALF + bytes > STAGE_HALF ||
	    (stage->at % STAGE_HALF >= cached &&
	     is_through(team, stage->until[other]))) {
		half = other;
		stage->at = half * STAGE_HALF;
		if (!get_through(team, stage->until[half]))
			return NULL;
	}
	stage->until[half] = call->number;
	at = stage->at;
	stage->at = (at + bytes + RIG_LINE - 1) & ~(size_t)(RIG_LINE - 1);
	return owner->layout.stages + (size_t)owner->rank * STAGE_BYTES + at;
}

static void put_place(struct line_shm *line, struct place place)
{
	memcpy(line->payload, &place, sizeof(place));
}

/* Room for the bytes that `line` will offer. */
static void *room(struct call *call, struct line_shm *line, size_t bytes)
{
	unsigned char *stage;

	if (call->ended)
		return nowhere;
	if (bytes <= LINE_PAYLOAD)
		return line->payload;
	call->staged = true;
	stage = take_stage(call, bytes);
	if (!stage) {
		call->ended = true;
		return nowhere;
	}
	put_place(line,
		  (struct place){
			  .offset = (uint64_t)(stage -
					       (unsigned char *)call->team
						       ->owner->layout.control),
			  .bytes = bytes });
	return stage;
}

static void say(struct call *call, struct line_shm *line)
{
	if (call->ended)
		return;
	line->sign = call->sign;
	rank_advance(call->team->owner, &line->number, call->number);
}

/* Offer the bytes where the bytes lie, if all ranks can read there. */
static bool lend_bytes(struct call *call, struct line_shm *line,
		       const void *data, size_t bytes)
{
	const struct rank *owner = call->team->owner;
	struct place place = { .bytes = bytes };

	if (call->ended)
		return true;
	if (bytes >= LEND_BYTES && !owner->copies)
		place.segment = rank_segment(owner, data, bytes, &place.offset);
	if (!place.segment)
		return false;
	put_place(line, place);
	call->lent = true;
	say(call, line);
	return true;
}

static void say_bytes(struct call *call, struct line_shm *line,
		      const void *data, size_t bytes, bool lend)
{
	if (lend && lend_bytes(call, line, data, bytes))
		return;
	call_say(call, room(call, line, bytes), data, bytes);
	say(call, line);
}

void call_offer(struct call *call, const void *data, size_t bytes, bool lend)
{
	say_bytes(call, &own_slot(call)->up, data, bytes, lend);
}

void call_offer_line(struct call *call, const void *data, size_t bytes)
{
	struct line_shm *line = &own_slot(call)->up;

	if (call->ended)
		return;
	call_copy(line->payload, data, bytes);
	say(call, line);
}

bool call_offer_lent(struct call *call, const void *data, size_t bytes)
{
	return lend_bytes(call, &own_slot(call)->up, data, bytes);
}

void call_answer(struct call *call, const void *data, size_t bytes, bool lend)
{
	say_bytes(call, &own_slot(call)->down, data, bytes, lend);
}

void *call_offer_room(struct call *call, size_t bytes)
{
	return room(call, &own_slot(call)->up, bytes);
}

void *call_answer_room(struct call *call, size_t bytes)
{
	return room(call, &own_slot(call)->down, bytes);
}

void call_offer_ready(struct call *call)
{
	say(call, &own_slot(call)->up);
}

void call_answer_ready(struct call *call)
{
	say(call, &own_slot(call)->down);
}

static const void *look(struct call *call, int rank,
			const struct line_shm *line, size_t bytes)
{
	struct rank *owner = call->team->owner;
	struct place place;

	if (call->ended ||
	    rank_await(owner, &line->number, call->number) < call->number)
		return NULL;
	if (line->sign != call->sign)
		return match_fail(call->team, rank);
	if (bytes <= LINE_PAYLOAD)
		return line->payload;
	memcpy(&place, line->payload, sizeof(place));
	call->there = place.bytes;
	call->in_place = place.segment != 0;
	return rank_found(owner, place.segment, place.offset);
}

const void *call_see(struct call *call, int rank, size_t bytes)
{
	return look(call, rank, &slot_of(call, rank)->up, bytes);
}

const void *call_hear(struct call *call, int rank, size_t bytes)
{
	return look(call, rank, &slot_of(call, rank)->down, bytes);
}

void call_look_ahead(const struct call *call, int rank)
{
	fetch_to_read(&slot_next(call, &call->team->members[rank])->up);
}

void call_end(struct call *call, bool met)
{
	struct rig_team *team = call->team;

	if (call->ended)
		return;
	if (met) {
		/* A rank that has begun this call has finished the call before. */
		if (team->through < call->number - 1)
			team->through = call->number - 1;
		team->settled = call->sign;
	}
	/* This rank's next line is still in the caches of the ranks that read the
	 * line CALLS_OPEN calls ago.  Taking the line from the caches now, and not
	 * while the ranks wait, makes a call shorter by a quarter; but not where the
	 * line comes last, after other lines, for the polling ranks would take the
	 * line back. */
	if (!call->staged)
		fetch_to_write(&slot_next(call, team->self)->up);
	rank_advance(team->owner, &team->self->finished, call->number);
}

/* Each rank tells the parent that all ranks below have come, and hears from the
 * parent that all ranks have come. */
static int meet_in_tree(struct call *call)
{
	const int rank = call->team->rank;
	int children[TREE_CHILDREN_MAX];
	const int count =
		tree_children(rank, call->team->size, TREE_FAN, children);

	for (int i = 0; i < count; i++)
		if (!call_see(call, children[i], 0))
			return -EINVAL;
	if (rank) {
		call_offer(call, NULL, 0, false);
		if (!call_hear(call, tree_parent(rank, TREE_FAN), 0))
			return -EINVAL;
	}
	call_answer(call, NULL, 0, false);
	return 0;
}

static int meet_flat(struct call *call)
{
	call_offer(call, NULL, 0, false);
	for (int i = 0; i < call->team->size; i++)
		if (i != call->team->rank && !call_see(call, i, 0))
			return -EINVAL;
	return 0;
}

int call_meet(struct rig_team *team)
{
	struct call call = begin(team);
	int r = team->size > CALL_FLAT ? meet_in_tree(&call) : meet_flat(&call);

	if (r == 0)
		call_end(&call, true);
	return r;
}

struct call call_begin(struct rig_team *team)
{
	/* Asking each of many ranks for `finished` would cost as many transfers as
	 * there are ranks: the ranks meet instead, by a tree.  If the ranks call
	 * different verbs, the run has failed, and the next step shows the failure
	 * too. */
	if (team->size > CALL_FLAT && (team->number + 1) % MEET_EVERY == 0)
		(void)call_meet(team);
	return begin(team);
}

int call_barrier(struct rig_team *team)
{
	const struct terms terms = { .verb = VERB_BARRIER };
	const uint64_t where = load_relaxed(&team->owner->mine->where);

	call_enter(team, &terms, (const void *)(uintptr_t)where);
	return call_leave(team, false, call_meet(team));
}

void call_begin_job(struct rank *rank)
{
	struct rig_team *world = &rank->world;
	/* relaxed: written before the job was posted. */
	uint64_t base = load_relaxed(&rank->layout.team->base);

	world->number = world->through = rank->high = base;
	world->begun = 0;
	world->shares = 0;
	match_begin(world);
	rank->stage.user = NULL;
}

void call_end_job(struct rank *rank)
{
	struct rig_team *each, *next;

	if (!load_relaxed(&rank->layout.team->called))
		return;
	match_end_job(rank);
	if (rank->high < rank->world.number)
		rank->high = rank->world.number;
	for (each = rank->world.next; each; each = next) {
		next = each->next;
		if (rank->high < each->number)
			rank->high = each->number;
		free(each->ranks);
		free(each);
	}
	rank->world.next = NULL;
	rank->mine->high = rank->high;
}

void call_all_done(struct rank *rank)
{
	struct team_shm *shm = rank->layout.team;
	struct heap_shm *heap = rank->layout.heap;
	uint64_t base = 0;

	/* relaxed, all: no other rank runs, and dispatch_done() releases the stores. */
	if (!load_relaxed(&shm->called))
		return;
	match_all_done(rank);
	for (int i = 0; i < rank->size; i++)
		if (base < rank->layout.ranks[i].high)
			base = rank->layout.ranks[i].high;
	store_relaxed(&shm->base, base + CALLS_OPEN);
	store_relaxed(&shm->called, 0);
	for (int i = 0; load_relaxed(&shm->shared) && i < rank->size; i++)
		store_relaxed(&rank->layout.members[i].share, 0);
	store_relaxed(&shm->shared, 0);
	if (!load_relaxed(&heap->used))
		return;
	store_relaxed(&heap->used, 0);
	heap->next = 0;
	memset(rank->layout.heap_map, 0, (size_t)rank->size * HEAP_MEMBERS / 8);
}
