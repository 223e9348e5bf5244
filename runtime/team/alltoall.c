/* SPDX-License-Identifier: MIT */
/*
 * alltoall.c - a block of each rank for each rank: alltoall, and scatter, which is
 * alltoall from a single rank.
 *
 * A sender offers a piece of every block at once, side by side, and each receiver
 * takes a piece of its own block.  Blocks that others can all read in place are
 * offered once, and read there.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/nonblocking.h>

#include "team/blocks.h"
#include "team/call.h"
#include "team/wide.h"

/* Bytes of a piece of each of `size` blocks: together one STAGE_HALF at most. */
static size_t piece_of(size_t longest, int size)
{
	size_t piece;

	if (longest <= 256)
		return longest;
	piece = 2 * CALL_PIECE / (size_t)size;
	if (piece < 256)
		piece = 256;
	return longest < piece ? longest : piece;
}

/* The first byte of all blocks in memory, and the bytes from there to the last. */
static char *extent_of(const struct blocks *from, int size, size_t *bytes)
{
	uintptr_t begin = UINTPTR_MAX, end = 0;

	for (int i = 0; i < size; i++) {
		const uintptr_t at = (uintptr_t)blocks_at(from, i);
		const size_t n = blocks_bytes(from, i);

		if (n && at < begin)
			begin = at;
		if (n && at + n > end)
			end = at + n;
	}
	*bytes = end > begin ? end - begin : 0;
	return *bytes ? (char *)begin : NULL;
}

/* Where the block for each rank begins, from there. */
static void put_offs(const struct blocks *from, int size, uint64_t *offs)
{
	size_t bytes;
	const char *begin = extent_of(from, size, &bytes);

	for (int i = 0; i < size; i++)
		offs[i] = blocks_bytes(from, i)
				  ? (uint64_t)(blocks_at(from, i) - begin)
				  : 0;
}

/* Offer a piece of every block but this rank's own, which no other rank reads.  Or
 * offer all blocks in place, if nobody writes there (`lend`) and others can read
 * there. */
static void offer_blocks(struct call *call, const struct blocks *from,
			 size_t done, size_t piece, bool lend)
{
	const int self = call->team->rank, size = call->team->size;
	size_t all;
	char *room;

	if (lend && piece * (size_t)size >= LEND_BYTES) {
		const char *begin = extent_of(from, size, &all);

		if (call_offer_lent(call, begin, all))
			return;
	}
	room = call_offer_room(call, piece * (size_t)size);
	for (int i = 0; i < size; i++)
		if (i != self)
			call_say(call, room + (size_t)i * piece,
				 blocks_at(from, i) + done,
				 blocks_part(blocks_bytes(from, i), done,
					     piece));
	call_offer_ready(call);
}

/* Take a piece of the block that `rank` has for this rank; or the whole block, which
 * begins `off` bytes behind the lent bytes, and then call->in_place. */
static int take_block(struct call *call, int rank, char *to, size_t bytes,
		      size_t done, size_t piece, size_t off)
{
	const int self = call->team->rank, size = call->team->size;
	const char *found;

	call->in_place = false;
	found = call_see(call, rank, piece * (size_t)size);
	if (!found)
		return -EINVAL;
	if (call->in_place)
		call_copy(to, found + off, bytes);
	else
		call_copy(to + done, found + (size_t)self * piece,
			  blocks_part(bytes, done, piece));
	return 0;
}

/* A set of ranks, a bit each. */
struct rank_set {
	uint64_t bits[RIG_WORKERS_MAX / 64];
	int count;
};

static bool ranks_have(const struct rank_set *ranks, int rank)
{
	return ranks->bits[rank / 64] >> rank % 64 & 1;
}

static void ranks_add(struct rank_set *ranks, int rank)
{
	ranks->bits[rank / 64] |= UINT64_C(1) << rank % 64;
	ranks->count++;
}

/* Take the pieces of the other ranks, but for ranks that have lent all in a call
 * before. */
