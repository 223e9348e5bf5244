/* SPDX-License-Identifier: MIT */
/*
 * omp_threads.c - an OpenMP team within a rank.
 *
 * OpenMP's own binding knows the places of the process that the rank was forked
 * from, not the rank's places.  Each thread therefore binds itself, once.  When
 * the work is done, the rank's own thread gets back all of its place, for other
 * kernels.
 */
#include <kernels/lib/omp_threads.h>

#include <omp.h>

/* The place to which this thread is bound: index + 1; 0: not bound. */
static _Thread_local int bound;

static void bind(const struct rig_team *team, int index)
{
	if (bound == index + 1)
		return;
	/* A thread that cannot be bound computes all the same. */
	(void)rig_team_bind(team, index);
	bound = index + 1;
}

void threads_run(const struct rig_team *team, int64_t threads, size_t count,
		 threads_fn *fn, void *arg)
{
	const int cores = rig_team_threads(team);
	const int n = threads ? (int)threads : cores;

	if (n == 1) {
		fn(arg, 0, count);
		return;
	}
	/* More than there are cores take turns, as the system sees fit. */
#pragma omp parallel num_threads(n)
	{
		const int i = omp_get_thread_num();
		const int all = omp_get_num_threads();
		const struct rig_span part = rig_strip(count, i, all);

		if (n <= cores)
			bind(team, i);
		fn(arg, part.begin, part.end);
	}
	bind(team, -1);
}
