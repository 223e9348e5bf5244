/* SPDX-License-Identifier: MIT */
/*
 * attach.h - a worker's mappings of the segments it was handed.
 */
#ifndef RUNRIG_ATTACH_H
#define RUNRIG_ATTACH_H

#include "pool/pool_startup.h"
#include "team/rank.h"

/* A worker is born: it has nothing mapped, whatever its warden was. */
void attach_begin(void);

/*
 * Map what job_shm says, or find it mapped from an earlier job, and put it into
 * rank->handed.  Hot (all found): no system call.  Cold: collective, every rank
 * of the team comes here with the same segments missing.
 *
 * Returns 0, or -errno: this rank could not, and rig_why() says why; or
 * -ECANCELED: another could not.  Then what was new is unmapped again, by all.
 * JOB_HAND_OVER: see layout.h.
 */
int attach_segments(struct rank *rank, int count,
		    const struct pool_startup *startup);

/* The same segments once more, in the next job of a chain. */
void attach_again(struct rank *rank, int count);

/* Map segment 0 (which has no name yet) and populate the spans this rank owns:
 * 0 or -errno and the words. */
int attach_populate(struct rank *rank, const struct pool_startup *startup,
		    rig_spans_fn *spans);

/* Write this rank's part of its node's copy, in segment 1, of segment 0; neither
 * stays mapped.  0 or -errno and the words. */
int attach_replicate(struct rank *rank, const struct pool_startup *startup);

/* In a child of a worker: unmap every file.  Safe after a fork. */
void attach_forked(void);

/* Unmap segment 0's file, if it is mapped. */
void attach_forget(struct rank *rank);

/* Which of the job's segments does `address` lie in?  Its index, and *offset
 * into it; or -1.  For the signal handler. */
int attach_which(const struct rank *rank, uint64_t address, uint64_t *offset);

#endif
