/* SPDX-License-Identifier: MIT */
/*
 * pool.h - workers forked once, pinned, and handed jobs for as long as it lives.
 *
 *	rig_pool_create()   forks a warden, which forks and watches the workers
 *	rig_pool_run()      every worker runs a kernel over named segments
 *	rig_pool_destroy()  ends them
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
#include <runrig/place.h>
#include <runrig/team.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_pool; /* in this process */

/* How the processes of a pool are started. */
enum rig_start {
	RIG_FORK, /* as forks of the caller: they have what it had */
	RIG_EXEC  /* afresh: nothing of the caller's memory is in them */
};

struct rig_pool_options {
	int workers;       /* 0: one a usable core; at most RIG_WORKERS_MAX */
	const char *place; /* see place.h; NULL: RUNRIG_PLACE, or "core" */
	enum rig_barrier_kind barrier;
	size_t trace; /* spans of each worker to keep, see trace.h; 0: none */
	enum rig_start start;
};

/* A segment handed to a job: by name, with an optional window. */
struct rig_handed {
	const char *name;
	size_t offset; /* the window's first byte */
	size_t bytes;  /* its length; 0: to the end */
	bool read_only;
};

struct rig_job {
	rig_kernel_fn *kernel; /* or */
	const char *name;      /* a registered kernel, or "path.so:symbol" */
	struct rig_handed segments[RIG_SEGMENTS_MAX]; /* to the first NULL */
	const void *args;    /* copied; rig_team_args() */
	size_t args_bytes;   /* at most RIG_ARGS_MAX */
	void *result;        /* rank 0's rig_team_result(), copied back */
	size_t result_bytes; /* at most RIG_RESULT_MAX */
	uint64_t limit_ns;   /* how long the run may take; 0: no limit */

