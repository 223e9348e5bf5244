/* SPDX-License-Identifier: MIT */
/*
 * disk.c - memory for arrays in a file without a name, where /dev/shm is too small.
 */
#include <runner/disk.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <runner/words.h>

char *disk_folder(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *temporary = getenv("TMPDIR");

	if (slash)
		return slash == path ? strdup("/")
				     : strndup(path, (size_t)(slash - path));
	if (path)
		return strdup(".");
	return strdup(temporary && *temporary ? temporary : "/tmp");
}

/* A file that has no name, or loses the name at once. */
static int open_unnamed(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	char *path = NULL;

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	if (asprintf(&path, "%s/.rig-XXXXXX", folder) < 0)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	free(path);
	return fd;
}

/* Asked first: to fill a disk and then to fail would be felt by others. */
static int check_disk(int fd, const char *folder, size_t bytes)
{
	struct statvfs status;

	if (fstatvfs(fd, &status) < 0 ||
	    bytes / status.f_frsize < status.f_bavail)
		return 0;
	return words_fail(
		-ENOSPC, "%s: a file of %zu bytes, and there is room for %zu",
		folder, bytes, (size_t)status.f_bavail * status.f_frsize);
}

int disk_create(struct rig_segment **segment, const char *folder, size_t bytes)
{
	int fd = open_unnamed(folder), r;
	char path[40];

	if (fd < 0)
		return words_fail_file(-errno, folder);
	r = check_disk(fd, folder, bytes);
	if (r == 0) {
		r = -posix_fallocate(fd, 0, (off_t)bytes);
		r = r < 0 ? words_fail_file(r, folder) : 0;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (r == 0)
		r = rig_segment_open_file(segment, path, NULL);
	close(fd);
	return r;
}
