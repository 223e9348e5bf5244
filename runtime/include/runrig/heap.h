/* SPDX-License-Identifier: MIT */
/*
 * heap.h - a rank's own heap, in memory that all ranks of its team have mapped.
 *
 * The calls are malloc's.  Long data that lies in the heap is read in place by the
 * other ranks, as data in a segment of the job is: every collective verb, message
 * and rig_team_lend() takes the heap's memory for what it is.  Nothing else differs
 * from private memory: no other rank is asked, and an address means nothing to
 * another rank.
 *
 * All that the heap has given goes with the run.  A heap may grow to the size of the
 * machine's memory; pages come as the heap grows, zero, on the NUMA node of the rank
 * that asks, huge where the system has huge pages.  A child that a kernel forks does
 * not have the memory.  Core dumps leave the heap out.
 *
 * For workers, within a kernel; any thread of the rank.  Each call that gives NULL
 * sets errno, and rig_why() has the words.
 */
#ifndef RUNRIG_HEAP_H
#define RUNRIG_HEAP_H

#include <stddef.h>

#include <runrig/api.h>
#include <runrig/team.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_heap; /* in this process: of one rank */

/* This rank's heap, the same for every team that the rank is in; valid for the run.
 * Never NULL, never waits. */
RIG_API struct rig_heap *rig_team_heap(struct rig_team *team);

/*
 * `bytes` bytes (0 is allowed), aligned to RIG_LINE, whose values are open; or, by
 * calloc, `count` times `bytes` zero bytes.  The rank gives them back by
 * rig_heap_free(), or the end of the run does.  No other rank waits for the call.
 *
 * NULL with ENOMEM: the heap or the machine has no room, or the product wraps.
 * NULL with EINVAL: `heap` is NULL.
 */
RIG_API void *rig_heap_malloc(struct rig_heap *heap, size_t bytes);
RIG_API void *rig_heap_calloc(struct rig_heap *heap, size_t count,
			      size_t bytes);

/* The same, aligned to `alignment`, a power of two.  EINVAL also: it is none. */
RIG_API void *rig_heap_aligned(struct rig_heap *heap, size_t alignment,
			       size_t bytes);

/*
 * Make `memory` of this heap `bytes` long, elsewhere where it must be: the returned
 * pointer takes the place of `memory`, and the bytes up to the shorter length are as
 * they were.  `memory` NULL: as malloc.  Where NULL is returned, `memory` is as it
 * was.  EINVAL also: `memory` is not from this heap, or is free already.
 */
RIG_API void *rig_heap_realloc(struct rig_heap *heap, void *memory,
			       size_t bytes);

/* Give `memory` back; NULL is allowed.  Returns 0, or -EINVAL: not from this heap,
 * or free already.  While another rank reads the memory in place, in a verb that has
 * not returned here or in a loan, it is not to be freed. */
RIG_API int rig_heap_free(struct rig_heap *heap, void *memory);

#ifdef __cplusplus
}
#endif

#endif
