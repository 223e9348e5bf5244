/* SPDX-License-Identifier: MIT */
/*
 * spare.h - segments that one call made and the next call of the same kernel uses.
 *
 * Making a segment, having the workers populate the pages and unmapping them costs
 * some tenths of a millisecond; a sum of a thousand elements costs microseconds.  A
 * pool keeps up to SPARES_MAX segments of SPARE_BYTES together.  The segments end with
 * the pool.
 */
#ifndef RUNNER_SPARE_H
#define RUNNER_SPARE_H

#include <runrig/kernel.h>
#include <runrig/pool.h>
#include <runrig/segment.h>

#define SPARES_MAX  24
#define SPARE_BYTES ((size_t)64 << 20)

/* Segments of one key are alike, but for the bytes that lie there. */
struct spare_key {
	const struct rig_kernel *kernel;
	int index;    /* of the array */
	size_t bytes; /* of the array */
	enum rig_pages pages;
};

/* A segment of that key, the caller's from now on; NULL: none is kept.  Any
 * thread. */
struct rig_segment *spare_take(struct rig_pool *pool, struct spare_key key);

/* Keep a segment for the next call, or destroy the segment, also where the pool is
 * gone.  Any thread. */
void spare_give(struct rig_pool *pool, struct spare_key key,
		struct rig_segment *segment);

#endif
