/* SPDX-License-Identifier: MIT */
/*
 * launch.h - starting programs as ranks, and watching over them to the end.
 *
 *	rig_launch_start()   the programs run
 *	rig_launch_wait()    ... until all have ended
 *	rig_launch_finish()  nothing is left of the programs
 *
 * For a program that does nothing else, such as `runrig exec`: from start to
 * finish the launch has the signals INT, TERM, HUP and CHLD of this process, and
 * all of its children.
 */
#ifndef RUNRIG_LAUNCH_H
#define RUNRIG_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include <runrig/api.h>
#include <runrig/place.h>
#include <runrig/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_launch; /* in this process */

struct rig_launch_options {
	int ranks;              /* 0: one a usable core */
	const char *place;      /* as of rig_pool_options */
	char *const *arguments; /* the program and its arguments, to NULL */
	const char *directory;  /* where it starts; NULL: here */
	uint64_t limit_ns;      /* how long it may take; 0: no limit */
	size_t trace; /* spans of each rank to keep, see trace.h; 0: none */
	bool label;   /* each line of output begins with its rank */
	uint64_t reserved[8]; /* 0 */
};

/*
 * Start the ranks.  Returns 0 and sets *launch, which the caller finishes, or
 *
 *	-EINVAL  as rig_place_plan(), or a trace that is too long
 *	-ENOENT, -ENOTDIR  there is no program or folder of the name
 *	-EACCES, -ENOEXEC  the program cannot be executed
 *	or the error of fork, socket, memfd_create or mmap
 *
 * and on failure leaves no process and no file.  A single thread; waits until
 * all programs have begun.
 */
RIG_API int rig_launch_start(struct rig_launch **launch,
			     const struct rig_launch_options *options);

/* How a launch ended, where it is not the programs that say so. */
#define RIG_LAUNCH_LIMIT 124 /* the limit passed */
#define RIG_LAUNCH_WRONG                                                       \
	125 /* deadlock, disagreement, or a rank that died
			      * with exit status 0; or the launch itself */

/*
 * Wait until every rank has ended.  Returns the status for a shell: 0; the
 * status of the first rank to end with another status; 128 + the number of the
 * signal that killed the rank or ended the launch; or a status above.  When
 * rig_launch_wait() returns, no process of the programs runs any more.
 */
RIG_API int rig_launch_wait(struct rig_launch *launch);

/* The report on the launch, lines ended by \n; "": nothing to say.  After wait;
 * valid until finish.  Never NULL. */
RIG_API const char *rig_launch_text(const struct rig_launch *launch);

/* Where the ranks are: until finish. */
RIG_API const struct rig_plan *rig_launch_plan(const struct rig_launch *launch);

/* As rig_pool_trace(), of the one run that the launch is; after wait. */
RIG_API ssize_t rig_launch_trace(const struct rig_launch *launch, int rank,
				 struct rig_trace_span *spans, size_t max,
				 uint64_t *lost);

/* Free the launch; NULL is allowed. */
RIG_API void rig_launch_finish(struct rig_launch *launch);

#ifdef __cplusplus
}
#endif

#endif
