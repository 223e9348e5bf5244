/* SPDX-License-Identifier: MIT */
/*
 * neighbor.c - the exchanges of neighbours in a grid that wait until all is done.
 *
 * An exchange is messages with a context apart, so that no receive of the kernel's
 * can get the messages; the tag is the direction of a message, for two neighbours may
 * be the same rank.
 */
#include "team/neighbor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/size.h"
#include "team/mail.h"

/* --- exchanges --- */

/* Neighbour `side`, and the two blocks for the exchange. */
static void add_side(struct rig_team *team, struct mail_exchange *exchange,
		     int side, const void *out, size_t out_bytes, void *in,
		     size_t in_bytes)
{
	const int rank = cart_neighbor(team, side / 2, side % 2 ? 1 : -1);

	if (rank == RIG_PROC_NULL)
		return;
	exchange->send[exchange->count] =
		(struct mail_block){ rank, side, (char *)(uintptr_t)out,
				     out_bytes };
	/* The side is the opposite side of the neighbour. */
	exchange->recv[exchange->count++] =
		(struct mail_block){ rank, side ^ 1, in, in_bytes };
}

int neighbor_check(struct rig_team *team, enum verb verb,
		   const struct blocks *from, bool one, const struct blocks *to)
{
	const int sides = 2 * team->cart.ndims;
	int r = rank_check_thread(team->owner, verb_name(verb));

	if (r == 0)
		r = cart_check(team, verb_name(verb));
	return r < 0 ? r
		     : blocks_check(team, verb, from, one ? 1 : sides, to,
				    sides);
}

/* Exchange block i with neighbour i; where `one`, block 0 goes to all. */
static int exchange_sides(struct rig_team *team, enum verb verb,
			  const struct blocks *from, bool one,
			  const struct blocks *to, const void *where)
{
	struct mail_block send[SIDES_MAX], recv[SIDES_MAX];
	struct mail_exchange exchange = { send, recv, 0 };
	int r = neighbor_check(team, verb, from, one, to);

	if (r < 0)
		return r;
	for (int i = 0; i < 2 * team->cart.ndims; i++) {
		const int block = one ? 0 : i;

		add_side(team, &exchange, i, blocks_at(from, block),
			 blocks_bytes(from, block), blocks_at(to, i),
			 blocks_bytes(to, i));
	}
	return mail_exchange(team, &exchange, verb, where);
}

int rig_team_neighbor_alltoall(struct rig_team *team, const void *send,
			       size_t send_count, int send_type, void *recv,
			       size_t recv_count, int recv_type)
{
	const struct blocks from = blocks_alike(send, send_type, send_count);
	const struct blocks to = blocks_alike(recv, recv_type, recv_count);

	return exchange_sides(team, VERB_NEIGHBOR_ALLTOALL, &from, false, &to,
			      __builtin_return_address(0));
}

int rig_team_neighbor_alltoallv(struct rig_team *team, const void *send,
				const size_t *send_counts,
				const size_t *send_displs, int send_type,
				void *recv, const size_t *recv_counts,
				const size_t *recv_displs, int recv_type)
{
	const struct blocks from =
		blocks_each(send, send_type, send_counts, send_displs);
	const struct blocks to =
		blocks_each(recv, recv_type, recv_counts, recv_displs);

	return exchange_sides(team, VERB_NEIGHBOR_ALLTOALLV, &from, false, &to,
			      __builtin_return_address(0));
}

int rig_team_neighbor_allgather(struct rig_team *team, const void *send,
				size_t send_count, int send_type, void *recv,
				size_t recv_count, int recv_type)
{
	const struct blocks from = blocks_alike(send, send_type, send_count);
	const struct blocks to = blocks_alike(recv, recv_type, recv_count);

	return exchange_sides(team, VERB_NEIGHBOR_ALLGATHER, &from, true, &to,
			      __builtin_return_address(0));
}

/* --- halos --- */

