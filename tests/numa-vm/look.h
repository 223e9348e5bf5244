/* SPDX-License-Identifier: MIT */
/*
 * look.h - asking the kernel for the nodes of the pages that a rank touches.
 *
 * The part that reverse touches is worked out here again, from the definition: a
 * strip of the first half, and the mirror of the strip.
 */
#ifndef NUMA_VM_LOOK_H
#define NUMA_VM_LOOK_H

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <runrig/team.h>

#define PAGE ((size_t)4096)

/* Pages that a rank touches, and how many lie on the rank's node. */
struct local {
	uint64_t pages;
	uint64_t local;
};

static inline int count_local(char *begin, char *end, unsigned node,
			      struct local *local)
{
	char *at = (char *)((uintptr_t)begin & ~(PAGE - 1));

	for (; at < end; at += PAGE) {
		void *page = at;
		int status = -1;
		volatile char look = *at;

		(void)look;
		if (syscall(SYS_move_pages, 0, 1ul, &page, NULL, &status, 0) <
		    0)
			return -errno;
		local->pages++;
		local->local += status == (int)node;
	}
	return 0;
}

/* The doubles of `n` that reverse reads and writes: two spans, in elements. */
static inline void touched_by_reverse(size_t n, int rank, int size,
				      struct rig_span *spans)
{
	spans[0] = rig_strip(n / 2, rank, size);
	spans[1] = (struct rig_span){ n - spans[0].end, n - spans[0].begin };
}

/* A kernel over segment 0, which has doubles.  The result is a struct local. */
static inline int look_at_pages(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	struct local local = { 0 };
	struct rig_span spans[2];
	unsigned cpu, node;
	int r = 0;

	if (getcpu(&cpu, &node) < 0)
		return -errno;
	touched_by_reverse(rig_team_bytes(team, 0) / sizeof(*x),
			   rig_team_rank(team), rig_team_size(team), spans);
	for (int i = 0; i < 2 && r == 0; i++)
		r = count_local((char *)&x[spans[i].begin],
				(char *)&x[spans[i].end], node, &local);
	memcpy(rig_team_result(team), &local, sizeof(local));
	return r;
}

#endif
