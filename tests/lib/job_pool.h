/* SPDX-License-Identifier: MIT */
/*
 * job_pool.h - the pool whose ranks run the kernels of a test.
 *
 * A test makes it, and destroys it before it ends.
 */
#ifndef RUNRIG_TEST_JOB_POOL_H
#define RUNRIG_TEST_JOB_POOL_H

#include <runrig/pool.h>

extern struct rig_pool *pool;

/* Make it, or fail the test. */
void make_pool(int workers);

/* One run in it, without and with arguments; what rig_pool_run() returns. */
int run(rig_kernel_fn *kernel);
int run_args(rig_kernel_fn *kernel, const void *args, size_t bytes);

#endif