	/* Who owns which bytes of segment `index` (of its window), for `args`
	 * as above; NULL: as the registered kernel `name` says, else one equal
	 * block a rank.  At the first run with a segment its pages are brought
	 * to the NUMA nodes of their owners, whoever made it, unless it was
	 * made with a .memory of its own. */
	int (*owns)(const void *args, int index, size_t bytes, int rank,
		    int size, struct rig_span *spans);
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
 *	-ECANCELED   the pool is no more
 *	-EBUSY       this very thread has a submitted run to wait for
 *	or the negative code a kernel returned (the first rank's to fail)
 *
 * Any thread; one run at a time: a second caller waits its turn.  When it
 * returns no worker is in the kernel any more.
 */
RIG_API int rig_pool_run(struct rig_pool *pool, const struct rig_job *job);

/*
 * The two halves of run.  submit posts the job (having waited its turn) and
 * returns; wait waits for it until `deadline_ns` and returns as run does, or
 * -ETIMEDOUT with the run still going (wait again), or -EINVAL where there is
 * none.  The job's result must live until wait; the rest is copied.  The job's
 * limit counts from submit and is enforced by wait.
 */
RIG_API int rig_pool_submit(struct rig_pool *pool, const struct rig_job *job);
RIG_API int rig_pool_wait(struct rig_pool *pool, uint64_t deadline_ns);

/*
 * How far the run in progress is, 0 to 1: the mean of what its ranks have said
 * by rig_team_progress().  0 where the kernel does not say, or nothing runs.
 * Any thread, while another is in rig_pool_run(); never waits.
 */
RIG_API double rig_pool_progress(const struct rig_pool *pool);

/* The item of a map that failed, where none did. */
#define RIG_NO_ITEM SIZE_MAX

/*
 * What a map does with item `index`, in one of the workers.  `item` points to
 * it and `result` to its place, which is zeroed; NULL where the map has none.
 * Returns 0, or a negative code, which ends the map: rig_team_fail() gives it
 * words.
 */
typedef int rig_map_fn(struct rig_team *team, size_t index, const void *item,
		       void *result);

/* Called in the thread that called rig_pool_map(), which it may not call
 * itself for that pool. */
typedef void rig_progress_fn(void *arg, size_t done, size_t count);

struct rig_map {
	rig_map_fn *fn;   /* or */
	const char *name; /* "path.so:symbol" */
	size_t count;     /* items */

	/* How many a worker takes at a time; 0: many at first, then fewer, down
	 * to one. */
	size_t chunk;

	/* Of the caller, `count` of each, copied there and back; or NULL.  The
	 * result of an item that was not done stays as it was. */
	const void *items;
	size_t item_bytes;
	void *results;
	size_t result_bytes;

	/* The caller's: which items were done, `count` of them; or NULL. */
	bool *done;
	/* The item that failed, or that a rank was at when it died; or NULL. */
	size_t *failed;

	/* As in a job.  A map with items, results or `done` can be handed one
	 * segment less. */
	struct rig_handed segments[RIG_SEGMENTS_MAX];
	const void *args;
	size_t args_bytes;
	uint64_t limit_ns;

	/* Called every `progress_ns` (0: 100 ms) and at the end; or NULL. */
	rig_progress_fn *progress;
	void *progress_arg;
	uint64_t progress_ns;
};

/*
 * Call map->fn for items 0 to count - 1, each once, on whichever worker comes
 * for it, and wait for all.  Returns 0, or as rig_pool_run(), and -ENOSPC where
 * there is no room for items and results.  The first item to fail ends the map:
 * the other workers finish the item they are at, if they can in 20 ms.  If a
 * worker dies (-EOWNERDEAD), or nobody can go on (-EDEADLK), or the limit
 * passes, the map is over too; rig_why() and `done` tell how far it has come.
 *
 * Any thread; one run at a time.
 */
RIG_API int rig_pool_map(struct rig_pool *pool, const struct rig_map *map);

/*
 * Give each NUMA node that this pool's workers are on a copy of the segment as
 * it is now.  From then on a job that is handed it .read_only reads the copy on
 * the rank's own node, until the segment is handed to a job of this pool that
 * may write to it, or is destroyed; what others write to it meanwhile the copies
 * do not have: call it again.
 *
 * Returns how many copies there are (1: the workers are on one node, or not
 * pinned, and all stays as it is), or as rig_pool_run(), or -ENOSPC: there is no
 * room for the copies, or 16 segments have copies already.  Any thread; waits
 * its turn as run does.
 */
RIG_API int rig_pool_replicate(struct rig_pool *pool, const char *name);

RIG_API int rig_pool_size(const struct rig_pool *pool);

/* What the last run left of `rank`: its code, and its result slot.  Never
 * wait; -EINVAL for a rank or length out of range.  Valid until the next run. */
RIG_API int rig_pool_code(const struct rig_pool *pool, int rank);
RIG_API int rig_pool_result(const struct rig_pool *pool, int rank, void *result,
			    size_t bytes);

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

/* How the last run ended. */
enum rig_end {
	RIG_END_OK,       /* every rank returned 0 */
	RIG_END_FAILED,   /* a kernel returned an error: no death */
	RIG_END_DEATH,    /* a worker died */
	RIG_END_DEADLOCK, /* all waited */
	RIG_END_LIMIT,    /* the job's limit passed */
	RIG_END_WARDEN    /* the warden died, or could not go on */
};

enum rig_state {
	RIG_STATE_IDLE,      /* not in a run */
	RIG_STATE_ATTACHING, /* mapping the job's segments */
	RIG_STATE_RUNNING,   /* in the kernel */
	RIG_STATE_WAITING,   /* in the kernel, at a barrier */
	RIG_STATE_DONE       /* the kernel has returned */
};

/* Where one rank was when the run ended. */
struct rig_rank_report {
	pid_t pid;
	int pu; /* the first CPU of its set; -1: not pinned */
	enum rig_state state;
	uint64_t epoch;    /* barriers it had entered in this run */
	const char *where; /* "reverse+0x5c", or "" */
};

struct rig_report {
	enum rig_end end;
	int rank;           /* who died or failed first; -1: nobody */
	int code;           /* what the run returned */
	int wait_status;    /* of that rank, as waitpid() gives it; 0: alive */
	const char *kernel; /* its name, or its address in words */
	int segment;        /* index of the segment a fault lay in; -1: none */
	size_t offset;      /* of the fault in it, in bytes */
	int size;
	const struct rig_rank_report *ranks;
	const char *text; /* all of this in words, lines ended by \n */
};

/* Valid until the next run or destroy.  Never NULL; never waits. */
RIG_API const struct rig_report *rig_pool_report(const struct rig_pool *pool);

/* End the workers and the warden, and free the pool.  NULL is allowed.  One
 * thread, when nobody else uses the pool; a run in progress is ended. */
RIG_API void rig_pool_destroy(struct rig_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
