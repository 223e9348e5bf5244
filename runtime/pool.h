/* SPDX-License-Identifier: MIT */
/*
 * pool.h - what segments ask of pools.
 */
#ifndef RUNRIG_POOL_PRIVATE_H
#define RUNRIG_POOL_PRIVATE_H

#include <runrig/pool.h>
#include <runrig/segment.h>

#include "shmfile.h"

/* A number no other pool of this host has. */
uint64_t pool_id(const struct rig_pool *pool);
enum rig_barrier_kind pool_barrier(const struct rig_pool *pool);

/*
 * Have the workers of `pool` populate the file behind `fd`, `file_bytes` long
 * (`data_bytes` of them the user's), each what it owns by options->spans.
 * Returns as rig_pool_run(), -ENOSPC where memory is short.
 */
int pool_populate(struct rig_pool *pool, int fd, struct identity identity,
		  size_t file_bytes, size_t data_bytes,
		  const struct rig_segment_options *options);

/* As segments_left_behind(), of the caller's pools. */
void pools_left_behind(void);

/* Every pool of this process unmaps that file: now, or after its run. */
void pools_forget(struct identity identity);

/* Every pool that is not in a run lets go of the foreign segments that have no
 * name any more: their memory is wanted.  Returns of how many. */
int pools_let_go(void);

#endif
