/* SPDX-License-Identifier: MIT */
/*
 * nb_neighbor.c - schedules for neighbours in a grid: blocks, and the halo of an
 * array.
 *
 * All messages of a call have one tag, and keep their order between two ranks.  A
 * rank may be another rank's neighbour twice, and so each rank sends side after side,
 * and receives in the order in which the others send: the block from the neighbour's
 * side k is the block for this rank's side k ^ 1.
 */
#include <errno.h>

#include <runrig/nonblocking.h>

#include "base/error.h"
#include "team/neighbor.h"
#include "team/schedule.h"

/* --- blocks --- */

/* Exchange block i with neighbour i; where `one`, block 0 goes to all. */
static int exchange_sides(struct rig_team *team, const struct asked *asked,
			  struct blocks from, bool one, struct blocks to)
{
	const int sides = 2 * team->cart.ndims;
	struct schedule *schedule;
	int r = neighbor_check(team, asked->terms.verb, &from, one, &to);

	if (r < 0)
		return r;
	schedule = schedule_make(team, asked);
	for (int i = 0; i < sides; i++) {
		const int block = one ? 0 : i, rank = cart_side(team, i);

		if (rank != RIG_PROC_NULL)
			schedule_send(schedule, rank, blocks_at(&from, block),
				      blocks_bytes(&from, block));
	}
	for (int i = 0; i < sides; i++) {
		const int side = i ^ 1, rank = cart_side(team, side);

		if (rank != RIG_PROC_NULL)
			schedule_receive(schedule, rank, blocks_at(&to, side),
					 blocks_bytes(&to, side));
	}
	return schedule_begin(team, schedule, asked);
}

int rig_team_ineighbor_alltoall(struct rig_team *team, const void *send,
				size_t send_count, int send_type, void *recv,
				size_t recv_count, int recv_type,
				struct rig_request **request)
{
	return exchange_sides(team, &ASKED(VERB_INEIGHBOR_ALLTOALL, request),
			      blocks_alike(send, send_type, send_count), false,
			      blocks_alike(recv, recv_type, recv_count));
}

int rig_team_neighbor_alltoall_init(struct rig_team *team, const void *send,
				    size_t send_count, int send_type,
				    void *recv, size_t recv_count,
				    int recv_type, struct rig_request **request)
{
	return exchange_sides(team,
			      &ASKED(VERB_NEIGHBOR_ALLTOALL_INIT, request),
			      blocks_alike(send, send_type, send_count), false,
			      blocks_alike(recv, recv_type, recv_count));
}

int rig_team_ineighbor_alltoallv(struct rig_team *team, const void *send,
				 const size_t *send_counts,
				 const size_t *send_displs, int send_type,
				 void *recv, const size_t *recv_counts,
				 const size_t *recv_displs, int recv_type,
				 struct rig_request **request)
{
	return exchange_sides(
		team, &ASKED(VERB_INEIGHBOR_ALLTOALLV, request),
		blocks_each(send, send_type, send_counts, send_displs), false,
		blocks_each(recv, recv_type, recv_counts, recv_displs));
}

int rig_team_neighbor_alltoallv_init(struct rig_team *team, const void *send,
				     const size_t *send_counts,
				     const size_t *send_displs, int send_type,
				     void *recv, const size_t *recv_counts,
				     const size_t *recv_displs, int recv_type,
				     struct rig_request **request)
{
	return exchange_sides(
		team, &ASKED(VERB_NEIGHBOR_ALLTOALLV_INIT, request),
		blocks_each(send, send_type, send_counts, send_displs), false,
		blocks_each(recv, recv_type, recv_counts, recv_displs));
}

int rig_team_ineighbor_allgather(struct rig_team *team, const void *send,
				 size_t send_count, int send_type, void *recv,
				 size_t recv_count, int recv_type,
				 struct rig_request **request)
{
	return exchange_sides(team, &ASKED(VERB_INEIGHBOR_ALLGATHER, request),
			      blocks_alike(send, send_type, send_count), true,
			      blocks_alike(recv, recv_type, recv_count));
}

