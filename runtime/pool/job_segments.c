/* SPDX-License-Identifier: MIT */
/*
 * job_segments.c - the segments of a job: which file each name means, and letting go.
 *
 * A name means the handle of that name in this process, else the file behind the name
 * now.  The pool notes the files that workers may have mapped, with a descriptor, so
 * that a fresh team finds a file even when its name has gone.  A file is forgotten
 * when the segment is destroyed, at once or after the run at hand.
 */
#include "pool/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/reserved.h"
#include "machine/pass.h"
#include "pool/gateway.h"

void job_segments_put_file(struct rig_pool *pool, int index,
			   const struct segment_info *info)
{
	pool->startup.layout.job->segments[index] = (struct job_segment_shm){
		.device = info->identity.device,
		.inode = info->identity.inode,
		.file_bytes = info->file_bytes,
		.data_bytes = info->data_bytes,
		.bytes = info->data_bytes,
		.holder_fd = info->fd,
		.flags = (info->file               ? JOB_FILE
			  : info->pool == pool->id ? JOB_BARRIER
						   : 0),
	};
}

static void drop_handed(struct kept_file *file)
{
	if (file->used && file->fd >= 0)
		close(file->fd);
	*file = (struct kept_file){ 0 };
}

int job_segments_note(struct rig_pool *pool, struct identity identity, int fd)
{
	struct kept_file *file = &pool->handed[0];

	for (size_t i = 0; i < HANDED_MAX; i++) {
		struct kept_file *other = &pool->handed[i];

		if (identity_same(other->identity, identity)) {
			file = other;
			break;
		}
		if (other->used < file->used)
			file = other;
	}
	if (!file->used || !identity_same(file->identity, identity)) {
		drop_handed(file);
		file->identity = identity;
		file->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	}
	file->used = ++pool->job_segments_uses;
	return file->fd >= 0 ? file->fd : fd;
}

/* Forget the note of a file.  Returns whether there was a note. */
static bool was_handed(struct rig_pool *pool, struct identity identity)
{
	for (size_t i = 0; i < HANDED_MAX; i++)
		if (pool->handed[i].used &&
		    identity_same(pool->handed[i].identity, identity)) {
			drop_handed(&pool->handed[i]);
			return true;
		}
	return false;
}

/* Send a descriptor to the rank that comes first.  False: no rank took the descriptor
 * in time, or the run is over. */
static bool send_file(struct rig_pool *pool, int fd, uint64_t deadline_ns)
{
	struct pollfd polled = { .fd = pool->startup.files_send,
				 .events = POLLOUT };
	const char nothing = 0;
	int count = 1, r;

	while ((r = pass_send(polled.fd, &nothing, 1, &fd, count,
			      MSG_DONTWAIT)) < 0) {
		/* Gone: the rank that waits for the file gets a message without
		 * a file. */
		if (r == -EBADF && count) {
			count = 0;
			continue;
		}
		if (r != -EAGAIN && r != -ETOOMANYREFS)
			return false;
		if (clock_ns() >= deadline_ns ||
		    dispatch_is_done(pool->startup.layout.dispatch))
			return false;
		(void)poll(&polled, 1, 1);
	}
	return true;
}

/*
 * The workers cannot open this process's files through /proc (the process is not
 * dumpable, say).  Post the job once more and send every rank every file, in the
 * order in which attach_map.c receives files.
 */
void job_segments_send(struct rig_pool *pool)
{
	const struct layout *layout = &pool->startup.layout;
	const struct job_segment_shm *segments = layout->job->segments;
	uint64_t deadline = clock_after(GONE_NS);
	uint64_t count = layout->dispatch->words[JOB_SEGMENTS];
	char nothing;

	if (count > RIG_SEGMENTS_MAX)
		count = RIG_SEGMENTS_MAX;
	/* Descriptors that an ended team has left in the socket. */
	while (recv(pool->startup.files_receive, &nothing, 1, MSG_DONTWAIT) > 0)
		;
	layout->dispatch->words[JOB_BY_SOCKET] = 1;
	pool->posted = true;
	dispatch_post(layout->dispatch);
	for (uint64_t i = 0; i < count; i++) {
		bool twice = false;

		for (uint64_t k = 0; k < i; k++)
			twice |= segments[k].inode == segments[i].inode &&
				 segments[k].device == segments[i].device &&
				 !((segments[k].flags ^ segments[i].flags) &
				   JOB_READ_ONLY);
		for (int rank = 0; rank < pool->startup.size && !twice &&
				   segments[i].holder_fd >= 0;
		     rank++)
			if (!send_file(pool, segments[i].holder_fd, deadline))
				return;
	}
}

/* Have the workers unmap a file.  Only a death can make the job fail, and then no
 * mapping is left. */
void job_segments_forget(struct rig_pool *pool, struct identity identity)
{
	struct segment_info info = { .identity = identity, .fd = -1 };

	struct identity copies;

	gateway_forget(pool->gateway, identity);
	if (replica_drop(pool, identity, &copies))
		job_segments_forget(pool, copies);
	if (!was_handed(pool, identity) || pool->dead)
		return;
	job_segments_put_file(pool, 0, &info);
	(void)run_internal(pool, JOB_FORGET, 0, 0, 0);
}

/* Forget the files that were queued until the run's end, with the turn. */
void job_segments_forget_queued(struct rig_pool *pool)
{
	struct identity identity = { 0 };

	while (load_relaxed(&pool->forget_count)) {
		pthread_mutex_lock(&pool->forget_lock);
		identity = pool->forget[sub_seq(&pool->forget_count, 1) - 1];
		pthread_mutex_unlock(&pool->forget_lock);
		job_segments_forget(pool, identity);
	}
}

