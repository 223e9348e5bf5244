/* SPDX-License-Identifier: MIT */
/*
 * outfile.c - files that are complete or not there.
 */
#include <common/outfile.h>
#include <common/unfinished.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The most bytes of a write. */
#define PIECE_MAX ((size_t)1 << 30)

/* The longest chain of links, as in the kernel. */
#define LINKS_MAX 40

static bool write_all(int fd, const void *from, size_t bytes)
{
	const char *next = from;

	while (bytes) {
		ssize_t put =
			write(fd, next, bytes < PIECE_MAX ? bytes : PIECE_MAX);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		next += put;
		bytes -= (size_t)put;
	}
	return true;
}

/* The path to which a link leads; NULL: `path` is no link. */
static char *follow(const char *path)
{
	const char *slash = strrchr(path, '/');
	char target[PATH_MAX], *next = NULL;
	ssize_t length = readlink(path, target, sizeof(target));

	if (length < 0 || length == sizeof(target))
		return NULL;
	if (*target == '/' || !slash)
		return strndup(target, (size_t)length);
	if (asprintf(&next, "%.*s%.*s", (int)(slash + 1 - path), path,
		     (int)length, target) < 0)
		return NULL;
	return next;
}

/* The path of a file that does not exist, with the links in the folder's path
 * resolved.  Frees `path`. */
static char *in_folder(char *path)
{
	char *slash = path ? strrchr(path, '/') : NULL;
	char *folder, *whole = NULL;

	if (!path || slash == path)
		return path;
	if (slash)
		*slash = '\0';
	folder = realpath(slash ? path : ".", NULL);
	if (slash)
		*slash = '/';
	if (!folder)
		return path;
	if (asprintf(&whole, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder,
		     slash ? slash + 1 : path) < 0)
		whole = NULL;
	free(folder);
	free(path);
	return whole;
}

/* `path` with links resolved, also a link to a file that does not exist yet.
 * NULL: no memory. */
static char *resolve(const char *path)
{
	char *at = realpath(path, NULL), *next;
	struct stat status;

	/* The file behind a descriptor of this process may have no path. */
	if (at || stat(path, &status) == 0)
		return at ? at : strdup(path);
	at = strdup(path);
	for (int i = 0; i < LINKS_MAX && at && (next = follow(at)); i++) {
		free(at);
		at = next;
	}
	return in_folder(at);
}

bool outfile_same(const char *a, const char *b)
{
	struct stat of_a, of_b;
	char *path_a, *path_b;
	bool same;

	if (stat(a, &of_a) == 0 && stat(b, &of_b) == 0)
		return of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
	path_a = resolve(a);
	path_b = resolve(b);
	same = path_a && path_b && strcmp(path_a, path_b) == 0;
	free(path_a);
	free(path_b);
	return same;
}

/* An unused name beside `path`: .NAME.rig-16 hex digits. */
static char *name_beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	unsigned long long random = 0;
	char *name = NULL;

	if (getrandom(&random, sizeof(random), 0) < 0 ||
	    asprintf(&name, "%.*s.%.200s.rig-%016llx", (int)(base - path), path,
		     base, random) < 0)
		return NULL;
	if (!unfinished_enter(name)) {
		free(name);
		errno = EMFILE;
		return NULL;
	}
	return name;
}

static void forget_temporary(struct outfile *file)
{
	unfinished_strike(file->temporary);
	free(file->temporary);
	file->temporary = NULL;
}

/* Whether the file system, the kernel or a sandbox lacks files without names.
 * (EISDIR: a kernel that takes O_TMPFILE for O_DIRECTORY.) */
static bool is_refusal(int error)
{
	return error == EOPNOTSUPP || error == EISDIR || error == EINVAL ||
	       error == ENOSYS || error == EPERM;
}

