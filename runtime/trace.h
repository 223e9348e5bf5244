/* SPDX-License-Identifier: MIT */
/*
 * trace.h - how a worker notes when it did what.
 *
 * A span is noted when it begins and completed when it ends, so that one that
 * never ends is known too.  Where nothing is traced that costs one branch.
 */
#ifndef RUNRIG_TRACE_PRIVATE_H
#define RUNRIG_TRACE_PRIVATE_H

#include <stdalign.h>

#include <runrig/trace.h>

#include "atomic.h"
#include "clock.h"

#define TRACE_BRANCH(trace) __builtin_expect((trace) != NULL, 0)

/* In shared memory.  Written by its rank; the caller reads it between runs. */
struct trace_event_shm {
	uint64_t begin_ns;
	_Atomic uint64_t end_ns; /* 0: not yet */
	uint64_t where;          /* return address; 0: none */
	uint32_t kind;           /* enum rig_trace_kind */
	uint32_t verb;           /* enum verb, of a wait */
};

/* In shared memory: one rank's.  Written by its rank, and by the one that takes
 * its place after a death. */
struct trace_shm {
	alignas(RIG_LINE) _Atomic uint64_t count;
	_Atomic uint64_t lost;
	uint64_t room; /* written once, by the caller */
	struct trace_event_shm events[];
};

/* Bytes from one rank's to the next, with room for `room` spans. */
size_t trace_bytes(size_t room);

/* The span that begins now; NULL: there is no room. */
struct trace_event_shm *trace_begin(struct trace_shm *trace,
				    enum rig_trace_kind kind, uint32_t verb,
				    uint64_t where);

/* The span that begins when `before` (which may be NULL) ends, which is now. */
struct trace_event_shm *trace_follow(struct trace_shm *trace,
				     struct trace_event_shm *before,
				     enum rig_trace_kind kind);

/* It ends now.  NULL is allowed. */
static inline void trace_end(struct trace_event_shm *event)
{
	if (event)
		/* relaxed: the end of the job releases it. */
		store_relaxed(&event->end_ns, clock_ns());
}

/* One run, as its caller saw it.  In this process. */
struct traced_run {
	uint64_t begin_ns;
	uint64_t end_ns; /* 0: it goes on */
	char name[64];
};

/* What the caller keeps.  In this process. */
struct tracer {
	char *memory; /* trace_shm of every rank; NULL: nothing is traced */
	size_t bytes, stride;
	struct traced_run *runs;
	size_t run_count, run_room;
	uint64_t runs_lost;
};

/* Make room for `room` spans of each of `size` ranks, shared with children.
 * 0, -EINVAL or -ENOMEM with the words. */
int tracer_init(struct tracer *tracer, int size, size_t room);
void tracer_finish(struct tracer *tracer);

/* A rank's; NULL where nothing is traced. */
struct trace_shm *tracer_rank(const struct tracer *tracer, int rank);

/* A run begins, and ends.  `name` NULL: that of the function at `address`. */
void tracer_run_begins(struct tracer *tracer, const char *name,
		       uint64_t address);
void tracer_run_ends(struct tracer *tracer);

#endif
