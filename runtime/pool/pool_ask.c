/* SPDX-License-Identifier: MIT */
/*
 * pool_ask.c - answers about a pool: size, plan, workers, and the codes and results of
 * the last run.
 */
#include "pool/caller.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

/* The error of a call without a pool. */
static int no_pool(void)
{
	return rig_fail(-EINVAL, "pool: NULL");
}

int rig_pool_size(const struct rig_pool *pool)
{
	if (!pool)
		return no_pool();
	return pool->startup.size;
}

int rig_pool_start(const struct rig_pool *pool)
{
	if (!pool)
		return no_pool();
	return pool->startup.execed ? RIG_EXEC : RIG_FORK;
}

bool rig_pool_oversubscribed(const struct rig_pool *pool)
{
	return pool && pool->plan->oversubscribed;
}

const struct rig_report *rig_pool_report(const struct rig_pool *pool)
{
	return pool ? &pool->report.said : NULL;
}

static int check_rank(const struct rig_pool *pool, int rank)
{
	if (!pool)
		return no_pool();
	if (rank < 0 || rank >= pool->startup.size)
		return rig_fail(-EINVAL, "pool: no rank %d of %d", rank,
				pool->startup.size);
	return 0;
}

/* The code of a rank, while the memory of the team has the code. */
static int code_of_rank(const struct rig_pool *pool, int rank)
{
	const struct rig_report *said = &pool->report.said;

	if (said->end == RIG_END_OK || said->end == RIG_END_FAILED)
		return load_relaxed(&pool->startup.layout.ranks[rank].code);
	/* A rank that was ended has the code of the run. */
	return said->ranks[rank].state == RIG_STATE_DONE
		       ? pool->startup.layout.about[rank].code
		       : said->code;
}

void pool_keep_results(struct rig_pool *pool)
{
	if (load_relaxed(&pool->has_kept))
		return;
	for (int i = 0; i < pool->startup.size; i++) {
		pool->kept[i].code = code_of_rank(pool, i);
		memcpy(pool->kept[i].result,
		       pool->startup.layout.ranks[i].result, RIG_RESULT_MAX);
	}
	/* release: a thread that reads a result meanwhile sees all results. */
	store_release(&pool->has_kept, 1);
}

int rig_pool_code(const struct rig_pool *pool, int rank)
{
	int r = check_rank(pool, rank);

	if (r < 0)
		return r;
	/* acquire: pairs with the release in pool_keep_results(). */
	return load_acquire(&pool->has_kept) ? pool->kept[rank].code
					     : code_of_rank(pool, rank);
}

int rig_pool_result(const struct rig_pool *pool, int rank, void *result,
		    size_t bytes)
{
	int r = check_rank(pool, rank);

	if (r < 0)
		return r;
	if (!result && bytes)
		return rig_fail(-EINVAL, "pool: result is NULL");
	if (bytes > RIG_RESULT_MAX)
		return rig_fail(-EINVAL,
				"pool: a result of %zu bytes, not at "
				"most %d",
				bytes, RIG_RESULT_MAX);
	/* acquire: as above. */
	memcpy(result,
	       load_acquire(&pool->has_kept)
		       ? pool->kept[rank].result
		       : pool->startup.layout.ranks[rank].result,
	       bytes);
	return 0;
}

int rig_pool_worker(const struct rig_pool *pool, int rank,
		    struct rig_worker *worker)
{
	const struct rig_spot *spot;
	struct cpu_bits set;
	int r = check_rank(pool, rank);

	if (r < 0)
		return r;
	if (!worker)
		return rig_fail(-EINVAL, "pool: worker is NULL");
	spot = &pool->plan->spots[rank];
	*worker = (struct rig_worker){
		.pid = pool->startup.layout.about[rank].pid,
		.package = spot->package,
		.node = spot->node,
		.core = spot->core,
	};
	r = topology_pinned(worker->pid, &set);
	if (r < 0)
		return rig_fail_errno(r, "pool: affinity of rank %d", rank);
	worker->pu = cpu_bits_first(&set);
	worker->pus = cpu_bits_count(&set);
	worker->as_planned = memcmp(set.bits, spot->set, sizeof(set.bits)) == 0;
	return 0;
}

const struct rig_plan *rig_pool_plan(const struct rig_pool *pool)
{
	return pool ? pool->plan : NULL;
}
