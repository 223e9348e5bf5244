/* SPDX-License-Identifier: MIT */
/*
 * outfile.h - files that are complete or not there.
 *
 * Example: while a program writes a result over an old file, a reader sees the
 * old file, and then the new file, never a half.  A new file gets its name when
 * the file is complete, and the program may read the old file meanwhile.  Until
 * then the new file has no name at all where the file system can do so: a
 * program that is killed leaves nothing behind.  A device or a pipe is written
 * directly.
 *
 * Functions that can fail return the system's error, as a negative errno.
 */
#ifndef COMMON_OUTFILE_H
#define COMMON_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file in the making.  A zeroed struct was never begun. */
struct outfile {
	char *path;      /* the file to replace in the end, links resolved */
	char *temporary; /* NULL: the new file has no name */
	int fd;          /* -1: none */
	bool direct;     /* a device or a pipe */
	bool reserved;   /* the file system has set all the space aside */
};

/*
 * Begin the file that will replace `path`: write the first `bytes` bytes, and
 * reserve room for `more` bytes.  `path` itself is untouched until
 * outfile_place().  The caller ends with outfile_discard(), also after an
 * error.  Waits for the reader of a pipe.
 */
int outfile_begin(struct outfile *file, const char *path, const void *head,
		  size_t bytes, uint64_t more);

/* Write the rest: the file is complete, and has a name beside `path`. */
int outfile_end(struct outfile *file, const void *data, size_t bytes);

/* Put the file in its place. */
int outfile_place(struct outfile *file);

/* Close the file, and remove a file that was not placed.  A second call does
 * nothing. */
void outfile_discard(struct outfile *file);

/* begin, end, place and discard: a file of `bytes` bytes. */
int outfile_put(const char *path, const void *data, size_t bytes);

/* Whether `a` and `b` are names of the same file, existing or not. */
bool outfile_same(const char *a, const char *b);

#endif
