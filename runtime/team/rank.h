/* SPDX-License-Identifier: MIT */
/*
 * rank.h - a process as a rank: what it has whichever team it calls in, and how
 * it waits for the others.
 */
#ifndef RUNRIG_RANK_H
#define RUNRIG_RANK_H

#include "base/compiler.h"
#include "base/thread.h"
#include "machine/wait.h"
#include "objects/layout.h"
#include "place/levels.h"
#include "team/heap.h"
#include "team/team.h"
#include "team/trace.h"

struct terms;

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

/* In this process: what this rank has of the heap, in offsets of its part. */
struct symmetric {
	int count;
	int used; /* in this run */
	struct symmetric_block {
		uint64_t begin;
		uint64_t end;
	} blocks[RIG_BLOCKS_MAX];
};

/* In this process: teams with ranks of several hosts; see wide.h. */
struct wide_teams {
	struct rig_team *world;   /* NULL: not asked for in this run */
	struct rig_team *leaders; /* of rank 0 of each host; NULL: is none */
	struct rig_team *all;     /* all there are, by rig_team.next */
	uint32_t ids;             /* numbers of teams so far */
	/* The blocking verb that is at hand, and from where: the calls that it
	 * is made of are told so.  NULL: none. */
	const struct terms *terms;
	const void *where;
	struct rig_request *request; /* of that verb */
};

struct rank;

/*
 * In this process: what a rank does that has no warden and no launcher.  When the
 * team ends before its time, each call of the team returns an error.
 */
struct rank_ends {
	/* All ranks wait for each other: write to rank->mine->why who waits
	 * where. */
	void (*say_deadlock)(struct rank *rank);
	/* The team has ended, as team_shm.ended has it: the error of the calls,
	 * and the words. */
	int (*explain)(const struct rank *rank, uint32_t ended);
};

/* In this process: one, or in tests one of several. */
struct rank {
	int rank; /* in the world, the team that a kernel is given */
	int size; /* of the world */
	struct layout layout;
	struct rank_shm *mine;
	struct patience patience;
	int bell; /* an eventfd of a caller that polls; -1: none */
	const struct rank_ends *ends; /* NULL: somebody else ends the team */
	struct trace_shm *trace;      /* NULL: none */
	struct trace_event_shm *span; /* of the verb it is in */
	struct rig_team world;
	uint64_t high; /* of calls of teams freed since */
	struct stage stage;
	struct way *way;       /* of the verb it is in; NULL: it has none */
	uint64_t way_began;    /* on the clock; 0: the verb is not timed */
	uint32_t way_failures; /* team_shm.failures, when it looked last */
	bool past;             /* copies to others pass the caches */
	/* The thread that calls verbs, as thread_self() has it; and whether no
	 * other thread may become that. */
	uintptr_t thread;
	bool one_thread;
	struct mail *mail; /* NULL: none so far */
	struct symmetric symmetric;
	struct team_mapping *team_mappings; /* of rig_team_segment() */
	struct rig_heap heap;
	struct wide_teams wide;

	/* Barriers. */
	struct rig_barrier *barrier;   /* of the job at hand */
	struct barrier_watch at_teams; /* who waits at which barrier */
	struct barrier_watch at_jobs;
	uint64_t entered; /* in this job */

	/* Where the rank is: set when it is born. */
	struct levels levels;
	const struct rig_plan *plan;

	/* The job at hand. */
	uint32_t place;   /* in its chain; 0: the first, or the only one */
	bool result_used; /* since it was last zeroed */
	int segments;
	struct handed handed[RIG_SEGMENTS_MAX];
	size_t args_bytes;
	alignas(16) unsigned char args[RIG_ARGS_MAX];
};

/* Shorter data is copied: a loan has to be waited for until it is read. */
#define LEND_BYTES ((size_t)4096)

/* As the number of a segment: the team's own memory. */
#define SEGMENT_TEAM ((uint32_t)RIG_SEGMENTS_MAX + 1)

/*
 * Where all of the bytes lie in memory that every rank finds: returns index + 1 of an
 * array of the job, or SEGMENT_TEAM for memory of rig_team_alloc() or of a heap, with
 * the offset in there in *offset.  Returns 0 for any other memory; *offset is set in
 * that case, too, and means nothing.
 */
static inline uint32_t rank_segment(const struct rank *rank, const void *data,
				    size_t bytes, uint64_t *offset)
{
	const uintptr_t control = (uintptr_t)rank->layout.control;
	const uint64_t parts = (uintptr_t)rank->layout.parts - control;

	for (int i = 0; i < rank->segments; i++) {
		const struct handed *handed = &rank->handed[i];

		*offset = (uintptr_t)data - (uintptr_t)handed->data;
		if (*offset < handed->bytes && bytes <= handed->bytes - *offset)
			return (uint32_t)i + 1;
	}
	*offset = (uintptr_t)data - control;
	return *offset >= parts && *offset < rank->layout.map_bytes &&
			       bytes <= rank->layout.map_bytes - *offset
		       ? SEGMENT_TEAM
		       : 0;
}