static int take_blocks(struct call *call, const struct blocks *to, size_t done,
		       size_t piece, const uint64_t *offs,
		       struct rank_set *lent)
{
	const int rank = call->team->rank, size = call->team->size;

	for (int i = 1; i < size; i++) {
		const int other = rank + i < size ? rank + i : rank + i - size;
		const size_t bytes = blocks_bytes(to, other);
		int r;

		if (lent->count && ranks_have(lent, other))
			continue;
		r = take_block(call, other, blocks_at(to, other), bytes, done,
			       piece,
			       offs ? offs[other] : (size_t)rank * bytes);
		if (r < 0)
			return r;
		if (call->in_place)
			ranks_add(lent, other);
	}
	return 0;
}

/*
 * `offs`: the begin of the block for this rank in the lent bytes of each other rank;
 * NULL: as for equal blocks.  Every rank hears from all others whether they lend, so
 * all ranks know after the first call how many calls there are.
 */
static int alltoall(struct rig_team *team, const struct blocks *from,
		    const struct blocks *to, size_t longest,
		    const uint64_t *offs)
{
	const int rank = team->rank, size = team->size;
	const bool moves = blocks_at(to, rank) != blocks_at(from, rank);
	const bool lend = from->data != to->data;
	size_t piece = piece_of(longest, size);
	struct rank_set lent = { .count = 0 };
	bool own = false;
	size_t done = 0;
	int r = 0;

	way_enter(team, WAY_ALLTOALL, longest);
	do {
		struct call call = call_begin(team);
		const bool all_say = lent.count == 0;

		if (!own)
			offer_blocks(&call, from, done, piece,
				     lend && done == 0);
		if (call.lent && !own) {
			own = true;
			ranks_add(&lent, rank);
		}
		/* This rank's own block, while the blocks of other ranks are on the
		 * way. */
		if (done == 0 && moves)
			call_copy(blocks_at(to, rank), blocks_at(from, rank),
				  blocks_bytes(from, rank));
		r = take_blocks(&call, to, done, piece, offs, &lent);
		if (r < 0)
			break;
		call_end(&call, done == 0 || all_say);
		done += piece;
	} while (done < longest && lent.count < size);
	return call_leave(team, own, r);
}

int rig_team_alltoall(struct rig_team *team, const void *send,
		      size_t send_count, int send_type, void *recv,
		      size_t recv_count, int recv_type)
{
	const bool in_place = send == RIG_IN_PLACE;
	const struct blocks to = blocks_alike(recv, recv_type, recv_count);
	const struct blocks from =
		in_place ? to : blocks_alike(send, send_type, send_count);
	const struct terms terms = { .verb = VERB_ALLTOALL,
				     .count = recv_count,
				     .type = recv_type };
	size_t bytes = 0, item;
	int r = blocks_check(team, VERB_ALLTOALL, &from,
			     in_place ? 0 : team->size, &to, team->size);

	if (r == 0)
		r = terms_check(team, &terms, &item, &bytes);
	if (r < 0)
		return r;
	if (blocks_bytes(&from, 0) != bytes)
		return rig_team_fail(
			team, -EINVAL,
			"alltoall: sends %zu bytes to each, and expects %zu",
			blocks_bytes(&from, 0), bytes);
	if (team->wide) {
		struct rig_request **request =
			wide_enter(team, &terms, __builtin_return_address(0));

		if (team == team->owner->wide.world &&
		    wide_alltoall_is_short(team, bytes))
			r = wide_alltoall(team, send, recv, bytes);
		else
			r = rig_team_ialltoall(team, send, send_count,
					       send_type, recv, recv_count,
					       recv_type, request);
		return wide_leave(team, r);
	}
	call_enter(team, &terms, __builtin_return_address(0));
	return alltoall(team, &from, &to, bytes, NULL);
}

/*
 * Each rank tells each other rank the length of the block, the length of the sender's
 * longest block, and the begin of the block: *offs for this rank.
 */
