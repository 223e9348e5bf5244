/* SPDX-License-Identifier: MIT */
/*
 * exec_pool.c - the pools of a test whose workers are no forks of the test.
 *
 * The build file defines rig_pool_create() as harness_pool_create() where a test
 * is built for RIG_EXEC; harness_pool_create() makes the same pool with RIG_EXEC.
 */
#include "lib/harness.h"

#include <runrig/pool.h>

bool harness_execed;

int harness_pool_create(struct rig_pool **pool,
			const struct rig_pool_options *options);

int harness_pool_create(struct rig_pool **pool,
			const struct rig_pool_options *options)
{
	struct rig_pool_options own = { 0 };

	if (options)
		own = *options;
	own.start = RIG_EXEC;
	harness_execed = true;
	return rig_pool_create(pool, &own);
}
