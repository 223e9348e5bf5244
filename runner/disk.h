/* SPDX-License-Identifier: MIT */
/*
 * disk.h - memory for arrays in a file without a name, where /dev/shm is too small.
 *
 * The pages are the system's to write out and to drop: arrays may be larger than
 * memory.  The space is reserved, so that no store meets a full disk.
 */
#ifndef RUNNER_DISK_H
#define RUNNER_DISK_H

#include <stddef.h>

#include <runrig/segment.h>

/* The folder of `path`, or, of NULL, $TMPDIR or /tmp; to be freed.  NULL: there is
 * no memory. */
char *disk_folder(const char *path);

/* A file of `bytes` bytes in `folder` as a segment, which rig_segment_destroy()
 * removes.  0, or -ENOSPC or another error of the file system, with words in
 * rig_why(). */
int disk_create(struct rig_segment **segment, const char *folder, size_t bytes);

#endif
