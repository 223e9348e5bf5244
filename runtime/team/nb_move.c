/* SPDX-License-Identifier: MIT */
/*
 * nb_move.c - schedules of verbs that move blocks and reduce nothing: barrier, bcast,
 * gather, scatter, allgather and alltoall.
 *
 * A block goes straight from the sender's buffer to the receiver's place, but for
 * bcast in a team of many, which goes down a tree.
 */
#include <errno.h>
#include <string.h>

#include <runrig/nonblocking.h>

#include "team/blocks.h"
#include "team/call.h"
#include "team/schedule.h"
#include "team/type.h"

/* --- barrier --- */

/* In round k each rank tells the rank 2^k further on that this rank, and all ranks
 * that this rank has heard from, have come.  D. Hensgen, R. Finkel, U. Manber, Two
 * algorithms for barrier synchronization, 1988. */
static int barrier(struct rig_team *team, const struct asked *asked)
{
	const int rank = team->rank, size = team->size;
	struct schedule *schedule = schedule_make(team, asked);

	for (int away = 1; away < size; away *= 2) {
		schedule_send(schedule, (rank + away) % size, NULL, 0);
		schedule_receive(schedule, (rank - away + size) % size, NULL,
				 0);
		schedule_await(schedule);
	}
	return schedule_begin(team, schedule, asked);
}

int rig_team_ibarrier(struct rig_team *team, struct rig_request **request)
{
	return barrier(team, &ASKED(VERB_IBARRIER, request));
}

int rig_team_barrier_init(struct rig_team *team, struct rig_request **request)
{
	return barrier(team, &ASKED(VERB_BARRIER_INIT, request));
}

/* --- bcast --- */

/* Ranks from the root on, in the tree of bcast.c. */
static int bcast(struct rig_team *team, struct asked *asked, char *data,
		 size_t count, int type, int root)
{
	const int size = team->size;
	const int fan = size > CALL_FLAT || size == 1 ? TREE_FAN : size;
	const int from_root = (team->rank - root + size) % size;
	struct schedule *schedule;
	int children[TREE_CHILDREN_MAX], count_below;
	size_t item, bytes;
	int r;

	asked->terms.count = count;
	asked->terms.type = type;
	asked->terms.root = root;
	r = terms_check(team, &asked->terms, &item, &bytes);
	if (r < 0)
		return r;
	schedule = schedule_make(team, asked);
	if (from_root) {
		schedule_receive(schedule,
				 (tree_parent(from_root, fan) + root) % size,
				 data, bytes);
		schedule_await(schedule);
	}
	/* The largest parts of the tree first. */
	count_below = tree_children(from_root, size, fan, children);
	for (int i = count_below - 1; i >= 0; i--)
		schedule_send(schedule, (children[i] + root) % size, data,
			      bytes);
	return schedule_begin(team, schedule, asked);
}

int rig_team_ibcast(struct rig_team *team, void *buffer, size_t count, int type,
		    int root, struct rig_request **request)
{
	return bcast(team, &ASKED(VERB_IBCAST, request), buffer, count, type,
		     root);
}

int rig_team_bcast_init(struct rig_team *team, void *buffer, size_t count,
			int type, int root, struct rig_request **request)
{
	return bcast(team, &ASKED(VERB_BCAST_INIT, request), buffer, count,
		     type, root);
}

/* --- common parts --- */

/* Bytes of `count` elements of `type`; -EINVAL: there is no such type or root, or the
 * bytes are too many. */
static int measure(struct rig_team *team, const struct asked *asked,
		   size_t count, int type, size_t *bytes)
{
	struct terms terms = asked->terms;
	size_t item;

	terms.type = type;
	terms.count = count;
	return terms_check(team, &terms, &item, bytes);
}

static int differ(struct rig_team *team, const struct asked *asked,
		  size_t sends, size_t expects)
{
	return rig_team_fail(team, -EINVAL,
			     "%s: sends %zu bytes to itself, and expects %zu",
			     verb_name(asked->terms.verb), sends, expects);
}

/* --- gather and scatter --- */

