/* SPDX-License-Identifier: MIT */
/*
 * pool.h - workers: forked once, pinned, and given jobs for as long as the pool
 * lives.
 *
 *	rig_pool_create()   forks a warden, which forks and watches the workers
 *	rig_pool_run()      every worker runs a kernel over named segments
 *	rig_pool_map()      the workers share out items: map.h
 *	rig_pool_submit()   as run, in two halves: a poll loop can wait for the end
 *	rig_pool_cancel()   ends the run in progress
 *	rig_pool_report()   how the last run ended: report.h
 *	rig_pool_destroy()  ends the workers
 *
 * The workers are a snapshot of the caller at create: they have its globals
 * and heap as they were then, and its code; a kernel from code loaded later is
 * refused (name it "path.so:symbol" instead, and the workers load it).  Make
 * pools early: a fork costs in proportion to the memory the caller has touched.
 * No other thread should be inside OpenBLAS then: it stops its threads at any
 * fork, and that call may never return.
 *
 * With options.start RIG_EXEC the workers are processes of a program of the
 * library's own instead, started afresh: whatever the caller has touched, a pool
 * costs the same, and nothing of the caller's is copied when the caller writes.
 * They have the caller's environment, folder and limits, and of its code what
 * jobs name: a function of a library (by its address, as "path.so:symbol", or as
 * a kernel that the library has registered) is found in that library, which the
 * workers load; one of the program itself is refused.
 *
 * A worker that dies ends the run: the caller gets -EOWNERDEAD, rig_why() says
 * who and where, rig_pool_report() says all, the segments keep their bytes,
 * and the pool has a fresh team for the next run.
 *
 * The caller is not a rank.  The library installs no signal handler in it,
 * never waits for children that are not its own, and never prints.  A pool is
 * of the process that made it: a fork of that process gets -EINVAL, and so does
 * a kernel.  A handle serves from create to destroy; to use it after, or to
 * destroy it twice or while it is used, is undefined, as with free().
 *
 * In a kernel, what the caller has is not there: its segments are not mapped,
 * its pools are not its own.  A child that a kernel forks is no rank: it ends by
 * SIGSEGV where it uses the team or returns from the kernel.
 */
#ifndef RUNRIG_POOL_H
#define RUNRIG_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <runrig/api.h>
#include <runrig/barrier.h>
#include <runrig/map.h>
#include <runrig/place.h>
#include <runrig/report.h>
#include <runrig/segment.h>
#include <runrig/team.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_pool; /* in this process */

/* How the processes of a pool are started. */
enum rig_start {
	RIG_FORK, /* as forks of the caller, with the caller's memory */
	RIG_EXEC  /* afresh, without the caller's memory */
};

struct rig_pool_options {
	int workers;       /* 0: one a usable core; at most RIG_WORKERS_MAX */
	const char *place; /* see place.h; NULL: RUNRIG_PLACE, or "core" */
	enum rig_barrier_kind barrier;
	size_t trace; /* spans of each worker to keep, see trace.h; 0: none */
	enum rig_start start;
	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

struct rig_job {
	rig_kernel_fn *kernel; /* or */
	const char *name;      /* a registered kernel, or "path.so:symbol" */
	struct rig_handed segments[RIG_SEGMENTS_MAX]; /* until a NULL name */
	const void *args;    /* copied; rig_team_args() */
	size_t args_bytes;   /* at most RIG_ARGS_MAX */
	void *result;        /* rank 0's rig_team_result(), copied back */
	size_t result_bytes; /* at most RIG_RESULT_MAX */
	uint64_t limit_ns;   /* how long the run may take; 0: no limit */

