/* SPDX-License-Identifier: MIT */
/*
 * pool_startup.h - the state that a pool's processes are born with, and the programs of
 * the warden and of the workers.
 *
 * The caller fills the struct in before the fork of the warden; warden and workers have
 * copies.
 */
#ifndef RUNRIG_POOL_STARTUP_H
#define RUNRIG_POOL_STARTUP_H

#include <stdbool.h>
#include <stdnoreturn.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <runrig/place.h>
#include <runrig/pool.h>

#include "objects/layout.h"
#include "pool/tracer.h"
#include "machine/wait.h"

/* The names of warden and workers in /proc. */
#define WARDEN_NAME "runrig-warden"
#define WORKER_NAME "runrig-worker"

struct pool_startup {
	int size;
	enum rig_barrier_kind kind;
	const struct rig_plan *plan;
	struct layout layout;
	pid_t caller;
	struct rlimit
		files; /* the caller's; the warden raises its own. 0: unknown */
	struct patience idle;        /* patience of a worker without a job */
	struct patience busy;        /* patience of a rank in a barrier */
	const struct tracer *tracer; /* the pool's */
	bool execed; /* the ranks are no forks of the caller: see exec_start.h */

	/* Descriptors, all above 2, none across an exec. */
	int caller_end;    /* an end of the socket pair: closed by the warden */
	int warden_end;    /* ... closed by the caller */
	int lifeline_read; /* end of file: no warden and no worker lives */
	int lifeline_held; /* the other end: open while such a process lives */
	int caller_pidfd;  /* for the warden to watch */
	int ready;         /* eventfd, non-blocking: a worker is ready */
	int bell;          /* likewise: the caller is to look, see bell.h */
	int files_send;    /* a socket pair, by which a caller whose /proc */
	int files_receive; /* is closed hands files over; both keep both ends */
};

/* Orders of the caller to the warden, one message each. */
enum order {
	ORDER_END, /* end the run: argument is enum rig_end */
	ORDER_QUIT /* end the pool */
};

/* Answers of the warden to the caller, one byte each. */
enum warden_word {
	WARDEN_DONE, /* the order is carried out */
	WARDEN_LEFT  /* no worker lives any more, and the warden ends */
};

struct order_message {
	uint32_t order; /* enum order */
	uint32_t end;   /* enum rig_end */
};

/* As segments_left_behind(), of the caller's pools: pool.c. */
void pools_left_behind(void);

/* The warden: never returns.  Runs with all signals blocked at first. */
noreturn void warden_main(struct pool_startup *startup);

/* A worker, forked by the warden: never returns.  `seen` is the job (as
 * dispatch_shm.posted) before the worker's first job. */
noreturn void worker_main(const struct pool_startup *startup, int rank,
			  uint32_t seen);

/* In any child of a fork: a child of a worker, forked by a kernel, closes the pool's
 * descriptors. */
void worker_forked(void);

struct rank;

/* Publish the ranges of this worker's code, for processes with other code at the
 * same addresses. */
void worker_publish(const struct rank *rank);

/* More bytes than call_kernel() has, sanitizers included. */
#define CALL_KERNEL_BYTES 256

/* Is `address` the place where a worker calls kernels?  Then the function called
 * there was the kernel's very last act, and has taken the kernel's place on the
 * stack. */
bool worker_calls_at(uint64_t address);

#endif
