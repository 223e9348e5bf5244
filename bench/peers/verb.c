/* SPDX-License-Identifier: MIT */
/*
 * verb.c - fill, meet, call, look.
 *
 * Element i from rank r in round n is r + 1 + i % 61, and n % 1021 more where the
 * element was changed for the round: all elements, or the first element for each
 * rank.
 */
#include "peers/verb.h"

#include <stdatomic.h>
#include <string.h>

#include "driver/stopwatch.h"

static double value(const struct verb_work *work, int rank, size_t i)
{
	bool changed = work->single || i % work->count == 0;

	return (double)(rank + 1) + (double)(i % 61) +
	       (changed ? (double)(work->round % 1021) : 0);
}

static size_t one(size_t count, int size)
{
	(void)size;
	return count;
}

static size_t all(size_t count, int size)
{
	return count * (size_t)size;
}

static size_t none(size_t count, int size)
{
	(void)count;
	(void)size;
	return 0;
}

static bool everybody(const struct verb_work *work)
{
	(void)work;
	return true;
}

static bool the_root(const struct verb_work *work)
{
	return work->rank == VERB_ROOT;
}

static bool all_but_root(const struct verb_work *work)
{
	return work->rank != VERB_ROOT;
}

static bool nobody(const struct verb_work *work)
{
	(void)work;
	return false;
}

static double of_root(const struct verb_work *work, size_t i)
{
	return value(work, VERB_ROOT, i);
}

static double of_all(const struct verb_work *work, size_t i)
{
	double sum = 0;

	for (int r = 0; r < work->size; r++)
		sum += value(work, r, i);
	return sum;
}

static double of_lower(const struct verb_work *work, size_t i)
{
	double sum = 0;

	for (int r = 0; r <= work->rank; r++)
		sum += value(work, r, i);
	return sum;
}

static double of_each(const struct verb_work *work, size_t i)
{
	return value(work, (int)(i / work->count), i % work->count);
}

/* Part `rank` of each rank's elements. */
static double to_me(const struct verb_work *work, size_t i)
{
	return value(work, (int)(i / work->count),
		     (size_t)work->rank * work->count + i % work->count);
}

static double my_part(const struct verb_work *work, size_t i)
{
	return value(work, VERB_ROOT, (size_t)work->rank * work->count + i);
}

static double my_part_of_all(const struct verb_work *work, size_t i)
{
	return of_all(work, (size_t)work->rank * work->count + i);
}

static double not_expected(const struct verb_work *work, size_t i)
{
	(void)work;
	(void)i;
	return 0;
}

/* Messages there and back: rank 1 has rank 0's elements, and the other way. */
static double of_other(const struct verb_work *work, size_t i)
{
	return value(work, !work->rank, i);
}

const struct verb verbs[] = {
	{ "barrier", none, none, not_expected, nobody },
	{ "bcast", one, one, of_root, all_but_root },
	{ "reduce", one, one, of_all, the_root },
	{ "allreduce", one, one, of_all, everybody },
	{ "iallreduce", one, one, of_all, everybody },
	{ "allreduce_init", one, one, of_all, everybody },
	{ "reduce_scatter_block", all, one, my_part_of_all, everybody },
	{ "scan", one, one, of_lower, everybody },
	{ "gather", one, all, of_each, the_root },
	{ "scatter", all, one, my_part, everybody },
	{ "allgather", one, all, of_each, everybody },
	{ "alltoall", all, all, to_me, everybody },
	{ "send", one, one, of_other, everybody },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static void fill(struct verb_work *work)
{
	size_t n = work->verb->sends(work->count, work->size);

	for (size_t i = 0; i < n; i++)
		work->send[i] = value(work, work->rank, i);
	/* Written, whatever the compiler knows of the call. */
	__asm__ volatile("" ::"r"(work->send) : "memory");
}

void verb_prepare(struct verb_work *work)
{
	size_t n = work->verb->receives(work->count, work->size);

	work->round = 0;
	fill(work);
	for (size_t i = 0; i < n; i++)
		work->recv[i] = -1;
}

static _Atomic uint64_t *line_of(const struct verb_work *work, int rank)
{
	return (_Atomic uint64_t *)(void *)(work->lines +
					    (size_t)rank * VERB_LINE_BYTES);
}

/* Spinning: each rank has a core where calls are timed singly. */
static void meet(struct verb_work *work)
{
	work->met++;
	/* release, acquire: all ranks see the filled buffers. */
	atomic_store_explicit(line_of(work, work->rank), work->met,
			      memory_order_release);
	for (int r = 0; r < work->size; r++)
		while (atomic_load_explicit(line_of(work, r),
					    memory_order_acquire) < work->met)
			;
}

static uint64_t count_wrong(const struct verb_work *work)
{
	size_t n = work->verb->receives(work->count, work->size);
	uint64_t wrong = 0;

	if (work->copies) {
		const size_t sends = work->verb->sends(work->count, work->size);

		for (size_t i = 0; i < n; i++)
			wrong += work->recv[i] != work->send[i % sends];
		return wrong;
	}
	if (!work->verb->gets(work))
		return 0;
	if (work->lends)
		return work->lent != work->verb->expected(work, n - 1);
	for (size_t i = 0; i < n; i++)
		wrong += work->recv[i] != work->verb->expected(work, i);
	return wrong;
}

static void run_singly(struct verb_work *work, uint64_t count,
		       struct verb_time *time)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t begin;

		work->round++;
		fill(work);
		meet(work);
		begin = stopwatch_ns(work->clock);
		time->wrong += work->call(work) != 0;
		time->inside_ns += stopwatch_ns(work->clock) - begin;
	}
}

static void run_in_row(struct verb_work *work, uint64_t count,
		       struct verb_time *time)
{
	const size_t sends = work->verb->sends(work->count, work->size);

	for (uint64_t i = 0; i < count; i++) {
		work->round++;
		for (size_t at = 0; at < sends; at += work->count)
			work->send[at] = value(work, work->rank, at);
		time->wrong += work->call(work) != 0;
	}
}

void verb_run(struct verb_work *work, uint64_t count, struct verb_time *time)
{
	uint64_t cpu = stopwatch_ns(CLOCK_THREAD_CPUTIME_ID);

	*time = (struct verb_time){ .begin_ns = stopwatch_ns(work->clock) };
	if (work->single)
		run_singly(work, count, time);
	else
		run_in_row(work, count, time);
	time->end_ns = stopwatch_ns(work->clock);
	time->cpu_ns = stopwatch_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	time->wrong += count_wrong(work);
}
