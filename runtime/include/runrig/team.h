/* SPDX-License-Identifier: MIT */
/*
 * team.h - what a kernel sees: its rank, its segments, its strip, its barrier.
 *
 * A kernel is a function that every rank of a team runs at the same time.  All
 * functions here are for workers only, within a kernel.  Those marked
 * *collective* are called by every rank of the team, in the same order.
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
 * This rank's part of 0..count-1: contiguous, in rank order, together all of
 * it, sizes differing by at most one (the first count % size ranks have one
 * more).  Empty where there are fewer elements than ranks.
 */
RIG_API struct rig_span rig_team_strip(const struct rig_team *team,
				       size_t count);

/* The same for any rank and size: plain arithmetic, callable anywhere. */
RIG_API struct rig_span rig_strip(size_t count, int rank, int size);

/*
 * Threads within a rank, such as an OpenMP team where a worker has a whole
 * cache, NUMA node or package (place "l3", "numa", ...).
 *
 * How many this rank may run that share a CPU with nobody: the cores it is
 * placed on, within the quota of the cgroup; at least 1.  Never waits.
 */
RIG_API int rig_team_threads(const struct rig_team *team);

/*
 * Bind the calling thread to the CPU of thread `index`, 0 to the above less 1,
 * each a core of its own; or, with -1, to all that this rank is placed on, as
 * it was born.  Does nothing where workers are not pinned.  Returns 0, -EINVAL
 * for another index, or what sched_setaffinity said.
 */
RIG_API int rig_team_bind(const struct rig_team *team, int index);

/* The job's arguments, this process's own copy; NULL where there are none. */
RIG_API const void *rig_team_args(const struct rig_team *team);
RIG_API size_t rig_team_args_bytes(const struct rig_team *team);

/* This rank's result slot: RIG_RESULT_MAX bytes, zeroed before the run,
 * aligned to 16.  The caller gets rank 0's, and any with rig_pool_result(). */
RIG_API void *rig_team_result(struct rig_team *team);

/*
 * Collective.  Wait until every rank has arrived; writes made before it are
 * seen by all after it.  The barrier lies in the first segment of the job that
 * was made for this pool, else in the team's own segment; more than 16 ranks
 * with a CPU each meet by lines of their own, and not there.  Returns 0, or
 * -EINVAL: the ranks have not called the same before (collective.h).
 *
 * A kernel that writes with non-temporal stores fences them (sfence) first.
 */
RIG_API int rig_team_barrier(struct rig_team *team);

/* The barrier rig_team_barrier() meets at: to be looked at.  Who waits there by
 * rig_barrier_wait() does not say what it has called. */
RIG_API struct rig_barrier *rig_team_barrier_of(const struct rig_team *team);

/*
 * Say how far this rank is: it has done `share` of its part of the run, 0 to 1,
 * where a rank's part is one size-th of it; where work is dealt out as ranks
 * come for it (share.h) one that has done more than that says more than 1.  It
 * is what rig_pool_progress() tells the caller.  0 when a run begins.  Never
 * waits: a store into a line of this rank's own, cheap enough for each row.
 */
RIG_API void rig_team_progress(struct rig_team *team, double share);

/*
 * Fail the run: `code` (negative) and the words become the run's result.  The
 * kernel returns what this returns, which is `code`:
 *
 *	return rig_team_fail(team, -EBADMSG, "element %zu is wrong", i);
 *
 * The other ranks are ended, wherever they are; this is no death.
 */
RIG_API int rig_team_fail(struct rig_team *team, int code, const char *format,
			  ...) __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
