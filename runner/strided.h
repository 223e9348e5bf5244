/* SPDX-License-Identifier: MIT */
/*
 * strided.h - elements of a segment that lie apart, in C order, and back; and
 * elements in the other byte order.
 *
 * A matrix in Fortran order, every second column of a matrix, an array that runs
 * backwards: the ranks copy the elements, each a part, into a segment where the
 * elements lie as kernels take them.
 */
#ifndef RUNNER_STRIDED_H
#define RUNNER_STRIDED_H

#include <runrig/pool.h>
#include <runrig/segment.h>

#include <runner/npy.h>

/* Where the elements lie. */
struct strided {
	uint64_t offset; /* bytes from the segment's begin to the first */
	uint32_t item_bytes;
	int32_t dims;
	int64_t shape[NPY_DIMS_MAX];
	int64_t strides[NPY_DIMS_MAX]; /* in bytes; of either sign */
};

/* The bytes between which all elements lie, counted from the segment's begin:
 * from *low to *high - 1. 0, or -ERANGE: a number is too large. */
int strided_extent(const struct strided *strided, uint64_t *low,
		   uint64_t *high);

/*
 * Copy from the segment `apart` to the begin of `segment`, where elements lie in
 * C order; or, with `out`, from there to `apart`.  0, or as rig_pool_run().
 */
int strided_copy(struct rig_pool *pool, const struct strided *strided,
		 struct rig_segment *apart, struct rig_segment *segment,
		 bool out);

/* Turn the bytes of `count` numbers of `bytes` bytes each.  0, or as
 * rig_pool_run(). */
int strided_turn(struct rig_pool *pool, struct rig_segment *segment,
		 uint64_t count, uint32_t bytes);

#endif