/* `count` elements of `type` at `send` go to a block of `all` at the root. */
static int gather(struct rig_team *team, struct asked *asked, int root,
		  const void *send, size_t count, int type, struct blocks all)
{
	const struct blocks *to = &all;
	const int rank = team->rank, size = team->size;
	const bool kept = rank == root && send == RIG_IN_PLACE;
	struct schedule *schedule;
	struct blocks own;
	size_t bytes = 0;
	int r;

	asked->terms.root = root;
	own = blocks_alike(send, type, count);
	r = blocks_check(team, asked->terms.verb, &own, kept ? 0 : 1, to,
			 rank == root ? size : 0);
	if (r == 0)
		r = measure(team, asked, kept ? 0 : count,
			    kept ? RIG_UINT8 : type, &bytes);
	if (r < 0)
		return r;
	if (kept) {
		bytes = blocks_bytes(to, rank);
		send = blocks_at(to, rank);
	}
	if (rank == root && bytes != blocks_bytes(to, rank))
		return differ(team, asked, bytes, blocks_bytes(to, rank));
	asked->terms.count = bytes;
	schedule = schedule_make(team, asked);
	if (rank != root)
		schedule_send(schedule, root, send, bytes);
	for (int i = 1; rank == root && i < size; i++) {
		int from = (rank + i) % size;

		schedule_receive(schedule, from, blocks_at(to, from),
				 blocks_bytes(to, from));
	}
	if (rank == root)
		schedule_copy(schedule, blocks_at(to, rank), send, bytes);
	return schedule_begin(team, schedule, asked);
}

/* And back: blocks of `all` at the root to `count` of `type` at `recv`. */
static int scatter(struct rig_team *team, struct asked *asked, int root,
		   struct blocks all, void *recv, size_t count, int type)
{
	const struct blocks *from = &all;
	const int rank = team->rank, size = team->size;
	const bool kept = rank == root && recv == RIG_IN_PLACE;
	struct schedule *schedule;
	struct blocks own;
	size_t bytes = 0;
	int r;

	asked->terms.root = root;
	own = blocks_alike(recv, type, count);
	r = blocks_check(team, asked->terms.verb, from, rank == root ? size : 0,
			 &own, kept ? 0 : 1);
	if (r == 0)
		r = measure(team, asked, kept ? 0 : count,
			    kept ? RIG_UINT8 : type, &bytes);
	if (r < 0)
		return r;
	if (kept) {
		bytes = blocks_bytes(from, rank);
		recv = blocks_at(from, rank);
	}
	if (rank == root && bytes != blocks_bytes(from, rank))
		return differ(team, asked, blocks_bytes(from, rank), bytes);
	asked->terms.count = bytes;
	schedule = schedule_make(team, asked);
	if (rank != root)
		schedule_receive(schedule, root, recv, bytes);
	for (int i = 1; rank == root && i < size; i++) {
		int to = (rank + i) % size;

		schedule_send(schedule, to, blocks_at(from, to),
			      blocks_bytes(from, to));
	}
	if (rank == root)
		schedule_copy(schedule, recv, blocks_at(from, rank), bytes);
	return schedule_begin(team, schedule, asked);
}

int rig_team_igather(struct rig_team *team, const void *send, size_t send_count,
		     int send_type, void *recv, size_t recv_count,
		     int recv_type, int root, struct rig_request **request)
{
	return gather(team, &ASKED(VERB_IGATHER, request), root, send,
		      send_count, send_type,
		      blocks_alike(recv, recv_type, recv_count));
}

int rig_team_gather_init(struct rig_team *team, const void *send,
			 size_t send_count, int send_type, void *recv,
			 size_t recv_count, int recv_type, int root,
			 struct rig_request **request)
{
	return gather(team, &ASKED(VERB_GATHER_INIT, request), root, send,
		      send_count, send_type,
		      blocks_alike(recv, recv_type, recv_count));
}

int rig_team_igatherv(struct rig_team *team, const void *send,
		      size_t send_count, int send_type, void *recv,
		      const size_t *recv_counts, const size_t *recv_displs,
		      int recv_type, int root, struct rig_request **request)
{
	return gather(team, &ASKED(VERB_IGATHERV, request), root, send,
		      send_count, send_type,
		      blocks_each(recv, recv_type, recv_counts, recv_displs));
}

int rig_team_gatherv_init(struct rig_team *team, const void *send,
			  size_t send_count, int send_type, void *recv,
			  const size_t *recv_counts, const size_t *recv_displs,
			  int recv_type, int root, struct rig_request **request)
{
	return gather(team, &ASKED(VERB_GATHERV_INIT, request), root, send,
		      send_count, send_type,
		      blocks_each(recv, recv_type, recv_counts, recv_displs));
}

