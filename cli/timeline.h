/* SPDX-License-Identifier: MIT */
/*
 * timeline.h - the spans of a run's workers over time, as a file or in text.
 */
#ifndef RUNRIG_TIMELINE_H
#define RUNRIG_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

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
__attribute__((visibility("default"))) int timeline_write(
	const struct traced *traced, const char *kernel, const char *path);

/* Does the path name a file for JSON? */
bool timeline_is_json(const char *path);

/* One host of several. */
struct traced_host {
	int number;
	int first; /* number of the first rank in the world */
	int size;  /* ranks of the world */
};

/* The lanes of a host as text, to be freed; NULL: no memory, or no trace. */
char *timeline_text(const struct traced *traced, const char *kernel,
		    const struct traced_host *host);

/* Write the lanes of all hosts to the file `path`, as JSON, a process of the trace for
 * each host.  A text is the nanoseconds from the host's clock to that of host 0, a space,
 * and the text of timeline_text().  Returns an exit code. */
int timeline_merge(char *const *texts, int count, const char *path);

#endif
