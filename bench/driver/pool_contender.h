/* SPDX-License-Identifier: MIT */
/*
 * pool_contender.h - contenders that run one kernel in a pool.
 */
#ifndef RIGBENCH_POOL_CONTENDER_H
#define RIGBENCH_POOL_CONTENDER_H

#include <runrig/runrig.h>

#include "driver/case.h"

/* The times that each rank leaves in the rank's result slot. */
struct rank_timing {
	uint64_t begin_ns;
	uint64_t end_ns;
};

/* Create a pool; 0, or -errno with rig_why() in `why`. */
int pool_contender_open(struct rig_pool **pool,
			const struct rig_pool_options *options, char *why);

/* Run `job` and take every rank's rank_timing. */
int pool_contender_run(struct rig_pool *pool, const struct rig_job *job,
		       struct timing *timing, char *why);

/* The sum of the workers' proportional set sizes, from smaps_rollup: shared
 * pages count once; 0: the file cannot be read. */
double pool_contender_pss_bytes(const struct rig_pool *pool);

void pool_contender_bound(const struct rig_pool *pool,
			  struct case_binding *binding);

#endif
