/* SPDX-License-Identifier: MIT */
/*
 * trace.h - the spans of a worker: when the worker did which work.
 *
 * A span is noted at its begin and completed at its end, so a span without an end is
 * known, too.  Without a trace each span costs one branch.
 */
#ifndef RUNRIG_TRACE_PRIVATE_H
#define RUNRIG_TRACE_PRIVATE_H

#include <stdalign.h>

#include <runrig/trace.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/compiler.h"

#define TRACE_BRANCH(trace) __builtin_expect((trace) != NULL, 0)

/* In shared memory.  Written by the span's rank; the caller reads the span between
 * runs. */
struct trace_event_shm {
	uint64_t begin_ns;
	_Atomic uint64_t end_ns; /* 0: not yet */
	uint64_t where;          /* return address; 0: none */
	uint32_t kind;           /* enum rig_trace_kind */
	uint32_t verb;           /* enum verb, of a wait; and TRACE_PAST */
};

/* In trace_event_shm.verb: copies of the verb passed the caches. */
#define TRACE_PAST (UINT32_C(1) << 31)

/* In shared memory: the spans of one rank.  Written by the rank, and after a death
 * by the next process in the rank's place. */
struct trace_shm {
	alignas(RIG_LINE) _Atomic uint64_t count;
	_Atomic uint64_t lost;
	uint64_t room; /* written once, by the caller */
	struct trace_event_shm events[];
};

/* Begin a span; NULL: there is no room. */
COLD struct trace_event_shm *trace_begin(struct trace_shm *trace,
					 enum rig_trace_kind kind,
					 uint32_t verb, uint64_t where);

/* Begin a span at the end of `before` (which may be NULL), and end `before` now. */
struct trace_event_shm *trace_follow(struct trace_shm *trace,
				     struct trace_event_shm *before,
				     enum rig_trace_kind kind);

/* Note that the span's copies pass the caches.  NULL is allowed. */
static inline void trace_past(struct trace_event_shm *event)
{
	if (event)
		event->verb |= TRACE_PAST;
}

/* End the span.  NULL is allowed. */
static inline void trace_end(struct trace_event_shm *event)
{
	if (event)
		/* relaxed: the end of the job releases the span. */
		store_relaxed(&event->end_ns, clock_ns());
}

#endif
