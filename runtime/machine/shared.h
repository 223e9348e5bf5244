/* SPDX-License-Identifier: MIT */
/*
 * shared.h - memory that processes share without a name in the file system.
 */
#ifndef RUNRIG_SHARED_H
#define RUNRIG_SHARED_H

#include <stddef.h>

/*
 * Map `bytes` zeroed bytes that children share; pages come when touched.  Where
 * `fd` is not NULL, the memory is a file without a name, for processes that are
 * no children, and *fd is the file's descriptor, above 2 and closed by exec;
 * the caller closes *fd.  Returns 0 and *memory, which the caller unmaps; the
 * error of memfd_create, ftruncate or mmap; or -EFBIG: RLIMIT_FSIZE is less.
 * `what` is for the words, "pool: its trace".
 */
int shared_map(size_t bytes, const char *what, void **memory, int *fd);

/* Map the first `bytes` bytes of such a file: 0 and *memory, or what mmap said;
 * -EPROTO: the file is shorter. */
int shared_map_fd(int fd, size_t bytes, const char *what, void **memory);

/*
 * The same for memory of which most is never touched: from byte `sparse` on (a whole
 * huge page) nothing is in core dumps, nor locked by mlockall().  The address is fit
 * for huge pages.  Without overcommit, too, only pages count that are there.
 */
int shared_map_sparse(size_t bytes, size_t sparse, const char *what,
		      void **memory, int *fd);
int shared_map_sparse_fd(int fd, size_t bytes, size_t sparse, const char *what,
			 void **memory);

/* A descriptor above the standard streams', so that a host that closed those
 * does not print into a file of the library.  Takes `fd` (or -1, errno set),
 * returns `fd` or its copy, or -1. */
int shared_above_standard(int fd);

/* Close *fd, unless it is -1, and set it to -1. */
void shared_close(int *fd);

#endif
