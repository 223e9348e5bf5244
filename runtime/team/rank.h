/* SPDX-License-Identifier: MIT */
/*
 * rank.h - a process as a rank: the state that the rank has for all its teams, and
 * how the rank waits for other ranks.
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
	struct rig_barrier
		*barrier; /* the pool's barrier in the trailer, or NULL */
	bool read_only;
};

/* The part of a rank's stage that is in use. */
struct stage {
	size_t at;             /* the next free byte */
	struct rig_team *user; /* the team whose calls use the stage */
	uint64_t until[2];     /* the last call that used this half */
};

/* In this process: the blocks that this rank has of the heap, in offsets of the
 * rank's part. */
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
	struct rig_team *world; /* NULL: not asked for in this run */
	struct rig_team
		*leaders; /* the team of rank 0 of each host; NULL: no leader */
	struct rig_team *all; /* all wide teams, by rig_team.next */
	uint32_t ids;         /* numbers of teams so far */
	/* The blocking verb that is at hand, and its caller's address, for the
	 * calls that the verb is made of.  NULL: none. */
	const struct terms *terms;
	const void *where;
	struct rig_request *request; /* the request of the verb */
};

struct rank;

/*
 * In this process: the end of a team whose ranks have no warden and no launcher.  When
 * the team ends before its time, each call of the team returns an error.
 */
struct rank_ends {
	/* All ranks wait for each other: write to rank->mine->why where each rank
	 * waits. */
	void (*say_deadlock)(struct rank *rank);
	/* The team has ended for the reason in `ended` (team_shm.ended): returns
	 * the error of the calls, with the words. */
	int (*explain)(const struct rank *rank, uint32_t ended);
};

/* In this process: the process is one rank, or in tests several. */
struct rank {
	int rank; /* in the world, the team that a kernel is given */
	int size; /* ranks of the world */
	struct layout layout;
	struct rank_shm *mine;
	struct patience patience;
	int bell; /* an eventfd of a caller that polls; -1: none */
	const struct rank_ends
		*ends;           /* NULL: caller or launcher end the team */
	struct trace_shm *trace; /* NULL: none */
	struct trace_event_shm *span; /* the span of the verb at hand */
	struct rig_team world;
	uint64_t high; /* the highest number of calls of teams freed since */
	struct stage stage;
	struct way *way;       /* the way of the verb at hand; NULL: none */
	uint64_t way_began;    /* on the clock; 0: the verb is not timed */
	uint32_t way_failures; /* team_shm.failures, at the last look */
	int ways;              /* the ways that the choice has */
	int way_taken;         /* the way that the verb at hand goes */
	bool past;             /* copies to other ranks pass the caches */
	bool copies;           /* the verb lends nothing that it may lend */
	bool is_long;          /* the verb moves WAY_LONG bytes or more */
	/* The thread that calls verbs, as thread_self() has it; and whether no
	 * other thread may become that. */
	uintptr_t thread;
	bool one_thread;
	struct mail *mail; /* NULL: none so far */
	struct symmetric symmetric;
	struct team_mapping *team_mappings; /* mappings of rig_team_segment() */
	struct rig_heap heap;
	struct wide_teams wide;

	/* Barriers. */
	struct rig_barrier *barrier;   /* the barrier of the job at hand */
	struct barrier_watch at_teams; /* the waits at each barrier */
	struct barrier_watch at_jobs;
	uint64_t entered; /* in this job */

	/* Where the rank is: set at birth. */
	struct levels levels;
	const struct rig_plan *plan;

	/* The job at hand. */
	uint32_t place;   /* in the chain; 0: the first job, or the only job */
	bool result_used; /* since the result was last zeroed */
	int segments;
	struct handed handed[RIG_SEGMENTS_MAX];
	size_t args_bytes;
	alignas(16) unsigned char args[RIG_ARGS_MAX];
};

/* Shorter data is copied: a lender waits until the loan is read. */
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

/* The way back: the address of the bytes in this rank. */
static inline char *rank_found(const struct rank *rank, uint64_t segment,
			       uint64_t offset)
{
	if (segment - 1 < (uint64_t)RIG_SEGMENTS_MAX)
		return (char *)rank->handed[segment - 1].data + offset;
	return (char *)rank->layout.control + offset;
}

