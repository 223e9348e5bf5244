/* SPDX-License-Identifier: MIT */
/*
 * transfer.h - arrays between the caller's private memory and a segment.
 *
 * The ranks copy, each its strip of the elements, where the system lets one
 * process read and write another's memory (process_vm_readv).  Where the system
 * does not, as Yama refuses it towards a parent, the caller copies.
 */
#ifndef RUNNER_TRANSFER_H
#define RUNNER_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include <runrig/pool.h>
#include <runrig/segment.h>

#define TRANSFER_DIMS_MAX 64

/* An array in the caller's memory. */
struct transfer {
	uint64_t address; /* address of the first element */
	uint64_t count;   /* elements */
	uint32_t item_bytes;
	int32_t dims;
	int32_t pid;  /* the caller's */
	uint32_t out; /* 1: from the segment to the caller's memory */
	int64_t shape[TRANSFER_DIMS_MAX];
	int64_t strides[TRANSFER_DIMS_MAX]; /* in bytes; of either sign */
};

/*
 * Copy between the array and the beginning of `segment`, where the elements lie
 * in C order.  Returns as rig_pool_run(), with words in rig_why().
 */
int transfer_run(struct rig_pool *pool, const struct transfer *transfer,
		 struct rig_segment *segment);

#endif
