/* SPDX-License-Identifier: MIT */
/*
 * pool_calls.h - contenders that call a pool from outside: run, create, destroy.
 */
#ifndef RIGBENCH_POOL_CALLS_H
#define RIGBENCH_POOL_CALLS_H

#include <stdbool.h>

#include "driver/measure.h"

/* Add a contender of the contest "dispatch": a run of a kernel that does
 * nothing, or `chain` of them at once.  With `caller_apart` the caller is pinned to a core without a worker.
 * 0 or -ENOMEM. */
int pool_calls_add_dispatch(struct plan *plan, const char *name, int workers,
			    bool caller_apart, int chain, const char *settings);

/* Add a contender that creates and destroys a pool.  0 or -ENOMEM. */
int pool_calls_add_start(struct plan *plan, const char *name, int workers);

#endif
