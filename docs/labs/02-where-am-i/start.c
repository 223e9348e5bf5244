/* SPDX-License-Identifier: MIT */
/*
 * start.c - three answers that are wrong.  Each is right on some machine, and
 * that is how such answers live on.
 */
#define _GNU_SOURCE 1 /* sched_getaffinity(), sched_getcpu() */
#include "lab.h"

#include <sched.h>

uint64_t my_cpus(void)
{
	/* TODO(1): this is where I am.  Where may I be the next moment? */
	return UINT64_C(1) << sched_getcpu();
}

int home_of_page(const struct rig_plan *plan, size_t n, size_t page)
{
	size_t i = page * LAB_PAGE / sizeof(double);

	/* TODO(2): is this the array that reverse divides? */
	for (int rank = 0; rank < plan->workers; rank++)
		if (i < rig_strip(n, rank, plan->workers).end)
			return plan->spots[rank].node;
	return -1;
}

size_t bytes_on(const struct rig_segment *segment, int node)
{
	struct rig_home home;

	/* TODO(3): how many homes has a segment? */
	if (rig_segment_where(segment, &home, 1) < 1 || home.node != node)
		return 0;
	return home.end - home.begin;
}