	/* The bytes of segment `index` (of the window) that each rank owns,
	 * with the arguments `args` above.  NULL: as the registered kernel
	 * `name` tells, else an equal block a rank.  At the first run with a
	 * segment its pages are brought to the NUMA nodes of their owners,
	 * whichever process made the segment, unless the segment was made with
	 * a .memory. */
	int (*owns)(const void *args, int index, size_t bytes, int rank,
		    int size, struct rig_span *spans);

	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

/*
 * Create a pool.  Returns 0 and sets *pool once every worker is pinned and
 * ready; its owner destroys it.  On failure *pool is untouched, no process is
 * left, and the result is
 *
 *	-EINVAL  options out of range (see rig_place_plan())
 *	-ENOENT  RIG_EXEC: the workers' program is not installed
 *	-EPROTO  RIG_EXEC: that program is of another build
 *	-EPERM   this program is set-uid, or has rights by its file
 *	-EAGAIN, -ENOMEM  fork was refused; the words name the likely limit
 *	or what socketpair, mmap, fork or pidfd_open said
 *
 * Any thread; waits until the workers are ready.
 */
RIG_API int rig_pool_create(struct rig_pool **pool,
			    const struct rig_pool_options *options);

/*
 * Run a job on every worker and wait for all of them.  Returns 0, or
 *
 *	-EINVAL      the job is malformed, a segment is smaller than its window,
 *	             the kernel was loaded after the pool was made
 *	-ENOENT, -EACCES, ...  a segment, as from rig_segment_attach()
 *	-EOWNERDEAD  a worker died
 *	-EDEADLK     every rank waited for another, or for one that had returned
 *	-ETIMEDOUT   the job's limit passed
 *	-EINTR       rig_pool_cancel() was called
 *	-ECANCELED   the pool is no more
 *	-EBUSY       this very thread has a submitted run to wait for
 *	or the negative code a kernel returned (the first rank's to fail)
 *
 * Any thread; a single run at a time: a second caller waits its turn.  When
 * rig_pool_run() returns, no worker is in the kernel any more.
 */
RIG_API int rig_pool_run(struct rig_pool *pool, const struct rig_job *job);

/*
 * Run `count` jobs, one after the other, posted at once: each begins where the last
 * rank has ended the job before, without the caller, some tenths of a microsecond
 * later.  Each is a run of its own: its collectives, its rig_team_alloc() and heap,
 * its result and its limit, which counts from when the job begins.  The first job
 * that fails, or a cancel, ends the chain: later jobs do not begin, and the code is
 * that job's; rig_why() and the report name it as jobs[i].  Results of jobs before
 * are there.
 *
 * Neighbours that are handed the same segments (the same names, windows and
 * .read_only, in the same order) and whose arguments and results fit a megabyte go on
 * without the caller, up to 1024 of them; elsewhere the caller posts anew.
 *
 * Returns 0, also where `count` is 0, or as rig_pool_run(); -EINVAL also: `jobs` is
 * NULL, or a job is malformed: then no job has run.  Any thread; waits its turn, once
 * for all jobs, and until the last job is over.
 */
RIG_API int rig_pool_run_all(struct rig_pool *pool, const struct rig_job *jobs,
			     int count);

/* How many jobs of the last rig_pool_run_all() ended well: the index of the job that
 * failed, where one did.  -EINVAL: the pool is NULL.  The thread that called, before
 * another run.  Never waits. */
RIG_API int rig_pool_ran(const struct rig_pool *pool);

/*
 * The two halves of run.  submit waits its turn, posts the job and returns;
 * wait waits for the run's end until `deadline_ns`, and returns as run does, or
 * -ETIMEDOUT with the run still going (wait again), or -EINVAL where no run was
 * submitted.  The job's result must live until wait; the rest is copied.  The
 * job's limit counts from submit and is enforced by wait, whatever the
 * deadline.
 */
RIG_API int rig_pool_submit(struct rig_pool *pool, const struct rig_job *job);
RIG_API int rig_pool_wait(struct rig_pool *pool, uint64_t deadline_ns);

/*
 * End the run or map in progress, from submit to the end of wait: whoever waits
 * for the run wakes at once and gets -EINTR, once the workers are ended (some
 * milliseconds); where nobody waits, the next wait gets -EINTR, and the descriptor
 * of rig_pool_fd() is readable.  The pool has a fresh team for the next run.  A run
 * that has ended already keeps its code, and the next run is not touched.
 *
 * Returns 0, also where the run is cancelled already, or -EINVAL (without words):
 * no run is in progress, or the pool is NULL or another process's.
 *
 * Any thread and any signal handler, while nobody destroys the pool; never waits,
 * and leaves errno as it was.
 */
RIG_API int rig_pool_cancel(struct rig_pool *pool);

/*
 * A descriptor for poll loops, select, epoll and asyncio.  Example:
 *
 *	struct pollfd polled = { rig_pool_fd(pool), POLLIN, 0 };
 *
 *	rig_pool_submit(pool, &job);
 *	do
 *		poll(&polled, 1, -1);
 *	while ((r = rig_pool_wait(pool, 0)) == -ETIMEDOUT);
 *
 * The descriptor is readable from the moment at which a submitted run has something
 * for rig_pool_wait(): the run has ended, a rank has failed or died, all ranks
 * wait for each other, the limit has passed, the run is cancelled, the warden is
 * dead.  After a wait that returns the run's code, the descriptor is not readable
 * (but that of a pool whose warden is dead stays readable).  Now and then the
 * descriptor is readable a moment before the end, or once after it: the wait
 * returns -ETIMEDOUT then, or -EINVAL where no run is in progress, and the
 * descriptor is quiet again.
 *
 * The pool owns the descriptor: nobody reads it or closes it, and it is valid until
 * destroy.  Returns the same number each time, or -EINVAL: the pool is NULL or
 * another process's; or what epoll_create1, timerfd_create or epoll_ctl said.
 *
 * The thread that submits runs, or any thread while no run is in progress; the
 * first call of a pool in one thread.  Never waits.
 */
RIG_API int rig_pool_fd(struct rig_pool *pool);

/*
 * How far the run in progress is, 0 to 1: the mean of what its ranks have said
 * by rig_team_progress().  0 where the kernel does not say, or nothing runs.
 * Any thread, while another is in rig_pool_run(); never waits.
 */
RIG_API double rig_pool_progress(const struct rig_pool *pool);

/*
 * Copy the segment's present bytes to each NUMA node of this pool's workers.
 * From then on a rank of a job with the segment .read_only reads the copy on
 * the rank's own node.  The copies end when the segment is destroyed, or is
 * given to a job of this pool that may write to the segment.  Other processes'
 * later writes are not in the copies: call rig_pool_replicate() again.
 *
 * Returns the number of copies (1: the workers are on a single node, or not
 * pinned, and nothing changes), or an error of rig_pool_run(), or -ENOSPC:
 * there is no room for the copies, or 16 segments have copies already.  Any
 * thread; waits its turn as run does.
 */
RIG_API int rig_pool_replicate(struct rig_pool *pool, const char *name);

RIG_API int rig_pool_size(const struct rig_pool *pool);

/* How the pool's processes were started; -EINVAL where `pool` is NULL.  Any thread;
 * does not wait. */
RIG_API int rig_pool_start(const struct rig_pool *pool);

/* Where one worker is, read back from the kernel. */
struct rig_worker {
	pid_t pid;
	int package, node, core; /* logical numbers, as planned: of the first
				  * core; -1: not pinned, or of several */
	int pu;  /* the first CPU it may run on, as the system numbers */
	int pus; /* how many CPUs it may run on */
	bool as_planned; /* the kernel's set is the plan's */
};

/* Returns 0, -EINVAL for a rank out of range, or what sched_getaffinity said. */
RIG_API int rig_pool_worker(const struct rig_pool *pool, int rank,
			    struct rig_worker *worker);

/* The plan it was made by: valid until destroy. */
RIG_API const struct rig_plan *rig_pool_plan(const struct rig_pool *pool);

/* More ranks than CPUs they can have? */
RIG_API bool rig_pool_oversubscribed(const struct rig_pool *pool);

/*
 * Have rig_pool_destroy() call fn(arg) first, in the thread that destroys the pool:
 * what a library keeps for a pool, segments for example, ends with the pool.  Of
 * several functions the last one comes first.  A fork of the pool's maker calls none.
 * Returns 0, -EINVAL (pool or fn is NULL, the pool is another process's) or -ENOMEM.
 * Any thread; never waits.
 */
RIG_API int rig_pool_at_destroy(struct rig_pool *pool, void (*fn)(void *arg),
				void *arg);

/* End the workers and the warden, and free the pool.  NULL is allowed.  One
 * thread, when nobody else uses the pool; a run in progress is ended. */
RIG_API void rig_pool_destroy(struct rig_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
