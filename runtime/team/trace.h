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

#include "base/atomic.h"
#include "base/clock.h"
#include "base/compiler.h"

#define TRACE_BRANCH(trace) __builtin_expect((trace) != NULL, 0)

/* In shared memory.  Written by its rank; the caller reads it between runs. */
struct trace_event_shm {
	uint64_t begin_ns;
	_Atomic uint64_t end_ns; /* 0: not yet */
	uint64_t where;          /* return address; 0: none */
	uint32_t kind;           /* enum rig_trace_kind */
	uint32_t verb;           /* enum verb, of a wait; and TRACE_PAST */
};

/* In trace_event_shm.verb: copies of the verb passed the caches. */
#define TRACE_PAST (UINT32_C(1) << 31)

/* In shared memory: one rank's.  Written by its rank, and by the one that takes
 * its place after a death. */
struct trace_shm {
	alignas(RIG_LINE) _Atomic uint64_t count;
	_Atomic uint64_t lost;
	uint64_t room; /* written once, by the caller */
	struct trace_event_shm events[];
};

/* The span that begins now; NULL: there is no room. */
COLD struct trace_event_shm *trace_begin(struct trace_shm *trace,
					 enum rig_trace_kind kind,
					 uint32_t verb, uint64_t where);

/* The span that begins when `before` (which may be NULL) ends, which is now. */
struct trace_event_shm *trace_follow(struct trace_shm *trace,
				     struct trace_event_shm *before,
				     enum rig_trace_kind kind);

/* Its copies pass the caches.  NULL is allowed. */
static inline void trace_past(struct trace_event_shm *event)
{
	if (event)
		event->verb |= TRACE_PAST;
}

/* It ends now.  NULL is allowed. */
static inline void trace_end(struct trace_event_shm *event)
{
	if (event)
		/* relaxed: the end of the job releases it. */
		store_relaxed(&event->end_ns, clock_ns());
}

#endif
