/* SPDX-License-Identifier: MIT */
/*
 * shmfile.c - files in /dev/shm that have a name only when complete.
 */
#include "segment/shmfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "segment/ledger.h"
#include "machine/memory.h"
#include "machine/shared.h"

/* fallocate in pieces, so that a signal need not wait for gigabytes. */
#define RESERVE_PIECE ((size_t)64 << 20)

/* For fewer bytes nobody asks how much memory is left. */
#define LARGE ((size_t)64 << 20)

static void path_of(char path[static SHM_PATH_BYTES], const char *name)
{
	snprintf(path, SHM_PATH_BYTES, SHM_DIR "/%s", name);
}

int shmfile_check_found(const char *name)
{
	size_t length = name ? strnlen(name, RIG_NAME_MAX + 1) : 0;

	if (!name)
		return need(name, "segment: the name");
	if (length == 0)
		return rig_fail(-EINVAL, "segment name is empty");
	if (length > RIG_NAME_MAX)
		return rig_fail(-EINVAL,
				"segment name %.16s... is longer than %d bytes",
				name, RIG_NAME_MAX);
	if (name[0] == '/')
		return rig_fail(-EINVAL,
				"segment name \"%s\": write it without the "
				"slash, %s",
				name, name + strspn(name, "/"));
	if (strchr(name, '/') || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return rig_fail(-EINVAL,
				"segment name \"%s\": no file in %s can have "
				"it",
				name, SHM_DIR);
	if (strncmp(name, "sem.", 4) == 0)
		return rig_fail(-EINVAL,
				"segment name \"%s\": sem. is for semaphores",
				name);
	return 0;
}

int shmfile_check_name(const char *name)
{
	int r = shmfile_check_found(name);

	if (r < 0)
		return r;
	if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz0123456789._-")])
		return rig_fail(-EINVAL,
				"segment name \"%s\": only A-Z a-z 0-9 . _ - "
				"may be in it",
				name);
	if (name[0] == '.')
		return rig_fail(-EINVAL,
				"segment name \"%s\" starts with a dot", name);
	return 0;
}

int shmfile_make(void)
{
	int fd = shared_above_standard(
		open(SHM_DIR, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));

	if (fd < 0)
		return rig_fail_errno(-errno,
				      "segment: make a file without a name in "
				      "%s (open with O_TMPFILE)",
				      SHM_DIR);
	(void)fchmod(fd, 0600); /* whatever the umask is */
	return fd;
}

static int check_room(int fd, const char *name, size_t bytes)
{
	struct statvfs fs;
	size_t available;

	if (fstatvfs(fd, &fs) == 0 && fs.f_blocks &&
	    bytes / fs.f_frsize + (bytes % fs.f_frsize != 0) > fs.f_bavail)
		return rig_fail(-ENOSPC,
				"segment %s: %zu bytes, but %s has %zu free "
				"(a container sets it with --shm-size)",
				name ? name : "(new)", bytes, SHM_DIR,
				(size_t)fs.f_bavail * fs.f_frsize);
	if (bytes < LARGE)
		return 0;
	available = memory_available();
	if (bytes > available)
		return rig_fail(
			-ENOSPC,
			"segment %s: %zu bytes, but the machine, or the "
			"control group, has %zu of memory available",
			name ? name : "(new)", bytes, available);
	return 0;
}

/* Beyond the limit the kernel would send SIGXFSZ. */
static int check_limit(const char *name, size_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur)
		return rig_fail(-EFBIG,
				"segment %s: %zu bytes, but RLIMIT_FSIZE "
				"(ulimit -f) is %zu",
				name ? name : "(new)", bytes,
				(size_t)limit.rlim_cur);
	if (bytes > INT64_MAX)
		return rig_fail(-EFBIG, "segment %s: %zu bytes",
				name ? name : "(new)", bytes);
	return 0;
}

int shmfile_resize(int fd, const char *name, size_t bytes)
{
	int r = check_limit(name, bytes);

	if (r == 0)
		r = check_room(fd, name, bytes);
	if (r < 0)
		return r;
	while (ftruncate(fd, (off_t)bytes) < 0)
		if (errno != EINTR)
			return rig_fail_errno(-errno,
					      "segment %s: size %zu bytes",
					      name ? name : "(new)", bytes);
	return 0;
}

