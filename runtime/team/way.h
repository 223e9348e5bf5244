/* SPDX-License-Identifier: MIT */
/*
 * way.h - past the caches or not: tried both ways, and the faster one taken.
 *
 * Which way is faster depends on how the CPUs of the ranks share caches, and on how
 * long the data is, and differs by up to a factor of two either way.  So there is a
 * choice for each kind of verb and each power of two of bytes, in each team; and for
 * messages, for each receiver.  The first WAY_TRIALS of a choice go by turns both
 * ways, and are timed from end to end; the way with the shorter least time is taken
 * for a while, and then both are tried again.
 *
 * In a collective verb all ranks are in the same trial at the same time, for all make
 * the same calls; after the last trial they tell each other their times (the longest
 * of a way counts), so that all take the same way.
 *
 * A virtual machine may be moved between cores that share a cache and cores that do
 * not, many times a minute, and then the other way is up to four times faster.  So the
 * ranks of a team look now and then how long a hand-over takes, which tells how far
 * apart the ranks are, and keep choices for each of WAY_DISTANCES such times.  A sender
 * of messages has nobody to look with, and tries again after so much time that the
 * slower messages of the trials make WAY_PRICE of it.
 */
#ifndef RUNRIG_WAY_H
#define RUNRIG_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "objects/copy.h"

struct rig_team;
struct rank;

/* Verbs that time their data alike. */
enum way_kind {
	WAY_BCAST,
	WAY_GATHER,
	WAY_ALLGATHER,
	WAY_SCATTER,
	WAY_ALLTOALL,
	WAY_REDUCE,
	WAY_ALLREDUCE,
	WAY_REDUCE_SCATTER,
	WAY_SCAN,
	WAY_KINDS
};

/* Powers of two from COPY_BYPASS_BYTES on; what is longer is of the last. */
#define WAY_SIZES 12

/* Longer data stays in no rank's own cache. */
#define WAY_LONG ((size_t)1 << 20)

#define WAY_TRIALS 8

/* Calls until both ways are tried again: the first time, and at most. */
#define WAY_REST_FIRST 120
#define WAY_REST_MOST  3840

/* Choices are kept for so many times of a hand-over. */
#define WAY_DISTANCES 2

/* Bytes that a team moves between two looks at the hand-over. */
#define WAY_LOOK_BYTES ((uint64_t)4 << 20)

/* A look costs little beside a job's first verb that moves so many bytes. */
#define WAY_LOOK_FIRST ((size_t)64 << 10)

/* Trials of messages may take one part of so many of all time. */
#define WAY_PRICE 50

/* In this process: one choice. */
struct way {
	uint32_t least[2]; /* ns, plain and past the caches; 0: not timed */
	uint16_t calls;    /* since both were tried last */
	uint16_t rest;  /* of them after the trials; 0: there were none yet */
	bool past;      /* the way that is taken */
	uint64_t again; /* messages: when both are tried again, on the clock */
};

/* In this process: how far apart the ranks of a team are.  The same in all ranks. */
struct way_distances {
	uint32_t handover[WAY_DISTANCES]; /* ns, of each; 0: not met yet */
	int now;                          /* which of them it is */
	bool due;                         /* a new job has begun */
	uint64_t moved;                   /* bytes since the last look */
};

struct tray_shm;

/* In this process: the messages to one receiver, and the trial that is under way. */
struct way_sent {
	struct way ways[WAY_SIZES];
	struct way *trial;     /* NULL: none */
	struct tray_shm *tray; /* that its message is in */
	uint64_t bytes;        /* of the message */
	uint64_t timed;        /* when it began, on the clock: its number */
	bool past;
};

/* Which of the WAY_SIZES. */
static inline int way_size(size_t bytes)
{
	const int size = 63 - __builtin_clzll(bytes / COPY_BYPASS_BYTES);

	return size < WAY_SIZES ? size : WAY_SIZES - 1;
}

/* The next use of a choice: past the caches?  *trial: it is to be timed. */
bool way_next(const struct way *way, bool *trial);

/* The use is over; `ns` is how long it took, 0: not timed. */
void way_used(struct way *way, bool past, uint64_t ns);

/* Both ways have been tried: which is better? */
void way_decide(struct way *way);

/* A message of `bytes` bytes, COPY_BYPASS_BYTES at least, is put into `tray`: past the
 * caches?  *timed: the number of the trial for tray_begin(); 0: it is none. */
bool way_send(struct way_sent *sent, struct tray_shm *tray, uint64_t bytes,
	      uint64_t *timed);

/* A hand-over takes `ns`: which of the distances it is now.  *fresh: the distance is a
 * new one, or takes the place of another one. */
void way_distance_seen(struct way_distances *distances, uint64_t ns,
		       bool *fresh);

/* A verb that moves `bytes` bytes, the same number in every rank, begins, after
 * call_enter(): rank->past says how the rank copies until call_leave(). */
void way_enter_long(struct rig_team *team, enum way_kind kind, size_t bytes);

static inline void way_enter(struct rig_team *team, enum way_kind kind,
			     size_t bytes)
{
	if (bytes >= COPY_BYPASS_BYTES)
		way_enter_long(team, kind, bytes);
}

/* call_leave() of such a verb. */
void way_leave(struct rank *rank);

/* A new run: what was found stays, unless ranks may differ in it. */
void way_begin_job(struct rank *rank);

/* The last to finish a run that failed. */
void way_all_done(struct rank *rank);

#endif
