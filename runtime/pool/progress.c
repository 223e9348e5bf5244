/* SPDX-License-Identifier: MIT */
/*
 * progress.c - the progress of the run at hand, from the words of the ranks.
 *
 * The word of a rank may be left from the run before, until the rank begins this run:
 * the number of the rank's last job tells.
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
