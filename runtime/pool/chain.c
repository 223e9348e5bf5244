/* SPDX-License-Identifier: MIT */
/*
 * chain.c - jobs posted at once: each begins where the job before ends.
 *
 * Everything that differs from job to job lies in chain_shm; the segments and the name
 * of a function in a library, which jobs have in common, lie in job_shm.  Neighbouring
 * jobs with the same segments and name, and with room for all, are a stretch: the
 * caller posts the first job of the stretch, and the last rank to finish a job posts
 * the next (rank_finish(), dispatch_next()).
 */
#include "pool/caller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <runrig/kernel.h>

#include "base/clock.h"
#include "base/error.h"

/* Each part of chain_shm.room begins at a multiple of this number. */
#define PART_ALIGN 16u

/* In this process: a stretch that is being filled. */
struct stretch {
	const struct rig_job *first;
	const struct rig_job *by_name; /* whose function job_shm names */
	int count;
	size_t used; /* bytes used of chain_shm.room */
	bool limited;
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_segments(const struct rig_job *a, const struct rig_job *b)
{
	for (int i = 0; i < RIG_SEGMENTS_MAX; i++) {
		const struct rig_handed *x = &a->segments[i];
		const struct rig_handed *y = &b->segments[i];

		if (!same_text(x->name, y->name))
			return false;
		if (!x->name)
			return true;
		if (x->offset != y->offset || x->bytes != y->bytes ||
		    x->read_only != y->read_only)
			return false;
	}
	return true;
}

/* Does job_shm have to name the function? */
static bool goes_by_name(const struct rig_pool *pool, const struct rig_job *job)
{
	return pool->startup.execed ||
	       (!job->kernel && !rig_kernel_find(job->name));
}

static size_t part_bytes(size_t bytes)
{
	return (bytes + PART_ALIGN - 1) & ~(size_t)(PART_ALIGN - 1);
}

static bool joins(const struct rig_pool *pool, const struct stretch *stretch,
		  const struct rig_job *job)
{
	const size_t bytes =
		part_bytes(job->args_bytes) + part_bytes(job->result_bytes);

	if (stretch->count == CHAIN_JOBS_MAX ||
	    stretch->used + bytes > CHAIN_ROOM_BYTES ||
	    !same_segments(stretch->first, job))
		return false;
	return !stretch->by_name || !goes_by_name(pool, job) ||
	       (stretch->by_name->kernel == job->kernel &&
		same_text(stretch->by_name->name, job->name));
}

/* Room for `bytes` more. */
static uint32_t take_room(struct stretch *stretch, size_t bytes)
{
	const size_t at = stretch->used;

	stretch->used += part_bytes(bytes);
	return (uint32_t)at;
}

/* One job more. */
static int put(struct rig_pool *pool, struct stretch *stretch,
	       const struct rig_job *job)
{
	struct chain_shm *chain = pool->startup.layout.chain;
	const uint64_t *words = pool->startup.layout.dispatch->words;
	struct chain_job_shm *shm = &chain->jobs[stretch->count];
	int r = run_put_kernel(pool, job);

	if (r < 0)
		return r;
	*shm = (struct chain_job_shm){
		.kind = words[JOB_KIND],
		.fn = words[JOB_FN],
		.limit_ns = job->limit_ns,
		.args_at = take_room(stretch, job->args_bytes),
		.args_bytes = (uint32_t)job->args_bytes,
		.result_at = take_room(stretch, job->result_bytes),
		.result_bytes = (uint32_t)job->result_bytes,
	};
	if (job->args_bytes)
		memcpy(chain->room + shm->args_at, job->args, job->args_bytes);
	if (goes_by_name(pool, job))
		stretch->by_name = job;
	stretch->limited |= job->limit_ns != 0;
	stretch->count++;
	return 0;
}

/* As many of the `count` jobs as make a stretch. */
static int fill(struct rig_pool *pool, const struct rig_job *jobs, int count,
		struct stretch *stretch)
{
	int r = 0;