/* As rank_found(), but NULL where the bytes do not all lie in such memory, or the
 * memory may not be written and `write` is set: a check of words of another process. */
static inline char *rank_found_whole(const struct rank *rank, uint64_t segment,
				     uint64_t offset, uint64_t bytes,
				     bool write)
{
	const uint64_t parts =
		(uint64_t)(rank->layout.parts -
			   (unsigned char *)rank->layout.control);
	uint64_t begin = 0, end = 0;

	if (segment == SEGMENT_TEAM) {
		begin = parts;
		end = rank->layout.map_bytes;
	} else if (segment - 1 < (uint64_t)rank->segments &&
		   !(write && rank->handed[segment - 1].read_only)) {
		end = rank->handed[segment - 1].bytes;
	}
	if (offset < begin || offset > end || bytes > end - offset)
		return NULL;
	return rank_found(rank, segment, offset);
}

/* Make *rank rank `number` of the `size` in `layout`. */
void rank_init(struct rank *rank, const struct layout *layout, int number,
	       int size, const struct patience *patience);

/* Begin job number `job`: the rank is as a kernel expects, but for the segments. */
void rank_begin(struct rank *rank, uint32_t job);

/* All ranks meet at the team's own barrier, whatever the barrier of the job. */
void rank_meet(struct rank *rank);

/* The same where only the ranks watch each other: no rank sleeps at the barrier for
 * ever. */
void rank_meet_watched(struct rank *rank);

/* This rank has failed with `code`; `why` (NULL: the rank's slot has the words). */
void rank_failed(struct rank *rank, int code, const char *why);

/*
 * Has the team ended, where only the ranks watch each other?  A call that finds the
 * end returns rank_ended(), whatever the call has done.
 *
 * Invariant: a rank that has seen the team's end may break off a call, and write
 * again to memory that the rank has lent; a rank that reads such memory sees
 * afterwards that the team has ended.  seq_cst: the load stands after the release by
 * which a rank says that the bytes are read (call_end(), answers of mail_receive.c),
 * and pairs with rank_end().
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

/* End the team, for the reason `end` (an enum rig_end) and because of rank `who`: all
 * ranks see the end, asleep or not.  Any thread. */
void rank_end(struct rank *rank, unsigned end, int who);

/*
 * Wait until *word >= target and return the word's value: less, where the team has
 * ended.  The word lies in the team segment, only grows, and is changed by
 * rank_advance() alone.  Stores before the rank_advance() are seen after the wait.
 */
uint64_t rank_await(struct rank *rank, const _Atomic uint64_t *word,
		    uint64_t target);

/* Set *word, which no other rank writes, to `value`, and wake the ranks that sleep on
 * the word. */
void rank_advance(struct rank *rank, _Atomic uint64_t *word, uint64_t value);

/* Add to *word, a word to which other ranks add, too. */
void rank_add(struct rank *rank, _Atomic uint64_t *word, uint64_t value);

/* A new run: free the blocks of the last run in this rank's part of the heap. */
void symmetric_begin_job(struct rank *rank);

/* Unmap all memory of rig_team_segment() in this run. */
void team_segments_drop(struct rank *rank);

/* How long a store takes, at the very most, until all other CPUs see the value. */
#define STORE_NS UINT64_C(1000000)

/*
 * The rank is about to sleep until a word of the team segment, at offset `awaited`,
 * reaches `target`; or, where awaited is 0, until the word of a barrier does (as
 * rank_shm.target); or, unless `rung` is 0, until this rank's mailbox was rung
 * `rung` times.  rank_awake(): the rank is awake again.
 */
void rank_sleeps(struct rank *rank, uint64_t awaited, uint64_t target,
		 uint64_t rung);
void rank_awake(struct rank *rank);

/* The target `target` of the job's barrier, as rank_shm.target has it. */
uint64_t rank_target(const struct rank *rank, uint64_t target);

/* Does every rank that has not returned wait for another rank, and for nothing that
 * has come?  The answer is exact where only ranks can complete the waits. */
bool rank_all_wait(const struct rank *rank);

/* Has the chain another job, unless a rank fails yet?  In a job; the last rank to finish
 * the job knows. */
bool rank_chain_goes_on(const struct rank *rank);

/* Finish the job at hand, and leave the result for the caller. */
void rank_finish(struct rank *rank);

#endif
