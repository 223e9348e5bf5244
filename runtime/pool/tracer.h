/* SPDX-License-Identifier: MIT */
/*
 * tracer.h - a pool's trace in the caller: the memory where workers note spans, and the
 * runs.
 */
#ifndef RUNRIG_TRACER_H
#define RUNRIG_TRACER_H

#include "objects/layout.h"
#include "team/trace.h"

/* In this process: one run, as the caller saw the run. */
struct traced_run {
	uint64_t begin_ns;
	uint64_t end_ns; /* 0: the run goes on */
	char name[64];
};

/* In this process: the caller's part of the trace. */
struct tracer {
	char *memory; /* trace_shm of every rank; NULL: nothing is traced */
	size_t bytes, stride;
	struct traced_run *runs;
	size_t run_count, run_room;
	uint64_t runs_lost;
};

/* Make room for `room` spans of each of `size` ranks, shared with children.
 * `fd`: as of shared_map().  0, or -EINVAL or what shared_map() said. */
int tracer_init(struct tracer *tracer, int size, size_t room, int *fd);
void tracer_finish(struct tracer *tracer);

/* A rank's; NULL where nothing is traced. */
struct trace_shm *tracer_rank(const struct tracer *tracer, int rank);

/* A run begins, and ends.  `name` NULL: the run has the name of the function at
 * `address`. */
void tracer_run_begins(struct tracer *tracer, const char *name,
		       uint64_t address);
void tracer_run_ends(struct tracer *tracer);

/* As rig_pool_trace(), with the tracer of `size` ranks in that layout. */
ssize_t tracer_read(const struct tracer *tracer, const struct layout *layout,
		    int size, int rank, struct rig_trace_span *spans,
		    size_t max, uint64_t *lost);

#endif
