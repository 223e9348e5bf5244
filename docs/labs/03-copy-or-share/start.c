/* SPDX-License-Identifier: MIT */
/*
 * start.c - three mistakes to find.  It compiles, it runs, and it is wrong.
 *
 * The same data reach the workers in three ways: through a pipe, through a ring
 * in shared memory, and not at all, because they are there already.
 */
#include "lab.h"

#include <errno.h>
#include <stdlib.h>

/* TODO(1): how many bytes has lab_write() moved, and who moves the rest?  The
 * same question for lab_read(). */
int pipe_give(int fd, const char *from, size_t bytes)
{
	return lab_write(fd, from, bytes) < 0 ? -errno : 0;
}

int pipe_take(int fd, char *to, size_t bytes)
{
	return lab_read(fd, to, bytes) < 0 ? -errno : 0;
}

/* TODO(2): the worker reads what is published as soon as it is published.
 * What does it find? */
int ring_give(struct lab_ring *ring, const char *from, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		size_t n = bytes - at < LAB_RING_BYTES ? bytes - at
						       : LAB_RING_BYTES;

		lab_publish(ring, n);
		lab_copy(ring->bytes, from + at, n);
		at += n;
	}
	return 0;
}

int ring_take(struct lab_ring *ring, char *to, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		size_t n = lab_await(ring);

		lab_copy(to + at, ring->bytes, n);
		lab_taken(ring, n);
		at += n;
	}
	return 0;
}

/* TODO(3): the sum is right.  Which bytes did not have to move? */
int share(struct rig_segment *segment, struct rig_span strip, double *sum)
{
	const double *x = rig_segment_data(segment);
	size_t n = strip.end - strip.begin;
	double *mine = malloc(n * sizeof(*mine));

	if (!mine)
		return -ENOMEM;
	lab_copy(mine, x + strip.begin, n * sizeof(*mine));
	*sum = lab_sum(mine, n);
	/* Not freed: the worker ends, and the check looks at what it holds. */
	return 0;
}
