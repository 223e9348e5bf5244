/* SPDX-License-Identifier: MIT */
/*
 * wide_reduce.c - reductions of the world of all hosts, with the bits of one pool of as
 * many ranks.
 *
 * Short data goes whole to every rank, which folds as one pool does.  Long data is cut
 * into strips, one a host, where the order in which hosts are folded may be had so: each
 * host has one rank, or the operation is exact.  Each host gets its strip of all hosts,
 * folds the strip, and gives the result to all.  All other long data goes along the chain
 * of hosts: each host folds its ranks onto the data of the hosts before, which is the
 * order of ranks, and sends the result on; the last host's result goes back along the
 * chain.  Piece follows piece, so that each network link carries one piece while the
 * hosts fold other pieces.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/heap.h>
#include <runrig/message.h>
#include <runrig/nonblocking.h>

#include "team/fold.h"
#include "team/wide.h"

/* Contributions of all ranks of a host, on average and in bytes, up to which all data
 * goes whole to each rank: that is sooner there than pieces along a chain. */
#define WHOLE_BYTES ((size_t)8 << 10)

/* Bytes of a piece of long data. */
#define PIECE ((size_t)256 << 10)

/* Tags of the chain, up and down; and of strips, and of results. */
enum { TAG_FOLDED = 1, TAG_RESULT, TAG_STRIP, TAG_SUM };

static const struct hosts_shm *hosts_of(const struct rig_team *team)
{
	return &team->owner->layout.job->hosts;
}

static int finish(struct rig_team *team, int r, struct rig_request **request)
{
	return r < 0 ? r : rig_team_wait(team, request, NULL);
}

/* Memory of a leader, into which the caller can receive without a copy. */
static void *scratch(struct rig_team *team, size_t bytes, bool *in_heap)
{
	void *memory = rig_heap_malloc(rig_team_heap(team), bytes);

	*in_heap = memory != NULL;
	return memory ? memory : malloc(bytes);
}

static void drop_scratch(struct rig_team *team, void *memory, bool in_heap)
{
	if (in_heap)
		(void)rig_heap_free(rig_team_heap(team), memory);
	else
		free(memory);
}

/* --- short data: whole to every rank --- */

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

/* --- long data: a strip a host --- */

/* Integers are the same in any order. */
static bool is_any_order(const struct wide_reduction *r)
{
	return r->type >= RIG_INT8 && r->type <= RIG_UINT64 &&
	       (r->op & ~RIG_REPRODUCIBLE) < FOLD_USER_OP;
}

/* May hosts be folded strip by strip?  The same on every rank. */
static bool in_strips(const struct rig_team *team,
		      const struct wide_reduction *r)
{
	const struct hosts_shm *hosts = hosts_of(team);

	return hosts->count == team->size || is_any_order(r);
}

/* At a leader: the exchange of strips. */
struct strip_sums {
	struct rig_team *leaders;
	const struct wide_reduction *r;
	const char *mine; /* data of the host */
	int hosts, own;
	char *came;                /* the own strip, of each host */
	struct rig_request **sent; /* one a host, and then one a host: */
	struct rig_request **received;
	const void **from;
};

static struct rig_span strip_of(const struct strip_sums *s, int host,
				size_t *count)
{
	struct rig_span span = rig_strip(s->r->count, host, s->hosts);

	*count = span.end - span.begin;
	span.begin *= s->r->item;
	span.end *= s->r->item;
	return span;
}

static int exchange_strips(struct strip_sums *s)
{
	size_t count;
	const struct rig_span own = strip_of(s, s->own, &count);
	const size_t bytes = own.end - own.begin;
	int result = 0;

	for (int i = 1; result == 0 && i < s->hosts; i++) {
		const int host = (s->own + i) % s->hosts;
		const struct rig_span there = strip_of(s, host, &count);

		result = rig_team_irecv(
			s->leaders, s->came + (size_t)host * bytes, bytes,
			RIG_UINT8, host, TAG_STRIP, &s->received[host]);
		if (result == 0)
			result = rig_team_isend(
				s->leaders, s->mine + there.begin,
				there.end - there.begin, RIG_UINT8, host,
				TAG_STRIP, &s->sent[host]);
	}
	/* Data that is sent in place must have gone before results come there. */
	return result < 0 ? result
			  : rig_team_waitall(s->leaders, 2 * s->hosts, s->sent,
					     NULL);
}

