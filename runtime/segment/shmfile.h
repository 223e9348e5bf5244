/* SPDX-License-Identifier: MIT */
/*
 * shmfile.h - the files in /dev/shm behind segments.
 *
 * A file is made without a name, sized, reserved, filled, and published: locked
 * (shared) and named, in this order.  The lock belongs to the open file and lasts
 * as long as any descriptor or mapping of the file: the kernel answers whether
 * the file is in use.  The mode has our mark: the sticky bit means "dies with its
 * maker", the set-group-id bit "kept" (without the group's right to execute,
 * which no file of ours has, the bit means nothing else).
 */
#ifndef RUNRIG_SHMFILE_H
#define RUNRIG_SHMFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <runrig/api.h>

#define SHM_DIR "/dev/shm"

/* Bytes of a path to a file there, with its terminator. */
#define SHM_PATH_BYTES (sizeof(SHM_DIR) + RIG_NAME_MAX + 1)

/* The marks: dies with its maker; made to stay. */
#define SHM_DIES S_ISVTX
#define SHM_KEPT S_ISGID

/* A file, whatever its name. */
struct identity {
	uint64_t device;
	uint64_t inode;
};

static inline bool identity_same(struct identity a, struct identity b)
{
	return a.device == b.device && a.inode == b.inode;
}

static inline struct identity identity_of(const struct stat *status)
{
	return (struct identity){ (uint64_t)status->st_dev,
				  (uint64_t)status->st_ino };
}

/* 0, or -EINVAL with the words: is `name` a name as segment.h has names? */
int shmfile_check_name(const char *name);

/* Likewise for a name by another program: any file's but a semaphore's. */
int shmfile_check_found(const char *name);

/* A new file without a name, of no bytes, mode 0600, at a descriptor above 2
 * that does not survive exec.  Returns the descriptor or -errno. */
int shmfile_make(void);

/*
 * Give `fd` its size, without pages.  0, -EFBIG beyond RLIMIT_FSIZE, -ENOSPC
 * where the file system or the memory clearly cannot hold the bytes, or
 * ftruncate's error.  `name` is for the words, or NULL.
 */
int shmfile_resize(int fd, const char *name, size_t bytes);

/*
 * Make the file at least `bytes` bytes long, in one system call: the memory of the
 * new bytes is reserved before the size changes, and a death leaves the old size or
 * the new one.  Never makes a file shorter, whoever else makes it longer meanwhile.
 * 0, -EFBIG, -ENOSPC as shmfile_resize(), or fallocate's error.
 */
int shmfile_grow(int fd, const char *name, size_t bytes);

/* Reserve the bytes [begin, end) of `fd`: 0, -ENOSPC, or fallocate's error. */
int shmfile_reserve(int fd, const char *name, size_t begin, size_t end);

/* Likewise for a new file, whose `bytes` are all zero: where fallocate is refused,
 * zeros are written. */
int shmfile_reserve_new(int fd, const char *name, size_t bytes);

/*
 * Lock `fd` and give the file its name: `name` as chosen, or NULL for a fresh
 * name; `named` (RIG_NAME_MAX + 1 bytes) receives the name either way.  `dies`:
 * enter the name in the ledger first, and mark the file.  0, -EEXIST, or the error
 * of flock, fchmod or linkat; on failure the file has no name.
 */
int shmfile_publish(int fd, const char *name, bool dies, char *named);

/*
 * The same for a name that dies with the last process that has the file, and not with
 * the maker: the name is marked, and in no ledger.
 */
int shmfile_publish_common(int fd, const char *name);

/*
 * Open the file called `name` and lock the file (shared).  Returns the descriptor
 * and sets *status, or -EINVAL, -ENOENT, -EACCES as in rig_segment_attach(), or
 * the error of open, fstat or flock.  The name is never touched.
 */
int shmfile_open(const char *name, bool read_only, struct stat *status);

/* The status of a file that may be removed by `name`: of this user's, whatever
 * the mode is, for nobody reads the content.  0, -EINVAL, -ENOENT, -EACCES. */
int shmfile_own(const char *name, struct stat *status);

/* The file that `name` leads to now.  0 or -ENOENT or fstatat's error. */
int shmfile_status(const char *name, struct stat *status);

/* Remove `name` if the name still leads to `identity`.  0 (also where the name
 * leads elsewhere), or unlink's error.  Allocates nothing. */
int shmfile_unlink(const char *name, struct identity identity);

#endif