int shmfile_reserve(int fd, const char *name, size_t begin, size_t end)
{
	const size_t bytes = end - begin;
	sigset_t all, before;
	int r = 0;

	/* A stream of signals could keep a long fallocate from ever ending. */
	sigfillset(&all);
	while (r == 0 && begin < end) {
		size_t piece = end - begin;

		if (piece > RESERVE_PIECE)
			piece = RESERVE_PIECE;
		pthread_sigmask(SIG_SETMASK, &all, &before);
		if (fallocate(fd, 0, (off_t)begin, (off_t)piece) < 0)
			r = -errno;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (r == -EINTR)
			r = 0;
		else
			begin += piece;
	}
	if (r < 0)
		return rig_fail_errno(r, "segment %s: reserve %zu bytes in %s",
				      name ? name : "(new)", bytes, SHM_DIR);
	return 0;
}

int shmfile_grow(int fd, const char *name, size_t bytes)
{
	sigset_t all, before;
	struct stat status;
	size_t has;
	int r;

	if (fstat(fd, &status) < 0)
		return rig_fail_errno(-errno, "segment %s: fstat", name);
	has = (size_t)status.st_size;
	if (bytes <= has)
		return 0;
	r = check_limit(name, bytes);
	if (r == 0)
		r = check_room(fd, name, bytes - has);
	if (r < 0)
		return r;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	do
		r = fallocate(fd, 0, (off_t)has, (off_t)(bytes - has)) < 0
			    ? -errno
			    : 0;
	while (r == -EINTR);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r < 0)
		return rig_fail_errno(r,
				      "segment %s: grow from %zu to %zu bytes "
				      "in %s",
				      name, has, bytes, SHM_DIR);
	return 0;
}

static int write_zeros(int fd, const char *name, size_t bytes)
{
	static const char zeros[65536];
	size_t at = 0;

	while (at < bytes) {
		size_t piece = bytes - at;
		ssize_t put;

		if (piece > sizeof(zeros))
			piece = sizeof(zeros);
		put = pwrite(fd, zeros, piece, (off_t)at);
		if (put < 0 && errno != EINTR)
			return rig_fail_errno(-errno,
					      "segment %s: write %zu bytes to "
					      "%s",
					      name ? name : "(new)", bytes,
					      SHM_DIR);
		if (put > 0)
			at += (size_t)put;
	}
	return 0;
}

int shmfile_reserve_new(int fd, const char *name, size_t bytes)
{
	int r = shmfile_reserve(fd, name, 0, bytes);

	if (r == -EPERM || r == -ENOSYS || r == -EOPNOTSUPP)
		r = write_zeros(fd, name, bytes);
	return r;
}

static int fresh_name(char *name)
{
	unsigned char random[16];
	char *at = name;

	while (getrandom(random, sizeof(random), 0) != sizeof(random))
		if (errno != EINTR)
			return rig_fail_errno(-errno, "segment: getrandom");
	at = stpcpy(at, "rig-");
	for (size_t i = 0; i < sizeof(random); i++)
		at += sprintf(at, "%02x", random[i]);
	return 0;
}

/* Give the file its name, last. */
static int link_name(int fd, const char *name)
{
	char path[SHM_PATH_BYTES], unnamed[32];

	path_of(path, name);
	snprintf(unnamed, sizeof(unnamed), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, unnamed, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno == EEXIST)
		return rig_fail(-EEXIST, "segment %s: the name is taken", name);
	return rig_fail_errno(-errno,
			      "segment %s: name its file (linkat from "
			      "/proc/self/fd)",
			      name);
}

int shmfile_publish(int fd, const char *name, bool dies, char *named)
{
	struct stat status;
	char chosen[RIG_NAME_MAX + 1];
	int r;

	if (name)
		snprintf(chosen, sizeof(chosen), "%s", name);
	else if ((r = fresh_name(chosen)) < 0)
		return r;
	while (flock(fd, LOCK_SH | LOCK_NB) < 0)
		if (errno != EINTR)
			return rig_fail_errno(-errno, "segment %s: lock",
					      chosen);
	if (fstat(fd, &status) < 0)
		return rig_fail_errno(-errno, "segment %s: fstat", chosen);
	if (fchmod(fd, (dies ? SHM_DIES : SHM_KEPT) | 0600) < 0)
		return rig_fail_errno(-errno, "segment %s: mark", chosen);
	if (dies) {
		/* Before the name exists: a death in between leaves none. */
		r = ledger_enter(chosen, identity_of(&status));
		if (r < 0)
			return r;
	}
	r = link_name(fd, chosen);
	if (r < 0) {
		if (dies)
			ledger_strike(identity_of(&status));
		return r;
	}
	memcpy(named, chosen, sizeof(chosen));
	return 0;
}