static void fold_strip(struct strip_sums *s)
{
	size_t count;
	const struct rig_span own = strip_of(s, s->own, &count);
	const size_t bytes = own.end - own.begin;
	char *to = s->r->recv + own.begin;

	for (int i = 0; i < s->hosts; i++)
		s->from[i] = s->came + (size_t)i * bytes;
	if (s->mine == s->r->recv && bytes)
		memcpy(s->came + (size_t)s->own * bytes, to, bytes);
	else
		s->from[s->own] = s->mine + own.begin;
	fold_all(to, s->from, s->hosts, count, s->r->type, s->r->op);
}

static int exchange_sums(struct strip_sums *s)
{
	size_t count;
	const struct rig_span own = strip_of(s, s->own, &count);
	int result = 0;

	for (int i = 1; result == 0 && i < s->hosts; i++) {
		const int host = (s->own + i) % s->hosts;
		const struct rig_span there = strip_of(s, host, &count);

		result = rig_team_irecv(s->leaders, s->r->recv + there.begin,
					there.end - there.begin, RIG_UINT8,
					host, TAG_SUM, &s->received[host]);
		if (result == 0)
			result = rig_team_isend(s->leaders,
						s->r->recv + own.begin,
						own.end - own.begin, RIG_UINT8,
						host, TAG_SUM, &s->sent[host]);
	}
	return result < 0 ? result
			  : rig_team_waitall(s->leaders, 2 * s->hosts, s->sent,
					     NULL);
}

static int reduce_leaders(struct rig_team *team, const struct wide_reduction *r,
			  const char *mine)
{
	const struct hosts_shm *hosts = hosts_of(team);
	const size_t n = (size_t)hosts->count;
	struct strip_sums s = { .leaders = team->owner->wide.leaders,
				.r = r,
				.mine = mine,
				.hosts = hosts->count,
				.own = hosts->own };
	struct rig_request *agreed = NULL;
	bool in_heap;
	int result = 0;

	s.came = scratch(team, (r->count / n + 1) * n * r->item, &in_heap);
	s.sent = calloc(2 * n, sizeof(*s.sent));
	s.from = malloc(n * sizeof(*s.from));
	if (!s.came || !s.sent || !s.from) {
		result = rig_team_fail(team, -ENOMEM, "allreduce: no memory");
	} else {
		s.received = s.sent + n;
		/* Do all hosts call the same?  The message carries the terms. */
		result = rig_team_ibarrier(s.leaders, &agreed);
	}
	if (result == 0)
		result = exchange_strips(&s);
	if (result == 0) {
		fold_strip(&s);
		result = exchange_sums(&s);
	}
	if (result == 0)
		result = rig_team_wait(team, &agreed, NULL);
	drop_scratch(team, s.came, in_heap);
	free(s.sent);
	free(s.from);
	return result;
}

static int reduce_strips(struct rig_team *team, const struct wide_reduction *r)
{
	struct rig_team *local = &team->owner->world;
	const bool leads = team->owner->wide.leaders != NULL;
	const char *mine = r->mine;
	int result = 0;

	if (local->size > 1) {
		result = rig_team_reduce(
			local, leads && mine == r->recv ? RIG_IN_PLACE : mine,
			r->recv, r->count, r->type, r->op, 0);
		mine = r->recv;
	}
	if (result == 0 && leads)
		result = reduce_leaders(team, r, mine);
	if (result < 0 || local->size == 1)
		return result;
	return rig_team_bcast(local, r->recv, r->count * r->item, RIG_UINT8, 0);
}

