/* SPDX-License-Identifier: MIT */
/*
 * call.c - lines, stages, and what all ranks must agree on.
 *
 * Every rank numbers the calls of a team.  It has a slot of two lines for each
 * of the last CALLS_OPEN calls: what it brings (up) and what has come of it
 * (down), each with the number of the call, written last.  Numbers only grow,
 * over runs as well, so nothing is ever reset: a slot of an earlier call just
 * has a lower number.  A rank that has seen all it wants of a call says so in
 * `finished`; a slot, or a part of the stage, is written again when everybody
 * has.  That is looked up only when this rank does not know better already, so
 * most calls look at nothing but the lines they need.  In a large team nobody
 * looks at all others: every MEET_EVERY calls all meet.
 *
 * The sign beside the number is a hash of everything this rank has called in
 * this team: see match.c.
 */
#include "team/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>

/* Bytes of one half of the stage, before the other half is looked at.  Both together
 * stay in cache; data that is longer than caches anyway gains by a line's coming back
 * later, when its last reader has dropped the line. */
#define STAGE_CACHED      ((size_t)128 << 10)
#define STAGE_CACHED_LONG ((size_t)256 << 10)

/* Calls of a large team between two at which all meet: having met in call k, all
 * are through with k - 1, and call k - 1 + CALLS_OPEN may begin. */
#define MEET_EVERY (CALLS_OPEN - 1)

/* Where the bytes are that do not fit a line. */
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

/* Words said in a call of a team that has ended are written here. */
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
	if (__builtin_expect(owner->way != NULL, 0)) {
		/* Data that others read in place went neither way. */
		if (lent)
			owner->way_began = 0;
		way_leave(owner);
	}
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

	/* The first of this run?  relaxed: read when all have finished. */
	if (!load_relaxed(&shm->called))
		store_relaxed(&shm->called, 1);
	/* Others may still read what an earlier call has said: nothing may be
	 * written over it. */
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
		/* acquire: what it read there, it has read. */
		seen = load_acquire(&team->members[i].finished);
		if (seen < least)
			least = seen;
		if (least < number)
			return false;
	}
	team->through = least;
	return true;
}

/* Room for `bytes` bytes in this rank's stage; NULL: the team has ended.  It goes
 * from one half to the other where it must, or, so that the stage stays in cache,
 * earlier where nobody would have to wait. */
static unsigned char *take_stage(const struct call *call, size_t bytes)
{
	struct rig_team *team = call->team;
	struct rank *owner = team->owner;
	struct stage *stage = &owner->stage;
	/* 2 where the second half is full to its end. */
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

/* Room for what is to be said on `line`. */
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

/* Say where they lie, if all ranks find it there. */
static bool lend_bytes(struct call *call, struct line_shm *line,
		       const void *data, size_t bytes)
{
	struct place place = { .bytes = bytes };

	if (call->ended)
		return true;
	if (bytes >= LEND_BYTES)
		place.segment = rank_segment(call->team->owner, data, bytes,
					     &place.offset);
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
		/* Who has begun this call is through with the one before. */
		if (team->through < call->number - 1)
			team->through = call->number - 1;
		team->settled = call->sign;
	}
	/* This rank's next line is still in the caches of those who read it
	 * CALLS_OPEN calls ago.  To take it from them now, and not while they
	 * wait for it, makes a quarter of a call; but not where the line comes
	 * last, after others, for then they would have it back by polling. */
	if (!call->staged)
		fetch_to_write(&slot_next(call, team->self)->up);
	rank_advance(team->owner, &team->self->finished, call->number);
}

/* Each tells its parent that all below it are there, and hears from the parent
 * that all are. */
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
	/* To ask each of many whether it is through would cost as much as there
	 * are: they meet instead, by a tree.  If they do not call the same, the
	 * run has failed, and what follows shows it too. */
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
	/* relaxed: written before this job was posted. */
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

	/* relaxed, all: nobody else runs, and dispatch_done() releases it. */
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
