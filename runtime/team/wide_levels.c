/* SPDX-License-Identifier: MIT */
/*
 * wide_levels.c - verbs of the world of all hosts that walk the levels: within a host
 * by the host's shared memory, between hosts by messages of the leaders.
 *
 * Reductions give the bits of one pool of as many ranks.  Short data goes whole to
 * every rank, which folds as one pool does.  Long data goes along the chain of hosts:
 * each host folds its ranks onto the data of the hosts before, which is the order of
 * ranks, and sends the result on; the last host's result goes back along the chain.
 * Piece follows piece, so that each network link carries one piece while the hosts fold
 * other pieces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/message.h>
#include <runrig/nonblocking.h>

#include "team/fold.h"
#include "team/wide.h"
#include "team/wide_rounds.h"

/* Contributions of all ranks, in bytes, up to which all go whole to each rank. */
#define WHOLE_BYTES ((size_t)16 << 10)

/* Bytes of a piece of long data, and pieces of a bcast under way at once. */
#define PIECE ((size_t)256 << 10)
#define AHEAD 4

/* Tags of the chain, up and down; and of parts, to the last host and from the first
 * host on. */
enum { TAG_FOLDED = 1, TAG_RESULT, TAG_PARTS, TAG_PARTS_BEHIND };

static const struct hosts_shm *hosts_of(const struct rig_team *team)
{
	return &team->owner->layout.job->hosts;
}

