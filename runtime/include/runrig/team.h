/* SPDX-License-Identifier: MIT */
/*
 * team.h - a kernel's view: its rank, its segments, its strip, its barrier.
 *
 * A kernel is a function that every rank of a team runs at the same time.  All
 * functions here are for workers only, within a kernel.  A function marked
 * *collective* is called by every rank of the team, in the same order.
 *
 * The functions of this header, and of every other that is given a team, are
 * called in the thread that the kernel was called in: not in another thread of
 * the rank, nor in a signal handler.  Any thread may ask for rank, size, data,
 * bytes, strip, arguments and places in a grid, bind itself, tell its progress, fail
 * the run, and use the heap.  Any other call in another thread of a worker returns
 * -EINVAL, and changes nothing.  A kernel that left a function by longjmp() calls no
 * other.
 */
#ifndef RUNRIG_TEAM_H
#define RUNRIG_TEAM_H

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_barrier;
struct rig_team; /* in this process; one per rank */

/* Returns 0, or a negative code that fails the run for all ranks. */
typedef int rig_kernel_fn(struct rig_team *team);

/* This rank, 0 to size - 1, and how many there are.  Never wait. */
RIG_API int rig_team_rank(const struct rig_team *team);
RIG_API int rig_team_size(const struct rig_team *team);

/*
 * Segment `index` of the job, as handed over: its first byte (or that of the
 * window the job names), and how many.  NULL and 0 where there is none.
 */
RIG_API void *rig_team_data(const struct rig_team *team, int index);
RIG_API size_t rig_team_bytes(const struct rig_team *team, int index);

/* How many segments the job has. */
RIG_API int rig_team_segments(const struct rig_team *team);

/*
 * This rank's part of 0..count-1: contiguous, in rank order, together the whole,
 * sizes differing by at most 1 (the first count % size ranks have an element
 * more).  Empty where there are fewer elements than ranks.
 */
RIG_API struct rig_span rig_team_strip(const struct rig_team *team,
				       size_t count);

/* The same for any rank and size: plain arithmetic, callable anywhere.  A rank
 * that is none of 0 to size - 1 has an empty strip. */
RIG_API struct rig_span rig_strip(size_t count, int rank, int size);

/*
 * Threads within a rank, such as an OpenMP team where a worker has a whole cache,
 * NUMA node or package (place "l3", "numa", ...).
 *
 * The number of threads that this rank may run without sharing a CPU: the cores of
 * the rank's place, within the quota of the cgroup; at least 1.  Never waits.
 */
RIG_API int rig_team_threads(const struct rig_team *team);

/*
 * Bind the calling thread to the CPU of thread `index`, 0 to rig_team_threads()
 * less 1, each thread a core of its own; or, with -1, to all CPUs of this rank's
 * place, as at the start.  Does nothing where workers are not pinned.  Returns 0,
 * -EINVAL for another index, or the error of sched_setaffinity.
 */
RIG_API int rig_team_bind(const struct rig_team *team, int index);

/* The job's arguments, this process's own copy; NULL where there are none. */
RIG_API const void *rig_team_args(const struct rig_team *team);
RIG_API size_t rig_team_args_bytes(const struct rig_team *team);

/* This rank's result slot: RIG_RESULT_MAX bytes, zeroed before the run,
 * aligned to 16.  The caller gets rank 0's, and any with rig_pool_result(). */
RIG_API void *rig_team_result(struct rig_team *team);

/*
 * Collective.  Wait until every rank has arrived; all ranks see afterwards all
 * writes made before.  The barrier lies in the first segment of the job that was
 * made for this pool, else in the team's own segment; more than 16 ranks with a
 * CPU each meet by lines of their own, and not there.  Returns 0, or -EINVAL: the
 * ranks have not called the same before (collective.h).
 *
 * A kernel that writes with non-temporal stores fences the stores (sfence) first.
 */
RIG_API int rig_team_barrier(struct rig_team *team);

/* The barrier that rig_team_barrier() meets at, for inspection.  A call of
 * rig_barrier_wait() there is in no report. */
RIG_API struct rig_barrier *rig_team_barrier_of(const struct rig_team *team);

/*
 * Say how far this rank is: `share` of the rank's part of the run is done, 0 to 1,
 * where a rank's part is 1/size of the run; where work is dealt out as ranks come
 * (share.h), a rank that has done more says more than 1.  rig_pool_progress() tells
 * the caller.  0 when a run begins.  Never waits: a store into a line of the rank's
 * own, cheap enough for each row.
 */
RIG_API void rig_team_progress(struct rig_team *team, double share);

/*
 * Fail the run: `code` (negative) and the words become the run's result.  Returns
 * `code`, for the kernel to return:
 *
 *	return rig_team_fail(team, -EBADMSG, "element %zu is wrong", i);
 *
 * The other ranks are ended, wherever they are; no report calls them dead.  A
 * kernel that goes on instead finds the words in rig_why(), as those of every
 * function of a team that has failed.
 */
RIG_API int rig_team_fail(struct rig_team *team, int code, const char *format,
			  ...) __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
