/* hint: TODO(1): the sum depends on who is first */
#include "lab.h"

/* More digits within a strip do not cure the order of the strips. */
int total(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *sum = rig_team_data(team, 1);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span strip = rig_team_strip(team, n);
	long double mine = 0;

	for (size_t i = strip.begin; i < strip.end; i++)
		mine += x[i];
	lab_lock(team);
	*sum += (double)mine;
	lab_unlock(team);
	return rig_team_barrier(team);
}