int shmfile_publish_common(int fd, const char *name)
{
	while (flock(fd, LOCK_SH | LOCK_NB) < 0)
		if (errno != EINTR)
			return rig_fail_errno(-errno, "segment %s: lock", name);
	if (fchmod(fd, SHM_DIES | 0600) < 0)
		return rig_fail_errno(-errno, "segment %s: mark", name);
	return link_name(fd, name);
}

/* Is the file a segment of ours, and trusted to be a segment? */
static int check_file(const char *name, const struct stat *status)
{
	if (!S_ISREG(status->st_mode))
		return rig_fail(-EACCES, "segment %s: not a regular file",
				name);
	if (status->st_uid != geteuid())
		return rig_fail(-EACCES,
				"segment %s: belongs to user %u, "
				"not to us",
				name, (unsigned)status->st_uid);
	if (status->st_mode & 077)
		return rig_fail(-EACCES,
				"segment %s: mode %04o lets others in; 0600 "
				"would do",
				name, (unsigned)(status->st_mode & 07777));
	if (status->st_nlink > 1)
		return rig_fail(-EACCES, "segment %s: has %u links", name,
				(unsigned)status->st_nlink);
	return 0;
}

static int open_named(const char *name, bool read_only)
{
	char path[SHM_PATH_BYTES];
	int fd;

	path_of(path, name);
	fd = shared_above_standard(open(path, (read_only ? O_RDONLY : O_RDWR) |
						      O_NOFOLLOW | O_NONBLOCK |
						      O_CLOEXEC));
	if (fd < 0) {
		if (errno == ENOENT)
			return rig_fail(-ENOENT,
					"segment %s: there is none of that "
					"name",
					name);
		if (errno == ELOOP)
			return rig_fail(-EACCES,
					"segment %s: is a symbolic link", name);
		if (errno == EISDIR)
			return rig_fail(-EACCES, "segment %s: is a directory",
					name);
		return rig_fail_errno(-errno, "segment %s: open", name);
	}
	return fd;
}

/* Lock the file and judge it.  0, -EWOULDBLOCK (without words) where somebody
 * holds the file exclusively, or as shmfile_open(). */
static int lock_and_look(int fd, const char *name, int how, struct stat *status)
{
	int locked, r;

	do
		locked = flock(fd, LOCK_SH | how) < 0 ? -errno : 0;
	while (locked == -EINTR);
	if (locked < 0 && locked != -EWOULDBLOCK)
		return rig_fail_errno(locked, "segment %s: lock", name);
	/* After the lock nothing seen here changes. */
	if (fstat(fd, status) < 0)
		return rig_fail_errno(-errno, "segment %s: fstat", name);
	r = check_file(name, status);
	return r < 0 ? r : locked;
}

int shmfile_open(const char *name, bool read_only, struct stat *status)
{
	int r = shmfile_check_found(name);
	int fd;

	if (r < 0)
		return r;
	fd = open_named(name, read_only);
	if (fd < 0)
		return fd;
	r = lock_and_look(fd, name, LOCK_NB, status);
	/* Only the sweep locks exclusively, for as long as a look takes: the wait
	 * is short.  Nobody waits for a file that is not ours. */
	if (r == -EWOULDBLOCK)
		r = lock_and_look(fd, name, 0, status);
	/* Anyone may have removed the name before we had the lock. */
	if (r == 0 && status->st_nlink == 0)
		r = rig_fail(-ENOENT, "segment %s: was just removed", name);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int shmfile_own(const char *name, struct stat *status)
{
	int r = shmfile_check_found(name);
	char path[SHM_PATH_BYTES];
	struct stat own;

	if (r < 0)
		return r;
	path_of(path, name);
	if (lstat(path, status) < 0)
		return errno == ENOENT
			       ? rig_fail(-ENOENT,
					  "segment %s: there is none of that "
					  "name",
					  name)
			       : rig_fail_errno(-errno, "segment %s", name);
	own = *status;
	own.st_mode &= ~(mode_t)077;
	own.st_nlink = 1;
	return check_file(name, &own);
}

int shmfile_status(const char *name, struct stat *status)
{
	char path[SHM_PATH_BYTES];

	path_of(path, name);
	if (lstat(path, status) < 0)
		return rig_fail_errno(-errno, "segment %s", name);
	return 0;
}

int shmfile_unlink(const char *name, struct identity identity)
{
	char path[SHM_PATH_BYTES];
	struct stat status;

	path_of(path, name);
	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!identity_same(identity_of(&status), identity))
		return 0;
	if (unlink(path) < 0 && errno != ENOENT)
		return rig_fail_errno(-errno, "segment %s: unlink", name);
	return 0;
}
