/* SPDX-License-Identifier: MIT */
/*
 * start.c - three mistakes to find.  It compiles, it runs, and it is wrong.
 *
 * Every rank adds up its strip, and then adds that to the sum of all.
 */
#include "lab.h"

int total(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *sum = rig_team_data(team, 1);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span strip;
	double mine = 0;

	/* TODO(2): which numbers are added to which, with 2 ranks and with 3?
	 * What if the parts did not depend on the team? */
	strip = rig_team_strip(team, n);

	/* TODO(3): what is lost here, and does it depend on what came before? */
	for (size_t i = strip.begin; i < strip.end; i++)
		mine += x[i];

	/* TODO(1): in which order do the ranks come by? */
	lab_lock(team);
	*sum += mine;
	lab_unlock(team);

	return rig_team_barrier(team);
}
