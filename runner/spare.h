/* SPDX-License-Identifier: MIT */
/*
 * spare.h - segments of a call that the next call of the same kernel uses.
 *
 * Making a segment, having the workers populate the pages and unmapping them
 * costs some tenths of a millisecond; a sum of a thousand elements costs
 * microseconds.  A pool keeps up to SPARES_MAX segments of SPARE_BYTES
 * together.  The segments end with the pool.
 */
#ifndef RUNNER_SPARE_H
#define RUNNER_SPARE_H

#include <runrig/kernel.h>
#include <runrig/pool.h>
#include <runrig/segment.h>

#define SPARES_MAX  24
#define SPARE_BYTES ((size_t)64 << 20)

/* Segments with equal keys are alike, but for their bytes. */
struct spare_key {
	const struct rig_kernel *kernel;
	int index;    /* index of the array */
	size_t bytes; /* bytes of the array */
	enum rig_pages pages;
};

/* Take a segment with the key: the segment is the caller's from now on; NULL:
 * none is kept.  Any thread. */
struct rig_segment *spare_take(struct rig_pool *pool, struct spare_key key);

/* Keep a segment for the next call, or destroy the segment, also where the pool is
 * gone.  Any thread. */
void spare_give(struct rig_pool *pool, struct spare_key key,
		struct rig_segment *segment);

#endif
