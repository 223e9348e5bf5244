/* SPDX-License-Identifier: MIT */
/*
 * caller.h - a pool as its caller has it: what the caller's files of a pool share.
 */
#ifndef RUNRIG_CALLER_H
#define RUNRIG_CALLER_H

#include <pthread.h>
#include <stdbool.h>

#include "pool/bell.h"
#include "pool/code.h"
#include "pool/exec_start.h"
#include "pool/gateway.h"
#include "pool/pool_startup.h"
#include "pool/report.h"
#include "segment/segment.h"
#include "place/topology.h"

/* Files that workers may have mapped: as many as a worker keeps (see attach_map.c),
 * and as many as one more job may bring, for a worker keeps the files used last. */
#define HANDED_MAX (64 + 2 * RIG_SEGMENTS_MAX)

/* Foreign segments a pool remembers by name. */
#define UNOWNED_MAX 16

/* How long a pool may take to be ready: the warden tries four teams of ten
 * seconds each, and a stopped pool is never ready. */
#define READY_NS (60 * UINT64_C(1000000000))

/* How long a job of the library's own may take, and each byte that the job writes:
 * stopped workers never end the job, and are renewed. */
#define OWN_JOB_NS      (10 * UINT64_C(1000000000))
#define OWN_JOB_BYTE_NS UINT64_C(20)

/* How long processes that were killed may take to be gone. */
#define GONE_NS (6 * UINT64_C(1000000000))

/* A function that is called when the pool is destroyed. */
struct pool_farewell {
	void (*fn)(void *arg);
	void *arg;
	struct pool_farewell *next;
};

/* A segment that was handed over by name, and has no handle in this process. */
struct unowned {
	char name[RIG_NAME_MAX + 1]; /* "": free */
	struct segment_info info;    /* with a descriptor of the pool's */
};

/* A file that was handed over, and is kept for as long as a run may want to attach
 * the file, whatever becomes of the handle: a descriptor of the pool's. */
struct kept_file {
	struct identity identity;
	uint64_t used; /* when last; 0: free */
	int fd;        /* -1: none */
};

/* Segments that a pool has copies of. */
#define REPLICAS_MAX 16

/* Copies of a segment, one a node: see replica.c. */
struct replica {
	struct identity source;
	size_t source_bytes;      /* as many as there were */
	size_t stride;            /* 0: free */
	struct segment_info info; /* the copies, with the pool's descriptor */
};

/* In this process: the jobs of a chain that are posted now. */
struct chain_run {
	const struct rig_job *jobs; /* NULL: the run is no chain */
	int first;                  /* the first of jobs that is posted now */
	int count;                  /* how many are */
	bool limited;               /* a posted job has a limit */
	uint32_t at;                /* the job whose limit is pool->limit_at, as
				     * dispatch_shm.posted; while the job ran, */
	uint64_t stopped_ns;        /* the caller was stopped for this time */
};

/* In this process: the code and the result of a rank in the user's last run. */
struct kept_rank {
	int code;
	unsigned char result[RIG_RESULT_MAX];
};

/* In this process. */
struct rig_pool {
	struct rig_pool *next;
	struct pool_startup startup;
	struct tracer tracer;
	struct rig_plan *plan;
	struct exec_start exec; /* only while the pool is made */
	struct report report;   /* the user's last run */
	struct report aside;    /* the library's own jobs */
	uint64_t id;
	pid_t maker;
	uint32_t maker_forks;
	int warden_pidfd; /* -1: not yet met */
	bool dead;        /* no workers any more */
	bool left_behind; /* the process is a warden or worker, and has no pool */

	/* One run at a time: the holder of the turn. */
	_Atomic uint32_t turn; /* enum turn */
	pthread_t holder;      /* the thread that submitted, while `posted` */

	/* The run at hand, or the last run; for the thread with the turn. */
	rig_kernel_fn *kernel;
	const char *name; /* NULL, or name_copy */
	char *name_copy;
	void *result;
	size_t result_bytes;
	uint64_t limit_ns;
	uint64_t limit_at;             /* on the clock */
	struct code_name named_kernel; /* where workers are no forks */
	struct code_name named_owns;   /* likewise */
	struct rig_gateway *gateway; /* the last that was opened; NULL: none */
	bool posted;   /* submitted, and not waited for to the end */
	bool internal; /* the run is a job of the library's own */
	struct chain_run chain;
	int chain_all; /* jobs of the whole chain */
	int ran;       /* jobs of the last chain that ended well */

