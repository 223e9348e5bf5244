/* SPDX-License-Identifier: MIT */
/*
 * symmetric.c - the team's heap, and the calls that work there.
 *
 * Each rank has a part of the team segment, and keeps a list of its blocks there in its
 * own memory.  Ranks of different teams may have different blocks, so an allocation
 * asks all ranks of the team for the first place with room, from there on again, until
 * all ranks name the same place.
 *
 * A lock is a ticket lock: lock[0] is the next ticket, lock[1] the ticket that is
 * served.  Locks and counters are words that only grow, so a rank waits for such a word
 * as for any other word of the team segment, and deadlocks are found.
 */
#include <runrig/symmetric.h>

#include <errno.h>
#include <string.h>

#include "team/call.h"
#include "team/fold.h"
#include "team/type.h"
#include "base/size.h"
#include "machine/pages.h"

static unsigned char *part_of(const struct rank *owner, int rank)
{
	return owner->layout.parts + (size_t)rank * PART_BYTES;
}

void symmetric_begin_job(struct rank *rank)
{
	struct symmetric *own = &rank->symmetric;

	if (own->count == 0 && own->used == 0)
		return;
	/* No other rank looks here before this rank has allocated. */
	pages_clear(part_of(rank, rank->rank), PART_BYTES);
	memset(own, 0, sizeof(*own));
}

/* The first place from `at` on with room for `bytes`. */
static uint64_t first_fit(const struct symmetric *own, uint64_t at,
			  uint64_t bytes)
{
	for (int i = 0; i < own->count; i++)
		if (at < own->blocks[i].end &&
		    at + bytes > own->blocks[i].begin)
			at = own->blocks[i].end;
	return at;
}

/* Keep the blocks in the order of their places. */
static void insert(struct symmetric *own, uint64_t begin, uint64_t end)
{
	int at = own->count++;

	for (; at > 0 && own->blocks[at - 1].begin > begin; at--)
		own->blocks[at] = own->blocks[at - 1];
	own->blocks[at] = (struct symmetric_block){ begin, end };
	own->used = 1;
}

/* All of the team name the same place. */
static int agree(struct rig_team *team, uint64_t bytes, uint64_t *place)
{
	const struct symmetric *own = &team->owner->symmetric;
	uint64_t at = PAGE_BYTES;

	if (own->count == RIG_BLOCKS_MAX)
		at = PART_BYTES;
	for (;;) {
		uint64_t mine = first_fit(own, at, bytes), all = 0;
		int r = rig_team_allreduce(team, &mine, &all, 1, RIG_UINT64,
					   RIG_MAX);

		if (r < 0)
			return r;
		/* The same place for all ranks: the highest of the named
		 * places. */
		if (all + bytes > PART_BYTES)
			return -ENOSPC;
		if (all == at) {
			*place = all;
			return 0;
		}
		at = all;
	}
}

int rig_team_alloc(struct rig_team *team, size_t bytes, void **memory)
{
	struct rank *owner = team->owner;
	uint64_t place, size;
	uint32_t bad, any = 0;
	unsigned char *own;
	int r;

	if (rank_check_thread(owner, "alloc") < 0)
		return -EINVAL;
	if (team->wide)
		return rig_team_fail(team, -EOPNOTSUPP,
				     "alloc: ranks of several hosts have no "
				     "memory in common: a host's team has");
	if (bytes == 0 || bytes > RIG_HEAP_MAX)
		return rig_team_fail(team, -EINVAL,
				     "alloc: %zu bytes, not 1 to %zu", bytes,
				     RIG_HEAP_MAX);
	/* Whole pages, so that the pages can be given back. */
	size = size_round_up(bytes, PAGE_BYTES);
	r = agree(team, size, &place);
	if (r == -ENOSPC)
		return rig_team_fail(team, r,
				     "alloc: no rank may have more than %zu "
				     "bytes and %d blocks",
				     RIG_HEAP_MAX, RIG_BLOCKS_MAX);
	if (r < 0)
		return r;
	own = part_of(owner, owner->rank) + place;
	bad = pages_populate(own, size, true) < 0;
	/* No rank writes to another rank's block before the block is there and
	 * zero. */
	r = rig_team_allreduce(team, &bad, &any, 1, RIG_UINT32, RIG_MAX);
	if (r < 0)
		return r;
	if (any) {
		pages_clear(own, size);
		return rig_team_fail(team, -ENOMEM, "alloc: no memory");
	}
	insert(&owner->symmetric, place, place + size);
	*memory = own;
	return 0;
}

