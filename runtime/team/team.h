/* SPDX-License-Identifier: MIT */
/*
 * team.h - a rank's view of its team, as team.c and worker.c share it.
 */
#ifndef RUNRIG_TEAM_PRIVATE_H
#define RUNRIG_TEAM_PRIVATE_H

#include <runrig/collective.h>
#include <runrig/cart.h>
#include <runrig/team.h>

#include "objects/layout.h"
#include "place/levels.h"
#include "base/compiler.h"
#include "team/trace.h"
#include "machine/wait.h"

/* One segment of the job at hand. */
struct handed {
	void *data;
	size_t bytes;
	struct rig_barrier *barrier; /* of this pool in its trailer, or NULL */
};

/* What of a rank's stage is in use. */
struct stage {
	size_t at;             /* the next free byte */
	struct rig_team *user; /* whose calls put there what is there */
	uint64_t until[2];     /* the last that put something in that half */
};

/* rig_team.id is less. */
#define TEAM_IDS UINT64_C(0x80000000)

/* Of a team that is a grid; see cart.h. */
struct cart {
	int ndims; /* 0: it is none */
	int dims[RIG_DIMS_MAX];
	bool periods[RIG_DIMS_MAX];
};

/* In this process: what this rank has of the heap, in offsets of its part. */
struct symmetric {
	int count;
	int used; /* in this run */
	struct symmetric_block {
		uint64_t begin;
		uint64_t end;
	} blocks[RIG_BLOCKS_MAX];
};

/* In this process. */
struct rig_team {
	int rank;
	int size;
	struct layout layout;
	struct rank_shm *mine;
	struct rig_barrier *barrier; /* of the job at hand */
	struct patience patience;
	struct barrier_watch at_teams; /* who waits at which barrier */
	struct barrier_watch at_jobs;
	uint64_t entered;             /* barriers, in this job */
	bool result_used;             /* since it was last zeroed */
	struct trace_shm *trace;      /* NULL: none */
	struct trace_event_shm *span; /* of the verb it is in */

	/* Collectives. */
	struct levels levels;        /* set when the rank is born */
	const struct rig_plan *plan; /* likewise */
	struct rig_team *world;      /* the team that the kernel was given */
	struct rig_team *next;       /* of those split off, from the world's */
	struct member_shm *members;  /* `size` of them */
	struct member_shm *self;     /* this rank's */
	int *ranks;         /* their numbers in the world; NULL: the same */
	uint64_t number;    /* of the last call begun */
	uint64_t first;     /* what that was before any */
	uint64_t sign;      /* of all verbs so far */
	uint64_t settled;   /* what that was when all last agreed */
	uint64_t shown[2];  /* what it is in self->met */
	uint64_t begun;     /* non-blocking calls and plans, in this run */
	uint64_t shares;    /* likewise */
	uint64_t through;   /* every rank is through with this call */
	uint64_t high;      /* of the world: of calls of teams freed since */
	struct stage stage; /* of the world */

	/* Messages. */
	uint32_t id;       /* of the team, in this run */
	struct mail *mail; /* of the world; NULL: none so far */
	struct cart cart;
	struct symmetric symmetric; /* of the world */

	int segments;
	struct handed handed[RIG_SEGMENTS_MAX];
	size_t args_bytes;
	alignas(16) unsigned char args[RIG_ARGS_MAX];
};

/* Make `team` rank `rank`'s view of the team in `layout`. */
void team_init(struct rig_team *team, const struct layout *layout, int rank,
	       int size, const struct patience *patience);

/* Begin job number `job`: everything as a kernel expects to find it but the
 * segments. */
void team_begin(struct rig_team *team, uint32_t job);

/* Meet at the team's own barrier, whatever the job's is. */
void team_meet(struct rig_team *team);

/* This rank has failed with `code`; `why` (NULL: its slot has the words). */
void team_failed(struct rig_team *team, int code, const char *why);

/*
 * Wait until *word >= target and return what it is.  The word lies in the team
 * segment, only grows, and whoever changes it does so by team_advance().  What
 * was written before that is seen after this.
 */
uint64_t team_await(struct rig_team *team, const _Atomic uint64_t *word,
		    uint64_t target);

/* Set *word, which no other rank writes, to `value`, and wake who sleeps on
 * it. */
void team_advance(struct rig_team *team, _Atomic uint64_t *word,
		  uint64_t value);

/* Add to *word, which other ranks add to as well. */
void team_add(struct rig_team *team, _Atomic uint64_t *word, uint64_t value);

/* A new run: what was left of the last in this rank's part of the heap goes. */
void symmetric_begin_job(struct rig_team *team);

/* How long it takes a store to be seen by all who look, at the very most. */
#define STORE_NS UINT64_C(1000000)

/*
 * About to sleep until a word of the team segment, at offset `awaited`, reaches
 * `target`, or, where awaited is 0, until a barrier's does (as
 * rank_shm.target); or, unless `rung` is 0, until this rank's mailbox was rung
 * so often.  And awake again.
 */
void team_sleeps(struct rig_team *team, uint64_t awaited, uint64_t target,
		 uint64_t rung);
void team_awake(struct rig_team *team);

/* End a job: finish it, and tell the caller what it has to know. */
void team_finish(struct rig_team *team);

#endif
