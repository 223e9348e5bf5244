/* SPDX-License-Identifier: MIT */
/*
 * attach_map.c - mapping files, once, and knowing a file again.
 *
 * A file is known by device, inode and size, never by name, so a name that was removed
 * and made again is not mistaken.  Every worker of a team makes the same changes to its
 * table in the same order, so that all agree, without a question, on whether a job is
 * hot.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/huge.h"
#include "machine/pages.h"
#include "machine/pass.h"
#include "pool/attach_parts.h"

/* Files that a worker keeps mapped. */
#define MAPPINGS_MAX 64

static struct mapped_file mappings[MAPPINGS_MAX];
static uint64_t uses;

void attach_begin(void)
{
	/* A worker that makes a pool in a kernel does not pass its mappings on
	 * to the workers of that pool. */
	memset(mappings, 0, sizeof(mappings));
}

struct mapped_file *mapping_find(const struct job_segment_shm *segment)
{
	bool read_only = segment->flags & JOB_READ_ONLY;

	for (int i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].bytes == segment->file_bytes &&
		    mappings[i].read_only == read_only &&
		    identity_same(mappings[i].identity, identity_in(segment)))
			return &mappings[i];
	return NULL;
}

void mapping_drop(struct mapped_file *mapping)
{
	munmap(mapping->base, mapping->bytes);
	if (mapping->fd > 0)
		close(mapping->fd);
	memset(mapping, 0, sizeof(*mapping));
}

struct mapped_file *mapping_make_room(void)
{
	struct mapped_file *oldest = &mappings[0];

	for (int i = 0; i < MAPPINGS_MAX; i++) {
		if (!mappings[i].bytes)
			return &mappings[i];
		if (mappings[i].used < oldest->used)
			oldest = &mappings[i];
	}
	mapping_drop(oldest);
	return oldest;
}

/* The next file the caller hands over. */
static int receive_file(int socket)
{
	int fds[PASS_MAX], count;
	char nothing;
	int r = pass_receive(socket, &nothing, 1, fds, &count, 0);

	if (r < 0)
		return rig_fail_errno(r, "segment: receive");
	if (count == 0)
		return rig_fail(-ENOENT, "segment: was closed meanwhile");
	if (count != 1)
		return rig_fail(-EMFILE, "segment: no descriptor left for it "
					 "(ulimit -n)");
	return fds[0];
}

/* Open the file by the caller's descriptor, where no name leads to the file. */
static int open_held(const struct job_segment_shm *segment, const char *name,
		     int flags, pid_t caller)
{
	char path[64];
	int fd;

	if (segment->holder_fd < 0)
		return rig_fail(-ENOENT,
				"segment %s: the name was removed, and nobody "
				"we know holds it",
				name);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)caller,
		 segment->holder_fd);
	fd = open(path, flags);
	if (fd < 0 && (errno == EACCES || errno == EPERM || errno == ENOENT))
		return rig_fail(JOB_HAND_OVER, "segment %s: %s is closed to us",
				name, path);
	if (fd < 0)
		return rig_fail_errno(-errno, "segment %s: open %s", name,
				      path);
	return fd;
}

/* Open the file, by its name or, where the name leads elsewhere, through the
 * caller's descriptor. */
static int open_file(struct rank *rank, const struct job_segment_shm *segment,
		     const char *name, const struct pool_startup *startup)
{
	int flags = (segment->flags & JOB_READ_ONLY ? O_RDONLY : O_RDWR) |
		    O_CLOEXEC;
	char path[SHM_PATH_BYTES];
	struct stat status;
	int fd = -1;

	if (rank->layout.dispatch->words[JOB_BY_SOCKET] &&
	    segment->holder_fd >= 0) {
		fd = receive_file(startup->files_receive);
		/* No rank takes the next file before all ranks have this file. */
		rank_meet(rank);
		if (fd < 0)
			return fd;
	} else if (strcmp(name, UNNAMED) != 0) {
		snprintf(path, sizeof(path), SHM_DIR "/%s", name);
		fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0 && fstat(fd, &status) == 0 &&
		    identity_same(identity_of(&status), identity_in(segment)))
			return fd;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (fd < 0)
		fd = open_held(segment, name, flags, startup->caller);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0) {
		int r = -errno;

		close(fd);
		return rig_fail_errno(r, "segment %s: fstat", name);
	}
	if (!identity_same(identity_of(&status), identity_in(segment))) {
		close(fd);
		return rig_fail(-ENOENT, "segment %s: is gone", name);
	}
	return fd;
}

/* A kernel may have lowered the limit for its own run, not for the next runs. */
static void allow_descriptors(const struct pool_startup *startup)
{
	struct rlimit now;

	if (startup->files.rlim_max && getrlimit(RLIMIT_NOFILE, &now) == 0 &&
	    now.rlim_cur < startup->files.rlim_cur)
		(void)setrlimit(RLIMIT_NOFILE, &startup->files);
}

int mapping_open(struct rank *rank, struct mapped_file *mapping,
		 const struct job_segment_shm *segment, const char *name,
		 const struct pool_startup *startup)
{
	bool read_only = segment->flags & JOB_READ_ONLY;
	void *base;
	int fd, r;

	allow_descriptors(startup);
	fd = open_file(rank, segment, name, startup);
	if (fd < 0)
		return fd;
	/* The lock says "in use"; the mapping holds the lock when fd is
	 * closed. (A file that was handed over is the caller's, and locked
	 * already.) */
	while (!(segment->flags & JOB_FILE) && flock(fd, LOCK_SH) < 0 &&
	       errno == EINTR)
		;
	base = huge_map(fd, segment->file_bytes,
			read_only ? PROT_READ : PROT_READ | PROT_WRITE);
	r = base == MAP_FAILED ? -errno : 0;
	if (r < 0 || read_only || pages_can_populate()) {
		close(fd);
		fd = 0;
	}
	if (r < 0)
		return rig_fail_errno(r, "segment %s: map %zu bytes",
				      *name ? name : "(new)",
				      (size_t)segment->file_bytes);
	/* A child that a kernel starts must not keep the file mapped after the
	 * worker's end. */
	(void)madvise(base, segment->file_bytes, MADV_DONTFORK);
	*mapping = (struct mapped_file){
		.identity = identity_in(segment),
		.bytes = segment->file_bytes,
		.base = base,
		.fd = fd,
		.read_only = read_only,
	};
	return 0;
}

void attach_forked(void)
{
	for (int i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].bytes)
			mapping_drop(&mappings[i]);
}

void attach_forget(struct rank *rank)
{
	struct identity identity = identity_in(&rank->layout.job->segments[0]);

	for (int i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].bytes &&
		    identity_same(mappings[i].identity, identity))
			mapping_drop(&mappings[i]);
}

void mapping_use(struct mapped_file *mapping)
{
	mapping->used = ++uses;
}
