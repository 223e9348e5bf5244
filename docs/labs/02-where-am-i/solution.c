/* SPDX-License-Identifier: MIT */
/*
 * solution.c - asked of the kernel, and worked out for what is really touched.
 */
#define _GNU_SOURCE 1 /* sched_getaffinity(), sched_getcpu() */
#include "lab.h"

#include <sched.h>
#include <stdlib.h>

uint64_t my_cpus(void)
{
	uint64_t cpus = 0;
	cpu_set_t set;

	/* (1) The kernel's mask, not the CPU of the moment. */
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	for (size_t cpu = 0; cpu < LAB_CPUS; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus |= UINT64_C(1) << cpu;
	return cpus;
}

int home_of_page(const struct rig_plan *plan, size_t n, size_t page)
{
	size_t i = page * LAB_PAGE / sizeof(double);

	/* (2) Pairs are divided: the second half belongs to whoever has its
	 * mirror image. */
	if (i >= n / 2)
		i = n - 1 - i;
	for (int rank = 0; rank < plan->workers; rank++)
		if (i < rig_strip(n / 2, rank, plan->workers).end)
			return plan->spots[rank].node;
	return -1;
}

size_t bytes_on(const struct rig_segment *segment, int node)
{
	ssize_t count = rig_segment_where(segment, NULL, 0);
	struct rig_home *homes;
	size_t bytes = 0;

	if (count <= 0)
		return 0;
	homes = calloc((size_t)count, sizeof(*homes));
	if (!homes)
		return 0;
	/* (3) As many as there are, and some of node -1: no page yet. */
	count = rig_segment_where(segment, homes, (size_t)count);
	for (ssize_t i = 0; i < count; i++)
		if (homes[i].node == node)
			bytes += homes[i].end - homes[i].begin;
	free(homes);
	return bytes;
}
