/* SPDX-License-Identifier: MIT */
/*
 * pool_startup.h - what a pool's processes are born with.
 *
 * Filled in by the caller before it forks the warden; warden and workers have
 * their copies.  And the two programs they run.
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

/* What the kernel calls them. */
#define WARDEN_NAME "runrig-warden"
#define WORKER_NAME "runrig-worker"

struct pool_startup {
	int size;
	enum rig_barrier_kind kind;
	const struct rig_plan *plan;
	struct layout layout;
	pid_t caller;
	struct rlimit files;  /* the caller's; the warden raises its own.  0:
			       * not known */
	struct patience idle; /* of a worker without a job */
	struct patience busy; /* of a rank in a barrier */
	const struct tracer *tracer; /* the pool's */
	bool execed; /* the ranks are no forks of the caller: see exec_start.h */

	/* Descriptors, all above 2, none across an exec. */
	int caller_end;    /* of the socket pair: closed by the warden */
	int warden_end;    /* ... closed by the caller */
	int lifeline_read; /* end of file: no warden and no worker lives */
	int lifeline_held; /* what says that one does */
	int caller_pidfd;  /* for the warden to watch */
	int ready;         /* eventfd, non-blocking: a worker is ready */
	int bell;          /* likewise: the caller is to look, see bell.h */
	int files_send;    /* of a socket pair by which a caller whose /proc */
	int files_receive; /* is closed hands files over; both keep both ends */
};

/* What the caller tells the warden, one message each. */
enum order {
	ORDER_END, /* end the run: argument is enum rig_end */
	ORDER_QUIT /* end the pool */
};

/* What the warden tells the caller, one byte each. */
enum warden_word {
	WARDEN_DONE, /* the order is carried out */
	WARDEN_LEFT  /* no worker lives any more, and this process ends */
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
 * dispatch_shm.posted) before the first it is to take. */
noreturn void worker_main(const struct pool_startup *startup, int rank,
			  uint32_t seen);

/* In any child of a fork: where the parent was a worker, the process is a child
 * that a kernel has forked, and lets go of the pool's descriptors. */
void worker_forked(void);

struct rank;

/* Note what code this worker has, for those who have other code there. */
void worker_publish(const struct rank *rank);

/* More bytes than call_kernel() has, sanitizers included. */
#define CALL_KERNEL_BYTES 256

/* Is `address` where a worker calls kernels from?  Then what was called there
 * was a kernel's very last act, and has taken its place on the stack. */
bool worker_calls_at(uint64_t address);

#endif
