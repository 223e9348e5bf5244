/* SPDX-License-Identifier: MIT */
/*
 * job_pool.c - the pool of a test.
 */
#include "lib/job_pool.h"

#include "lib/harness.h"

struct rig_pool *pool;

void make_pool(int workers)
{
	ck_assert_int_eq(rig_pool_create(&pool,
					 &(struct rig_pool_options){
						 .workers = workers }),
			 0);
}

int run(rig_kernel_fn *kernel)
{
	return run_args(kernel, NULL, 0);
}

int run_args(rig_kernel_fn *kernel, const void *args, size_t bytes)
{
	return rig_pool_run(pool, &(struct rig_job){ .kernel = kernel,
						     .args = args,
						     .args_bytes = bytes });
}
