/* SPDX-License-Identifier: MIT */
/*
 * gather.c - blocks of all ranks in one buffer: at the root, or everywhere.
 *
 * Each rank offers its block piece by piece, and each receiver copies the pieces to
 * the receiver's buffer.  Where blocks differ in length only the root knows the
 * longest: in a call before, the root tells the longest, and the others tell their
 * lengths.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/nonblocking.h>

#include "team/blocks.h"
#include "team/call.h"
#include "team/wide.h"

/* Copy a piece of every rank's block to the block's place. */
static int take_blocks(struct call *call, const struct blocks *to, size_t done)
{
	const int rank = call->team->rank, size = call->team->size;

	for (int i = 1; i < size; i++) {
		int from = (rank + i) % size;
		size_t n =
			blocks_part(blocks_bytes(to, from), done, CALL_PIECE);
		char *at = blocks_at(to, from) + done;
		const void *found = call_see(call, from, n);

		if (!found)
			return -EINVAL;
		if (found != at)
			call_copy(at, found, n);
	}
	return 0;
}

/* Gather `bytes` bytes at `mine` of each rank in `to`; the longest block has
 * `longest` bytes.  With a root of -1 every rank receives. */
static int gather(struct rig_team *team, const char *mine, size_t bytes,
		  const struct blocks *to, size_t longest, int root)
{
	const bool wanted = root < 0 || root == team->rank;
	char *own = wanted ? blocks_at(to, team->rank) : NULL;
	bool lent = false;
	size_t done = 0;
	int r = 0;

	way_enter(team, root < 0 ? WAY_ALLGATHER : WAY_GATHER, longest);
	do {
		struct call call = call_begin(team);
		size_t n = blocks_part(bytes, done, CALL_PIECE);
		const char *from = n ? mine + done : mine;

		if (root != team->rank)
			call_offer(&call, from, n, true);
		/* This rank's own block, while the blocks of other ranks are on the
		 * way. */
		if (n && wanted && mine != own)
			call_copy(own + done, from, n);
		if (wanted)
			r = take_blocks(&call, to, done);
		if (r < 0)
			break;
		call_end(&call, root < 0);
		lent |= call.lent;
		done += CALL_PIECE;
	} while (done < longest);
	return call_leave(team, lent, r);
}

/* The root tells the longest; the lengths of the others must be as the root expects. */
static int agree(struct rig_team *team, const struct blocks *to, size_t bytes,
		 int root, size_t *longest)
{
	struct call call = call_begin(team);
	const uint64_t own =
		team->rank == root ? blocks_longest(to, team->size) : bytes;
	const uint64_t *found = &own;

	call_offer(&call, &own, sizeof(own), false);
	if (team->rank != root)
		found = call_see(&call, root, sizeof(*found));
	if (!found)
		return -EINVAL;
	*longest = *found;
	for (int i = 0; team->rank == root && i < team->size; i++) {
		found = i == root ? &own : call_see(&call, i, sizeof(*found));
		if (!found)
			return -EINVAL;
		if (i != root && *found != blocks_bytes(to, i))
			return rig_team_fail(
				team, -EINVAL,
				"gatherv: rank %d sends %zu bytes, %zu are "
				"expected",
				i, (size_t)*found, blocks_bytes(to, i));
	}
	call_end(&call, false);
	return 0;
}

/* The bytes that a rank sends; in place the bytes of the rank's block at the
 * receiver. */
static int measure(struct rig_team *team, const struct terms *terms,
		   const void *send, size_t count, int type,
		   const struct blocks *to, size_t *bytes)
{
	struct terms sent = *terms;
	size_t item;

	if (send == RIG_IN_PLACE) {
		*bytes = blocks_bytes(to, team->rank);
		return 0;
	}
	sent.type = type;
	sent.count = count;
	return terms_check(team, &sent, &item, bytes);
}

/* Each rank sends a block; `wanted`: this rank receives all blocks. */
static int check(struct rig_team *team, enum verb verb, const void *send,
		 size_t count, int type, const struct blocks *to, bool wanted)
{
	const struct blocks from = blocks_alike(send, type, count);

	return blocks_check(team, verb, &from, send == RIG_IN_PLACE ? 0 : 1, to,
			    wanted ? team->size : 0);
}

int rig_team_gather(struct rig_team *team, const void *send, size_t send_count,
		    int send_type, void *recv, size_t recv_count, int recv_type,
		    int root)
{
	const bool is_root = team->rank == root;
	struct blocks to = blocks_alike(recv, recv_type, recv_count);
	struct terms terms = { .verb = VERB_GATHER, .root = root };
	size_t bytes = 0;
	int r = check(team, VERB_GATHER, send, send_count, send_type, &to,
		      is_root);

	if (r == 0)
		r = measure(team, &terms, send, send_count, send_type, &to,
			    &bytes);
	if (r < 0)
		return r;
	/* The same in all ranks, whatever the types are. */
	terms.count = is_root ? blocks_bytes(&to, root) : bytes;
	if (team->wide)
		return wide_leave(
			team, rig_team_igather(
				      team, send, send_count, send_type, recv,
				      recv_count, recv_type, root,
				      wide_enter(team, &terms,
						 __builtin_return_address(0))));
	call_enter(team, &terms, __builtin_return_address(0));
	if (is_root && bytes != terms.count)
		return rig_team_fail(team, -EINVAL,
				     "gather: sends %zu bytes to itself, and "
				     "expects %zu",
				     bytes, terms.count);
	if (is_root && send == RIG_IN_PLACE)
		send = blocks_at(&to, root);
	return gather(team, send, bytes, &to, bytes, root);
}