	/* enum cancel: written by submit, by wait and by a cancel. */
	_Atomic uint32_t cancel;

	struct run_bell bell; /* the bell of rig_pool_fd() */

	/* Each rank's, from the user's last run.  Valid while a job of the
	 * library's own has been in the team's memory since. */
	struct kept_rank *kept;
	_Atomic uint32_t has_kept;

	struct patience patience; /* of the caller, see caller_patience() */
	bool own_core;            /* the caller has a core to itself */
	struct cpu_bits cpus;     /* the workers' */

	/* Files the workers may have mapped. */
	struct kept_file handed[HANDED_MAX];
	uint64_t job_segments_uses;
	struct unowned unowned[UNOWNED_MAX];
	int unowned_next;
	struct replica replicas[REPLICAS_MAX];

	/* Functions for when the pool is destroyed, the last one first.
	 * Added to by any thread. */
	struct pool_farewell *_Atomic farewells;

	/* Files to forget when the run at hand has ended. */
	pthread_mutex_t forget_lock;
	struct identity *forget;
	size_t forget_room;
	_Atomic uint32_t forget_count;
};

enum cancel {
	CANCEL_NO_RUN,
	CANCEL_NOT, /* a run is in progress */
	CANCEL_ASKED
};

enum turn {
	TURN_FREE,
	TURN_TAKEN,
	TURN_WANTED /* taken, and a thread may sleep until the turn is free */
};

/* ---- pool_list.c ---- */

/* Hook the process's forks and register the calls for segments, before the first
 * pool of this process is made. */
void pool_list_prepare(void);

/* This process is the maker of the pool. */
void pool_list_sign(struct rig_pool *pool);

/* Is this process the maker of the pool, and no fork of the maker? */
bool pool_is_maker(const struct rig_pool *pool);

/* The pool is complete, and is to be told of segments that go; and no longer. */
void pool_list_enter(struct rig_pool *pool);
void pool_list_leave(struct rig_pool *pool);

/* A child of this process that shares its memory was killed within fork(), and may
 * have locked the list with this thread's identity. */
void pool_list_fork_failed(void);

/* ---- pool_warden.c ---- */

/* Fork or start the warden; then take its first message.  0, or -errno and the
 * words. */
int pool_make_warden(struct rig_pool *pool);
int pool_meet_warden(struct rig_pool *pool);

bool pool_warden_lives(const struct rig_pool *pool);

/* Wait until no process of the pool lives any more, GONE_NS at most, and reap the
 * processes that are this process's children by now. */
void pool_await_gone(const struct rig_pool *pool);

/* Give the warden an order.  False: the order could not be sent. */
bool pool_order(struct rig_pool *pool, enum order what, enum rig_end end);

/* Kill a warden that does not listen: the workers die with the warden. */
void pool_kill_warden(struct rig_pool *pool);

/* No process of the pool any more: by force, where the warden does not answer. */
void pool_quit(struct rig_pool *pool);

/* ---- pool_ask.c ---- */

/* Keep the codes and results of the user's last run, before a job of the library's
 * own writes over them.  With the turn. */
void pool_keep_results(struct rig_pool *pool);

/* ---- run.c ---- */

/* As segment_pools.populate. */
int pool_populate(struct rig_pool *pool, int fd, struct identity identity,
		  size_t file_bytes, size_t data_bytes,
		  const struct rig_segment_options *options);

/* Wait for job `posted` until deadline_ns, even where the warden dies.  0,
 * -EINTR (the alarm, where `heed` is set), -ETIMEDOUT, or -ECANCELED: the
 * warden is gone. */
int run_await(struct rig_pool *pool, const struct patience *patience, bool heed,
	      uint64_t deadline_ns);

/* Post the job that the team segment holds, a job of the library's own, and wait for
 * the job's end: the report, codes and results of the user's last run stay.  The job
 * writes `written` bytes in all, and has a limit.  With the turn. */
int run_internal(struct rig_pool *pool, enum job_kind kind, uint64_t fn,
		 size_t args_bytes, size_t written);

/*
 * Submit a job, or with `map` a map: job->kernel is map_items() then, and the
 * function to call for each item is `fn`, or is named `name`.  With a gateway the
 * job is a job of several hosts.  As rig_pool_submit().
 */
struct map_job {
	uint64_t fn;
	const char *name;
	struct map_shm terms;
};
int run_submit(struct rig_pool *pool, const struct rig_job *job,
	       const struct map_job *map, struct rig_gateway *gateway);

