/* SPDX-License-Identifier: MIT */
/*
 * wide_short.c - verbs of the world of all hosts with short data: one message from host
 * to host in place of many messages from rank to rank.
 *
 * The ranks of a host give rank 0 their data; rank 0 of each host, the leaders,
 * exchange the data for each other's hosts; and each rank gets its data.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/nonblocking.h>

#include "team/fold.h"
#include "team/wide.h"
#include "team/wide_rounds.h"

/* Bytes of all ranks of a host in an alltoall that counts as short. */
#define ALLTOALL_BYTES ((size_t)256 << 10)

static const struct hosts_shm *hosts_of(const struct rig_team *team)
{
	return &team->owner->layout.job->hosts;
}

static int finish(struct rig_team *team, int r, struct rig_request **request)
{
	return r < 0 ? r : rig_team_wait(team, request, NULL);
}

/* --- alltoall --- */

/* At a leader: an alltoall of blocks of `bytes` bytes. */
struct exchange {
	const struct hosts_shm *hosts;
	int ranks; /* ranks of this host */
	int all;   /* ranks of the world */
	size_t bytes;
	char *rows; /* the blocks that each rank of the host sends, or gets: `all` blocks */
	char *sent, *came;             /* the same, by hosts */
	size_t *counts, *from, *begin; /* bytes of each host, and their place */
};

bool wide_alltoall_is_short(const struct rig_team *team, size_t bytes)
{
	const struct hosts_shm *hosts = hosts_of(team);
	size_t most = 0;

	for (int i = 0; i < hosts->count; i++) {
		const size_t ranks =
			(size_t)(hosts->firsts[i + 1] - hosts->firsts[i]);

		most = ranks > most ? ranks : most;
	}
	/* The same on every host. */
	return bytes && most > 1 &&
	       bytes <= ALLTOALL_BYTES / (size_t)team->size / most;
}

static bool make(struct exchange *x)
{
	const size_t room = (size_t)x->ranks * (size_t)x->all * x->bytes;

	x->rows = malloc(room);
	x->sent = malloc(room);
	x->came = malloc(room);
	x->counts = malloc(2 * (size_t)x->hosts->count * sizeof(*x->counts));
	x->begin = x->counts ? x->counts + x->hosts->count : NULL;
	return x->rows && x->sent && x->came && x->counts;
}

static void drop(struct exchange *x)
{
	free(x->rows);
	free(x->sent);
	free(x->came);
	free(x->counts);
}

/* The block of the own rank `i` and of rank `j` of the world. */
static char *block(const struct exchange *x, int i, int j)
{
	return x->rows + ((size_t)i * (size_t)x->all + (size_t)j) * x->bytes;
}

/* Each host gets the blocks of each own rank for each rank there.  As much comes
 * back: the blocks of each rank there for each own rank. */
static void pack(struct exchange *x)
{
	char *to = x->sent;

	for (int host = 0; host < x->hosts->count; host++) {
		const int first = x->hosts->firsts[host];
		const int there = x->hosts->firsts[host + 1] - first;

		x->begin[host] = (size_t)(to - x->sent);
		x->counts[host] = (size_t)there * (size_t)x->ranks * x->bytes;
		for (int i = 0; i < x->ranks;
		     i++, to += (size_t)there * x->bytes)
			memcpy(to, block(x, i, first),
			       (size_t)there * x->bytes);
	}
}

static void unpack(struct exchange *x)
{
	const char *from = x->came;

	for (int j = 0; j < x->all; j++)
		for (int i = 0; i < x->ranks; i++, from += x->bytes)
			memcpy(block(x, i, j), from, x->bytes);
}

static int exchange_hosts(struct rig_team *team, struct exchange *x)
{
	struct rig_team *leaders = team->owner->wide.leaders;
	struct rig_request *request = NULL;
	int r;

	pack(x);
	r = finish(team,
		   rig_team_ialltoallv(leaders, x->sent, x->counts, x->begin,
				       RIG_UINT8, x->came, x->counts, x->begin,
				       RIG_UINT8, &request),
		   &request);
	if (r == 0)
		unpack(x);
	return r;
}

int wide_alltoall(struct rig_team *team, const void *send, void *recv,
		  size_t bytes)
{
	struct rig_team *local = &team->owner->world;
	struct exchange x = { .hosts = hosts_of(team),
			      .ranks = team->owner->size,
			      .all = team->size,
			      .bytes = bytes };
	const size_t row = bytes * (size_t)team->size;
	const bool leads = team->owner->wide.leaders != NULL;
	int r = 0;

	if (leads && !make(&x))
		r = rig_team_fail(team, -ENOMEM, "alltoall: no memory");
	if (r == 0)
		r = rig_team_gather(local, send == RIG_IN_PLACE ? recv : send,
				    row, RIG_UINT8, x.rows, row, RIG_UINT8, 0);
	if (r == 0 && leads)
		r = exchange_hosts(team, &x);
	if (r == 0)
		r = rig_team_scatter(local, x.rows, row, RIG_UINT8, recv, row,
				     RIG_UINT8, 0);
	if (leads)
		drop(&x);
	return r;
}

/* --- reduce --- */

/* The leaders' part: the root's host gets the data of all ranks of all hosts. */
static int gather_hosts(struct rig_team *team, char *all, size_t bytes,
			int root_host)
{
	const struct hosts_shm *hosts = hosts_of(team);
	struct rig_team *leaders = team->owner->wide.leaders;
	struct rig_request *request = NULL;
	size_t *counts = malloc(2 * (size_t)hosts->count * sizeof(*counts));
	const bool is_root = hosts->own == root_host;
	char *own = all + (size_t)hosts->firsts[hosts->own] * bytes;
	int r;

	if (!counts)
		return rig_team_fail(team, -ENOMEM, "reduce: no memory");
	for (int i = 0; i < hosts->count; i++) {
		const int first = hosts->firsts[i];

		counts[i] = bytes * (size_t)(hosts->firsts[i + 1] - first);
		counts[hosts->count + i] = bytes * (size_t)first;
	}
	r = finish(team,
		   rig_team_igatherv(leaders, is_root ? RIG_IN_PLACE : own,
				     is_root ? 0 : counts[hosts->own],
				     RIG_UINT8, all, counts,
				     counts + hosts->count, RIG_UINT8,
				     root_host, &request),
		   &request);
	free(counts);
	return r;
}

int wide_gather_short(struct rig_team *team, const void *mine, char *all,
		      size_t bytes, int root)
{
	const struct hosts_shm *hosts = hosts_of(team);
	struct rig_team *local = &team->owner->world;
	char *own = all + (size_t)wide_first(team->owner) * bytes;
	int root_host = 0, r;

	/* One message of each of many hosts would come to the root's host. */
	if (hosts->count > WIDE_DIRECT)
		return wide_allgather(team, mine, all, bytes);
	while (hosts->firsts[root_host + 1] <= root)
		root_host++;
	r = rig_team_gather(local, mine, bytes, RIG_UINT8, own, bytes,
			    RIG_UINT8, 0);
	if (r == 0 && team->owner->wide.leaders)
		r = gather_hosts(team, all, bytes, root_host);
	/* Every rank of the host may see the data of the root. */
	if (r == 0 && root_host == hosts->own)
		r = rig_team_bcast(local, all, bytes * (size_t)team->size,
				   RIG_UINT8, 0);
	return r;
}
