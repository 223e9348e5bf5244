/* SPDX-License-Identifier: MIT */
/*
 * weighted.h - how many items each bin has, or the sum of the weights of these
 * items.
 *
 * Counts are whole numbers, which each rank adds up in private memory and then
 * adds to all ranks' counts.  Sums of weights are to have the same bits for any
 * number of workers: the array is cut into WEIGHT_PARTS parts, each of which
 * has separate sums, and the parts' sums are added up in order.
 */
#ifndef KERNELS_WEIGHTED_H
#define KERNELS_WEIGHTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <runrig/kernel.h>

#define WEIGHT_PARTS 16

/* No bin. */
#define WEIGHT_NONE SIZE_MAX

/* In this process. */
struct weighted {
	struct rig_team *team;
	const void *given; /* the kernel's, for `find` */
	size_t length, bins;
	const void *weights;  /* NULL: items are counted */
	enum rig_dtype dtype; /* dtype of the weights */
	/* The bins of items begin to end - 1, which are SHARE_CHUNK at most. */
	void (*find)(const struct weighted *w, size_t begin, size_t end,
		     size_t *bins);
};

/* Elements of the scratch array `parts`, of doubles. */
uint64_t weighted_parts(size_t bins, bool weighted);

/* Set all of `to`, which is shared: uint64_t, or double where there are
 * weights.  Called by every rank; waits.  A rank allocates weighted_memory()
 * bytes. */
int weighted_count(const struct weighted *w, void *to, double *parts);

/* The same work again by other ranks: whether `found` is right, in its first
 * `count` bins. -EBADMSG with words.  A rank allocates weighted_memory()
 * bytes. */
int weighted_check(const struct weighted *w, const void *found, size_t count,
		   const char *kernel);

size_t weighted_memory(size_t bins);

#endif