void job_segments_queue(struct rig_pool *pool, struct identity identity)
{
	struct identity *grown;
	uint32_t count;

	pthread_mutex_lock(&pool->forget_lock);
	count = load_relaxed(&pool->forget_count);
	if (count == pool->forget_room) {
		grown = realloc(pool->forget,
				(pool->forget_room + 32) * sizeof(*grown));
		if (grown) {
			pool->forget = grown;
			pool->forget_room += 32;
		}
	}
	/* Without memory the workers keep the mapping until its eviction. */
	if (count < pool->forget_room) {
		pool->forget[count] = identity;
		add_seq(&pool->forget_count, 1);
	}
	pthread_mutex_unlock(&pool->forget_lock);
}

static void forget_unowned(struct rig_pool *pool, struct unowned *unowned)
{
	close(unowned->info.fd);
	unowned->name[0] = 0;
	job_segments_queue(pool, unowned->info.identity);
}

/* A segment without a handle in this process: opened at first sight, and held, so that
 * the workers find the segment even when its name has gone (see python.md). */
static int unowned_info(struct rig_pool *pool, const char *name,
			struct segment_info *info)
{
	struct unowned *unowned;
	struct stat status;
	int fd, r;

	for (int i = 0; i < UNOWNED_MAX; i++) {
		unowned = &pool->unowned[i];
		if (strcmp(unowned->name, name) != 0)
			continue;
		if (shmfile_status(name, &status) == 0 &&
		    identity_same(identity_of(&status),
				  unowned->info.identity) &&
		    (size_t)status.st_size == unowned->info.file_bytes) {
			*info = unowned->info;
			return 0;
		}
		/* The name leads to another segment by now, or to none. */
		forget_unowned(pool, unowned);
	}
	fd = shmfile_open(name, false, &status);
	if (fd < 0)
		return fd;
	r = segment_read_info(fd, name, info);
	if (r < 0) {
		close(fd);
		return r;
	}
	unowned = &pool->unowned[pool->unowned_next++ % UNOWNED_MAX];
	if (unowned->name[0])
		forget_unowned(pool, unowned);
	snprintf(unowned->name, sizeof(unowned->name), "%s", name);
	unowned->info = *info;
	return 0;
}

int job_segments_find(struct rig_pool *pool, const char *name,
		      struct segment_info *info)
{
	int r;

	if (segment_handle_info(name, false, info))
		return 0;
	r = unowned_info(pool, name, info);
	/* A handle of a moment may be open where no other descriptor can
	 * be. */
	return r < 0 && segment_handle_info(name, true, info) ? 0 : r;
}

/* The copies of a segment, where there are any. */
static void put_copies(struct rig_pool *pool, int index, struct identity source,
		       size_t bytes)
{
	struct job_segment_shm *segment =
		&pool->startup.layout.job->segments[index];

	if (replica_put(pool, index, source, bytes))
		segment->holder_fd = job_segments_note(
			pool,
			(struct identity){ segment->device, segment->inode },
			segment->holder_fd);
}

int job_segments_put(struct rig_pool *pool, int index,
		     const struct rig_handed *handed)
{
	struct job_shm *job = pool->startup.layout.job;
	struct segment_info info;
	size_t bytes;
	int r = reserved_check(handed->reserved, "rig_handed");

	if (r == 0)
		r = shmfile_check_found(handed->name);
	if (r < 0)
		return r;
	r = job_segments_find(pool, handed->name, &info);
	if (r < 0)
		return r;
	if (handed->offset > info.data_bytes ||
	    handed->bytes > info.data_bytes - handed->offset)
		return rig_fail(-EINVAL,
				"segment %s: bytes %zu to %zu asked for, it "
				"has %zu",
				handed->name, handed->offset,
				handed->offset + handed->bytes,
				info.data_bytes);
	bytes = handed->bytes ? handed->bytes
			      : info.data_bytes - handed->offset;
	info.fd = job_segments_note(pool, info.identity, info.fd);
	job_segments_put_file(pool, index, &info);
	if (handed->read_only)
		put_copies(pool, index, info.identity, info.data_bytes);
	job->segments[index].offset = handed->offset;
	job->segments[index].bytes = bytes;
	if (handed->read_only)
		job->segments[index].flags |= JOB_READ_ONLY;
	/* A worker that attaches reads the names, which is rare; a comparison here
	 * is cheaper than to send the names every time. */
	if (strcmp(job->names[index], handed->name) != 0)
		strcpy(job->names[index], handed->name);
	return 0;
}

int job_segments_let_go(struct rig_pool *pool)
{
	struct stat status;
	int count = 0;

	for (int i = 0; i < UNOWNED_MAX; i++)
		if (pool->unowned[i].name[0] &&
		    fstat(pool->unowned[i].info.fd, &status) == 0 &&
		    status.st_nlink == 0) {
			forget_unowned(pool, &pool->unowned[i]);
			count++;
		}
	return count;
}

void job_segments_finish(struct rig_pool *pool)
{
	for (size_t i = 0; i < HANDED_MAX; i++)
		drop_handed(&pool->handed[i]);
	for (int i = 0; i < UNOWNED_MAX; i++)
		if (pool->unowned[i].name[0])
			close(pool->unowned[i].info.fd);
	replica_finish(pool);
	pthread_mutex_destroy(&pool->forget_lock);
	free(pool->forget);
}