/* The block that has `bytes` bytes at `memory`; -1: none. */
static int block_of(const struct rig_team *team, const void *memory,
		    size_t bytes)
{
	const struct rank *owner = team->owner;
	const struct symmetric *own = &owner->symmetric;
	uint64_t at =
		(uintptr_t)memory - (uintptr_t)part_of(owner, owner->rank);

	for (int i = 0; i < own->count; i++)
		if (at >= own->blocks[i].begin && at < own->blocks[i].end &&
		    bytes <= own->blocks[i].end - at)
			return i;
	return -1;
}

int rig_team_dealloc(struct rig_team *team, void *memory)
{
	struct symmetric *own = &team->owner->symmetric;
	int i, r;

	if (!memory)
		return 0;
	if (rank_check_thread(team->owner, "dealloc") < 0)
		return -EINVAL;
	i = block_of(team, memory, 1);
	if (i < 0 ||
	    part_of(team->owner, team->owner->rank) + own->blocks[i].begin !=
		    (unsigned char *)memory)
		return rig_team_fail(team, -EINVAL,
				     "dealloc: %p was not allocated", memory);
	/* Other ranks may still use the memory. */
	r = rig_team_barrier(team);
	if (r < 0)
		return r;
	/* Zero the block again, for the next allocation. */
	pages_clear(memory, own->blocks[i].end - own->blocks[i].begin);
	own->count--;
	for (; i < own->count; i++)
		own->blocks[i] = own->blocks[i + 1];
	return 0;
}

static void *find(struct rig_team *team, const void *memory, size_t bytes,
		  int rank)
{
	const struct rank *owner = team->owner;
	int other;

	if (rank < 0 || rank >= team->size || team->wide ||
	    block_of(team, memory, bytes) < 0)
		return NULL;
	other = team_world_rank(team, rank);
	return part_of(owner, other) +
	       ((const unsigned char *)memory - part_of(owner, owner->rank));
}

void *rig_team_peer(struct rig_team *team, const void *memory, int rank)
{
	return find(team, memory, 1, rank);
}

/* The same, or the words for why not. */
static int check(struct rig_team *team, const char *name, const void *memory,
		 size_t bytes, int rank, void **found)
{
	*found = NULL;
	if (rank_check_thread(team->owner, name) < 0)
		return -EINVAL;
	*found = find(team, memory, bytes, rank);
	if (*found)
		return rank_result(team->owner, 0);
	if (rank < 0 || rank >= team->size)
		return rig_team_fail(team, -EINVAL, "%s: rank %d, not 0 to %d",
				     name, rank, team->size - 1);
	return rig_team_fail(team, -EINVAL,
			     "%s: %zu bytes at %p are not in what "
			     "rig_team_alloc() gave",
			     name, bytes, memory);
}

static int check_word(struct rig_team *team, const char *name,
		      const uint64_t *word, size_t words, int rank,
		      _Atomic uint64_t **found)
{
	void *at = NULL;
	int r = check(team, name, word, words * sizeof(*word), rank, &at);

	if (r == 0 && (uintptr_t)at % sizeof(uint64_t))
		r = rig_team_fail(team, -EINVAL,
				  "%s: %p is not aligned to 8 bytes", name,
				  (const void *)word);
	*found = at;
	return r;
}

int rig_team_put(struct rig_team *team, void *memory, const void *data,
		 size_t bytes, int rank)
{
	void *at;
	int r = check(team, "put", memory, bytes, rank, &at);

	if (r == 0)
		memmove(at, data, bytes);
	return r;
}

int rig_team_get(struct rig_team *team, void *data, const void *memory,
		 size_t bytes, int rank)
{
	void *at;
	int r = check(team, "get", memory, bytes, rank, &at);

	if (r == 0)
		memmove(data, at, bytes);
	return r;
}

int rig_team_fetch_add(struct rig_team *team, uint64_t *word, uint64_t value,
		       int rank, uint64_t *before)
{
	_Atomic uint64_t *at;
	int r = check_word(team, "fetch_add", word, 1, rank, &at);
	uint64_t was;

	if (r < 0)
		return r;
	/* acq_rel: a kernel may rely on any order here. */
	was = add_acq_rel(at, value);
	if (before)
		*before = was;
	return 0;
}