int rig_team_iscatter(struct rig_team *team, const void *send,
		      size_t send_count, int send_type, void *recv,
		      size_t recv_count, int recv_type, int root,
		      struct rig_request **request)
{
	return scatter(team, &ASKED(VERB_ISCATTER, request), root,
		       blocks_alike(send, send_type, send_count), recv,
		       recv_count, recv_type);
}

int rig_team_scatter_init(struct rig_team *team, const void *send,
			  size_t send_count, int send_type, void *recv,
			  size_t recv_count, int recv_type, int root,
			  struct rig_request **request)
{
	return scatter(team, &ASKED(VERB_SCATTER_INIT, request), root,
		       blocks_alike(send, send_type, send_count), recv,
		       recv_count, recv_type);
}

int rig_team_iscatterv(struct rig_team *team, const void *send,
		       const size_t *send_counts, const size_t *send_displs,
		       int send_type, void *recv, size_t recv_count,
		       int recv_type, int root, struct rig_request **request)
{
	return scatter(team, &ASKED(VERB_ISCATTERV, request), root,
		       blocks_each(send, send_type, send_counts, send_displs),
		       recv, recv_count, recv_type);
}

int rig_team_scatterv_init(struct rig_team *team, const void *send,
			   const size_t *send_counts, const size_t *send_displs,
			   int send_type, void *recv, size_t recv_count,
			   int recv_type, int root,
			   struct rig_request **request)
{
	return scatter(team, &ASKED(VERB_SCATTERV_INIT, request), root,
		       blocks_each(send, send_type, send_counts, send_displs),
		       recv, recv_count, recv_type);
}

/* --- allgather --- */

/* `count` elements of `type` at `send` go to a block of `all` at every rank. */
static int allgather(struct rig_team *team, struct asked *asked,
		     const void *send, size_t count, int type,
		     struct blocks all)
{
	const struct blocks *to = &all;
	const int rank = team->rank, size = team->size;
	struct schedule *schedule;
	const struct blocks own = blocks_alike(send, type, count);
	size_t bytes, total;
	int r;

	r = blocks_check(team, asked->terms.verb, &own,
			 send == RIG_IN_PLACE ? 0 : 1, to, size);
	if (r < 0)
		return r;
	asked->terms.count = blocks_count(to, size);
	asked->terms.type = to->type;
	r = measure(team, asked, asked->terms.count, to->type, &total);
	if (r < 0)
		return r;
	if (send == RIG_IN_PLACE) {
		send = blocks_at(to, rank);
		bytes = blocks_bytes(to, rank);
	} else {
		r = measure(team, asked, count, type, &bytes);
		if (r < 0)
			return r;
	}
	if (bytes != blocks_bytes(to, rank))
		return differ(team, asked, bytes, blocks_bytes(to, rank));
	schedule = schedule_make(team, asked);
	for (int i = 1; i < size; i++)
		schedule_send(schedule, (rank + i) % size, send, bytes);
	for (int i = 1; i < size; i++) {
		int from = (rank - i + size) % size;

		schedule_receive(schedule, from, blocks_at(to, from),
				 blocks_bytes(to, from));
	}
	schedule_copy(schedule, blocks_at(to, rank), send, bytes);
	return schedule_begin(team, schedule, asked);
}

int rig_team_iallgather(struct rig_team *team, const void *send,
			size_t send_count, int send_type, void *recv,
			size_t recv_count, int recv_type,
			struct rig_request **request)
{
	return allgather(team, &ASKED(VERB_IALLGATHER, request), send,
			 send_count, send_type,
			 blocks_alike(recv, recv_type, recv_count));
}

int rig_team_allgather_init(struct rig_team *team, const void *send,
			    size_t send_count, int send_type, void *recv,
			    size_t recv_count, int recv_type,
			    struct rig_request **request)
{
	return allgather(team, &ASKED(VERB_ALLGATHER_INIT, request), send,
			 send_count, send_type,
			 blocks_alike(recv, recv_type, recv_count));
}

int rig_team_iallgatherv(struct rig_team *team, const void *send,
			 size_t send_count, int send_type, void *recv,
			 const size_t *recv_counts, const size_t *recv_displs,
			 int recv_type, struct rig_request **request)
{
	return allgather(
		team, &ASKED(VERB_IALLGATHERV, request), send, send_count,
		send_type,
		blocks_each(recv, recv_type, recv_counts, recv_displs));
}

