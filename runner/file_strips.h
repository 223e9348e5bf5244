/* SPDX-License-Identifier: MIT */
/*
 * file_strips.h - arrays between a file and a segment, by read and write.
 *
 * Each rank moves a strip.  A read or a write that cannot be done is a code, where a
 * touch of a mapped file would be a signal.  Where ranks may not open the caller's
 * files (the caller is not dumpable, say), the caller moves all.
 */
#ifndef RUNNER_FILE_STRIPS_H
#define RUNNER_FILE_STRIPS_H

#include <stdbool.h>
#include <sys/types.h>

#include <runrig/pool.h>
#include <runrig/segment.h>

/* Where an array lies in either. */
struct file_part {
	int fd;   /* memory of the caller */
	off_t at; /* the first byte in the file */
	const struct rig_segment *segment;
	size_t offset; /* the first byte in the segment */
	size_t bytes;
};

/* Returns 0; -ENODATA: the file ends too early; the error of read or write; or
 * an error of rig_pool_run(), and then *job is set. */
int file_strips_read(struct rig_pool *pool, const struct file_part *what,
		     bool *job);
int file_strips_write(struct rig_pool *pool, const struct file_part *what,
		      bool *job);

#endif