int rig_team_compare_swap(struct rig_team *team, uint64_t *word,
			  uint64_t expected, uint64_t value, int rank,
			  uint64_t *before)
{
	_Atomic uint64_t *at;
	int r = check_word(team, "compare_swap", word, 1, rank, &at);

	if (r < 0)
		return r;
	/* acq_rel: as above.  The old value is in `expected` either way. */
	(void)cas_acq_rel(at, &expected, value);
	if (before)
		*before = expected;
	return 0;
}

int rig_team_notify(struct rig_team *team, uint64_t *word, int rank)
{
	_Atomic uint64_t *at;
	int r = check_word(team, "notify", word, 1, rank, &at);

	if (r == 0)
		rank_add(team->owner, at, 1);
	return r;
}

/* 0, or the team has ended. */
static int await(struct rig_team *team, uint64_t calls, const void *where,
		 const _Atomic uint64_t *word, uint64_t value)
{
	/* relaxed: for the report. */
	store_relaxed(&team->owner->mine->where, (uint64_t)(uintptr_t)where);
	store_relaxed(&team->owner->mine->calls, calls);
	(void)rank_await(team->owner, word, value);
	store_relaxed(&team->owner->mine->where, 0);
	store_relaxed(&team->owner->mine->calls, VERB_NONE);
	return rank_result(team->owner, 0);
}

int rig_team_wait_until(struct rig_team *team, uint64_t *word, uint64_t value)
{
	_Atomic uint64_t *at;
	int r = check_word(team, "wait_until", word, 1, team->rank, &at);

	if (r == 0)
		r = await(team, VERB_WAIT_UNTIL, __builtin_return_address(0),
			  at, value);
	return r;
}

int rig_team_lock(struct rig_team *team, uint64_t lock[2], int rank)
{
	_Atomic uint64_t *at;
	int r = check_word(team, "lock", lock, 2, rank, &at);

	if (r < 0)
		return r;
	/* relaxed: the ticket orders nothing; being served does, by acquire. */
	return await(team, CALLS_MESSAGE(VERB_LOCK, rank, 0),
		     __builtin_return_address(0), &at[1],
		     add_relaxed(&at[0], 1));
}

int rig_team_unlock(struct rig_team *team, uint64_t lock[2], int rank)
{
	_Atomic uint64_t *at;
	int r = check_word(team, "unlock", lock, 2, rank, &at);

	if (r < 0)
		return r;
	/* relaxed: the holder of the lock knows that neither word is less. */
	if (load_relaxed(&at[0]) <= load_relaxed(&at[1]))
		return rig_team_fail(team, -EINVAL,
				     "unlock: nobody has the lock");
	/* No other rank changes the word.  release inside: the next holder
	 * sees all stores of this holder. */
	rank_advance(team->owner, &at[1], load_relaxed(&at[1]) + 1);
	return 0;
}

int rig_team_accumulate(struct rig_team *team, void *memory, const void *data,
			size_t count, int type, int op, int rank)
{
	const size_t item = rig_type_bytes(type);
	_Atomic uint64_t *lock;
	size_t bytes = 0;
	void *at = NULL;
	int other, r = rank_check_thread(team->owner, "accumulate");

	if (r < 0)
		return r;
	if (item == 0 || !size_mul(item, count, &bytes) ||
	    !fold_by_twos(op, type))
		return rig_team_fail(team, -EINVAL,
				     "accumulate: no operation %s on %zu "
				     "elements of type %s",
				     op_name(op).text, count,
				     type_name(type).text);
	r = check(team, "accumulate", memory, bytes, rank, &at);
	if (r < 0)
		return r;
	other = team_world_rank(team, rank);
	/* The first words of a rank's part, which no block has. */
	lock = (_Atomic uint64_t *)(void *)part_of(team->owner, other);
	r = await(team, VERB_ACCUMULATE, __builtin_return_address(0), &lock[1],
		  add_relaxed(&lock[0], 1));
	if (r < 0)
		return r;
	team->owner->symmetric.used = 1;
	fold(at, at, data, count, type, op);
	rank_advance(team->owner, &lock[1], load_relaxed(&lock[1]) + 1);
	return 0;
}