/* Open the file without a name, or with a temporary name. */
static int open_beside(struct outfile *file)
{
	const char *slash = strrchr(file->path, '/');
	char *folder =
		slash == file->path
			? strdup("/")
			: strndup(slash ? file->path : ".",
				  slash ? (size_t)(slash - file->path) : 1);

	if (!folder)
		return -1;
	file->fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(folder);
	if (file->fd >= 0 || !is_refusal(errno))
		return file->fd;
	file->temporary = name_beside(file->path);
	if (!file->temporary)
		return -1;
	file->fd = open(file->temporary,
			O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	if (file->fd < 0) {
		int error = errno;

		forget_temporary(file);
		errno = error;
	}
	return file->fd;
}

/* Choose how to write, by the present file; false, with errno, where the file
 * cannot be written. */
static bool open_file(struct outfile *file)
{
	struct stat status;

	if (stat(file->path, &status) < 0)
		return errno == ENOENT && open_beside(file) >= 0;
	if (S_ISDIR(status.st_mode)) {
		errno = EISDIR;
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		file->direct = true;
		file->fd = open(file->path, O_WRONLY | O_CLOEXEC);
		return file->fd >= 0;
	}
	/* A user who may not write the old file may not replace the file
	 * either. */
	if (access(file->path, W_OK) < 0 || open_beside(file) < 0)
		return false;
	(void)fchmod(file->fd, status.st_mode & 0777);
	return true;
}

/* Other programs would feel a run that fills a disk and then fails. */
static bool has_room(const struct outfile *file, uint64_t bytes)
{
	struct statvfs status;

	return fstatvfs(file->fd, &status) < 0 ||
	       bytes / status.f_frsize <= status.f_bavail;
}

/* Reserve all space now: a full disk is found before the work is done. */
static bool reserve(struct outfile *file, size_t head, uint64_t more)
{
	uint64_t bytes;

	if (__builtin_add_overflow(head, more, &bytes) || bytes > INT64_MAX) {
		errno = EFBIG;
		return false;
	}
	if (!file->direct && !has_room(file, bytes)) {
		errno = ENOSPC;
		return false;
	}
	if (file->direct || bytes == 0)
		return true;
	file->reserved = fallocate(file->fd, 0, 0, (off_t)bytes) == 0;
	return file->reserved || errno == EOPNOTSUPP || errno == ENOSYS ||
	       errno == EPERM;
}

int outfile_begin(struct outfile *file, const char *path, const void *head,
		  size_t bytes, uint64_t more)
{
	*file = (struct outfile){ .path = resolve(path), .fd = -1 };
	if (!file->path)
		return -ENOMEM;
	if (!open_file(file) || !reserve(file, bytes, more) ||
	    !write_all(file->fd, head, bytes))
		return -errno;
	return 0;
}

int outfile_end(struct outfile *file, const void *data, size_t bytes)
{
	char self[40];
	int r;

	if (!write_all(file->fd, data, bytes))
		return -errno;
	if (!file->direct && !file->temporary) {
		file->temporary = name_beside(file->path);
		snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
		if (!file->temporary ||
		    linkat(AT_FDCWD, self, AT_FDCWD, file->temporary,
			   AT_SYMLINK_FOLLOW) < 0)
			return -errno;
	}
	/* Some file systems report a full disk only here. */
	r = close(file->fd);
	file->fd = -1;
	return r < 0 ? -errno : 0;
}

int outfile_place(struct outfile *file)
{
	if (file->direct)
		return 0;
	if (rename(file->temporary, file->path) < 0)
		return -errno;
	forget_temporary(file);
	return 0;
}

void outfile_discard(struct outfile *file)
{
	if (file->temporary)
		(void)unlink(file->temporary);
	/* A zeroed file was never made. */
	if (file->path && file->fd >= 0)
		close(file->fd);
	forget_temporary(file);
	free(file->path);
	*file = (struct outfile){ .fd = -1 };
}

int outfile_put(const char *path, const void *data, size_t bytes)
{
	struct outfile file;
	int r = outfile_begin(&file, path, data, bytes, 0);

	if (r == 0)
		r = outfile_end(&file, NULL, 0);
	if (r == 0)
		r = outfile_place(&file);
	outfile_discard(&file);
	return r;
}