/* The host of a rank of the world. */
static int host_of(const struct hosts_shm *hosts, int rank)
{
	int low = 0, high = hosts->count;

	while (high - low > 1) {
		const int middle = low + (high - low) / 2;

		if (hosts->firsts[middle] <= rank)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int finish(struct rig_team *team, int r, struct rig_request **request)
{
	return r < 0 ? r : rig_team_wait(team, request, NULL);
}

/* --- barrier --- */

int wide_barrier(struct rig_team *team)
{
	struct rank *owner = team->owner;
	struct rig_request *request = NULL;
	int r = rig_team_barrier(&owner->world);

	if (r == 0 && owner->wide.leaders)
		r = finish(team,
			   rig_team_ibarrier(owner->wide.leaders, &request),
			   &request);
	return r < 0 ? r : rig_team_barrier(&owner->world);
}

/* --- bcast --- */

/* The leaders' part of a bcast: piece `k` is begun, and piece `k` has come. */
struct pieces {
	struct rig_team *leaders;
	char *data;
	size_t bytes;
	size_t count;
	int root; /* host */
	struct rig_request **requests;
};

static size_t piece_bytes(const struct pieces *pieces, size_t k)
{
	const size_t left = pieces->bytes - k * PIECE;

	return left < PIECE ? left : PIECE;
}

static int begin_piece(const struct pieces *pieces, size_t k)
{
	return rig_team_ibcast(pieces->leaders, pieces->data + k * PIECE,
			       piece_bytes(pieces, k), RIG_UINT8, pieces->root,
			       &pieces->requests[k]);
}

/* At another host than the root's: the leader receives, and the other ranks get the
 * leader's data. */
static int bcast_from_leader(struct rig_team *team, const struct pieces *pieces)
{
	struct rig_team *local = &team->owner->world;
	size_t begun = 0;
	int r = 0;

	for (size_t k = 0; r == 0 && k < pieces->count; k++) {
		for (; r == 0 && pieces->leaders && begun < pieces->count &&
		       begun <= k + AHEAD;
		     begun++)
			r = begin_piece(pieces, begun);
		if (r == 0 && pieces->leaders)
			r = rig_team_wait(team, &pieces->requests[k], NULL);
		if (r == 0)
			r = rig_team_bcast(local, pieces->data + k * PIECE,
					   piece_bytes(pieces, k), RIG_UINT8,
					   0);
	}
	return r;
}

/* At the root's host: `root` is a rank of the host. */
static int bcast_from_root(struct rig_team *team, const struct pieces *pieces,
			   int root)
{
	struct rig_team *local = &team->owner->world;
	int r = 0;

	for (size_t k = 0; r == 0 && k < pieces->count; k++) {
		if (pieces->leaders && root == 0)
			r = begin_piece(pieces, k);
		if (r == 0)
			r = rig_team_bcast(local, pieces->data + k * PIECE,
					   piece_bytes(pieces, k), RIG_UINT8,
					   root);
		if (r == 0 && pieces->leaders && root != 0)
			r = begin_piece(pieces, k);
	}
	if (r == 0 && pieces->leaders)
		r = rig_team_waitall(team, (int)pieces->count, pieces->requests,
				     NULL);
	return r;
}

int wide_bcast(struct rig_team *team, void *buffer, size_t bytes, int root)
{
	const struct hosts_shm *hosts = hosts_of(team);
	const int host = host_of(hosts, root);
	struct pieces pieces = { .leaders = team->owner->wide.leaders,
				 .data = buffer,
				 .bytes = bytes,
				 .count = bytes ? (bytes - 1) / PIECE + 1 : 1,
				 .root = host };
	int r;

	pieces.requests = calloc(pieces.count, sizeof(*pieces.requests));
	if (!pieces.requests)
		return rig_team_fail(team, -ENOMEM, "bcast: no memory");
	if (host == hosts->own)
		r = bcast_from_root(team, &pieces, root - hosts->firsts[host]);
	else
		r = bcast_from_leader(team, &pieces);
	free(pieces.requests);
	return r;
}

/* --- allgather --- */

/* The bytes of `count` hosts' parts from host `first` on, as far as the last host, or
 * the bytes behind: from host 0 on. */
static struct rig_span span_of(const struct hosts_shm *hosts, int first,
			       int count, size_t each, bool behind)
{
	const int end = first + count, all = hosts->count;
	const int from = behind ? 0 : first;
	const int to =
		behind ? (end > all ? end - all : 0) : (end > all ? all : end);

	return (struct rig_span){ each * (size_t)hosts->firsts[from],
				  each * (size_t)hosts->firsts[to] };
}

/* One round of wide_rounds.h: the parts are up to two spans each way. */
static int exchange_round(struct rig_team *leaders, char *all, size_t each,
			  const struct wide_round *round)
{
	const struct hosts_shm *hosts = hosts_of(leaders);
	struct rig_request *sent[2] = { NULL };
	int r = 0;

	for (int b = 0; r == 0 && b < 2; b++) {
		const struct rig_span out = span_of(hosts, round->send_first,
						    round->count, each, b);

		if (out.begin < out.end)
			r = rig_team_isend(leaders, all + out.begin,
					   out.end - out.begin, RIG_UINT8,
					   round->to, TAG_PARTS + b, &sent[b]);
	}
	for (int b = 0; r == 0 && b < 2; b++) {
		const struct rig_span in = span_of(hosts, round->receive_first,
						   round->count, each, b);

		if (in.begin < in.end)
			r = rig_team_recv(leaders, all + in.begin,
					  in.end - in.begin, RIG_UINT8,
					  round->from, TAG_PARTS + b, NULL);
	}
	return r < 0 ? r : rig_team_waitall(leaders, 2, sent, NULL);
}

/* Many leaders: in rounds. */
static int exchange_rounds(struct rig_team *leaders, char *all, size_t each)
{
	const int hosts = hosts_of(leaders)->count;
	struct rig_request *agreed = NULL;
	/* Do all hosts call the same?  The message carries the terms. */
	int r = finish(leaders, rig_team_ibarrier(leaders, &agreed), &agreed);

	for (int k = 0; r == 0 && k < wide_rounds(hosts); k++) {
		const struct wide_round round =
			wide_round(hosts, leaders->rank, k);

		r = exchange_round(leaders, all, each, &round);
	}
	return r;
}

/* Few leaders: each sends its part to each. */
static int exchange_directly(struct rig_team *leaders, char *all, size_t each)
{
	const struct hosts_shm *hosts = hosts_of(leaders);
	struct rig_request *request = NULL;
	size_t *counts = malloc(2 * (size_t)hosts->count * sizeof(*counts));
	int r;

	if (!counts)
		return rig_team_fail(leaders, -ENOMEM, "allgather: no memory");
	for (int i = 0; i < hosts->count; i++) {
		const int first = hosts->firsts[i];

		counts[i] = each * (size_t)(hosts->firsts[i + 1] - first);
		counts[hosts->count + i] = each * (size_t)first;
	}
	r = finish(leaders,
		   rig_team_iallgatherv(leaders, RIG_IN_PLACE, 0, RIG_UINT8,
					all, counts, counts + hosts->count,
					RIG_UINT8, &request),
		   &request);
	free(counts);
	return r;
}

/* Each host's ranks have filled the host's part of `all`, `each` bytes a rank:
 * all ranks get all parts. */
static int exchange_parts(struct rig_team *team, char *all, size_t each)
{
	struct rig_team *leaders = team->owner->wide.leaders;
	int r = 0;

	if (leaders)
		r = leaders->size > WIDE_DIRECT
			    ? exchange_rounds(leaders, all, each)
			    : exchange_directly(leaders, all, each);
	if (r < 0)
		return r;
	return rig_team_bcast(&team->owner->world, all,
			      each * (size_t)team->size, RIG_UINT8, 0);
}

int wide_allgather(struct rig_team *team, const void *send, void *recv,
		   size_t bytes)
{
	char *all = recv;
	char *part = all + (size_t)wide_first(team->owner) * bytes;
	const bool in_place = send == RIG_IN_PLACE;
	const bool leads = team->owner->rank == 0;
	int r = rig_team_gather(&team->owner->world,
				in_place && leads ? RIG_IN_PLACE
				: in_place ? all + (size_t)team->rank * bytes
					   : send,
				bytes, RIG_UINT8, part, bytes, RIG_UINT8, 0);

	return r < 0 ? r : exchange_parts(team, all, bytes);
}

/* --- allreduce --- */

struct wide_reduction {
	const char *mine;
	char *recv;
	size_t count;
	size_t item;
	int type;
	int op;
};

/* The fold of a rank and of the ranks below in the tree of reduction.c, which fits a
 * line. */
static void fold_below(const struct wide_reduction *r, const char *all,
		       int rank, int size, char *out)
{
	const size_t bytes = r->count * r->item;
	_Alignas(16) char below[LINE_PAYLOAD];
	int children[TREE_CHILDREN_MAX];
	const int count = tree_children(rank, size, TREE_FAN, children);

	memcpy(out, all + (size_t)rank * bytes, bytes);
	for (int i = 0; i < count; i++) {
		fold_below(r, all, children[i], size, below);
		fold(out, out, below, r->count, r->type, r->op);
	}
}

/* Fold as one pool of `size` ranks folds. */
static int fold_whole(struct rig_team *team, const struct wide_reduction *r,
		      const char *all)
{
	const size_t bytes = r->count * r->item;
	const void **from;

	if (bytes <= LINE_PAYLOAD && team->size > CALL_FLAT &&
	    !fold_all_at_once(r->op, r->type)) {
		fold_below(r, all, 0, team->size, r->recv);
		return 0;
	}
	from = malloc((size_t)team->size * sizeof(*from));
	if (!from)
		return rig_team_fail(team, -ENOMEM, "allreduce: no memory");
	for (int i = 0; i < team->size; i++)
		from[i] = all + (size_t)i * bytes;
	fold_all(r->recv, from, team->size, r->count, r->type, r->op);
	free(from);
	return 0;
}

static int reduce_whole(struct rig_team *team, const struct wide_reduction *r)
{
	const size_t bytes = r->count * r->item;
	char *all = aligned_alloc(
		64, size_round_up(bytes * (size_t)team->size + 1, 64));
	int result;

	if (!all)
		return rig_team_fail(team, -ENOMEM, "allreduce: no memory");
	result = wide_allgather(team, r->mine, all, bytes);
	if (result == 0 && r->count)
		result = fold_whole(team, r, all);
	free(all);
	return result;
}

/* In this process: a long allreduce of a rank. */
struct chain {
	struct rig_team *team;
	struct rig_team *leaders; /* NULL: this rank is no leader */
	const struct wide_reduction *r;
	int host;
	int hosts;
	size_t each; /* elements of a piece */
	size_t pieces;
	size_t lag;                /* pieces up before the first down */
	char *folded;              /* the leader's memory for a piece */
	struct rig_request **sent; /* requests of each piece, up; then down */
};

static size_t chain_bytes(const struct chain *chain, size_t k, size_t *count)
{
	const size_t left = chain->r->count - k * chain->each;

	*count = left < chain->each ? left : chain->each;
	return *count * chain->r->item;
}

/* Piece `k` comes from the host before, and is folded with this leader's own data. */
static int fold_onto(struct chain *chain, size_t k, const char **mine)
{
	const struct wide_reduction *r = chain->r;
	size_t count;
	const size_t bytes = chain_bytes(chain, k, &count);
	int result;

	if (!chain->leaders || chain->host == 0)
		return 0;
	result = rig_team_recv(chain->leaders, chain->folded, bytes, RIG_UINT8,
			       chain->host - 1, TAG_FOLDED, NULL);
	if (result == 0)
		fold(chain->folded, chain->folded, *mine, count, r->type,
		     r->op);
	*mine = chain->folded;
	return result;
}

/* Fold this host's ranks onto piece `k`, and send the piece to the next host. */
static int chain_up(struct chain *chain, size_t k)
{
	const struct wide_reduction *r = chain->r;
	struct rig_team *local = &chain->team->owner->world;
	const char *mine = r->mine + k * chain->each * r->item;
	char *to = r->recv + k * chain->each * r->item;
	size_t count;
	const size_t bytes = chain_bytes(chain, k, &count);
	int result = fold_onto(chain, k, &mine);

	if (result == 0)
		result = rig_team_reduce(
			local,
			chain->leaders && mine == to ? RIG_IN_PLACE : mine, to,
			count, r->type, r->op, 0);
	if (result < 0 || !chain->leaders)
		return result;
	if (chain->host + 1 < chain->hosts)
		return rig_team_isend(chain->leaders, to, bytes, RIG_UINT8,
				      chain->host + 1, TAG_FOLDED,
				      &chain->sent[k]);
	return rig_team_isend(chain->leaders, to, bytes, RIG_UINT8,
			      chain->host - 1, TAG_RESULT, &chain->sent[k]);
}

/* Piece `k` of the result comes back. */
static int chain_down(struct chain *chain, size_t k)
{
	const struct wide_reduction *r = chain->r;
	char *to = r->recv + k * chain->each * r->item;
	struct rig_team *leaders = chain->leaders;
	size_t count;
	const size_t bytes = chain_bytes(chain, k, &count);
	int result = 0;

	if (leaders && chain->host + 1 < chain->hosts) {
		result = rig_team_wait(leaders, &chain->sent[k], NULL);
		if (result == 0)
			result = rig_team_recv(leaders, to, bytes, RIG_UINT8,
					       chain->host + 1, TAG_RESULT,
					       NULL);
		if (result == 0 && chain->host > 0)
			result = rig_team_isend(leaders, to, bytes, RIG_UINT8,
						chain->host - 1, TAG_RESULT,
						&chain->sent[k]);
	}
	return result < 0 ? result
			  : rig_team_bcast(&chain->team->owner->world, to,
					   bytes, RIG_UINT8, 0);
}

static int reduce_chain(struct rig_team *team, const struct wide_reduction *r)
{
	const struct hosts_shm *hosts = hosts_of(team);
	struct chain chain = { .team = team,
			       .leaders = team->owner->wide.leaders,
			       .r = r,
			       .host = hosts->own,
			       .hosts = hosts->count };
	struct rig_request *agreed = NULL;
	int result = 0;

	chain.each = PIECE / r->item ? PIECE / r->item : 1;
	chain.pieces = (r->count - 1) / chain.each + 1;
	chain.lag = 2 * (size_t)(hosts->count - hosts->own);
	chain.folded = malloc(chain.each * r->item);
	chain.sent = calloc(chain.pieces, sizeof(*chain.sent));
	if (!chain.folded || !chain.sent)
		result = rig_team_fail(team, -ENOMEM, "allreduce: no memory");
	/* Do all hosts call the same?  The message carries the terms. */
	if (result == 0 && chain.leaders)
		result = rig_team_ibarrier(chain.leaders, &agreed);
	for (size_t k = 0; result == 0 && k < chain.pieces + chain.lag; k++) {
		if (k < chain.pieces)
			result = chain_up(&chain, k);
		if (result == 0 && k >= chain.lag)
			result = chain_down(&chain, k - chain.lag);
	}
	if (result == 0)
		result = rig_team_waitall(team, (int)chain.pieces, chain.sent,
					  NULL);
	if (result == 0)
		result = rig_team_wait(team, &agreed, NULL);
	free(chain.folded);
	free(chain.sent);
	return result;
}

/* Short data goes whole to the root, which folds as one pool does. */
static int reduce_short(struct rig_team *team, const struct wide_reduction *r,
			int root)
{
	const size_t bytes = r->count * r->item;
	char *all = aligned_alloc(
		64, size_round_up(bytes * (size_t)team->size + 1, 64));
	int result;

	if (!all)
		return rig_team_fail(team, -ENOMEM, "reduce: no memory");
	result = wide_gather_short(team, r->mine, all, bytes, root);
	if (result == 0 && team->rank == root)
		result = fold_whole(team, r, all);
	free(all);
	return result;
}

static struct wide_reduction reduction_of(const void *send, void *recv,
					  size_t count, int type, int op)
{
	return (struct wide_reduction){ .mine = send == RIG_IN_PLACE ? recv
								     : send,
					.recv = recv,
					.count = count,
					.item = rig_type_bytes(type),
					.type = type,
					.op = op };
}

int wide_reduce(struct rig_team *team, const void *send, void *recv,
		size_t count, int type, int op, int root)
{
	const bool is_root = team->rank == root;
	const struct wide_reduction r =
		reduction_of(send, recv, count, type, op);
	struct rig_request *request = NULL;
	char *room;
	int result;

	if (count && (count * r.item <= WHOLE_BYTES / (size_t)team->size ||
		      count * r.item <= LINE_PAYLOAD))
		return reduce_short(team, &r, root);
	if (count == 0 || fold_all_at_once(op, type))
		return finish(team,
			      rig_team_ireduce(team, send, recv, count, type,
					       op, root, &request),
			      &request);
	if (is_root)
		return wide_allreduce(team, send, recv, count, type, op);
	/* Along the chain, as an allreduce; the others drop the result. */
	room = aligned_alloc(64, size_round_up(count * r.item, 64));
	if (!room)
		return rig_team_fail(team, -ENOMEM, "reduce: no memory");
	result = wide_allreduce(team, send, room, count, type, op);
	free(room);
	return result;
}

int wide_allreduce(struct rig_team *team, const void *send, void *recv,
		   size_t count, int type, int op)
{
	const struct wide_reduction r =
		reduction_of(send, recv, count, type, op);
	struct rig_request *request = NULL;

	if (count * r.item <= WHOLE_BYTES / (size_t)team->size ||
	    count * r.item <= LINE_PAYLOAD)
		return reduce_whole(team, &r);
	if (fold_all_at_once(op, type))
		return finish(team,
			      rig_team_iallreduce(team, send, recv, count, type,
						  op, &request),
			      &request);
	return reduce_chain(team, &r);
}
