/* SPDX-License-Identifier: MIT */
/*
 * wide.h - teams with ranks of several hosts.
 *
 * A wide team has no lines in shared memory: its verbs are messages (schedule.c),
 * or walk the levels: within the host by the host's own team, between hosts by
 * messages of rank 0 of each host, the leaders.  A message to a rank of another
 * host goes to the gateway's seat, and the caller carries it on (gateway.h).
 */
#ifndef RUNRIG_WIDE_H
#define RUNRIG_WIDE_H

#include "team/rank.h"
#include "team/schedule.h"

/* A new run: the wide teams of the last go. */
void wide_begin_job(struct rank *rank);

/* The number in the world of all hosts of this host's first rank. */
static inline int wide_first(const struct rank *rank)
{
	const struct hosts_shm *hosts = &rank->layout.job->hosts;

	return hosts->firsts[hosts->own];
}

/* Is rank `rank` of the team at another host? */
static inline bool wide_is_far(const struct rig_team *team, int rank)
{
	return team->wide && team_world_rank(team, rank) > team->owner->size;
}

/* The number of rank `rank` of the team for words: in the world of all hosts where
 * the team is wide. */
static inline int wide_number(const struct rig_team *team, int rank)
{
	const int peer = team_world_rank(team, rank);

	if (!team->wide)
		return peer;
	return wide_is_far(team, rank) ? peer - team->owner->size - 1
				       : wide_first(team->owner) + peer;
}

/*
 * A blocking verb of a wide team is the call that does not wait, and a wait:
 *
 *	return wide_leave(team, rig_team_ibarrier(
 *		team, wide_enter(team, &terms, __builtin_return_address(0))));
 *
 * In between, whatever is called says the verb's terms and place.
 */
struct rig_request **wide_enter(struct rig_team *team,
				const struct terms *terms, const void *where);

/* Wait for the call, which has returned `r`. */
int wide_leave(struct rig_team *team, int r);

/* Verbs of the world that walk the levels; other wide teams have messages.  The
 * arguments are checked. */
int wide_barrier(struct rig_team *team);
int wide_bcast(struct rig_team *team, void *buffer, size_t bytes, int root);
int wide_allreduce(struct rig_team *team, const void *send, void *recv,
		   size_t count, int type, int op);
int wide_reduce(struct rig_team *team, const void *send, void *recv,
		size_t count, int type, int op, int root);
int wide_allgather(struct rig_team *team, const void *send, void *recv,
		   size_t bytes);

/* Is an alltoall of blocks of `bytes` bytes best done by the leaders?  The same on
 * every rank. */
bool wide_alltoall_is_short(const struct rig_team *team, size_t bytes);
int wide_alltoall(struct rig_team *team, const void *send, void *recv,
		  size_t bytes);

/* Every rank has `bytes` bytes at `mine`: the ranks of the root's host get the bytes
 * of all ranks in `all`, which each rank has room for. */
int wide_gather_short(struct rig_team *team, const void *mine, char *all,
		      size_t bytes, int root);

/* Split a wide team: as rig_team_split(). */
int wide_split(struct rig_team *team, int color, int key,
	       struct rig_team **out);
int wide_free(struct rig_team *team);

#endif
