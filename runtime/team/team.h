/* SPDX-License-Identifier: MIT */
/*
 * team.h - a team as one of its ranks has it: who is in it, and which of its
 * calls that rank has made.
 *
 * Whatever does not differ from team to team belongs to the rank: see rank.h
 * and docs/decisions/0016-rank-and-team.md.
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

/* Of a team that is a grid; see cart.h. */
struct cart {
	int ndims; /* 0: it is none */
	int dims[RIG_DIMS_MAX];
	bool periods[RIG_DIMS_MAX];
};

/* In this process. */
struct rig_team {
	struct rank *owner; /* whose view of the team it is */
	int rank;
	int size;
	/* It has ranks of several hosts: see wide.h.  Then there are no members
	 * but `self`, which is in this process. */
	bool wide;
	struct member_shm *members; /* `size` of them */
	struct member_shm *self;    /* this rank's */
	int *ranks; /* their numbers as peers (mail.h); NULL: the same */
	struct rig_team *next; /* of those split off, from the world on */

	/* Collectives. */
	uint64_t number;   /* of the last call begun */
	uint64_t first;    /* what that was before any */
	uint64_t through;  /* every rank is through with this call */
	uint64_t sign;     /* of all verbs so far */
	uint64_t settled;  /* what that was when all last agreed */
	uint64_t shown[2]; /* what it is in self->met */
	uint64_t begun;    /* non-blocking calls and plans, in this run */
	uint64_t shares;   /* likewise */
	struct way ways[WAY_KINDS][WAY_SIZES];

	/* Messages. */
	uint32_t id; /* of the team, in this run */
	struct cart cart;
};

/* The number in the world of rank `rank` of the team.  What is no rank, as
 * RIG_ANY_SOURCE, stays. */
static inline int team_world_rank(const struct rig_team *team, int rank)
{
	return team->ranks && rank >= 0 ? team->ranks[rank] : rank;
}

#endif