/* --- long data: along the chain of hosts --- */

/* In this process: a long allreduce of a rank. */
struct chain {
	struct rig_team *team;
	struct rig_team *leaders; /* NULL: this rank is no leader */
	const struct wide_reduction *r;
	int host;
	int hosts;
	size_t each; /* elements of a piece */
	size_t pieces;
	size_t lag;      /* pieces up before the first down */
	char *folded[2]; /* the leader's memory for two pieces */
	bool in_heap[2];
	struct rig_request **sent; /* of each piece, up; then down */
	struct rig_request **came; /* likewise */
};

static size_t chain_bytes(const struct chain *chain, size_t k, size_t *count)
{
	const size_t left = chain->r->count - k * chain->each;

	*count = left < chain->each ? left : chain->each;
	return *count * chain->r->item;
}

/* Receive piece `k` from the host before, while the host folds another piece. */
static int await_folded(struct chain *chain, size_t k)
{
	size_t count;

	if (!chain->leaders || chain->host == 0 || k >= chain->pieces)
		return 0;
	return rig_team_irecv(chain->leaders, chain->folded[k % 2],
			      chain_bytes(chain, k, &count), RIG_UINT8,
			      chain->host - 1, TAG_FOLDED, &chain->came[k]);
}

/* Piece `k` comes from the host before, and is folded with this leader's own data. */
static int fold_onto(struct chain *chain, size_t k, const char **mine)
{
	const struct wide_reduction *r = chain->r;
	char *folded = chain->folded[k % 2];
	size_t count;
	int result;

	(void)chain_bytes(chain, k, &count);
	if (!chain->leaders || chain->host == 0)
		return 0;
	result = rig_team_wait(chain->leaders, &chain->came[k], NULL);
	if (result == 0)
		fold(folded, folded, *mine, count, r->type, r->op);
	*mine = folded;
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
	if (result == 0)
		result = await_folded(chain, k + 2);
	if (result < 0 || !chain->leaders || chain->hosts == 1)
		return result;
	if (chain->host + 1 < chain->hosts)
		return rig_team_isend(chain->leaders, to, bytes, RIG_UINT8,
				      chain->host + 1, TAG_FOLDED,
				      &chain->sent[k]);
	return rig_team_isend(chain->leaders, to, bytes, RIG_UINT8,
			      chain->host - 1, TAG_RESULT, &chain->sent[k]);
}

/* Receive piece `k` of the result, when the piece is no longer sent from there. */
static int await_result(struct chain *chain, size_t k)
{
	char *to = chain->r->recv + k * chain->each * chain->r->item;
	size_t count;
	int result;

	if (!chain->leaders || chain->host + 1 == chain->hosts ||
	    k >= chain->pieces)
		return 0;
	result = rig_team_wait(chain->leaders, &chain->sent[k], NULL);
	if (result < 0)
		return result;
	return rig_team_irecv(chain->leaders, to, chain_bytes(chain, k, &count),
			      RIG_UINT8, chain->host + 1, TAG_RESULT,
			      &chain->came[k]);
}

/* Piece `k` of the result comes back. */
static int chain_down(struct chain *chain, size_t k)
{
	const struct wide_reduction *r = chain->r;
	char *to = r->recv + k * chain->each * r->item;
	struct rig_team *leaders = chain->leaders;
	size_t count;
	const size_t bytes = chain_bytes(chain, k, &count);
	int result = k == 0 ? await_result(chain, 0) : 0;

	/* A piece ahead, which was sent before the last piece up. */
	if (result == 0)
		result = await_result(chain, k + 1);
	if (result == 0 && leaders && chain->host + 1 < chain->hosts) {
		result = rig_team_wait(leaders, &chain->came[k], NULL);
		if (result == 0 && chain->host > 0)
			result = rig_team_isend(leaders, to, bytes, RIG_UINT8,
						chain->host - 1, TAG_RESULT,
						&chain->sent[k]);
	}
	return result < 0 ? result
			  : rig_team_bcast(&chain->team->owner->world, to,
					   bytes, RIG_UINT8, 0);
}

