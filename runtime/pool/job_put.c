/* SPDX-License-Identifier: MIT */
/*
 * job_put.c - a job as the workers read it: the kernel, the arguments, the map.
 *
 * The words of a job lie in the dispatch, whose line the workers poll; all else lies
 * in struct job_shm.  Functions travel as addresses to forks of the caller, and by
 * the name of their library to other workers.
 */
#include "pool/caller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/kernel.h>

#include "base/error.h"
#include "base/reserved.h"
#include "pool/map.h"

int run_check_job(const struct rig_pool *pool, const struct rig_job *job)
{
	int r = reserved_check(job->reserved, "rig_job");

	if (r < 0)
		return r;
	if (!job->kernel == !job->name)
		return rig_fail(-EINVAL,
				"job: give it either a kernel or a name");
	if (job->args_bytes > RIG_ARGS_MAX)
		return rig_fail(-EINVAL,
				"job: %zu bytes of arguments, not at "
				"most %d (hand a segment over)",
				job->args_bytes, RIG_ARGS_MAX);
	if (job->args_bytes && !job->args)
		return rig_fail(-EINVAL, "job: arguments are NULL");
	if (job->result_bytes > RIG_RESULT_MAX)
		return rig_fail(-EINVAL,
				"job: a result of %zu bytes, not at "
				"most %d (use a segment)",
				job->result_bytes, RIG_RESULT_MAX);
	if (job->result_bytes && !job->result)
		return rig_fail(-EINVAL, "job: result is NULL");
	if (pool->dead)
		return rig_fail(-ECANCELED, "pool: it is no more (%.*s)",
				WHY_BYTES - 1,
				pool->startup.layout.control->why[0]
					? pool->startup.layout.control->why
					: "its warden died");
	return 0;
}

int run_put_function(struct rig_pool *pool, uint64_t fn)
{
	return code_name_again(&pool->named_kernel, fn,
			       pool->startup.layout.job->symbol);
}

/* Set a word of the job, only where the word changes: the takers poll the line. */
static void put_word(struct rig_pool *pool, int index, uint64_t value)
{
	uint64_t *word = &pool->startup.layout.dispatch->words[index];

	if (*word != value)
		*word = value;
}

static int put_symbol(struct rig_pool *pool, const char *name)
{
	if (strlen(name) >= sizeof(pool->startup.layout.job->symbol))
		return rig_fail(-EINVAL,
				"job: the kernel's name is longer "
				"than %zu bytes",
				sizeof(pool->startup.layout.job->symbol) - 1);
	strcpy(pool->startup.layout.job->symbol, name);
	return 0;
}

int run_put_map(struct rig_pool *pool, const struct map_job *map)
{
	struct map_shm *shm = &pool->startup.layout.job->map;

	*shm = map->terms;
	shm->fn = pool->startup.execed ? 0 : map->fn;
	/* relaxed: the post releases the words. */
	for (int i = 0; i < pool->startup.size; i++) {
		store_relaxed(&pool->startup.layout.mapped[i].done, 0);
		store_relaxed(&pool->startup.layout.mapped[i].at, 0);
	}
	if (!map->fn)
		return put_symbol(pool, map->name);
	return pool->startup.execed ? run_put_function(pool, map->fn) : 0;
}

/* Write the words that name the kernel. */
int run_put_kernel(struct rig_pool *pool, const struct rig_job *job)
{
	const struct rig_kernel *known = NULL;
	rig_kernel_fn *fn = job->kernel;
	const char *colon;

	if (!fn)
		known = rig_kernel_find(job->name);
	if (known)
		fn = known->run;
	if (pool->startup.execed && fn) {
		put_word(pool, JOB_KIND,
			 fn == map_items ? JOB_MAP : JOB_SYMBOL);
		put_word(pool, JOB_FN, 0);
		return fn == map_items ? 0
				       : run_put_function(
						 pool, (uint64_t)(uintptr_t)fn);
	}
	put_word(pool, JOB_KIND, fn ? JOB_KERNEL : JOB_SYMBOL);
	put_word(pool, JOB_FN, (uint64_t)(uintptr_t)fn);
	if (fn)
		return 0;
	/* Something on both sides of the last colon. */
	colon = strrchr(job->name, ':');
	if (!colon || colon == job->name || !colon[1])
		return rig_fail(-EINVAL,
				"job: no kernel \"%s\" is registered, and it "
				"is not path.so:symbol",
				job->name);
	return put_symbol(pool, job->name);
}

/* Write the function that tells the owner of each part: the job's, or the kernel
 * contract's. */
static int put_owns(struct rig_pool *pool, const struct rig_job *job)
{
	struct job_shm *shm = pool->startup.layout.job;
	const struct rig_kernel *known = NULL;
	uint64_t owns = (uint64_t)(uintptr_t)job->owns;

	if (!job->owns && job->name)
		known = rig_kernel_find(job->name);
	if (known && known->args_bytes == job->args_bytes)
		owns = (uint64_t)(uintptr_t)known->owns;
	if (pool->startup.execed && owns)
		return code_name_again(&pool->named_owns, owns,
				       shm->owns_symbol);
	shm->owns_symbol[0] = 0;
	if (shm->owns != owns)
		shm->owns = owns;
	return 0;
}

int run_put_job(struct rig_pool *pool, const struct rig_job *job,
		uint64_t chained)
{
	int count = 0;
	int r = run_put_kernel(pool, job);

	while (r == 0 && count < RIG_SEGMENTS_MAX &&
	       job->segments[count].name) {
		r = job_segments_put(pool, count, &job->segments[count]);
		count++;
	}
	if (r < 0)
		return r;
	put_word(pool, JOB_SEGMENTS, (uint64_t)count);
	put_word(pool, JOB_ARGS_BYTES, job->args_bytes);
	put_word(pool, JOB_CHAIN, chained);
	r = put_owns(pool, job);
	if (r < 0)
		return r;
	if (job->args_bytes)
		memcpy(pool->startup.layout.job->args, job->args,
		       job->args_bytes);
	return 0;
}

/* The kernel's name, for the report: the caller's own may be gone by then. */
int run_keep_name(struct rig_pool *pool, const char *name)
{
	char *copy;

	if (!name || (pool->name_copy && strcmp(pool->name_copy, name) == 0)) {
		pool->name = name ? pool->name_copy : NULL;
		return 0;
	}
	copy = strdup(name);
	if (!copy)
		return rig_fail_errno(-ENOMEM, "job: its name");
	free(pool->name_copy);
	pool->name_copy = copy;
	pool->name = copy;
	return 0;
}
