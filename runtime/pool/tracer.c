/* SPDX-License-Identifier: MIT */
/*
 * tracer.c - spans noted by workers, put together by the caller.
 *
 * The caller notes its runs.  A span of a rank belongs to the run in which the span
 * began; all processes have one clock.
 */
#include "pool/tracer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pool/caller.h"
#include "team/verb.h"
#include "base/error.h"
#include "base/symbol.h"
#include "machine/shared.h"
#include "team/modules.h"

/* Runs a pool remembers. */
#define RUNS_MAX ((size_t)1 << 20)

/* Bytes from the spans of a rank to the next rank's, with room for `room` spans. */
static size_t trace_bytes(size_t room)
{
	const size_t bytes = sizeof(struct trace_shm) +
			     room * sizeof(struct trace_event_shm);

	return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

int tracer_init(struct tracer *tracer, int size, size_t room, int *fd)
{
	void *memory;
	int r;

	*tracer = (struct tracer){ .memory = NULL };
	if (!room)
		return 0;
	if (room > RIG_TRACE_MAX)
		return rig_fail(-EINVAL,
				"pool: a trace of %zu spans, not at most %zu",
				room, RIG_TRACE_MAX);
	tracer->stride = trace_bytes(room);
	tracer->bytes = tracer->stride * (size_t)size;
	r = shared_map(tracer->bytes, "pool: its trace", &memory, fd);
	if (r < 0)
		return r;
	tracer->memory = memory;
	for (int i = 0; i < size; i++)
		tracer_rank(tracer, i)->room = room;
	return 0;
}

void tracer_finish(struct tracer *tracer)
{
	if (tracer->memory)
		munmap(tracer->memory, tracer->bytes);
	free(tracer->runs);
}

struct trace_shm *tracer_rank(const struct tracer *tracer, int rank)
{
	if (!tracer->memory)
		return NULL;
	return (struct trace_shm *)(void *)(tracer->memory +
					    (size_t)rank * tracer->stride);
}

/* Room for one run more. */
static bool grow(struct tracer *tracer)
{
	size_t room = tracer->run_room ? 2 * tracer->run_room : 64;
	struct traced_run *runs;

	if (tracer->run_count < tracer->run_room)
		return true;
	if (room > RUNS_MAX)
		return false;
	runs = realloc(tracer->runs, room * sizeof(*runs));
	if (!runs)
		return false;
	tracer->runs = runs;
	tracer->run_room = room;
	return true;
}

void tracer_run_begins(struct tracer *tracer, const char *name,
		       uint64_t address)
{
	struct traced_run *run;
	struct symbol symbol;

	if (!tracer->memory)
		return;
	if (!grow(tracer)) {
		tracer->runs_lost++;
		return;
	}
	run = &tracer->runs[tracer->run_count++];
	if (!name)
		name = symbol_find(address, &symbol) == 0 ? symbol.name : "?";
	snprintf(run->name, sizeof(run->name), "%.63s", name);
	run->end_ns = 0;
	run->begin_ns = clock_ns();
}

void tracer_run_ends(struct tracer *tracer)
{
	if (tracer->memory && tracer->run_count &&
	    !tracer->runs[tracer->run_count - 1].end_ns)
		tracer->runs[tracer->run_count - 1].end_ns = clock_ns();
}

/* Where spans go. */
struct sink {
	struct rig_trace_span *spans;
	size_t max, count;
	const struct modules_shm *modules; /* the rank's */
	/* The same place is asked for again and again. */
	uint64_t address;
	char where[128];
};

static void put(struct sink *sink, const struct rig_trace_span *span)
{
	if (sink->count < sink->max)
		sink->spans[sink->count] = *span;
	sink->count++;
}

static void put_gap(struct sink *sink, enum rig_trace_kind kind, int run,
		    uint64_t begin_ns, uint64_t end_ns)
{
	struct rig_trace_span span = { .kind = kind,
				       .run = run,
				       .begin_ns = begin_ns,
				       .end_ns = end_ns,
				       .ended = true };

	if (begin_ns >= end_ns)
		return;
	strcpy(span.name, kind == RIG_TRACE_START ? "start" : "rest");
	put(sink, &span);
}

/* "heat+0x5c" */
static void describe(struct sink *sink, const struct trace_event_shm *event,
		     const char *kernel)
{
	const uint64_t address = event->where;
	struct symbol symbol;

	/* The function called there was the kernel's very last act. */
	if (called_at(sink->modules, address))
		snprintf(sink->where, sizeof(sink->where), "the end of %.100s",
			 kernel);
	else if (modules_find(sink->modules, address, event->begin_ns,
			      &symbol) < 0)
		snprintf(sink->where, sizeof(sink->where), "0x%llx",
			 (unsigned long long)address);
	else
		snprintf(sink->where, sizeof(sink->where), "%s+0x%llx",
			 symbol.name, (unsigned long long)symbol.offset);
}

/* Is a span of `run` at the place of the span before? */
static bool is_where_it_was(const struct sink *sink, uint64_t address)
{
	/* The end of a kernel has the kernel's name; and where ranks are no
	 * forks, a library may have gone and another library come. */
	return address == sink->address &&
	       !load_relaxed(&sink->modules->count) &&
	       !called_at(sink->modules, address);
}

static void put_event(struct sink *sink, const struct trace_event_shm *event,
		      const struct traced_run *run, int index)
{
	/* relaxed: written before the run ended. */
	uint64_t end_ns = load_relaxed(&event->end_ns);
	struct rig_trace_span span = { .kind = (enum rig_trace_kind)event->kind,
				       .run = index,
				       .begin_ns = event->begin_ns,
				       .ended = end_ns && end_ns <= run->end_ns,
				       .end_ns = end_ns };

	if (!span.ended)
		span.end_ns = run->end_ns;
	switch (span.kind) {
	case RIG_TRACE_WAIT:
		snprintf(span.name, sizeof(span.name), "%s%s",
			 verb_name(event->verb & ~TRACE_PAST),
			 event->verb & TRACE_PAST ? ", past the caches" : "");
		if (sink->count < sink->max && event->where) {
			if (!is_where_it_was(sink, event->where))
				describe(sink, event, run->name);
			sink->address = event->where;
			strcpy(span.where, sink->where);
		}
		break;
	case RIG_TRACE_ATTACH:
		strcpy(span.name, "attach");
		break;
	default:
		strcpy(span.name, run->name);
		break;
	}
	put(sink, &span);
}

/* The spans of a rank in one run: events from *at on that began in the run. */
static void put_run(struct sink *sink, const struct trace_shm *trace,
		    uint64_t *at, const struct traced_run *run, int index)
{
	/* acquire: pairs with the release in trace_begin(). */
	const uint64_t count = load_acquire(&trace->count);
	uint64_t last = run->begin_ns;
	bool any = false;

	while (*at < count && trace->events[*at].begin_ns < run->begin_ns)
		++*at;
	for (; *at < count && trace->events[*at].begin_ns < run->end_ns;
	     ++*at) {
		const struct trace_event_shm *event = &trace->events[*at];
		uint64_t end_ns = load_relaxed(&event->end_ns);

		if (!any)
			put_gap(sink, RIG_TRACE_START, index, run->begin_ns,
				event->begin_ns);
		any = true;
		put_event(sink, event, run, index);
		if (!end_ns || end_ns > run->end_ns)
			end_ns = run->end_ns;
		if (event->kind != RIG_TRACE_WAIT && end_ns > last)
			last = end_ns;
	}
	put_gap(sink, any ? RIG_TRACE_REST : RIG_TRACE_START, index,
		any ? last : run->begin_ns, run->end_ns);
}

static void put_callers(struct sink *sink, const struct traced_run *run,
			int index)
{
	struct rig_trace_span span = { .kind = RIG_TRACE_RUN,
				       .run = index,
				       .begin_ns = run->begin_ns,
				       .end_ns = run->end_ns,
				       .ended = true };

	strcpy(span.name, run->name);
	put(sink, &span);
}

ssize_t tracer_read(const struct tracer *tracer, const struct layout *layout,
		    int size, int rank, struct rig_trace_span *spans,
		    size_t max, uint64_t *lost)
{
	struct sink sink = { .spans = spans, .max = max };
	uint64_t at = 0;

	if (!tracer->memory)
		return rig_fail(-EINVAL, "pool: it was made without a trace");
	if (rank < -1 || rank >= size)
		return rig_fail(-EINVAL, "pool: no rank %d, only 0 to %d", rank,
				size - 1);
	if (rank >= 0)
		sink.modules = &layout->modules[rank];
	for (size_t i = 0; i < tracer->run_count; i++) {
		const struct traced_run *run = &tracer->runs[i];

		if (!run->end_ns)
			break;
		if (rank < 0)
			put_callers(&sink, run, (int)i);
		else
			put_run(&sink, tracer_rank(tracer, rank), &at, run,
				(int)i);
	}
	if (lost)
		*lost = rank < 0 ? tracer->runs_lost
				 : load_relaxed(
					   &tracer_rank(tracer, rank)->lost);
	return (ssize_t)sink.count;
}

ssize_t rig_pool_trace(const struct rig_pool *pool, int rank,
		       struct rig_trace_span *spans, size_t max, uint64_t *lost)
{
	if (!pool || (!spans && max))
		return rig_fail(-EINVAL, "trace: %s is NULL",
				pool ? "the array of spans" : "the pool");
	return tracer_read(&pool->tracer, &pool->startup.layout,
			   pool->startup.size, rank, spans, max, lost);
}
