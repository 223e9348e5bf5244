/* SPDX-License-Identifier: MIT */
/*
 * shared.c - memory that processes share without a name in the file system.
 */
#include "machine/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/huge.h"

int shared_above_standard(int fd)
{
	int moved = fd;

	if (fd >= 0 && fd <= STDERR_FILENO) {
		moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(fd);
	}
	return moved;
}

/* A file without a name, of `bytes` bytes. */
static int make_file(size_t bytes, const char *what)
{
	struct rlimit limit;
	int fd;

	/* Beyond the limit the kernel would send SIGXFSZ. */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur)
		return rig_fail(-EFBIG,
				"%s: %zu bytes, but RLIMIT_FSIZE (ulimit -f) "
				"is %zu",
				what, bytes, (size_t)limit.rlim_cur);
	fd = shared_above_standard(memfd_create(what, MFD_CLOEXEC));
	if (fd < 0)
		return rig_fail_errno(-errno, "%s: memfd_create", what);
	while (ftruncate(fd, (off_t)bytes) < 0)
		if (errno != EINTR) {
			int r = -errno;

			close(fd);
			return rig_fail_errno(r, "%s: size %zu bytes", what,
					      bytes);
		}
	return fd;
}

static int map(int fd, size_t bytes, const char *what, void **memory)
{
	int flags = MAP_SHARED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0);
	void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (mapped == MAP_FAILED)
		return rig_fail_errno(-errno, "%s: map %zu bytes", what, bytes);
	*memory = mapped;
	return 0;
}

int shared_map(size_t bytes, const char *what, void **memory, int *fd)
{
	int file, r;

	if (!fd)
		return map(-1, bytes, what, memory);
	file = make_file(bytes, what);
	if (file < 0)
		return file;
	r = map(file, bytes, what, memory);
	if (r < 0)
		close(file);
	else
		*fd = file;
	return r;
}

int shared_map_sparse_fd(int fd, size_t bytes, size_t sparse, const char *what,
			 void **memory)
{
	/* Without access at first: what mlockall(MCL_FUTURE) locks it would
	 * also have there at once. */
	char *mapped = huge_map(fd, bytes, PROT_NONE);

	if (mapped == MAP_FAILED)
		return rig_fail_errno(-errno, "%s: map %zu bytes", what, bytes);
	(void)munlock(mapped + sparse, bytes - sparse);
	(void)madvise(mapped + sparse, bytes - sparse, MADV_DONTDUMP);
	if (mprotect(mapped, bytes, PROT_READ | PROT_WRITE) < 0) {
		int r = -errno;

		munmap(mapped, bytes);
		return rig_fail_errno(r, "%s: map %zu bytes", what, bytes);
	}
	*memory = mapped;
	return 0;
}

int shared_map_sparse(size_t bytes, size_t sparse, const char *what,
		      void **memory, int *fd)
{
	int file = make_file(bytes, what);
	int r;

	if (file < 0)
		return file;
	r = shared_map_sparse_fd(file, bytes, sparse, what, memory);
	if (r == 0 && fd)
		*fd = file;
	else
		close(file);
	return r;
}

int shared_map_fd(int fd, size_t bytes, const char *what, void **memory)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return rig_fail_errno(-errno, "%s: fstat", what);
	if (status.st_size < 0 || (size_t)status.st_size < bytes)
		return rig_fail(-EPROTO, "%s: %lld bytes, not %zu", what,
				(long long)status.st_size, bytes);
	return map(fd, bytes, what, memory);
}

void shared_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
