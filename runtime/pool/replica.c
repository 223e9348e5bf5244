/* SPDX-License-Identifier: MIT */
/*
 * replica.c - a copy of a segment on each NUMA node of a pool's workers.
 *
 * The copies stand in one file without a name, one after the other:
 *
 *	| copy for node of rank 0 | copy for the next node | ...
 *	|<------- stride -------->|
 *
 * A job that is handed the segment to read is handed this file instead, and each
 * worker adds its node's share of strides to where it looks.  The workers write
 * the copies, each node's its own, so the pages lie there by first touch.
 */
#include "pool/caller.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/huge.h"
#include "place/place.h"
#include "base/size.h"

static struct replica *find(struct rig_pool *pool, struct identity source)
{
	for (int i = 0; i < REPLICAS_MAX; i++)
		if (pool->replicas[i].stride &&
		    identity_same(pool->replicas[i].source, source))
			return &pool->replicas[i];
	return NULL;
}

static struct replica *find_free(struct rig_pool *pool)
{
	for (int i = 0; i < REPLICAS_MAX; i++)
		if (!pool->replicas[i].stride)
			return &pool->replicas[i];
	return NULL;
}

bool replica_drop(struct rig_pool *pool, struct identity source,
		  struct identity *file)
{
	struct replica *replica = find(pool, source);

	if (!replica)
		return false;
	*file = replica->info.identity;
	close(replica->info.fd);
	memset(replica, 0, sizeof(*replica));
	return true;
}

static bool has_any(const struct rig_pool *pool)
{
	bool any = false;

	for (int i = 0; i < REPLICAS_MAX; i++)
		any |= pool->replicas[i].stride != 0;
	return any;
}

void replica_forget_written(struct rig_pool *pool, const struct rig_job *job)
{
	struct segment_info info;
	struct identity file;

	if (!has_any(pool))
		return;
	for (int i = 0; i < RIG_SEGMENTS_MAX && job->segments[i].name; i++)
		if (!job->segments[i].read_only &&
		    shmfile_check_found(job->segments[i].name) == 0 &&
		    job_segments_find(pool, job->segments[i].name, &info) ==
			    0 &&
		    replica_drop(pool, info.identity, &file))
			job_segments_forget(pool, file);
}

bool replica_put(struct rig_pool *pool, int index, struct identity source,
		 size_t bytes)
{
	const struct replica *replica = find(pool, source);

	/* A segment that has grown since has no copies. */
	if (!replica || replica->source_bytes != bytes)
		return false;
	job_segments_put_file(pool, index, &replica->info);
	pool->startup.layout.job->segments[index].stride = replica->stride;
	return true;
}

void replica_finish(struct rig_pool *pool)
{
	for (int i = 0; i < REPLICAS_MAX; i++)
		if (pool->replicas[i].stride)
			close(pool->replicas[i].info.fd);
}

/* Make a file for that many copies of the source. */
static int make_file(const struct segment_info *source, const char *name,
		     int copies, struct replica *replica)
{
	size_t unit = source->data_bytes < HUGE_BYTES ? PAGE_BYTES : HUGE_BYTES;
	struct stat status;
	size_t room;
	int r;

	if (!size_add(source->data_bytes, unit, &room) ||
	    !size_mul(size_round_up(source->data_bytes, unit), (size_t)copies,
		      &room))
		return rig_fail(-EFBIG, "segment %s: %d copies are too many",
				name, copies);
	*replica = (struct replica){
		.source = source->identity,
		.source_bytes = source->data_bytes,
		.stride = size_round_up(source->data_bytes, unit),
		.info = { .file_bytes = room, .data_bytes = room },
	};
	replica->info.fd = shmfile_make();
	if (replica->info.fd < 0)
		return replica->info.fd;
	r = shmfile_resize(replica->info.fd, name, room);
	if (r == 0 && fstat(replica->info.fd, &status) < 0)
		r = rig_fail_errno(-errno, "segment %s: fstat", name);
	if (r < 0)
		close(replica->info.fd);
	else
		replica->info.identity = identity_of(&status);
	return r;
}

/* Have the workers fill the file. */
static int fill(struct rig_pool *pool, const char *name,
		const struct segment_info *source, struct replica *replica)
{
	struct job_segment_shm *segments = pool->startup.layout.job->segments;
	struct segment_info info = *source;

	info.fd = job_segments_note(pool, source->identity, source->fd);
	job_segments_put_file(pool, 0, &info);
	segments[0].flags |= JOB_READ_ONLY;
	strcpy(pool->startup.layout.job->names[0], name);
	job_segments_put_file(pool, 1, &replica->info);
	segments[1].stride = replica->stride;
	pool->startup.layout.job->names[1][0] = 0;
	return run_internal(pool, JOB_REPLICATE, 0, 0,
			    replica->info.file_bytes);
}

/* With the turn. */
static int replicate(struct rig_pool *pool, const char *name, int copies)
{
	struct segment_info source;
	struct replica *replica = find_free(pool);
	struct identity old;
	int r = job_segments_find(pool, name, &source);

	if (r < 0)
		return r;
	if (replica_drop(pool, source.identity, &old))
		job_segments_forget(pool, old);
	if (!replica)
		replica = find_free(pool);
	if (!replica)
		return rig_fail(-ENOSPC,
				"segment %s: a pool has copies of %d segments "
				"at most",
				name, REPLICAS_MAX);
	r = make_file(&source, name, copies, replica);
	if (r < 0) {
		memset(replica, 0, sizeof(*replica));
		return r;
	}
	r = fill(pool, name, &source, replica);
	if (r < 0)
		(void)replica_drop(pool, source.identity, &old);
	return r;
}

int rig_pool_replicate(struct rig_pool *pool, const char *name)
{
	int copies;
	int r = name ? shmfile_check_found(name)
		     : rig_fail(-EINVAL, "replicate: the name is NULL");

	if (r == 0)
		r = run_take_turn(pool);
	if (r < 0)
		return r;
	copies = place_copies(pool->plan);
	if (pool->dead)
		r = rig_fail(-ECANCELED, "segment %s: its pool is no more",
			     name);
	else if (copies > 1)
		r = replicate(pool, name, copies);
	run_end_turn(pool);
	return r < 0 ? r : copies;
}
