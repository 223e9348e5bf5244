/* SPDX-License-Identifier: MIT */
/*
 * timeline.h - the spans of a run's workers over time, as a file or in text.
 */
#ifndef RUNRIG_TIMELINE_H
#define RUNRIG_TIMELINE_H

#include <runrig/launch.h>
#include <runrig/pool.h>

/* Spans of each worker that --trace keeps: 2 MiB of spans. */
#define TIMELINE_SPANS ((size_t)1 << 16)

/* The source of the spans: the pointer that is not NULL. */
struct traced {
	const struct rig_pool *pool;
	const struct rig_launch *launch;
};

/*
 * Write the spans of all lanes to the file `path` as Trace Event JSON (for
 * Perfetto or chrome://tracing).  Where the path ends in .svg, draw the longest run
 * of `kernel` instead, a lane a worker; where the path is "-", the same on stdout, a
 * line a worker.  Returns an exit code.
 */
int timeline_write(const struct traced *traced, const char *kernel,
		   const char *path);

#endif
