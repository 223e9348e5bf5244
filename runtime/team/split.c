/* SPDX-License-Identifier: MIT */
/*
 * split.c - teams of some of a team's ranks.
 *
 * A team is a block of member_shm in the heap of the team segment, and in each
 * process a copy of its parent's handle that points there.  Its first member
 * takes the block and says where it is.  Nothing in it is cleared: the numbers
 * of its calls begin above all that the block has seen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>

#include "team/match.h"
#include "team/call.h"
#include "team/schedule.h"

/* Where a block is, and which number its team's calls begin at. */
struct block {
	uint64_t index; /* + 1; 0: there was no room */
	uint64_t number;
	uint64_t id; /* rig_team.id */
};

/* What each rank says of itself. */
struct wanted {
	int32_t color;
	int32_t key;
};

static int class_of(int size)
{
	int class = 0;

	while (1 << class < size)
		class ++;
	return class;
}

/* Take a block that was given back, or one that nobody had yet. */
static uint64_t take_block(struct rig_team *team, int size)
{
	struct heap_shm *heap = team->owner->layout.heap;
	const uint64_t room = (uint64_t)team->owner->size * HEAP_MEMBERS;
	const int class = class_of(size);
	_Atomic uint64_t *first = &heap->free[class];
	/* acquire: the block is as its last user left it. */
	uint64_t seen = load_acquire(first), at;

	while (seen & UINT32_MAX) {
		struct member_shm *block =
			&team->owner->layout
				 .heap_members[(seen & UINT32_MAX) - 1];
		uint64_t next = (seen >> 32) + 1;

		next = next << 32 | load_relaxed(&block->next);
		if (cas_acq_rel(first, &seen, next))
			return seen & UINT32_MAX;
	}
	/* relaxed: it has no user but this. */
	at = load_relaxed(&heap->used);
	do
		if (at + (UINT64_C(1) << class) > room)
			return 0;
	while (!cas_relaxed(&heap->used, &at, at + (UINT64_C(1) << class)));
	return at + 1;
}

static void give_block(struct rig_team *team)
{
	struct heap_shm *heap = team->owner->layout.heap;
	_Atomic uint64_t *first = &heap->free[class_of(team->size)];
	uint64_t index =
		(uint64_t)(team->members - team->owner->layout.heap_members) +
		1;
	uint64_t seen = load_relaxed(first), next;

	team->members->high = team->number;
	do {
		store_relaxed(&team->members->next, seen & UINT32_MAX);
		next = ((seen >> 32) + 1) << 32 | index;
		/* release: pairs with the acquire in take_block(). */
	} while (!cas_acq_rel(first, &seen, next));
}

/* The first member: a block, and numbers that it has not seen. */
static struct block found_team(struct rig_team *team, int size)
{
	/* relaxed: written between runs. */
	uint64_t number = load_relaxed(&team->owner->layout.team->base);
	uint64_t index = take_block(team, size);
	struct member_shm *members =
		team->owner->layout.heap_members + index - 1;

	if (!index)
		return (struct block){ .index = 0 };
	if (number < members->high)
		number = members->high;
	/* relaxed: what follows tells the others where it is. */
	store_relaxed(&members->ended, 0);
	for (int i = 0; i < size; i++)
		store_relaxed(&members[i].share, 0);
	/* relaxed: no more than a number nobody else has. */
	return (struct block){
		index, number + CALLS_OPEN,
		add_relaxed(&team->owner->layout.heap->teams, 1) + 1
	};
}

/* Who is in the team of `color`, in its order.  Returns how many, or -EINVAL.
 * `ranks` are those of `team`. */
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
		if (found->color != own->color)
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