int rig_team_allgatherv_init(struct rig_team *team, const void *send,
			     size_t send_count, int send_type, void *recv,
			     const size_t *recv_counts,
			     const size_t *recv_displs, int recv_type,
			     struct rig_request **request)
{
	return allgather(
		team, &ASKED(VERB_ALLGATHERV_INIT, request), send, send_count,
		send_type,
		blocks_each(recv, recv_type, recv_counts, recv_displs));
}

/* --- alltoall --- */

/* A copy is sent of data in place: the blocks of other ranks overwrite the data. */
static struct blocks copy_blocks(struct schedule *schedule,
				 const struct blocks *blocks, int size)
{
	struct blocks copy = *blocks;
	size_t bytes = 0;

	for (int i = 0; i < size; i++) {
		size_t end = (size_t)(blocks_at(blocks, i) - blocks->data) +
			     blocks_bytes(blocks, i);

		if (bytes < end)
			bytes = end;
	}
	copy.data = schedule_room(schedule, bytes);
	for (int i = 0; copy.data && i < size; i++)
		schedule_copy(schedule, blocks_at(&copy, i),
			      blocks_at(blocks, i), blocks_bytes(blocks, i));
	return copy;
}

/* Blocks of `from` go to blocks of the others' `all`. */
static int alltoall(struct rig_team *team, struct asked *asked,
		    struct blocks from, struct blocks all)
{
	const struct blocks *to = &all;
	const int rank = team->rank, size = team->size;
	const bool in_place = from.data == RIG_IN_PLACE;
	struct schedule *schedule;
	size_t bytes;
	int r;

	if (in_place)
		from = *to;
	asked->terms.count = to->count;
	asked->terms.type = to->type;
	r = blocks_check(team, asked->terms.verb, &from, in_place ? 0 : size,
			 to, size);
	if (r == 0)
		r = measure(team, asked, to->count, to->type, &bytes);
	if (r < 0)
		return r;
	if (blocks_bytes(&from, rank) != blocks_bytes(to, rank))
		return differ(team, asked, blocks_bytes(&from, rank),
			      blocks_bytes(to, rank));
	schedule = schedule_make(team, asked);
	if (in_place)
		from = copy_blocks(schedule, to, size);
	if (!from.data && in_place)
		return schedule_begin(team, schedule, asked);
	for (int i = 1; i < size; i++) {
		int other = (rank + i) % size;

		schedule_send(schedule, other, blocks_at(&from, other),
			      blocks_bytes(&from, other));
	}
	for (int i = 1; i < size; i++) {
		int other = (rank - i + size) % size;

		schedule_receive(schedule, other, blocks_at(to, other),
				 blocks_bytes(to, other));
	}
	if (!in_place)
		schedule_copy(schedule, blocks_at(to, rank),
			      blocks_at(&from, rank), blocks_bytes(to, rank));
	return schedule_begin(team, schedule, asked);
}

int rig_team_ialltoall(struct rig_team *team, const void *send,
		       size_t send_count, int send_type, void *recv,
		       size_t recv_count, int recv_type,
		       struct rig_request **request)
{
	return alltoall(team, &ASKED(VERB_IALLTOALL, request),
			blocks_alike(send, send_type, send_count),
			blocks_alike(recv, recv_type, recv_count));
}

int rig_team_alltoall_init(struct rig_team *team, const void *send,
			   size_t send_count, int send_type, void *recv,
			   size_t recv_count, int recv_type,
			   struct rig_request **request)
{
	return alltoall(team, &ASKED(VERB_ALLTOALL_INIT, request),
			blocks_alike(send, send_type, send_count),
			blocks_alike(recv, recv_type, recv_count));
}

int rig_team_ialltoallv(struct rig_team *team, const void *send,
			const size_t *send_counts, const size_t *send_displs,
			int send_type, void *recv, const size_t *recv_counts,
			const size_t *recv_displs, int recv_type,
			struct rig_request **request)
{
	return alltoall(team, &ASKED(VERB_IALLTOALLV, request),
			blocks_each(send, send_type, send_counts, send_displs),
			blocks_each(recv, recv_type, recv_counts, recv_displs));
}

int rig_team_alltoallv_init(struct rig_team *team, const void *send,
			    const size_t *send_counts,
			    const size_t *send_displs, int send_type,
			    void *recv, const size_t *recv_counts,
			    const size_t *recv_displs, int recv_type,
			    struct rig_request **request)
{
	return alltoall(team, &ASKED(VERB_ALLTOALLV_INIT, request),
			blocks_each(send, send_type, send_counts, send_displs),
			blocks_each(recv, recv_type, recv_counts, recv_displs));
}
