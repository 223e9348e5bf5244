/* SPDX-License-Identifier: MIT */
/*
 * trace.c - a worker notes when it did which work.
 *
 * Each rank has an array of spans, filled from the front.  The array never wraps: later
 * spans are only counted.
 */
#include "team/trace.h"

struct trace_event_shm *trace_begin(struct trace_shm *trace,
				    enum rig_trace_kind kind, uint32_t verb,
				    uint64_t where)
{
	/* relaxed: no other process writes the count. */
	const uint64_t n = load_relaxed(&trace->count);
	struct trace_event_shm *event = &trace->events[n];

	if (n >= trace->room) {
		store_relaxed(&trace->lost, load_relaxed(&trace->lost) + 1);
		return NULL;
	}
	event->where = where;
	event->kind = kind;
	event->verb = verb;
	event->begin_ns = clock_ns();
	/* release: a counted span is written. */
	store_release(&trace->count, n + 1);
	return event;
}

struct trace_event_shm *trace_follow(struct trace_shm *trace,
				     struct trace_event_shm *before,
				     enum rig_trace_kind kind)
{
	struct trace_event_shm *event = trace_begin(trace, kind, 0, 0);

	if (before && event)
		store_relaxed(&before->end_ns, event->begin_ns);
	else
		trace_end(before);
	return event;
}
