/* SPDX-License-Identifier: MIT */
/*
 * run_end.c - how a run has ended: the code, and the facts for the report.
 *
 * The code of a run comes from the caller's order, from the warden's note in struct
 * control_shm, or from the ranks.  A rank may have written over any shared word, so
 * each code and each number of a rank is checked here before use.
 */
#include "pool/caller.h"

#include <errno.h>

static int code_of(enum rig_end end)
{
	switch (end) {
	case RIG_END_DEATH:
		return -EOWNERDEAD;
	case RIG_END_DEADLOCK:
		return -EDEADLK;
	case RIG_END_LIMIT:
		return -ETIMEDOUT;
	case RIG_END_WARDEN:
		return -ECANCELED;
	case RIG_END_CANCEL:
		return -EINTR;
	case RIG_END_HOST:
		return -ECANCELED;
	default:
		return 0;
	}
}

/* The first rank that failed by itself, and not because another rank had; -1: none.
 * Any rank may have written over the words that are read here. */
static int first_failed(const struct rig_pool *pool)
{
	const struct layout *layout = &pool->startup.layout;
	uint32_t first;

	for (int i = 0; i < pool->startup.size; i++) {
		int code = load_relaxed(&layout->ranks[i].code);

		if (code < 0 && code != -ECANCELED)
			return i;
	}
	first = load_relaxed(&layout->team->failed);
	return first <= (uint32_t)pool->startup.size ? (int)first - 1 : -1;
}

/* The way in which the warden has ended a run. */
static enum rig_end end_of(const struct control_shm *control)
{
	uint32_t end = control->end;

	/* Any other value: a rank has written over the field. */
	return end <= RIG_END_HOST ? (enum rig_end)end : RIG_END_FAILED;
}

/* The code of a run that failed; -EPROTO where a rank has written over the code. */
static int code_of_failed(const struct rig_pool *pool, bool ended, int failed)
{
	const struct layout *layout = &pool->startup.layout;
	int code = 0;

	if (failed >= 0)
		code = ended ? layout->about[failed].code
			     : load_relaxed(&layout->ranks[failed].code);
	return code < 0 ? code : -EPROTO;
}

/* Reset what a run has left, for the next run. */
static void reset_run(struct rig_pool *pool)
{
	struct team_shm *team = pool->startup.layout.team;

	pool->startup.layout.control->end = RIG_END_OK;
	/* relaxed: no worker runs; the next post releases it. */
	store_relaxed(&team->failed, 0);
	store_relaxed(&team->deadlock, 0);
	/* No rank of a pool ends the team: a stray store may have set the
	 * word. */
	store_relaxed(&team->ended, 0);
	store_relaxed(&team->unattached[0], 0);
	store_relaxed(&team->unattached[1], 0);
}

/* The run is over, and not well: make the report and return the code. */
static int finish_bad(struct rig_pool *pool, enum rig_end end)
{
	const struct layout *layout = &pool->startup.layout;
	struct report_facts info = { .layout = layout,
				     .size = pool->startup.size,
				     .plan = pool->plan,
				     .kernel = pool->kernel,
				     .name = pool->name,
				     .limit_ns = pool->limit_ns };
	uint32_t failed;

	if (load_relaxed(&layout->control->state) == CONTROL_DEAD)
		end = RIG_END_WARDEN;
	if (end == RIG_END_OK && layout->control->end != RIG_END_OK) {
		end = end_of(layout->control);
		failed = layout->control->failed;
		info.ended = true;
		info.failed = failed <= (uint32_t)pool->startup.size
				      ? (int)failed - 1
				      : -1;
	} else if (end == RIG_END_OK) {
		end = RIG_END_FAILED;
		info.failed = first_failed(pool);
	}
	if (end == RIG_END_WARDEN)
		pool->dead = true;
	info.end = end;
	info.code = code_of(end);
	if (end == RIG_END_FAILED)
		info.code = code_of_failed(pool, info.ended, info.failed);
	if (pool->chain.jobs && !pool->internal)
		chain_name(pool, &info);
	report_make(pool->internal ? &pool->aside : &pool->report, &info);
	reset_run(pool);
	return info.code;
}

int run_finish(struct rig_pool *pool, enum rig_end end)
{
	const struct layout *layout = &pool->startup.layout;

	pool->posted = false;
	gateway_put(NULL, &pool->startup.layout.job->hosts);
	tracer_run_ends(&pool->tracer);
	/* acquire: pairs with the releases in give_up() and rank_failed(). */
	if (end != RIG_END_OK || layout->control->end != RIG_END_OK ||
	    load_acquire(&layout->control->state) == CONTROL_DEAD ||
	    load_acquire(&layout->team->failed))
		return finish_bad(pool, end);
	if (!pool->internal)
		report_clear(&pool->report);
	return 0;
}
