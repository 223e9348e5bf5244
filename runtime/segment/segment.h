/* SPDX-License-Identifier: MIT */
/*
 * segment.h - what pools ask of segments, and what segments tell pools.
 */
#ifndef RUNRIG_SEGMENT_PRIVATE_H
#define RUNRIG_SEGMENT_PRIVATE_H

#include <stdbool.h>

#include <runrig/segment.h>

#include "objects/layout.h"
#include "segment/shmfile.h"

/* What is known of a segment by its name. */
struct segment_info {
	struct identity identity;
	size_t file_bytes;
	size_t data_bytes;
	uint64_t pool; /* the pool its trailer's barrier is for; 0: none */
	int fd;        /* of this process, or -1 */
};

/*
 * The newest handle of that name in this process, whoever has the name now.
 * True and the facts, whose fd stays the handle's; false: there is none.  Any
 * thread.
 */
bool segment_handle_info(const char *name, struct segment_info *info);

/* Of a handle; its fd stays the handle's, -1 where it has closed it. */
const struct segment_info *segment_info_of(const struct rig_segment *segment);

/* The facts of the file behind `fd`: 0, -ENODATA, -EPROTO, or what fstat or
 * pread said. */
int segment_read_info(int fd, const char *name, struct segment_info *info);

/* As ledger_fork_failed(). */
void segments_fork_failed(void);

/* In a warden, which has closed and unmapped what the caller's handles have:
 * whoever ends one by mistake, in a kernel, must not end what is there now. */
void segments_left_behind(void);

/* What a segment has to tell pools, which stand above it. */
struct segment_pools {
	/* A number no other pool of this host has. */
	uint64_t (*id)(const struct rig_pool *pool);
	int (*size)(const struct rig_pool *pool);
	enum rig_barrier_kind (*barrier)(const struct rig_pool *pool);

	/*
	 * Have the workers of `pool` populate the file behind `fd`, `file_bytes`
	 * long (`data_bytes` of them the user's), each what it owns by
	 * options->spans.  Returns as rig_pool_run(), -ENOSPC where memory is
	 * short.
	 */
	int (*populate)(struct rig_pool *pool, int fd, struct identity identity,
			size_t file_bytes, size_t data_bytes,
			const struct rig_segment_options *options);

	/* Every pool of this process unmaps that file: now, or after its
	 * run. */
	void (*forget)(struct identity identity);

	/* Every pool that is not in a run lets go of the segments of others
	 * that have no name any more: their memory is wanted.  Returns the
	 * number of such segments. */
	int (*let_go)(void);
};

/* Before the first pool of this process is made.  Any thread. */
void segment_register_pools(const struct segment_pools *pools);

#endif
