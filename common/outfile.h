/* SPDX-License-Identifier: MIT */
/*
 * outfile.h - files that are whole or not there.
 *
 * A file gets its name when it is complete: whoever looks sees the old one or the
 * new one, and what is written may be what was read.  Until then it has no name
 * at all where the file system can do that, so that nothing is left of a program
 * that is killed.  A device or a pipe is written as it is.
 *
 * Functions that can fail return what the system said, as a negative errno.
 */
#ifndef COMMON_OUTFILE_H
#define COMMON_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file in the making.  Zeroed, it was never begun. */
struct outfile {
	char *path;      /* what it replaces in the end, links resolved */
	char *temporary; /* NULL: it has no name */
	int fd;          /* -1: none */
	bool direct;     /* a device or a pipe */
};

/*
 * Make the file that will replace `path`: its first `bytes` bytes, and room for
 * `more` that follow.  `path` itself is untouched until outfile_place().
 * Whatever comes, outfile_discard() is the end of it.  Waits for a pipe's reader.
 */
int outfile_begin(struct outfile *file, const char *path, const void *head,
		  size_t bytes, uint64_t more);

/* Write the rest: the file is complete, and has a name beside its own. */
int outfile_end(struct outfile *file, const void *data, size_t bytes);

/* Put it in its place. */
int outfile_place(struct outfile *file);

/* Close it, and remove it if it was not placed.  Twice is once. */
void outfile_discard(struct outfile *file);

/* All of these: a file of `bytes` bytes. */
int outfile_put(const char *path, const void *data, size_t bytes);

/* Are these two names of one file, whether it is there yet or not? */
bool outfile_same(const char *a, const char *b);

#endif
