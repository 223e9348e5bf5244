/* SPDX-License-Identifier: MIT */
/*
 * segment.h - the calls of pools for segments, and of segments for pools.
 */
#ifndef RUNRIG_SEGMENT_PRIVATE_H
#define RUNRIG_SEGMENT_PRIVATE_H

#include <stdbool.h>

#include <runrig/segment.h>

#include "objects/layout.h"
#include "segment/shmfile.h"

/* The facts of a segment, found by its name. */
struct segment_info {
	struct identity identity;
	size_t file_bytes;
	size_t data_bytes;
	uint64_t pool; /* the pool of the trailer's barrier; 0: none */
	int fd;        /* a descriptor of this process, or -1 */
	bool file;     /* not in /dev/shm: pages come at the first touch */
};

/*
 * Find the newest handle of the name in this process, whichever segment has the name
 * now.  True and the facts, whose fd stays the handle's; false: there is no handle.
 * `brief`: among the handles that were attached with `brief`; the handle found is a
 * brief handle no more.  Any thread.
 */
bool segment_handle_info(const char *name, bool brief,
			 struct segment_info *info);

/* The facts of a handle, as large as the segment is now; the fd stays the handle's,
 * -1 where closed. */
struct segment_info segment_info_of(const struct rig_segment *segment);

/* The facts of the file behind `fd`: 0, -ENODATA, -EPROTO, or the error of fstat
 * or pread. */
int segment_read_info(int fd, const char *name, struct segment_info *info);

/* A handle of that name, mapped, whose descriptor is info->fd from now on: 0, or
 * as rig_segment_attach(), and the descriptor is the caller's as before. */
int segment_adopt(struct rig_segment **segment, const char *name,
		  const struct segment_info *info, bool read_only);

/* As ledger_fork_failed(). */
void segments_fork_failed(void);

/* In a warden, which has closed and unmapped every file of the caller's handles: a
 * kernel that ends a handle by mistake must not end a newer mapping. */
void segments_left_behind(void);

/* The calls by which a segment tells pools, which stand above segments. */
struct segment_pools {
	/* The number of this pool, and of no other pool of this host. */
	uint64_t (*id)(const struct rig_pool *pool);
	int (*size)(const struct rig_pool *pool);
	enum rig_barrier_kind (*barrier)(const struct rig_pool *pool);

	/*
	 * Have the workers of `pool` populate the file behind `fd`, `file_bytes`
	 * long (`data_bytes` are the user's), each worker its part by
	 * options->spans.  Returns as rig_pool_run(), -ENOSPC where memory is
	 * short.
	 */
	int (*populate)(struct rig_pool *pool, int fd, struct identity identity,
			size_t file_bytes, size_t data_bytes,
			const struct rig_segment_options *options);

	/* Every pool of this process unmaps the file: now, or after its
	 * run. */
	void (*forget)(struct identity identity);

	/* Every pool that is not in a run lets go of unowned segments without
	 * a name, to free memory.  Returns the number of segments let go. */
	int (*let_go)(void);
};

/* Before the first pool of this process is made.  Any thread. */
void segment_register_pools(const struct segment_pools *pools);

#endif