/* The way back: where this rank has that. */
static inline char *rank_found(const struct rank *rank, uint64_t segment,
			       uint64_t offset)
{
	if (segment - 1 < (uint64_t)RIG_SEGMENTS_MAX)
		return (char *)rank->handed[segment - 1].data + offset;
	return (char *)rank->layout.control + offset;
}

/* Make *rank rank `number` of the `size` in `layout`. */
void rank_init(struct rank *rank, const struct layout *layout, int number,
	       int size, const struct patience *patience);

/* Begin job number `job`: everything as a kernel expects to find it but the
 * segments. */
void rank_begin(struct rank *rank, uint32_t job);

/* All meet at the team's own barrier, whatever the job's is. */
void rank_meet(struct rank *rank);

/* The same where only the ranks watch each other: nobody sleeps in there for good. */
void rank_meet_watched(struct rank *rank);

/* This rank has failed with `code`; `why` (NULL: its slot has the words). */
void rank_failed(struct rank *rank, int code, const char *why);

/*
 * Has the team ended, where only its ranks watch it?  A call that finds so returns
 * rank_ended(), whatever it has done.
 *
 * Invariant: who has seen that the team has ended may break off a call, and write
 * again to what it lent to others; whoever reads that sees afterwards that the
 * team has ended.  seq_cst: it stands after the release by which a rank says that
 * it has read (call_end(), answers of mail_receive.c), and pairs with rank_end().
 */
static inline bool rank_has_ended(const struct rank *rank)
{
	return load_seq(&rank->layout.team->ended) != 0;
}

/*
 * Verb `name` is called in the rank's thread: 0; or -EINVAL and the words for
 * rig_why(), where the rank is a worker's and another thread calls.  A rank that has
 * joined has whichever thread calls (join.h).
 */
COLD int rank_other_thread(struct rank *rank, const char *name);

static inline int rank_check_thread(struct rank *rank, const char *name)
{
	return rank->thread == thread_self() ? 0
					     : rank_other_thread(rank, name);
}

/* The error of calls of a team that has ended, and the words; -EPROTO where somebody
 * else than the ranks ends the team, so that a stray store has written the end. */
COLD int rank_ended(const struct rank *rank);

/* `r`, or the error where the team has ended. */
static inline int rank_result(const struct rank *rank, int r)
{
	return rank_has_ended(rank) ? rank_ended(rank) : r;
}

/* The team ends, for `end` (an enum rig_end) and because of rank `who`: all ranks
 * find out, asleep or not.  Any thread. */
void rank_end(struct rank *rank, unsigned end, int who);

/*
 * Wait until *word >= target and return what it is: less, where the team has ended.
 * The word lies in the team segment, only grows, and whoever changes it does so by
 * rank_advance().  What was written before that is seen after this.
 */
uint64_t rank_await(struct rank *rank, const _Atomic uint64_t *word,
		    uint64_t target);

/* Set *word, which no other rank writes, to `value`, and wake who sleeps on
 * it. */
void rank_advance(struct rank *rank, _Atomic uint64_t *word, uint64_t value);

/* Add to *word, which other ranks add to as well. */
void rank_add(struct rank *rank, _Atomic uint64_t *word, uint64_t value);

/* A new run: what was left of the last in this rank's part of the heap goes. */
void symmetric_begin_job(struct rank *rank);

/* Unmap what rig_team_segment() has mapped in this run. */
void team_segments_drop(struct rank *rank);

/* How long it takes a store to be seen by all who look, at the very most. */
#define STORE_NS UINT64_C(1000000)

/*
 * About to sleep until a word of the team segment, at offset `awaited`, reaches
 * `target`, or, where awaited is 0, until a barrier's does (as
 * rank_shm.target); or, unless `rung` is 0, until this rank's mailbox was rung
 * so often.  And awake again.
 */
void rank_sleeps(struct rank *rank, uint64_t awaited, uint64_t target,
		 uint64_t rung);
void rank_awake(struct rank *rank);

/* The target `target` of the job's barrier, as rank_shm.target has it. */
uint64_t rank_target(const struct rank *rank, uint64_t target);

/* Does every rank that has not returned wait for another, and for nothing that
 * has come?  Exactly, where nobody but ranks can complete what they wait for. */
bool rank_all_wait(const struct rank *rank);

/* End a job: finish it, and tell the caller what it has to know. */
void rank_finish(struct rank *rank);

#endif
