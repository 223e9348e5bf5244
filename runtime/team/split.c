/* SPDX-License-Identifier: MIT */
/*
 * split.c - teams of some of a team's ranks.
 *
 * A team is a block of member_shm in the heap of the team segment, and in each process
 * a copy of the parent's handle that points to the block.  The first member takes the
 * block and tells the other ranks its place; where a first member finds no room, or a
 * rank no memory, all ranks of the parent learn so, and no rank has a new team.
 * Nothing in a block is cleared: the numbers of the team's calls begin above all
 * numbers that the members have seen.
 *
 * A map has one bit for each member of the heap, so free members are free for a team of
 * any size.  A rank that looks at the map or changes the map holds the lock, for no
 * longer than that; a rank that dies with the lock ends the run, and the team's memory
 * goes.  Where ranks watch each other, ranks that want the lock see that the team has
 * ended.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>

#include "team/match.h"
#include "place/topology.h"
#include "team/call.h"
#include "team/wide.h"
#include "team/schedule.h"

/* The place of a block, and the number before its team's first call. */
struct block {
	uint64_t index; /* + 1; 0: none is wanted, or found */
	uint64_t number;
	uint64_t id;  /* rig_team.id */
	int64_t code; /* an error of this rank: no room, or no memory */
};

/* The wishes of each rank. */
struct wanted {
	int32_t color;
	int32_t key;
};

/* False: the team has ended, maybe by the death of whoever has the lock. */
static bool lock_heap(const struct rank *rank)
{
	struct heap_shm *heap = rank->layout.heap;
	uint32_t nobody = 0;

	/* acquire: the map is as the last holder left the map; pairs with the
	 * release in unlock_heap(). */
	while (!cas_acq_rel(&heap->lock, &nobody, 1)) {
		if (rank_has_ended(rank))
			return false;
		nobody = 0;
		sched_yield();
	}
	return true;
}

static void unlock_heap(struct heap_shm *heap)
{
	store_release(&heap->lock, 0);
}

static bool is_taken(const uint64_t *map, uint64_t at)
{
	return map[at / 64] >> at % 64 & 1;
}

static void mark(uint64_t *map, uint64_t at, int size, bool taken)
{
	for (uint64_t i = at; i < at + (uint64_t)size; i++) {
		const uint64_t bit = UINT64_C(1) << i % 64;

		map[i / 64] = taken ? map[i / 64] | bit : map[i / 64] & ~bit;
	}
}

/* The first of `size` free members beside each other, from `from` to `to`; `to`:
 * there are none. */
static uint64_t find_free(const uint64_t *map, uint64_t from, uint64_t to,
			  int size)
{
	uint64_t begin = from;

	for (uint64_t at = from; at < to; at++)
		if (is_taken(map, at))
			begin = at + 1;
		else if (at + 1 - begin == (uint64_t)size)
			return begin;
	return to;
}

/* A block of `size` members: index + 1; 0: there is no room. */
static uint64_t take_block(struct rig_team *team, int size)
{
	struct heap_shm *heap = team->owner->layout.heap;
	uint64_t *map = team->owner->layout.heap_map;
	const uint64_t room = (uint64_t)team->owner->size * HEAP_MEMBERS;
	uint64_t at;

	if (!lock_heap(team->owner))
		return 0;
	/* relaxed: read when nobody runs. */
	store_relaxed(&heap->used, 1);
	at = find_free(map, heap->next, room, size);
	if (at == room)
		at = find_free(map, 0, room, size);
	if (at < room) {
		mark(map, at, size, true);
		heap->next = at + (uint64_t)size;
	}
	unlock_heap(heap);
	return at < room ? at + 1 : 0;
}

static void give_block(struct rig_team *team, uint64_t index, int size)
{
	struct heap_shm *heap = team->owner->layout.heap;

	if (!lock_heap(team->owner))
		return;
	mark(team->owner->layout.heap_map, index - 1, size, false);
	unlock_heap(heap);
}

/* The first member: take a block, and numbers that the block has not seen. */
static struct block found_team(struct rig_team *team, int size)
{
	/* relaxed: written between runs. */
	uint64_t number = load_relaxed(&team->owner->layout.team->base);
	uint64_t index = take_block(team, size);
	struct member_shm *members =
		team->owner->layout.heap_members + index - 1;