int rig_team_gatherv(struct rig_team *team, const void *send, size_t send_count,
		     int send_type, void *recv, const size_t *recv_counts,
		     const size_t *recv_displs, int recv_type, int root)
{
	struct blocks to =
		blocks_each(recv, recv_type, recv_counts, recv_displs);
	const struct terms terms = { .verb = VERB_GATHERV, .root = root };
	size_t bytes = 0, longest = 0;
	int r = check(team, VERB_GATHERV, send, send_count, send_type, &to,
		      team->rank == root);

	if (r == 0)
		r = measure(team, &terms, send, send_count, send_type, &to,
			    &bytes);
	if (r < 0)
		return r;
	if (team->wide)
		return wide_leave(
			team, rig_team_igatherv(
				      team, send, send_count, send_type, recv,
				      recv_counts, recv_displs, recv_type, root,
				      wide_enter(team, &terms,
						 __builtin_return_address(0))));
	call_enter(team, &terms, __builtin_return_address(0));
	r = agree(team, &to, bytes, root, &longest);
	if (r < 0)
		return call_leave(team, false, r);
	if (team->rank == root && send == RIG_IN_PLACE)
		send = blocks_at(&to, root);
	return gather(team, send, bytes, &to, longest, root);
}

/* The team has ranks of several hosts. */
COLD static int allgather_wide(struct rig_team *team, const struct terms *terms,
			       const void *send, void *recv, size_t bytes,
			       const void *where)
{
	struct rig_request **request = wide_enter(team, terms, where);

	return wide_leave(team,
			  team == team->owner->wide.world
				  ? wide_allgather(team, send, recv, bytes)
				  : rig_team_iallgather(team, send, bytes,
							RIG_UINT8, recv, bytes,
							RIG_UINT8, request));
}

int rig_team_allgather(struct rig_team *team, const void *send,
		       size_t send_count, int send_type, void *recv,
		       size_t recv_count, int recv_type)
{
	struct blocks to = blocks_alike(recv, recv_type, recv_count);
	struct terms terms = { .verb = VERB_ALLGATHER,
			       .count = recv_count,
			       .type = recv_type };
	size_t bytes = 0, each = 0, item;
	int r = check(team, VERB_ALLGATHER, send, send_count, send_type, &to,
		      true);

	if (r == 0)
		r = terms_check(team, &terms, &item, &each);
	if (r == 0)
		r = measure(team, &terms, send, send_count, send_type, &to,
			    &bytes);
	if (r == 0 && bytes != each)
		r = rig_team_fail(team, -EINVAL,
				  "allgather: sends %zu bytes, and expects %zu",
				  bytes, each);
	if (r < 0)
		return r;
	if (team->wide)
		return allgather_wide(team, &terms, send, recv, each,
				      __builtin_return_address(0));
	call_enter(team, &terms, __builtin_return_address(0));
	if (send == RIG_IN_PLACE)
		send = blocks_at(&to, team->rank);
	return gather(team, send, bytes, &to, bytes, -1);
}

int rig_team_allgatherv(struct rig_team *team, const void *send,
			size_t send_count, int send_type, void *recv,
			const size_t *recv_counts, const size_t *recv_displs,
			int recv_type)
{
	struct blocks to =
		blocks_each(recv, recv_type, recv_counts, recv_displs);
	struct terms terms = { .verb = VERB_ALLGATHERV, .type = recv_type };
	size_t bytes = 0, all, item;
	int r;

	r = check(team, VERB_ALLGATHERV, send, send_count, send_type, &to,
		  true);
	if (r < 0)
		return r;
	terms.count = blocks_count(&to, team->size);
	r = terms_check(team, &terms, &item, &all);
	if (r == 0)
		r = measure(team, &terms, send, send_count, send_type, &to,
			    &bytes);
	if (r == 0 && bytes != blocks_bytes(&to, team->rank))
		r = rig_team_fail(team, -EINVAL,
				  "allgatherv: sends %zu bytes, and expects "
				  "%zu",
				  bytes, blocks_bytes(&to, team->rank));
	if (r < 0)
		return r;
	if (team->wide)
		return wide_leave(
			team, rig_team_iallgatherv(
				      team, send, send_count, send_type, recv,
				      recv_counts, recv_displs, recv_type,
				      wide_enter(team, &terms,
						 __builtin_return_address(0))));
	call_enter(team, &terms, __builtin_return_address(0));
	if (send == RIG_IN_PLACE)
		send = blocks_at(&to, team->rank);
	return gather(team, send, bytes, &to, blocks_longest(&to, team->size),
		      -1);
}