/* Post the job that the team segment holds, the user's.  With the turn. */
void run_post(struct rig_pool *pool, uint64_t limit_ns);

/* Have the warden end the run in progress.  As run_wait() of a run that has ended. */
int run_stop(struct rig_pool *pool, enum rig_end end);

/* As rig_pool_wait(), but the turn stays. */
int run_wait(struct rig_pool *pool, uint64_t deadline_ns);

/* Wait for the pool's turn: 0, -EBUSY or -EINVAL as rig_pool_run(). */
int run_take_turn(struct rig_pool *pool);

/* Give the turn back, when the queued files are forgotten. */
void run_end_turn(struct rig_pool *pool);

/* ---- run_end.c ---- */

/*
 * The run is over: how has it ended?  `end` is OK where only the shared memory
 * knows.  Makes the report, and returns the run's code.
 */
int run_finish(struct rig_pool *pool, enum rig_end end);

/* ---- job_put.c ---- */

/* Can the job be run? 0, or -EINVAL, or -ECANCELED: the pool is dead. */
int run_check_job(const struct rig_pool *pool, const struct rig_job *job);

/*
 * Write which kernel the job is, and all else that travels by job_shm, as one of
 * `chained` jobs (0: the only job); a function of this process, which workers that
 * are no forks find by its library; and the terms of a map.  With the turn; 0, or
 * as rig_pool_run().
 */
int run_put_kernel(struct rig_pool *pool, const struct rig_job *job);
int run_put_job(struct rig_pool *pool, const struct rig_job *job,
		uint64_t chained);
int run_put_function(struct rig_pool *pool, uint64_t fn);
int run_put_map(struct rig_pool *pool, const struct map_job *map);

/* Keep the kernel's name for the report: the caller's own text may be gone by
 * then.  0 or -ENOMEM. */
int run_keep_name(struct rig_pool *pool, const char *name);

/* ---- chain.c ---- */

/* The chain has failed: name the job of the report. */
void chain_name(struct rig_pool *pool, struct report_facts *info);

/* Set pool->limit_at to the limit of the job that runs now.  Returns when to look
 * again: at limit_at, or earlier where a later job may have reached its limit. */
uint64_t chain_look(struct rig_pool *pool);

/* ---- job_segments.c ---- */

/* Write the job's segment `index`: the file of these facts, or the segment that the
 * caller names (0, or as rig_pool_run()). */
void job_segments_put_file(struct rig_pool *pool, int index,
			   const struct segment_info *info);
int job_segments_put(struct rig_pool *pool, int index,
		     const struct rig_handed *handed);

/* Find the file that `name` means to this pool: by a handle of this process, else by
 * the name in /dev/shm. */
int job_segments_find(struct rig_pool *pool, const char *name,
		      struct segment_info *info);

/* Note that the workers may have the file mapped from now on.  Returns a descriptor
 * of the file that stays until the file is forgotten (or `fd`, where descriptors are
 * out). */
int job_segments_note(struct rig_pool *pool, struct identity identity, int fd);

/* Post the job at hand once more, and send every rank every file. */
void job_segments_send(struct rig_pool *pool);

/* Have the workers unmap a file: now, with the turn; all queued files; or queue a
 * file for the thread with the turn. */
void job_segments_forget(struct rig_pool *pool, struct identity identity);
void job_segments_forget_queued(struct rig_pool *pool);
void job_segments_queue(struct rig_pool *pool, struct identity identity);

/* Let go of the unowned segments that have no name any more.  With the turn;
 * returns how many. */
int job_segments_let_go(struct rig_pool *pool);

/* ---- replica.c ---- */

/* Forget the copies of `source`.  Returns whether there were copies, with the file
 * that the workers may have mapped in *file. */
bool replica_drop(struct rig_pool *pool, struct identity source,
		  struct identity *file);

/* Have the workers drop the copies of segments that this job may write to, before the
 * job is written down.  With the turn. */
void replica_forget_written(struct rig_pool *pool, const struct rig_job *job);

/* Write the copies of `source`, a segment of `bytes`, as the job's segment `index`;
 * false: there are no copies. */
bool replica_put(struct rig_pool *pool, int index, struct identity source,
		 size_t bytes);

void replica_finish(struct rig_pool *pool);

/* ---- job_segments.c ---- */

/* Close all descriptors. */
void job_segments_finish(struct rig_pool *pool);

#endif