static int agree(struct rig_team *team, const struct blocks *from,
		 const struct blocks *to, size_t *longest, uint64_t *offs)
{
	const size_t size = (size_t)team->size;
	const size_t bytes = (2 * size + 1) * sizeof(uint64_t);
	struct call call = call_begin(team);
	uint64_t *room = call_offer_room(&call, bytes);

	*longest = blocks_longest(from, team->size);
	put_offs(from, team->size, room + size + 1);
	for (int i = 0; i < team->size; i++)
		room[i] = blocks_bytes(from, i);
	room[size] = *longest;
	call_offer_ready(&call);
	for (int i = 0; i < team->size; i++) {
		const uint64_t *found =
			i == team->rank ? room : call_see(&call, i, bytes);

		if (!found)
			return -EINVAL;
		if (found[team->rank] != blocks_bytes(to, i))
			return rig_team_fail(
				team, -EINVAL,
				"alltoallv: rank %d sends %zu bytes, %zu are "
				"expected",
				i, (size_t)found[team->rank],
				blocks_bytes(to, i));
		if (*longest < found[size])
			*longest = found[size];
		offs[i] = found[size + 1 + (size_t)team->rank];
	}
	call_end(&call, true);
	return 0;
}

int rig_team_alltoallv(struct rig_team *team, const void *send,
		       const size_t *send_counts, const size_t *send_displs,
		       int send_type, void *recv, const size_t *recv_counts,
		       const size_t *recv_displs, int recv_type)
{
	const struct blocks to =
		blocks_each(recv, recv_type, recv_counts, recv_displs);
	uint64_t offs[RIG_WORKERS_MAX];
	struct blocks from = to;
	const struct terms terms = { .verb = VERB_ALLTOALLV,
				     .type = recv_type };
	size_t bytes, item, longest = 0;
	int r = terms_check(team, &terms, &item, &bytes);

	if (send != RIG_IN_PLACE)
		from = blocks_each(send, send_type, send_counts, send_displs);
	if (r == 0)
		r = blocks_check(team, VERB_ALLTOALLV, &from,
				 send == RIG_IN_PLACE ? 0 : team->size, &to,
				 team->size);
	if (r < 0)
		return r;
	if (team->wide)
		return wide_leave(
			team,
			rig_team_ialltoallv(
				team, send, send_counts, send_displs, send_type,
				recv, recv_counts, recv_displs, recv_type,
				wide_enter(team, &terms,
					   __builtin_return_address(0))));
	call_enter(team, &terms, __builtin_return_address(0));
	r = agree(team, &from, &to, &longest, offs);
	if (r < 0)
		return call_leave(team, false, r);
	return alltoall(team, &from, &to, longest, offs);
}

/* Blocks of the root; the longest has `longest` bytes.  This rank's block has `bytes`
 * bytes, and begins at `off` in the bytes that the root lends. */
static int scatter(struct rig_team *team, const struct blocks *from, char *to,
		   size_t bytes, size_t longest, size_t off, int root)
{
	size_t piece = piece_of(longest, team->size);
	bool in_place = false;
	size_t done = 0;
	int r = 0;

	way_enter(team, WAY_SCATTER, longest);
	do {
		struct call call = call_begin(team);

		if (team->rank == root) {
			offer_blocks(&call, from, done, piece, done == 0);
			in_place = call.lent;
		} else {
			r = take_block(&call, root, to, bytes, done, piece,
				       off);
			in_place = call.in_place;
		}
		if (r < 0)
			break;
		call_end(&call, false);
		done += piece;
	} while (done < longest && !in_place);
	if (r == 0 && team->rank == root && to != RIG_IN_PLACE && bytes)
		memmove(to, blocks_at(from, root), bytes);
	return call_leave(team, in_place && team->rank == root, r);
}

/* The root sends all blocks, and each rank receives a block. */
static int check_scatter(struct rig_team *team, enum verb verb,
			 const struct blocks *from, struct blocks to, int root)
{
	return blocks_check(team, verb, from,
			    team->rank == root ? team->size : 0, &to,
			    to.data == RIG_IN_PLACE ? 0 : 1);
}