	if (!index)
		return (struct block){ .code = -ENOSPC };
	for (int i = 0; i < size; i++) {
		if (number < members[i].high)
			number = members[i].high;
		store_relaxed(&members[i].share, 0);
	}
	/* relaxed: the gather that follows tells the other ranks the place. */
	store_relaxed(&members->ended, 0);
	/* relaxed: no more than a number nobody else has. */
	return (struct block){
		index, number + CALLS_OPEN,
		add_relaxed(&team->owner->layout.heap->teams, 1) + 1, 0
	};
}

/* List the ranks of the team of `color`, in the team's order.  Returns the number of
 * ranks, or -EINVAL. `ranks` are ranks of `team`. */
static int choose(struct call *call, const struct wanted *own, int *ranks,
		  int *keys)
{
	const struct rig_team *team = call->team;
	int count = 0;

	for (int i = 0; i < team->size; i++) {
		const struct wanted *found =
			i == team->rank ? own
					: call_see(call, i, sizeof(*found));
		int at = count;

		if (!found)
			return -EINVAL;
		if (found->color != own->color || !ranks)
			continue;
		for (; at > 0 && keys[at - 1] > found->key; at--) {
			keys[at] = keys[at - 1];
			ranks[at] = ranks[at - 1];
		}
		keys[at] = found->key;
		ranks[at] = i;
		count++;
	}
	return count;
}

/* Make a team of `size` ranks of `team`; the new team owns `ranks`. */
static void make_handle(struct rig_team *new, struct rig_team *team,
			const struct block *block, int *ranks, int size)
{
	struct rig_team *world = &team->owner->world;

	*new = (struct rig_team){
		.owner = team->owner,
		.size = size,
		.members = &team->owner->layout.heap_members[block->index - 1],
		.number = block->number,
		.through = block->number,
		/* The highest bit marks messages that are not the kernel's:
		 * see mail_exchange(). */
		.id = (uint32_t)(block->id % TEAM_IDS),
	};
	for (int i = 0; i < size; i++) {
		if (ranks[i] == team->rank)
			new->rank = i;
		ranks[i] = team_world_rank(team, ranks[i]);
	}
	new->ranks = ranks;
	new->self = &new->members[new->rank];
	match_begin(new);
	new->next = world->next;
	world->next = new;
}

/* Gather the results of all ranks; `leader` gives this rank's block.  0, or the code
 * of the first rank that has failed. */
static int hear_blocks(struct call *call, int leader, struct block *own)
{
	const int rank = call->team->rank;
	struct block block = *own;
	int r = (int)own->code;

	for (int i = 0; i < call->team->size; i++) {
		const struct block *found;

		if (i == rank)
			continue;
		found = call_see(call, i, sizeof(*found));
		if (!found)
			return -EINVAL;
		if (r == 0)
			r = (int)found->code;
		if (i == leader)
			block = *found;
	}
	*own = block;
	return r;
}

static int refuse(struct rig_team *team, int code)
{
	if (code == -ENOSPC)
		return rig_team_fail(team, code,
				     "split: no room for another team: %d that "
				     "all ranks are in may be there at once; "
				     "rig_team_free() makes room",
				     HEAP_MEMBERS);
	return rig_team_fail(team, code, "split: no memory");
}

/* All ranks of `team` have a new team, or all know that no rank has. */
static int found_teams(struct rig_team *team, const struct wanted *own,
		       const int *ranks, int size, struct rig_team *new,
		       struct block *block)
{
	const bool leads = new && own->color >= 0 && ranks[0] == team->rank;
	struct call call = call_begin(team);
	uint64_t taken;
	int r;

	*block = (struct block){ .code = new ? 0 : -ENOMEM };
	if (leads)
		*block = found_team(team, size);
	taken = leads ? block->index : 0;
	call_offer(&call, block, sizeof(*block), false);
	r = hear_blocks(&call, new && own->color >= 0 ? ranks[0] : -1, block);
	if (r == -EINVAL)
		return r;
	call_end(&call, true);
	if (rank_has_ended(team->owner))
		return -EOWNERDEAD;
	if (r < 0 && taken)
		give_block(team, taken, size);
	return r < 0 ? refuse(team, r) : 0;
}

static int split(struct rig_team *team, const struct wanted *own,
		 struct rig_team **out)
{
	int *ranks = malloc(2 * (size_t)team->size * sizeof(*ranks));
	struct rig_team *new = malloc(sizeof(*new));
	struct call call = call_begin(team);
	struct block block;
	int size, r = 0;