static int chain_pieces(struct chain *chain)
{
	struct rig_team *team = chain->team;
	struct rig_request *agreed = NULL;
	int result = 0;

	/* Do all hosts call the same?  The message carries the terms. */
	if (chain->leaders)
		result = rig_team_ibarrier(chain->leaders, &agreed);
	for (size_t k = 0; result == 0 && k < 2; k++)
		result = await_folded(chain, k);
	for (size_t k = 0; result == 0 && k < chain->pieces + chain->lag; k++) {
		if (k < chain->pieces)
			result = chain_up(chain, k);
		if (result == 0 && k >= chain->lag)
			result = chain_down(chain, k - chain->lag);
	}
	if (result == 0)
		result = rig_team_waitall(team, (int)chain->pieces, chain->sent,
					  NULL);
	return result < 0 ? result : rig_team_wait(team, &agreed, NULL);
}

static int reduce_chain(struct rig_team *team, const struct wide_reduction *r)
{
	const struct hosts_shm *hosts = hosts_of(team);
	struct chain chain = { .team = team,
			       .leaders = team->owner->wide.leaders,
			       .r = r,
			       .host = hosts->own,
			       .hosts = hosts->count };
	bool made;
	int result;

	chain.each = PIECE / r->item ? PIECE / r->item : 1;
	chain.pieces = (r->count - 1) / chain.each + 1;
	chain.lag = 2 * (size_t)(hosts->count - hosts->own);
	chain.sent = calloc(2 * chain.pieces, sizeof(*chain.sent));
	made = chain.sent != NULL;
	for (int i = 0; i < 2 && chain.leaders; i++) {
		chain.folded[i] =
			scratch(team, chain.each * r->item, &chain.in_heap[i]);
		made &= chain.folded[i] != NULL;
	}
	if (made) {
		chain.came = chain.sent + chain.pieces;
		result = chain_pieces(&chain);
	} else {
		result = rig_team_fail(team, -ENOMEM, "allreduce: no memory");
	}
	for (int i = 0; i < 2; i++)
		drop_scratch(team, chain.folded[i], chain.in_heap[i]);
	free(chain.sent);
	return result;
}

/* --- reduce and allreduce --- */

/* Does the data go whole to every rank?  The same on every rank. */
static bool is_short(const struct rig_team *team,
		     const struct wide_reduction *r)
{
	const size_t hosts = (size_t)hosts_of(team)->count;
	const size_t bytes = r->count * r->item;

	return bytes <= WHOLE_BYTES * hosts / (size_t)team->size ||
	       bytes <= LINE_PAYLOAD;
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

int wide_reduce(struct rig_team *team, const void *send, void *recv,
		size_t count, int type, int op, int root)
{
	const bool is_root = team->rank == root;
	const struct wide_reduction r = { .mine = send == RIG_IN_PLACE ? recv
								       : send,
					  .recv = recv,
					  .count = count,
					  .item = rig_type_bytes(type),
					  .type = type,
					  .op = op };
	struct rig_request *request = NULL;
	char *room;
	int result;

	if (count && is_short(team, &r))
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
	const struct wide_reduction r = { .mine = send == RIG_IN_PLACE ? recv
								       : send,
					  .recv = recv,
					  .count = count,
					  .item = rig_type_bytes(type),
					  .type = type,
					  .op = op };
	struct rig_request *request = NULL;

	if (is_short(team, &r))
		return reduce_whole(team, &r);
	if (fold_all_at_once(op, type))
		return finish(team,
			      rig_team_iallreduce(team, send, recv, count, type,
						  op, &request),
			      &request);
	return in_strips(team, &r) ? reduce_strips(team, &r)
				   : reduce_chain(team, &r);
}
