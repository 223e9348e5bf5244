/* SPDX-License-Identifier: MIT */
/*
 * symmetric.h - one-sided: memory of every rank of a team that the other ranks
 * read, write and count in without asking.
 *
 * Memory from rig_team_alloc() lies at the same place of each rank's part of the
 * team's heap, so a rank names another rank's memory by a pointer into its own:
 * rig_team_peer() turns the pointer into a pointer to the other rank's memory, for
 * plain loads and stores.  A rank may rely on another rank's writes after a
 * barrier, a message, rig_team_notify() and rig_team_wait_until(), or under a lock.
 *
 * All functions are for workers, within a kernel.  `memory` and `word` are this
 * rank's own addresses, within memory from rig_team_alloc(); `rank` says whose part
 * is meant.  Each returns 0, or -EINVAL where an argument is out of range, or the
 * errors in its own comment.
 */
#ifndef RUNRIG_SYMMETRIC_H
#define RUNRIG_SYMMETRIC_H

#include <stdint.h>

#include <runrig/api.h>
#include <runrig/collective.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the heap that a rank has.  For more there are segments, and
 * rig_team_segment(). */
#define RIG_HEAP_MAX ((size_t)16 << 20)

/* Blocks of the heap at a time. */
#define RIG_BLOCKS_MAX 256

/*
 * Collective.  Allocate `bytes` bytes (1 and up) on every rank, zeroed, aligned to
 * RIG_LINE, and set *memory to this rank's own.  The memory goes with the run, or
 * by rig_team_dealloc().
 *
 * Also -ENOSPC: the heap of a rank has too little room, or too many blocks; and
 * -ENOMEM: the system has no memory.
 */
RIG_API int rig_team_alloc(struct rig_team *team, size_t bytes, void **memory);

/* Collective.  Give it back; NULL is allowed, everywhere at once. */
RIG_API int rig_team_dealloc(struct rig_team *team, void *memory);

/*
 * Collective.  Make memory of `bytes` bytes (1 and up, the same on all ranks) that
 * all ranks of the team map, and set *memory to where this rank has it: one memory,
 * at an address of its own in each process.  Zeroed; a page lies on the node of the
 * rank that first touches it.  The memory has no name, and is no segment of a job:
 * rig_team_data() does not know it.  It goes with the run, or when all have called
 * rig_team_segment_free().  Waits for all ranks.
 *
 * Returns 0 on all ranks, or on all ranks an error:
 *
 *	-ENOMEM      more bytes than the machine, or the control group, has left
 *	-EOPNOTSUPP  the team has ranks of several hosts
 *	or what memfd_create, open (/proc of a rank) or mmap said
 *
 * A page that the machine has no memory for when it is touched is the kernel's
 * affair, as everywhere.  A child that the process forks has no mapping of it.
 */
RIG_API int rig_team_segment(struct rig_team *team, size_t bytes,
			     void **memory);

/* Collective.  Unmap it, when all have come; NULL is allowed, everywhere at once.
 * Other ranks' mappings stay until their own calls. */
RIG_API int rig_team_segment_free(struct rig_team *team, void *memory);

/* The same place in the part of `rank`; NULL: no such rank, or not allocated.
 * Never waits; the calls below wait only where their comments say so. */
RIG_API void *rig_team_peer(struct rig_team *team, const void *memory,
			    int rank);

/* Copy `bytes` bytes to, or from, the part of `rank`; done on return. */
RIG_API int rig_team_put(struct rig_team *team, void *memory, const void *data,
			 size_t bytes, int rank);
RIG_API int rig_team_get(struct rig_team *team, void *data, const void *memory,
			 size_t bytes, int rank);

/* A step that no other of these calls comes between: add, or replace by `value`
 * where the word was `expected`.  *before is the old word; NULL will do. */
RIG_API int rig_team_fetch_add(struct rig_team *team, uint64_t *word,
			       uint64_t value, int rank, uint64_t *before);
RIG_API int rig_team_compare_swap(struct rig_team *team, uint64_t *word,
				  uint64_t expected, uint64_t value, int rank,
				  uint64_t *before);

/* memory[i] = memory[i] op data[i], for `count` elements of `type`, as a single
 * step beside other accumulates to the part of the rank.  May wait for these. */
RIG_API int rig_team_accumulate(struct rig_team *team, void *memory,
				const void *data, size_t count, int type,
				int op, int rank);

/* Add 1 to a counter of `rank`, which may wait for the counter.  A rank that has
 * waited sees this rank's earlier writes. */
RIG_API int rig_team_notify(struct rig_team *team, uint64_t *word, int rank);

/* Wait until this rank's own counter, which only rig_team_notify() changes, is
 * `value` or more. */
RIG_API int rig_team_wait_until(struct rig_team *team, uint64_t *word,
				uint64_t value);

/*
 * A lock: two words that are 0 at first, in the part of `rank`, given in the order
 * of asking.  Waits for the ranks before.  A rank that dies ends the run, the lock
 * with the run; a rank that keeps a lock while others wait for the lock, and
 * returns or waits itself, is a deadlock.  unlock is -EINVAL where nobody has the
 * lock.
 */
RIG_API int rig_team_lock(struct rig_team *team, uint64_t lock[2], int rank);
RIG_API int rig_team_unlock(struct rig_team *team, uint64_t lock[2], int rank);

#ifdef __cplusplus
}
#endif

#endif