static struct rig_team *make_handle(struct rig_team *team,
				    const struct block *block, int *ranks,
				    int size)
{
	struct rig_team *world = &team->owner->world;
	struct rig_team *new = malloc(sizeof(*new));

	if (!new)
		return NULL;
	*new = (struct rig_team){
		.owner = team->owner,
		.size = size,
		.members = &team->owner->layout.heap_members[block->index - 1],
		.number = block->number,
		.through = block->number,
		/* One bit less is for what is not the kernel's: see
		 * mail_exchange(). */
		.id = (uint32_t)(block->id % TEAM_IDS),
	};
	for (int i = 0; i < size; i++) {
		if (ranks[i] == team->rank)
			new->rank = i;
		if (team->ranks)
			ranks[i] = team->ranks[ranks[i]];
	}
	new->ranks = ranks;
	new->self = &new->members[new->rank];
	agree_begin(new);
	new->next = world->next;
	world->next = new;
	return new;
}

static int split(struct rig_team *team, const struct wanted *own,
		 struct rig_team **out)
{
	int *ranks = malloc(2 * (size_t)team->size * sizeof(*ranks));
	struct call call = call_begin(team);
	struct rig_team *new = NULL;
	struct block block = { 0 };
	int size, r = 0;

	if (!ranks)
		return rig_team_fail(team, -ENOMEM, "split: no memory");
	call_offer(&call, own, sizeof(*own), false);
	size = choose(&call, own, ranks, ranks + team->size);
	if (size < 0) {
		r = size;
		goto out;
	}
	call_end(&call, true);

	call = call_begin(team);
	if (own->color >= 0 && ranks[0] == team->rank)
		block = found_team(team, size);
	call_offer(&call, &block, sizeof(block), false);
	if (own->color >= 0 && ranks[0] != team->rank) {
		const void *found = call_see(&call, ranks[0], sizeof(block));

		if (!found) {
			r = -EINVAL;
			goto out;
		}
		memcpy(&block, found, sizeof(block));
	}
	call_end(&call, false);
	if (own->color < 0)
		goto out;
	if (!block.index) {
		r = rig_team_fail(team, -ENOSPC,
				  "split: each rank may be in %d teams at once",
				  HEAP_MEMBERS / 2);
		goto out;
	}
	new = make_handle(team, &block, ranks, size);
	if (!new)
		r = rig_team_fail(team, -ENOMEM, "split: no memory");
out:
	if (!new)
		free(ranks);
	if (r == 0)
		*out = new;
	return r;
}

int rig_team_split(struct rig_team *team, int color, int key,
		   struct rig_team **out)
{
	const struct terms terms = { .verb = VERB_SPLIT };
	const struct wanted own = { color, key };

	if (color < RIG_UNDEFINED)
		return rig_team_fail(team, -EINVAL, "split: color %d", color);
	call_enter(team, &terms, __builtin_return_address(0));
	return call_leave(team, false, split(team, &own, out));
}

int rig_team_split_type(struct rig_team *team, enum rig_level level, int key,
			struct rig_team **out)
{
	const struct terms terms = { .verb = VERB_SPLIT_TYPE,
				     .words = { (uint64_t)level } };
	struct wanted own = { 0, key };

	if (level < 0 || level >= RIG_LEVELS)
		return rig_team_fail(team, -EINVAL, "split_type: no level %d",
				     (int)level);
	/* Those in several are of one colour. */
	own.color = team->owner->levels.number[level] + 1;
	call_enter(team, &terms, __builtin_return_address(0));
	return call_leave(team, false, split(team, &own, out));
}

int rig_team_dup(struct rig_team *team, struct rig_team **out)
{
	const struct terms terms = { .verb = VERB_DUP };
	const struct wanted own = { 0, 0 };

	int r;

	call_enter(team, &terms, __builtin_return_address(0));
	r = call_leave(team, false, split(team, &own, out));
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
	if (schedule_has(team))
		return rig_team_fail(team, -EINVAL,
				     "free: the team has non-blocking calls or "
				     "plans: wait for those, and "
				     "rig_team_request_free() these, first");
	call_enter(team, &terms, __builtin_return_address(0));
	/* Whoever gives the block away waits until nobody looks at it. */
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
	if (team->rank == 0)
		give_block(team);
	free(team->ranks);
	free(team);
	return 0;
}