int rig_team_neighbor_allgather_init(struct rig_team *team, const void *send,
				     size_t send_count, int send_type,
				     void *recv, size_t recv_count,
				     int recv_type,
				     struct rig_request **request)
{
	return exchange_sides(team,
			      &ASKED(VERB_NEIGHBOR_ALLGATHER_INIT, request),
			      blocks_alike(send, send_type, send_count), true,
			      blocks_alike(recv, recv_type, recv_count));
}

/* --- halos --- */

/* Two layers of one dimension, low and high: the layers of this rank, and the copies
 * of the neighbours' layers. */
struct sides {
	char *own[2];
	char *halo[2];
	char *out[2]; /* the bytes for the neighbour, in one piece */
	char *in[2];
};

/*
 * Dimension `dim`, whose slabs go through memory of the schedule where a slab is in
 * several pieces.  Each dimension has memory of its own, for a neighbour may still be
 * reading the slab of the dimension before.  A slab in one piece is read in the array
 * itself; the corners of the slab may change meanwhile, and the neighbour gets the
 * corners again, with the next dimension.
 */
static void write_dim(struct rig_team *team, struct schedule *schedule, int dim,
		      const struct slab *slab, struct sides *sides)
{
	const size_t bytes = slab->outer * slab->run;
	const bool whole = slab->outer == 1;
	const int rank[2] = { cart_neighbor(team, dim, -1),
			      cart_neighbor(team, dim, 1) };

	for (int i = 0; i < 2; i++) {
		sides->out[i] =
			whole ? sides->own[i] : schedule_room(schedule, bytes);
		sides->in[i] =
			whole ? sides->halo[i] : schedule_room(schedule, bytes);
		if (rank[i] == RIG_PROC_NULL)
			continue;
		if (!whole)
			schedule_copy_runs(schedule, slab->outer, slab->run,
					   sides->out[i], slab->run,
					   sides->own[i], slab->stride);
		schedule_send(schedule, rank[i], sides->out[i], bytes);
	}
	/* In the order in which the neighbours send. */
	for (int i = 1; i >= 0; i--)
		if (rank[i] != RIG_PROC_NULL)
			schedule_receive(schedule, rank[i], sides->in[i],
					 bytes);
	schedule_await(schedule);
	for (int i = 0; i < 2 && !whole; i++)
		if (rank[i] != RIG_PROC_NULL)
			schedule_copy_runs(schedule, slab->outer, slab->run,
					   sides->halo[i], slab->stride,
					   sides->in[i], slab->run);
}

static int exchange_halo(struct rig_team *team, const struct asked *asked,
			 char *array, const size_t *extents, size_t width,
			 int type)
{
	const size_t item = rig_type_bytes(type);
	struct schedule *schedule;
	size_t longest;
	int r = halo_check(team, asked->terms.verb, extents, width, item,
			   &longest);

	if (r < 0)
		return r;
	schedule = schedule_make(team, asked);
	for (int dim = 0; dim < team->cart.ndims; dim++) {
		const struct slab slab =
			slab_of(team, extents, dim, width, item);
		const size_t n = extents[dim];
		struct sides sides = {
			.own = { array + width * slab.layer,
				 array + (n - 2 * width) * slab.layer },
			.halo = { array, array + (n - width) * slab.layer },
		};

		write_dim(team, schedule, dim, &slab, &sides);
	}
	return schedule_begin(team, schedule, asked);
}

int rig_team_ihalo(struct rig_team *team, void *array, const size_t *extents,
		   size_t width, int type, struct rig_request **request)
{
	return exchange_halo(team, &ASKED(VERB_IHALO, request), array, extents,
			     width, type);
}

int rig_team_halo_init(struct rig_team *team, void *array,
		       const size_t *extents, size_t width, int type,
		       struct rig_request **request)
{
	return exchange_halo(team, &ASKED(VERB_HALO_INIT, request), array,
			     extents, width, type);
}
