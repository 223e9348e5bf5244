/* SPDX-License-Identifier: MIT */
/*
 * cost.c - nanoseconds of a team's call, without the other rank.
 *
 * Two ranks of a single thread: a rank sends a value to the other by a reduce of
 * eight bytes, then the other reads the value; in the next call, the other way
 * round.  So nobody ever waits, no line moves, and the time is the call's own.
 * Built twice, with and without the search for ranks that call differently: cost.py
 * runs both in turn and prints the difference.
 *
 *	cost CALLS
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <runrig/collective.h>
#include <runrig/pool.h>

#include "base/clock.h"
#include "team/rank.h"

static struct rank ranks[2];

static int call_both(int root)
{
	int64_t own[2] = { 1, 2 }, all = 0;
	int first = 1 - root;
	int r = rig_team_reduce(&ranks[first].world, &own[first], &all, 1,
				RIG_INT64, RIG_SUM, root);

	r |= rig_team_reduce(&ranks[root].world, &own[root], &all, 1, RIG_INT64,
			     RIG_SUM, root);
	return r || all != 3;
}

int main(int argc, char **argv)
{
	const long calls = argc > 1 ? atol(argv[1]) : 1000;
	const struct patience patience = { .spin_ns = 1000000 };
	size_t bytes = layout_at(NULL, 2).bytes;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct layout layout;
	uint64_t begin;

	if (memory == MAP_FAILED)
		return 1;
	layout = layout_at(memory, 2);
	if (layout_team(&layout, 2, RIG_BARRIER_ADAPTIVE) < 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		rank_init(&ranks[i], &layout, i, 2, &patience);
		rank_begin(&ranks[i], 1);
	}
	begin = clock_ns();
	for (long i = 0; i < calls; i += 2)
		if (call_both((int)(i / 2 % 2)))
			return 1;
	printf("%.3f\n", (double)(clock_ns() - begin) / (double)calls);
	return 0;
}
