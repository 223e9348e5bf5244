/* SPDX-License-Identifier: MIT */
/*
 * omp_threads.h - a rank's part done by an OpenMP team of its own: processes
 * between NUMA nodes, threads within one.
 *
 * A kernel that can has the parameter threads=1; 0 is as many as the rank has
 * cores.  The team is pinned within the rank's place for as long as it works.
 */
#ifndef KERNELS_OMP_THREADS_H
#define KERNELS_OMP_THREADS_H

#include <runrig/kernel.h>

/* The most that may be asked for. */
#define THREADS_MAX 4096

/* Its line in a table of parameters; FIELD is an int64_t of STRUCT. */
#define THREADS_PARAM(STRUCT, FIELD)                                           \
	{                                                                      \
		.name = "threads",                                             \
		.help = "OpenMP threads of each worker; 0: one a core of "     \
			"its place",                                           \
		.kind = RIG_PARAM_INT, .offset = offsetof(STRUCT, FIELD),      \
		.fallback = "1", .min = 0, .max = THREADS_MAX                  \
	}

/* Elements begin to end of what is to be done. */
typedef void threads_fn(void *arg, size_t begin, size_t end);

/*
 * fn(arg, ...) over 0 to count, by `threads` threads (0: as above), each an
 * equal part; the calling thread is one of them.  Returns when all is done.
 */
void threads_run(const struct rig_team *team, int64_t threads, size_t count,
		 threads_fn *fn, void *arg);

#endif
