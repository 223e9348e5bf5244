/* SPDX-License-Identifier: MIT */
/*
 * kernels.c - kernels for a Pool of Python's, in a library: the pool's workers load
 * the library by name.
 */
#include <unistd.h>

#include <runrig/team.h>

int twice(struct rig_team *team);
int linger(struct rig_team *team);

/* x[i] *= 2, each rank its strip. */
__attribute__((visibility("default"))) int twice(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	struct rig_span strip =
		rig_team_strip(team, rig_team_bytes(team, 0) / sizeof(*x));

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] *= 2;
	return rig_team_barrier(team);
}

/* Leave a sign in x[0], and go on for ever. */
__attribute__((visibility("default"))) int linger(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);

	if (rig_team_rank(team) == 0)
		*x = -1;
	for (;;)
		pause();
}
