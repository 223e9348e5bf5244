/* SPDX-License-Identifier: MIT */
/*
 * start.c - three answers that leave out what other ranks do in between.
 */
#include "lab.h"

void schedule(int k, int want, int *order)
{
	/* TODO(1): rank 0 does all, then rank 1: no update is lost.  Which
	 * order makes a store undo what the other rank has stored? */
	(void)want;
	for (int i = 0; i < 4 * k; i++)
		order[i] = i >= 2 * k;
}

/* A whole program, from a number: the number in the end. */
static int run(const struct lab_step *steps, int n, int number)
{
	int mine = 0;

	for (int i = 0; i < n; i++)
		switch (steps[i].what) {
		case LAB_LOAD:
			mine = number;
			break;
		case LAB_ADD:
			mine += steps[i].value;
			break;
		case LAB_STORE:
			number = mine;
			break;
		}
	return number;
}

uint64_t finals(const struct lab_step *first, int n,
		const struct lab_step *second, int m)
{
	/* TODO(2): two interleavings.  How many are there?  A recursion makes
	 * the next step of either. */
	return UINT64_C(1) << run(second, m, run(first, n, 0)) |
	       UINT64_C(1) << run(first, n, run(second, m, 0));
}

int transfer(struct rig_team *team)
{
	const struct lab_transfer *all = rig_team_data(team, 0);
	struct rig_span strip =
		rig_team_strip(team, rig_team_bytes(team, 0) / sizeof(*all));

	/* TODO(3): which locks, in which order, and until when?  What if both
	 * accounts are the same? */
	for (size_t i = strip.begin; i < strip.end; i++) {
		int from = all[i].from, to = all[i].to;

		lab_store(team, from, lab_load(team, from) - all[i].amount);
		lab_store(team, to, lab_load(team, to) + all[i].amount);
	}
	return 0;
}
