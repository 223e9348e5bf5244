/* SPDX-License-Identifier: MIT */
/*
 * progress.c - how far the run at hand is, by what its ranks say.
 *
 * A rank's word may still be of the run before, until it begins this one: the
 * number of the job it has begun tells.
 */
#include "pool/caller.h"

double rig_pool_progress(const struct rig_pool *pool)
{
	const struct layout *layout;
	uint32_t job;
	double parts = 0;

	if (!pool)
		return 0;
	layout = &pool->startup.layout;
	job = load_relaxed(&layout->dispatch->posted);
	if (dispatch_is_done(layout->dispatch))
		return 0;
	for (int i = 0; i < pool->startup.size; i++) {
		const struct rank_shm *rank = &layout->ranks[i];

		/* acquire: pairs with the release in rank_begin(). */
		if (load_acquire(&rank->job) == job)
			parts += load_relaxed(&rank->progress);
	}
	parts /= (double)PROGRESS_WHOLE * pool->startup.size;
	return parts < 1 ? parts : 1;
}
