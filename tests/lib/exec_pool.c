/* SPDX-License-Identifier: MIT */
/*
 * exec_pool.c - the pools of a test whose workers are no forks of the test.
 *
 * A test that makes its pools by harness_pool_create() in place of
 * rig_pool_create() makes them with RIG_EXEC: the build file defines one as the
 * other where it builds a test for that.
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
