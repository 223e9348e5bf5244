/* SPDX-License-Identifier: MIT */
/*
 * report.h - how the last run of a pool ended, for each of its ranks.
 */
#ifndef RUNRIG_REPORT_H
#define RUNRIG_REPORT_H

#include <sys/types.h>

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_pool;

/* The code of `rank` in the last run, and the rank's result slot.  Never wait;
 * -EINVAL for a rank or length out of range.  Valid until the next run. */
RIG_API int rig_pool_code(const struct rig_pool *pool, int rank);
RIG_API int rig_pool_result(const struct rig_pool *pool, int rank, void *result,
			    size_t bytes);

/* How the last run ended. */
enum rig_end {
	RIG_END_OK,       /* every rank returned 0 */
	RIG_END_FAILED,   /* a kernel returned an error: no death */
	RIG_END_DEATH,    /* a worker died */
	RIG_END_DEADLOCK, /* all ranks waited */
	RIG_END_LIMIT,    /* the job's limit passed */
	RIG_END_WARDEN,   /* the warden died, or could not go on */
	RIG_END_CANCEL,   /* rig_pool_cancel() was called */
	RIG_END_HOST      /* another host's part of the run has ended badly */
};

enum rig_state {
	RIG_STATE_IDLE,      /* not in a run */
	RIG_STATE_ATTACHING, /* mapping the job's segments */
	RIG_STATE_RUNNING,   /* in the kernel */
	RIG_STATE_WAITING,   /* in the kernel, at a barrier */
	RIG_STATE_DONE       /* the kernel has returned */
};

/* Where a rank was when the run ended. */
struct rig_rank_report {
	pid_t pid;
	int pu; /* the first CPU of the rank's set; -1: not pinned */
	enum rig_state state;
	uint64_t epoch;    /* barriers that the rank entered in this run */
	const char *where; /* "reverse+0x5c", with debug information
			    * "reverse+0x5c, reverse.c:31"; or "" */
};

struct rig_report {
	enum rig_end end;
	/* The rank that died or failed first; -1: no rank did, or (end FAILED
	 * with -EPROTO, or DEATH) a stray store of a rank has hidden which. */
	int rank;
	int code; /* the code that the run returned */
	/* The wait status of `rank`, as from waitpid(); 0: alive; -1: the rank
	 * has ended, and a tracer has not let the warden know how. */
	int wait_status;
	const char *kernel; /* the kernel's name, or its address in words */
	int segment;        /* index of the segment a fault lay in; -1: none */
	size_t offset;      /* where the fault lay in the segment, in bytes */
	int size;
	const struct rig_rank_report *ranks;
	/* The whole report in words, lines ended by \n, and a line for each
	 * death after which a map has gone on. */
	const char *text;
};

/* Valid until the next run or destroy: segments may be created and destroyed
 * meanwhile.  Never NULL; never waits. */
RIG_API const struct rig_report *rig_pool_report(const struct rig_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