	call_offer(&call, own, sizeof(*own), false);
	size = choose(&call, own, ranks, ranks ? ranks + team->size : NULL);
	if (size < 0) {
		r = size;
		goto out;
	}
	call_end(&call, true);
	r = found_teams(team, own, ranks, size, ranks ? new : NULL, &block);
	if (r == 0 && own->color >= 0)
		make_handle(new, team, &block, ranks, size);
out:
	if (r < 0 || own->color < 0) {
		free(ranks);
		free(new);
		new = NULL;
	}
	if (r == 0)
		*out = new;
	return r;
}

/* Split a team of several hosts.  Levels are numbered on each host anew. */
COLD static int split_wide(struct rig_team *team, const struct terms *terms,
			   const struct wanted *own, struct rig_team **out,
			   const void *where)
{
	int color = own->color, r;

	if (terms->verb == VERB_SPLIT_TYPE)
		color += team->owner->layout.job->hosts.own * (RIG_PUS_MAX + 2);
	(void)wide_enter(team, terms, where);
	r = wide_split(team, color, own->key, out);
	team->owner->wide.terms = NULL;
	return r;
}

int rig_team_split(struct rig_team *team, int color, int key,
		   struct rig_team **out)
{
	const struct terms terms = { .verb = VERB_SPLIT };
	const struct wanted own = { color, key };

	if (rank_check_thread(team->owner, "split") < 0)
		return -EINVAL;
	if (color < RIG_UNDEFINED)
		return rig_team_fail(team, -EINVAL, "split: color %d", color);
	if (team->wide)
		return split_wide(team, &terms, &own, out,
				  __builtin_return_address(0));
	call_enter(team, &terms, __builtin_return_address(0));
	return call_leave(team, false, split(team, &own, out));
}

int rig_team_split_type(struct rig_team *team, enum rig_level level, int key,
			struct rig_team **out)
{
	const struct terms terms = { .verb = VERB_SPLIT_TYPE,
				     .words = { (uint64_t)level } };
	struct wanted own = { 0, key };

	if (rank_check_thread(team->owner, "split_type") < 0)
		return -EINVAL;
	if (level < 0 || level >= RIG_LEVELS)
		return rig_team_fail(team, -EINVAL, "split_type: no level %d",
				     (int)level);
	/* Ranks in several parts are of one colour. */
	own.color = team->owner->levels.number[level] + 1;
	if (team->wide)
		return split_wide(team, &terms, &own, out,
				  __builtin_return_address(0));
	call_enter(team, &terms, __builtin_return_address(0));
	return call_leave(team, false, split(team, &own, out));
}

int rig_team_dup(struct rig_team *team, struct rig_team **out)
{
	const struct terms terms = { .verb = VERB_DUP };
	const struct wanted own = { 0, 0 };

	const void *where = __builtin_return_address(0);
	int r;

	if (rank_check_thread(team->owner, "dup") < 0)
		return -EINVAL;
	if (team->wide) {
		r = split_wide(team, &terms, &own, out, where);
	} else {
		call_enter(team, &terms, where);
		r = call_leave(team, false, split(team, &own, out));
	}
	if (r == 0)
		(*out)->cart = team->cart;
	return r;
}

int rig_team_free(struct rig_team *team)
{
	const struct terms terms = { .verb = VERB_FREE };
	struct rig_team **at;
	struct rank *owner;
	int r;

	if (!team || team == &team->owner->world)
		return 0;
	owner = team->owner;
	if (rank_check_thread(owner, "free") < 0)
		return -EINVAL;
	if (schedule_has(team))
		return rig_team_fail(team, -EINVAL,
				     "free: the team has non-blocking calls or "
				     "plans: wait for those, and "
				     "rig_team_request_free() these, first");
	if (team->wide) {
		(void)wide_enter(team, &terms, __builtin_return_address(0));
		r = wide_free(team);
		owner->wide.terms = NULL;
		return r;
	}
	call_enter(team, &terms, __builtin_return_address(0));
	/* The rank that gives the block away waits until no rank looks at the
	 * block. */
	r = call_leave(team, team->rank == 0, call_meet(team));
	if (r < 0)
		return r;
	if (owner->stage.user == team)
		owner->stage.user = NULL;
	if (owner->high < team->number)
		owner->high = team->number;
	for (at = &owner->world.next; *at != team; at = &(*at)->next)
		;
	*at = team->next;
	if (team->rank == 0) {
		for (int i = 0; i < team->size; i++)
			team->members[i].high = team->number;
		give_block(team,
			   (uint64_t)(team->members -
				      team->owner->layout.heap_members) +
				   1,
			   team->size);
	}
	free(team->ranks);
	free(team);
	return 0;
}
