/* SPDX-License-Identifier: MIT */
/*
 * way.h - how data gets to other ranks: all ways are tried, and the fastest is taken.
 *
 * Data in memory that all ranks have mapped can be read in place or be copied, and a
 * copy can be stored plainly or past the caches.  Which way is faster depends on how the
 * CPUs of the ranks share caches, and on how long the data is, and differs by up to a
 * factor of two either way.  So there is a choice for each kind of verb and each power
 * of two of bytes, in each team; and for messages, for each receiver.  The first trials
 * of a choice, WAY_TRIALS_EACH of each way, go by turns each way, and are timed from end
 * to end; the way with the shortest least time is taken for a while, and then all are
 * tried again.
 *
 * A reduce of two ranks has twice as many ways, for who folds is a choice as well: the
 * root alone, or each rank a slice.  A bcast, data of WAY_LONG bytes and a message that is
 * copied have the first two ways.
 *
 * In a collective verb all ranks are in the same trial at the same time, for all make
 * the same calls; after the last trial the ranks tell each other the times (the
 * longest of a way counts), so that all take the same way.
 *
 * A virtual machine may be moved between CPUs of one core, cores that share a cache and
 * cores that do not, many times a minute, and then the other way is up to four times
 * faster.  So the ranks of a team now and then measure a hand-over, which tells how far
 * apart the ranks are, and keep choices for each of WAY_DISTANCES times.  A sender of
 * messages has no rank to measure with, and tries again after a time of which the
 * slower messages of the trials are one part of WAY_PRICE.
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

/* Powers of two from COPY_BYPASS_BYTES on; longer data has the last choice. */
#define WAY_SIZES 12

/* Longer data stays in no rank's own cache. */
#define WAY_LONG ((size_t)1 << 20)

enum way_number {
	WAY_LENT,   /* read in place, or else copied by plain stores */
	WAY_PAST,   /* copied past the caches; of three ways, wherever the data
		     * lies */
	WAY_COPIED, /* copied by plain stores, wherever the data lies */
	WAY_COPIES, /* so many ways */
	/* From as many on the same, where each rank of two folds a slice. */
	WAYS = 2 * WAY_COPIES
};

/* Where data that can be lent is lent: the first two. */
#define WAY_MESSAGES 2

/* The trials of each way. */
#define WAY_TRIALS_EACH 4

/* Calls until all ways are tried again: the first time, and at most. */
#define WAY_REST_FIRST 120
#define WAY_REST_MOST  3840

/* The number of times of a hand-over for which choices are kept: of CPUs of one core, of
 * one cache and of none. */
#define WAY_DISTANCES 3

/* Bytes that a team moves between two looks at the hand-over. */
#define WAY_LOOK_BYTES ((uint64_t)4 << 20)

/* A look costs little beside a job's first verb that moves at least these bytes. */
#define WAY_LOOK_FIRST ((size_t)64 << 10)

/* Trials of messages may take one part of WAY_PRICE of all time. */
#define WAY_PRICE 50

/* In this process: one choice. */
struct way {
	uint32_t least[WAYS]; /* ns, of each way; 0: not timed */
	uint16_t calls;       /* since all were tried last */
	uint16_t rest;  /* of them after the trials; 0: there were none yet */
	uint8_t taken;  /* the way that is taken */
	uint64_t again; /* messages: when both are tried again, on the clock */
};

/* In this process: how far apart the ranks of a team are.  The same in all ranks. */
struct way_distances {
	uint32_t handover[WAY_DISTANCES]; /* ns, of each; 0: not met yet */
	int now;                          /* the present distance */
	bool due;                         /* a new job has begun */
	uint64_t moved;                   /* bytes since the last look */
};

struct tray_shm;

/* In this process: the messages to one receiver, and the trial that is under way. */
struct way_sent {
	struct way ways[WAY_SIZES];
	struct way *trial;     /* NULL: none */
	struct tray_shm *tray; /* the tray with the message */
	uint64_t bytes;        /* of the message in the trial */
	/* The begin on the clock, which is the trial's number. */
	uint64_t timed;
	bool past;
};

/* Which of the WAY_SIZES. */
static inline int way_size(size_t bytes)
{
	const int size = 63 - __builtin_clzll(bytes / COPY_BYPASS_BYTES);

	return size < WAY_SIZES ? size : WAY_SIZES - 1;
}

/* The way of the next use of a choice of the ways below `ways`.  *trial: the use is to
 * be timed. */
int way_next(const struct way *way, int ways, bool *trial);

/* The use is over, which went way `taken`; `ns` is how long it took, 0: not timed. */
void way_used(struct way *way, int ways, int taken, uint64_t ns);

/* All ways have been tried: which is the best? */
void way_decide(struct way *way, int ways);

/* A message of `bytes` bytes, COPY_BYPASS_BYTES at least, is put into `tray`: past
 * the caches?  *timed: the number of the trial for tray_begin(); 0: no trial. */
bool way_send(struct way_sent *sent, struct tray_shm *tray, uint64_t bytes,
	      uint64_t *timed);

/* A hand-over takes `ns`: returns the present distance.  *fresh: the distance is new,
 * or takes the place of another distance. */
void way_distance_seen(struct way_distances *distances, uint64_t ns,
		       bool *fresh);

/* A verb that moves `bytes` bytes, the same number in every rank, begins, after
 * call_enter(): rank->past says how the rank copies until call_leave(), and rank->copies
 * whether the rank lends nothing.  The verb has `forms` forms, always as many for a kind
 * and size; returns the number of the form to take. */
int way_enter_long(struct rig_team *team, enum way_kind kind, int forms,
		   size_t bytes);

static inline void way_enter(struct rig_team *team, enum way_kind kind,
			     size_t bytes)
{
	if (bytes >= COPY_BYPASS_BYTES)
		(void)way_enter_long(team, kind, 1, bytes);
}

/* The verb of way_enter() ends, in call_leave(). */
void way_leave(struct rank *rank);

/* A new run: the choices stay, unless ranks may differ in a choice. */
void way_begin_job(struct rank *rank);

/* The last rank to finish a run that failed. */
void way_all_done(struct rank *rank);

#endif
