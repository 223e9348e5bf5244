/* SPDX-License-Identifier: MIT */
/*
 * omp_threads.h - a rank's part done by an OpenMP team of the rank: processes
 * between NUMA nodes, threads within a node.
 *
 * A kernel with such a loop has the parameter threads=1; 0 is as many threads
 * as the rank has cores.  The team is pinned within the rank's place while the
 * team works.
 */
#ifndef KERNELS_OMP_THREADS_H
#define KERNELS_OMP_THREADS_H

#include <runrig/kernel.h>

/* The largest number of threads. */
#define THREADS_MAX 4096

/* The parameter's line in a table of parameters; FIELD is an int64_t of
 * STRUCT. */
#define THREADS_PARAM(STRUCT, FIELD)                                           \
	{                                                                      \
		.name = "threads",                                             \
		.help = "OpenMP threads of each worker; 0: one a core of "     \
			"its place",                                           \
		.kind = RIG_PARAM_INT, .offset = offsetof(STRUCT, FIELD),      \
		.fallback = "1", .min = 0, .max = THREADS_MAX                  \
	}

/* Elements begin to end - 1 of the work. */
typedef void threads_fn(void *arg, size_t begin, size_t end);

/*
 * Call fn(arg, ...) over 0 to count, by `threads` threads (0: as above), each
 * with an equal part; the calling thread is among them.  Returns when all
 * threads are done.
 */
void threads_run(const struct rig_team *team, int64_t threads, size_t count,
		 threads_fn *fn, void *arg);

#endif
