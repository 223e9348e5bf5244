/* SPDX-License-Identifier: MIT */
/*
 * progress.h - how far a long run is, on a terminal.
 *
 * A thread of its own draws one line on stderr, twice a second, while the
 * caller waits for the workers; where stderr is no terminal there is none.
 */
#ifndef RUNRIG_PROGRESS_H
#define RUNRIG_PROGRESS_H

#include <stdint.h>

struct rig_barrier;
struct progress; /* in this process */

/* Of one run: what it is called, how many barriers it has (0: not known), and
 * what it moves or computes (0: not known). */
struct progress_work {
	const char *name;
	uint64_t epochs;
	double bytes, flops;
	uint64_t runs; /* in all */
};

/* NULL where nothing is to be drawn.  After the pool has been made. */
struct progress *progress_begin(const struct progress_work *work);

/* A run begins, at this barrier (NULL: unknown), `done` runs after the first;
 * and ends.  NULL is allowed. */
void progress_run(struct progress *progress, const struct rig_barrier *barrier,
		  uint64_t done);
void progress_rest(struct progress *progress);

/* Removes the line.  NULL is allowed. */
void progress_end(struct progress *progress);

#endif
