/* SPDX-License-Identifier: MIT */
/*
 * attach.h - a worker's mappings of the segments of its jobs.
 */
#ifndef RUNRIG_ATTACH_H
#define RUNRIG_ATTACH_H

#include "pool/pool_startup.h"
#include "team/rank.h"

/* A worker is born, without a mapping, even where the warden had mappings. */
void attach_begin(void);

/*
 * Map the segments of job_shm, or find the mappings of an earlier job, and fill
 * rank->handed.  Hot (all found): no system call.  Cold: collective, every rank of the
 * team comes here with the same segments missing.
 *
 * Returns 0, or -errno: this rank could not map, and rig_why() says why; or -ECANCELED:
 * another rank could not.  Then all ranks unmap the new mappings.  JOB_HAND_OVER: see
 * layout.h.
 */
int attach_segments(struct rank *rank, int count,
		    const struct pool_startup *startup);

/* The same segments once more, in the next job of a chain. */
void attach_again(struct rank *rank, int count);

/* Map segment 0 (which has no name yet) and populate the spans that this rank owns:
 * 0 or -errno and the words. */
int attach_populate(struct rank *rank, const struct pool_startup *startup,
		    rig_spans_fn *spans);

/* Write this rank's part of the node's copy, in segment 1, of segment 0; neither
 * segment stays mapped. 0 or -errno and the words. */
int attach_replicate(struct rank *rank, const struct pool_startup *startup);

/* In a child of a worker: unmap every file.  Safe after a fork. */
void attach_forked(void);

/* Unmap segment 0's file, where mapped. */
void attach_forget(struct rank *rank);

/* Find the segment of the job in which `address` lies.  Returns the index, with the
 * offset in *offset; or -1.  For the signal handler. */
int attach_which(const struct rank *rank, uint64_t address, uint64_t *offset);

#endif
