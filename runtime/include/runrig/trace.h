/* SPDX-License-Identifier: MIT */
/*
 * trace.h - when each worker did what: a timeline of a pool's runs.
 *
 * A pool made with rig_pool_options.trace keeps as many spans of each worker, from
 * the worker's start on, in memory that outlives a worker's death.  Lane -1 is the
 * caller's: the caller's runs.  Lane r is rank r's; each run has, without gaps,
 *
 *	start    from the run's beginning until the worker had the job
 *	attach   finding or mapping the segments
 *	kernel   the kernel, and within the kernel a span for each wait: a
 *	         barrier, a collective, a message
 *	rest     until the run's end
 *
 * A span that had not ended when the run did (the worker died there, or was ended)
 * ends with the run.
 */
#ifndef RUNRIG_TRACE_H
#define RUNRIG_TRACE_H

#include <stdbool.h>
#include <sys/types.h>

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most spans of a worker. */
#define RIG_TRACE_MAX ((size_t)1 << 24)

struct rig_pool;

enum rig_trace_kind {
	RIG_TRACE_RUN,
	RIG_TRACE_START,
	RIG_TRACE_ATTACH,
	RIG_TRACE_KERNEL,
	RIG_TRACE_WAIT,
	RIG_TRACE_REST
};

struct rig_trace_span {
	enum rig_trace_kind kind;
	int run;           /* index of the run, from 0 */
	uint64_t begin_ns; /* CLOCK_MONOTONIC */
	uint64_t end_ns;
	bool ended;      /* false: the run ended first */
	char name[64];   /* the kernel's, or the wait's: "barrier" */
	char where[128]; /* where a wait was called, "heat+0x5c"; else "" */
};

/*
 * The spans of a lane, in order of their beginnings: at most `max` of them are
 * copied to `spans`.  Returns the number of spans, or -EINVAL where the pool keeps
 * none or has no such rank.  *lost (may be NULL) is the number of spans for which
 * there was no room.  For the pool's maker, between runs; does not wait.
 */
RIG_API ssize_t rig_pool_trace(const struct rig_pool *pool, int rank,
			       struct rig_trace_span *spans, size_t max,
			       uint64_t *lost);

#ifdef __cplusplus
}
#endif

#endif
