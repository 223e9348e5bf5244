/* SPDX-License-Identifier: MIT */
/*
 * job_pool.h - the pool whose ranks run the kernels of a test.
 *
 * A test makes the pool at its begin, and destroys the pool at its end.
 */
#ifndef RUNRIG_TEST_JOB_POOL_H
#define RUNRIG_TEST_JOB_POOL_H

#include <runrig/pool.h>

extern struct rig_pool *pool;

/* Make the pool, or fail the test. */
void make_pool(int workers);

/* A run in the pool, without and with arguments; returns as rig_pool_run(). */
int run(rig_kernel_fn *kernel);
int run_args(rig_kernel_fn *kernel, const void *args, size_t bytes);

#endif