	*stretch = (struct stretch){ .first = jobs };
	while (r == 0 && stretch->count < count &&
	       joins(pool, stretch, &jobs[stretch->count]))
		r = put(pool, stretch, &jobs[stretch->count]);
	/* Write the words that the jobs have in common, and last the function
	 * that needs a name. */
	if (r == 0)
		r = run_put_job(pool, jobs, (uint64_t)stretch->count);
	if (r == 0 && stretch->by_name)
		r = run_put_kernel(pool, stretch->by_name);
	return r;
}

/* The results of the jobs that have ended well. */
static void fetch_results(const struct rig_pool *pool,
			  const struct rig_job *jobs, int count)
{
	const struct chain_shm *chain = pool->startup.layout.chain;
	size_t at = 0;

	/* By the caller's own jobs, for any rank may have written to the
	 * chain. */
	for (int i = 0; i < count; i++) {
		at += part_bytes(jobs[i].args_bytes);
		if (jobs[i].result_bytes)
			memcpy(jobs[i].result, chain->room + at,
			       jobs[i].result_bytes);
		at += part_bytes(jobs[i].result_bytes);
	}
}

/* Post a stretch that is filled, and wait for its end. */
static int run_stretch(struct rig_pool *pool, const struct rig_job *jobs,
		       const struct stretch *stretch)
{
	struct chain_shm *chain = pool->startup.layout.chain;
	int ended = stretch->count, r;

	chain->limited = stretch->limited;
	/* relaxed: the post releases it. */
	store_relaxed(&chain->began_ns, stretch->limited ? clock_ns() : 0);
	gateway_put(NULL, &pool->startup.layout.job->hosts);
	pool->kernel = jobs->kernel;
	pool->result_bytes = 0;
	pool->chain.count = stretch->count;
	pool->chain.limited = stretch->limited;
	pool->chain.at = 0;
	run_post(pool, 0);
	r = run_wait(pool, RIG_FOREVER);
	if (r < 0)
		ended = (int)dispatch_place(
			pool->startup.layout.dispatch,
			dispatch_posted(pool->startup.layout.dispatch));
	if (ended < 0 || ended > stretch->count)
		ended = 0;
	fetch_results(pool, jobs, ended);
	pool->ran += ended;
	return r;
}

/* The words, with the job of the failure. */
static int say_which(int r, int job)
{
	char words[WHY_BYTES];

	snprintf(words, sizeof(words), "%s", rig_why());
	return rig_fail(r, "jobs[%d]: %s", job, words);
}

static int check_all(struct rig_pool *pool, const struct rig_job *jobs,
		     int count)
{
	for (int i = 0; i < count; i++) {
		int r = run_check_job(pool, &jobs[i]);

		if (r < 0)
			return say_which(r, i);
		replica_forget_written(pool, &jobs[i]);
	}
	return 0;
}

static int run_all(struct rig_pool *pool, const struct rig_job *jobs, int count)
{
	int r = check_all(pool, jobs, count);

	while (r == 0 && pool->ran < count) {
		const int first = pool->ran;
		struct stretch stretch = { .first = jobs + first };

		pool->chain =
			(struct chain_run){ .jobs = jobs, .first = first };
		pool->chain_all = count;
		r = run_keep_name(pool, jobs[first].name);
		if (r == 0)
			r = fill(pool, jobs + first, count - first, &stretch);
		if (r < 0)
			return say_which(r, first);
		r = run_stretch(pool, jobs + first, &stretch);
	}
	return r;
}

int rig_pool_run_all(struct rig_pool *pool, const struct rig_job *jobs,
		     int count)
{
	int r;

	if (count < 0 || !jobs)
		return rig_fail(-EINVAL, "jobs: %d of them at %p", count,
				(const void *)jobs);
	r = run_take_turn(pool);
	if (r < 0)
		return r;
	pool->ran = 0;
	r = run_all(pool, jobs, count);
	pool->chain = (struct chain_run){ .jobs = NULL };
	run_end_turn(pool);
	return r;
}

int rig_pool_ran(const struct rig_pool *pool)
{
	return pool ? pool->ran : rig_fail(-EINVAL, "pool: NULL");
}

void chain_name(struct rig_pool *pool, struct report_facts *info)
{
	const struct dispatch_shm *dispatch = pool->startup.layout.dispatch;
	uint32_t place = dispatch_place(dispatch, dispatch_posted(dispatch));
	const struct rig_job *job;

	/* Written over by a rank: the first, then. */
	if (place >= (uint32_t)pool->chain.count)
		place = 0;
	job = &pool->chain.jobs[pool->chain.first + (int)place];
	pool->kernel = job->kernel;
	/* Without memory the name is that of the first job. */
	(void)run_keep_name(pool, job->name);
	info->kernel = job->kernel;
	info->name = pool->name;
	info->limit_ns = job->limit_ns;
	info->job = pool->chain.first + (int)place;
	info->jobs = pool->chain_all;
}

/* The shortest limit of the jobs after `place`. */
static uint64_t shortest_after(const struct rig_pool *pool, uint32_t place)
{
	const struct rig_job *jobs = pool->chain.jobs + pool->chain.first;
	uint64_t shortest = RIG_FOREVER;

	for (int i = (int)place + 1; i < pool->chain.count; i++)
		if (jobs[i].limit_ns && jobs[i].limit_ns < shortest)
			shortest = jobs[i].limit_ns;
	return shortest;
}

uint64_t chain_look(struct rig_pool *pool)
{
	struct dispatch_shm *dispatch = pool->startup.layout.dispatch;
	uint64_t began, limit, shortest;
	uint32_t posted, place;

	/* A job that was posted between the two looks has another beginning. */
	do {
		posted = dispatch_posted(dispatch);
		began = load_acquire(&pool->startup.layout.chain->began_ns);
	} while (posted != dispatch_posted(dispatch));
	place = dispatch_place(dispatch, posted);
	if (place >= (uint32_t)pool->chain.count)
		place = 0;
	if (pool->chain.at != posted)
		pool->chain.stopped_ns = 0;
	pool->chain.at = posted;
	limit = pool->chain.jobs[pool->chain.first + (int)place].limit_ns;
	pool->limit_at =
		limit ? began + limit + pool->chain.stopped_ns : RIG_FOREVER;
	shortest = shortest_after(pool, place);
	if (shortest != RIG_FOREVER && clock_after(shortest) < pool->limit_at)
		return clock_after(shortest);
	return pool->limit_at;
}