void slab_pack(const struct slab *slab, char *packed, char *array, bool unpack)
{
	for (size_t i = 0; i < slab->outer; i++) {
		char *one = packed + i * slab->run;
		char *other = array + i * slab->stride;

		memcpy(unpack ? other : one, unpack ? one : other, slab->run);
	}
}

struct slab slab_of(const struct rig_team *team, const size_t *extents, int dim,
		    size_t width, size_t item)
{
	struct slab slab = { .outer = 1, .layer = item };

	for (int i = 0; i < dim; i++)
		slab.outer *= extents[i];
	for (int i = dim + 1; i < team->cart.ndims; i++)
		slab.layer *= extents[i];
	slab.run = slab.layer * width;
	slab.stride = slab.layer * extents[dim];
	return slab;
}

/* Dimension `dim`: low and high, through `room` for four slabs where a slab is in
 * several pieces. */
static int halo_of(struct rig_team *team, char *array, const struct slab *slab,
		   int dim, size_t extent, size_t width, char *room,
		   const void *where)
{
	const size_t bytes = slab->outer * slab->run;
	char *own[2] = { array + width * slab->layer,
			 array + (extent - 2 * width) * slab->layer };
	char *halo[2] = { array, array + (extent - width) * slab->layer };
	struct mail_block send[2], recv[2];
	struct mail_exchange exchange = { send, recv, 0 };
	const bool whole = slab->outer == 1;
	int r;

	for (int i = 0; i < 2; i++) {
		char *out = whole ? own[i] : room + (size_t)i * bytes;
		char *in = whole ? halo[i] : room + (size_t)(2 + i) * bytes;

		if (!whole)
			slab_pack(slab, out, own[i], false);
		add_side(team, &exchange, 2 * dim + i, out, bytes, in, bytes);
	}
	r = mail_exchange(team, &exchange, VERB_HALO, where);
	for (int i = 0; r == 0 && !whole && i < 2; i++)
		if (cart_neighbor(team, dim, i ? 1 : -1) != RIG_PROC_NULL)
			slab_pack(slab, room + (size_t)(2 + i) * bytes, halo[i],
				  true);
	return r;
}

int halo_check(struct rig_team *team, enum verb verb, const size_t *extents,
	       size_t width, size_t item, size_t *longest)
{
	size_t all = item, shortest = SIZE_MAX;
	const char *name = verb_name(verb);
	int r = rank_check_thread(team->owner, name);

	if (r == 0)
		r = cart_check(team, name);
	if (r < 0)
		return r;
	if (item == 0 || width == 0)
		return rig_team_fail(team, -EINVAL,
				     "%s: no such type, or no width", name);
	for (int i = 0; i < team->cart.ndims; i++) {
		if (extents[i] / 3 < width || !size_mul(all, extents[i], &all))
			return rig_team_fail(
				team, -EINVAL,
				"%s: extent %d is %zu, not 3 times the width "
				"of %zu or more",
				name, i, extents[i], width);
		if (extents[i] < shortest)
			shortest = extents[i];
	}
	*longest = all / shortest * width;
	if (!size_mul(4, *longest, &all))
		return rig_team_fail(team, -EINVAL,
				     "%s: layers beyond all memory", name);
	return 0;
}

int rig_team_halo(struct rig_team *team, void *array, const size_t *extents,
		  size_t width, int type)
{
	const void *where = __builtin_return_address(0);
	const int ndims = team->cart.ndims;
	const size_t item = rig_type_bytes(type);
	char *room = NULL;
	size_t longest = 0;
	int r = halo_check(team, VERB_HALO, extents, width, item, &longest);

	if (r < 0)
		return r;
	if (ndims > 1) {
		room = malloc(4 * longest);
		if (!room)
			return rig_team_fail(team, -ENOMEM, "halo: no memory");
	}
	for (int dim = 0; r == 0 && dim < ndims; dim++) {
		const struct slab slab =
			slab_of(team, extents, dim, width, item);

		r = halo_of(team, array, &slab, dim, extents[dim], width, room,
			    where);
	}
	free(room);
	return r;
}
