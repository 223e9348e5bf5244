/* SPDX-License-Identifier: MIT */
/*
 * file.c - a file of any file system as a segment.
 *
 * The handle has a name that leads to nothing in /dev/shm.  Workers open the
 * file through the handle's descriptor, as they open a segment whose name was
 * removed (attach.c).
 */
#include "segment/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/shared.h"

static int open_above_streams(const char *path, bool read_only)
{
	int fd = shared_above_standard(
		open(path,
		     (read_only ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC));

	return fd < 0 ? rig_fail_errno(-errno, "file %s: open", path) : fd;
}

static int read_info(int fd, const char *path, struct segment_info *info)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return rig_fail_errno(-errno, "file %s: fstat", path);
	if (!S_ISREG(status.st_mode))
		return rig_fail(-EACCES, "file %s: not a regular file", path);
	if (status.st_size == 0)
		return rig_fail(-ENODATA, "file %s: is empty", path);
	*info = (struct segment_info){
		.identity = identity_of(&status),
		.file_bytes = (size_t)status.st_size,
		.data_bytes = (size_t)status.st_size,
		.fd = fd,
		.file = true,
	};
	return 0;
}

int rig_segment_open_file(struct rig_segment **segment, const char *path,
			  const struct rig_segment_options *options)
{
	bool read_only = options && options->read_only;
	struct segment_info info;
	char name[RIG_NAME_MAX + 1];
	int r = need(segment, "segment: the place for the handle");
	int fd;

	if (r == 0)
		r = need(path, "segment: the path");
	if (r < 0)
		return r;
	fd = open_above_streams(path, read_only);
	if (fd < 0)
		return fd;
	r = read_info(fd, path, &info);
	if (r == 0) {
		snprintf(name, sizeof(name), "file-%llx-%llx-%x",
			 (unsigned long long)info.identity.device,
			 (unsigned long long)info.identity.inode,
			 (unsigned int)fd);
		r = segment_adopt(segment, name, &info, read_only);
	}
	if (r < 0)
		close(fd);
	return r;
}
