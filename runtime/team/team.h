/* SPDX-License-Identifier: MIT */
/*
 * team.h - a team in the process of a rank: the members of the team, and the calls
 * that the rank has made in the team.
 *
 * State that is the same for all teams belongs to the rank: see rank.h and
 * docs/decisions/0016-rank-and-team.md.
 */
#ifndef RUNRIG_TEAM_PRIVATE_H
#define RUNRIG_TEAM_PRIVATE_H

#include <runrig/cart.h>
#include <runrig/collective.h>
#include <runrig/team.h>

#include "objects/layout.h"
#include "team/way.h"

struct rank;

/* rig_team.id is less. */
#define TEAM_IDS UINT64_C(0x80000000)

/* The grid of a team; see cart.h. */
struct cart {
	int ndims; /* 0: the team is no grid */
	int dims[RIG_DIMS_MAX];
	bool periods[RIG_DIMS_MAX];
};

/* In this process. */
struct rig_team {
	struct rank *owner; /* the rank of this process */
	int rank;
	int size;
	/* The team has ranks of several hosts: see wide.h.  Such a team has no
	 * members but `self`, which is in this process. */
	bool wide;
	struct member_shm *members; /* `size` entries */
	struct member_shm *self;    /* the entry of this rank */
	int *ranks; /* the members' numbers as peers (mail.h); NULL: the same */
	struct rig_team *next; /* the next team, from the world on */

	/* Collectives. */
	uint64_t number;   /* number of the last call begun */
	uint64_t first;    /* `number` before any call */
	uint64_t through;  /* every rank is through with this call */
	uint64_t sign;     /* the hash of all verbs so far */
	uint64_t settled;  /* the sign when all ranks last agreed */
	uint64_t shown[2]; /* the sign in self->met */
	uint64_t begun;    /* non-blocking calls and plans, in this run */
	uint64_t shares;   /* likewise */
	struct way_distances distances;
	struct way ways[WAY_DISTANCES][WAY_KINDS][WAY_SIZES];

	/* Messages. */
	uint32_t id; /* number of the team, in this run */
	struct cart cart;
};

/* The number in the world of rank `rank` of the team.  A number of no rank, as
 * RIG_ANY_SOURCE, stays. */
static inline int team_world_rank(const struct rig_team *team, int rank)
{
	return team->ranks && rank >= 0 ? team->ranks[rank] : rank;
}

#endif