int rig_team_scatter(struct rig_team *team, const void *send, size_t send_count,
		     int send_type, void *recv, size_t recv_count,
		     int recv_type, int root)
{
	const struct blocks from = blocks_alike(send, send_type, send_count);
	const bool is_root = team->rank == root;
	struct terms terms = { .verb = VERB_SCATTER, .root = root };
	struct terms sized = terms;
	size_t bytes = 0, item;
	int r;

	sized.type = is_root ? send_type : recv_type;
	sized.count = is_root ? send_count : recv_count;
	r = check_scatter(team, VERB_SCATTER, &from,
			  blocks_alike(recv, recv_type, recv_count), root);
	if (r == 0)
		r = terms_check(team, &sized, &item, &bytes);
	if (r < 0)
		return r;
	if (is_root && recv != RIG_IN_PLACE &&
	    recv_count * rig_type_bytes(recv_type) != bytes)
		return rig_team_fail(team, -EINVAL,
				     "scatter: sends %zu bytes to itself, and "
				     "expects %zu",
				     bytes,
				     recv_count * rig_type_bytes(recv_type));
	terms.count = bytes;
	if (team->wide)
		return wide_leave(
			team, rig_team_iscatter(
				      team, send, send_count, send_type, recv,
				      recv_count, recv_type, root,
				      wide_enter(team, &terms,
						 __builtin_return_address(0))));
	call_enter(team, &terms, __builtin_return_address(0));
	return scatter(team, &from, recv, bytes, bytes,
		       (size_t)team->rank * bytes, root);
}

/* The root tells each rank the length of the rank's block, the longest length, and
 * the begin of the block: *off. */
static int hear_lengths(struct rig_team *team, const struct blocks *from,
			size_t bytes, int root, size_t *longest, size_t *off)
{
	const size_t size = (size_t)team->size;
	const size_t said = (2 * size + 1) * sizeof(uint64_t);
	struct call call = call_begin(team);
	const uint64_t *found;

	if (team->rank == root) {
		uint64_t *room = call_offer_room(&call, said);

		for (int i = 0; i < team->size; i++)
			room[i] = blocks_bytes(from, i);
		room[size] = blocks_longest(from, team->size);
		put_offs(from, team->size, room + size + 1);
		call_offer_ready(&call);
		found = room;
	} else {
		found = call_see(&call, root, said);
	}
	if (!found)
		return -EINVAL;
	if (found[team->rank] != bytes)
		return rig_team_fail(team, -EINVAL,
				     "scatterv: rank %d sends %zu bytes, %zu "
				     "are expected",
				     root, (size_t)found[team->rank], bytes);
	*longest = found[size];
	*off = found[size + 1 + (size_t)team->rank];
	call_end(&call, false);
	return 0;
}

int rig_team_scatterv(struct rig_team *team, const void *send,
		      const size_t *send_counts, const size_t *send_displs,
		      int send_type, void *recv, size_t recv_count,
		      int recv_type, int root)
{
	const struct blocks from =
		blocks_each(send, send_type, send_counts, send_displs);
	const bool kept = team->rank == root && recv == RIG_IN_PLACE;
	const struct terms terms = { .verb = VERB_SCATTERV,
				     .count = recv_count,
				     .type = recv_type,
				     .root = root };
	size_t bytes = 0, longest = 0, off = 0, item;
	int r = check_scatter(team, VERB_SCATTERV, &from,
			      blocks_alike(recv, recv_type, recv_count), root);

	if (r == 0 && kept)
		bytes = blocks_bytes(&from, root);
	else if (r == 0)
		r = terms_check(team, &terms, &item, &bytes);
	if (r < 0)
		return r;
	if (team->wide)
		return wide_leave(
			team,
			rig_team_iscatterv(
				team, send, send_counts, send_displs, send_type,
				recv, recv_count, recv_type, root,
				wide_enter(team, &terms,
					   __builtin_return_address(0))));
	call_enter(team, &terms, __builtin_return_address(0));
	r = hear_lengths(team, &from, bytes, root, &longest, &off);
	if (r < 0)
		return call_leave(team, false, r);
	return scatter(team, &from, recv, bytes, longest, off, root);
}
