/* SPDX-License-Identifier: MIT */
/*
 * wide_levels.c - verbs of the world of all hosts that walk the levels: within a host
 * by the host's shared memory, between hosts by messages of the leaders.
 *
 * Long data of a bcast goes along the chain of hosts, or down a binary tree, piece after
 * piece: each host sends the data once, or twice, and hands pieces to its ranks while other
 * pieces travel.
 * Reductions are in wide_reduce.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/message.h>
#include <runrig/nonblocking.h>

#include "team/wide.h"
#include "team/wide_rounds.h"

/* Bytes of a piece of long data, and pieces of a bcast under way at once. */
#define PIECE ((size_t)256 << 10)
#define AHEAD 4

/* Tags of parts, to the last host and from the first host on; and of pieces. */
enum { TAG_PARTS = 5, TAG_PARTS_BEHIND, TAG_PIECE };

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
	/* A piece goes from each host to this many hosts: along a chain, or down a
	 * binary tree, from the root on. */
	int fan;
	struct rig_request *first;
	/* Requests of each piece: received, and then sent on to each host. */
	struct rig_request **requests;
};

static size_t piece_bytes(const struct pieces *pieces, size_t k)
{
	const size_t left = pieces->bytes - k * PIECE;

	return left < PIECE || pieces->count == 1 ? left : PIECE;
}

/* How far this host is from the root, in numbers of hosts. */
static int distance_of(const struct pieces *pieces)
{
	const int hosts = pieces->leaders->size;

	return (pieces->leaders->rank - pieces->root + hosts) % hosts;
}

/* Short data is a bcast of the leaders.  Before the pieces of long data goes a bcast of
 * nothing: the message carries the terms. */
static int begin_first(struct pieces *pieces)
{
	const bool is_short = pieces->count == 1;

	return rig_team_ibcast(pieces->leaders, pieces->data,
			       is_short ? pieces->bytes : 0, RIG_UINT8,
			       pieces->root, &pieces->first);
}

/* Not at the root: piece `k` is to come. */
static int receive_piece(struct pieces *pieces, size_t k)
{
	const int hosts = pieces->leaders->size;
	const int from = (distance_of(pieces) - 1) / pieces->fan + pieces->root;

	if (pieces->count == 1)
		return 0;
	return rig_team_irecv(pieces->leaders, pieces->data + k * PIECE,
			      piece_bytes(pieces, k), RIG_UINT8, from % hosts,
			      TAG_PIECE, &pieces->requests[k]);
}

/* Piece `k` has come, or is the root's: send the piece on. */
static int send_piece(struct pieces *pieces, size_t k)
{
	const int hosts = pieces->leaders->size;
	const int first = distance_of(pieces) * pieces->fan + 1;
	int r = 0;

	for (int i = 0; r == 0 && pieces->count > 1 && i < pieces->fan; i++)
		if (first + i < hosts)
			r = rig_team_isend(
				pieces->leaders, pieces->data + k * PIECE,
				piece_bytes(pieces, k), RIG_UINT8,
				(first + i + pieces->root) % hosts, TAG_PIECE,
				&pieces->requests[pieces->count *
							  (size_t)(1 + i) +
						  k]);
	return r;
}

/* Wait for piece `k`. */
static int await_piece(struct pieces *pieces, size_t k)
{
	return rig_team_wait(pieces->leaders,
			     pieces->count == 1 ? &pieces->first
						: &pieces->requests[k],
			     NULL);
}

static int end_pieces(struct pieces *pieces)
{
	const int r = rig_team_wait(pieces->leaders, &pieces->first, NULL);

	if (r < 0)
		return r;
	return rig_team_waitall(pieces->leaders,
				(int)pieces->count * (1 + pieces->fan),
				pieces->requests, NULL);
}

/* At another host than the root's: the leader receives, and the other ranks get the
 * leader's data. */
static int bcast_from_leader(struct rig_team *team, struct pieces *pieces)
{
	struct rig_team *local = &team->owner->world;
	/* A leader that has nothing else to do gives all pieces a place at once. */
	const size_t ahead = local->size == 1 ? pieces->count : AHEAD;
	size_t begun = 0;
	int r = pieces->leaders ? begin_first(pieces) : 0;

	for (size_t k = 0; r == 0 && k < pieces->count; k++) {
		for (; r == 0 && pieces->leaders && begun < pieces->count &&
		       begun <= k + ahead;
		     begun++)
			r = receive_piece(pieces, begun);
		if (r == 0 && pieces->leaders)
			r = await_piece(pieces, k);
		if (r == 0 && pieces->leaders)
			r = send_piece(pieces, k);
		if (r == 0)
			r = rig_team_bcast(local, pieces->data + k * PIECE,
					   piece_bytes(pieces, k), RIG_UINT8,
					   0);
	}
	return r == 0 && pieces->leaders ? end_pieces(pieces) : r;
}

/* At the root's host: `root` is a rank of the host. */
static int bcast_from_root(struct rig_team *team, struct pieces *pieces,
			   int root)
{
	struct rig_team *local = &team->owner->world;
	/* Short data of another rank comes to the leader first. */
	const bool late = pieces->count == 1 && root != 0;
	int r = pieces->leaders && !late ? begin_first(pieces) : 0;

	for (size_t k = 0; r == 0 && k < pieces->count; k++) {
		/* A leader that is the root need not wait for the local bcast. */
		if (pieces->leaders && root == 0)
			r = send_piece(pieces, k);
		if (r == 0)
			r = rig_team_bcast(local, pieces->data + k * PIECE,
					   piece_bytes(pieces, k), RIG_UINT8,
					   root);
		if (r == 0 && pieces->leaders && root != 0)
			r = late ? begin_first(pieces) : send_piece(pieces, k);
	}
	return r == 0 && pieces->leaders ? end_pieces(pieces) : r;
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

	/* Two ranks: nobody waits for a part of the data. */
	if (team->size == 2)
		pieces.count = 1;

	/* The last host of a chain has the first piece after as many steps as
	 * there are hosts. */
	pieces.fan = pieces.count > (size_t)hosts->count ? 1 : 2;
	pieces.requests = calloc(pieces.count * (size_t)(1 + pieces.fan),
				 sizeof(*pieces.requests));
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
	const int hosts = hosts_of(team)->count;
	struct rig_request *request = NULL;
	int r;

	/* Few hosts of one rank: no copy within the host comes before. */
	if (team->size == hosts && hosts <= WIDE_DIRECT)
		return finish(team,
			      rig_team_iallgather(team->owner->wide.leaders,
						  send, bytes, RIG_UINT8, recv,
						  bytes, RIG_UINT8, &request),
			      &request);
	r = rig_team_gather(&team->owner->world,
			    in_place && leads ? RIG_IN_PLACE
			    : in_place        ? all + (size_t)team->rank * bytes
					      : send,
			    bytes, RIG_UINT8, part, bytes, RIG_UINT8, 0);

	return r < 0 ? r : exchange_parts(team, all, bytes);
}
