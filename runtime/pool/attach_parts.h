/* SPDX-License-Identifier: MIT */
/*
 * attach_parts.h - a file that a worker has mapped: what attach.c, attach_map.c and
 * attach_populate.c share.
 */
#ifndef RUNRIG_ATTACH_PARTS_H
#define RUNRIG_ATTACH_PARTS_H

#include "pool/attach.h"
#include "segment/shmfile.h"

/* The words' name of a file that has no name yet. */
#define UNNAMED "(new)"

/* In this process. */
struct mapped_file {
	struct identity identity;
	size_t bytes; /* 0: free */
	void *base;
	int fd; /* where pages are reserved through it; 0: none */
	bool read_only;
	uint64_t used; /* when last, for eviction */
};

static inline struct identity identity_in(const struct job_segment_shm *segment)
{
	return (struct identity){ segment->device, segment->inode };
}

/* ---- attach_map.c ---- */

/* The mapping of a segment's file; NULL: the worker has not mapped the file. */
struct mapped_file *mapping_find(const struct job_segment_shm *segment);

/* A free mapping, or the mapping unused for longest, freed. */
struct mapped_file *mapping_make_room(void);

/*
 * Map the file of `segment` into *mapping, by its name or through whoever holds the
 * file.  Collective where files are handed over.  0, or -errno and the words;
 * JOB_HAND_OVER: see layout.h.
 */
int mapping_open(struct rank *rank, struct mapped_file *mapping,
		 const struct job_segment_shm *segment, const char *name,
		 const struct pool_startup *startup);

/* The mapping is used now, and is the last to be evicted. */
void mapping_use(struct mapped_file *mapping);

void mapping_drop(struct mapped_file *mapping);

/* ---- attach_populate.c ---- */

/*
 * Have the pages of `span` (in bytes) there.  Where the kernel does not populate, the
 * pages of a file that may be sparse (another program's) are reserved first: a touch of
 * a page without memory is a SIGBUS. Pages that are only read are left to the reader
 * then.  0, -ENOSPC: no memory, or -errno.
 */
int mapping_populate(const struct mapped_file *mapping, struct rig_span span,
		     bool write, const char *name);

/*
 * Populate the parts of segment `index` that this rank owns, when the rank has just
 * mapped the segment, and bring pages from elsewhere to `node` (-1: to none): no other
 * rank of the team has mapped the segment yet.  0 or -errno.
 */
int mapping_populate_own(const struct rank *rank, int index,
			 const struct mapped_file *mapping, const char *name,
			 int node);

#endif
