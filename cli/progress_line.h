/* SPDX-License-Identifier: MIT */
/*
 * progress_line.h - the progress of a long run, on a terminal.
 *
 * A separate thread draws a line on stderr, twice a second, while the caller
 * waits for the workers: the phase and its time, and for runs the share done,
 * the rate, and the time left.  There is a single line, as there is a single
 * terminal; where stderr is no terminal, the functions do nothing.
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

/* The work: `runs` runs of a kernel with these arguments, by a pool. */
struct progress_work {
	const struct rig_kernel *kernel;
	const void *args;
	const struct rig_pool *pool;
	uint64_t runs;
};

/* Preparing begins.  The pool is there, and stays until progress_end(). */
void progress_begin(const struct progress_work *work);

/* Another phase begins; PROGRESS_RUNNING: the next run begins. */
void progress_enter(enum progress_phase phase);

/* Remove the line until it is drawn again: a message is to be printed. */
void progress_clear(void);

/* Remove the line for good.  A second call does nothing. */
void progress_end(void);

#endif
