/* SPDX-License-Identifier: MIT */
/*
 * progress_line.h - how far a long run is, on a terminal.
 *
 * A thread of its own draws one line on stderr, twice a second, while the
 * caller waits for the workers: what is being done, for how long, and of runs
 * which share is done, at which rate, and when the rest will be.  There is one
 * line, as there is one terminal; where stderr is none all of this does
 * nothing.
 */
#ifndef RUNRIG_PROGRESS_LINE_H
#define RUNRIG_PROGRESS_LINE_H

#include <stdint.h>

struct rig_kernel;
struct rig_pool;

enum progress_phase {
	PROGRESS_PREPARING,
	PROGRESS_RUNNING,
	PROGRESS_VERIFYING,
	PROGRESS_WRITING
};

/* Of what: `runs` runs of a kernel with these arguments, by a pool. */
struct progress_work {
	const struct rig_kernel *kernel;
	const void *args;
	const struct rig_pool *pool;
	uint64_t runs;
};

/* Preparing begins.  The pool is there, and stays until progress_end(). */
void progress_begin(const struct progress_work *work);

/* Another phase begins, or, where that is PROGRESS_RUNNING, the next run. */
void progress_enter(enum progress_phase phase);

/* Remove the line until it is drawn again: something else is to be said. */
void progress_clear(void);

/* Remove it for good.  Twice is once. */
void progress_end(void);

#endif
