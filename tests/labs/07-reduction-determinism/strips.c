/* hint: TODO(2): the sum depends on where strips end */
#include "lab.h"

/* Rank order is a fixed order, of parts that the team's size decides. */
int total(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *sum = rig_team_data(team, 1);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span strip = rig_team_strip(team, n);
	double mine = 0, all = 0;

	for (size_t i = strip.begin; i < strip.end; i++)
		mine += x[i];
	rig_team_allreduce(team, &mine, &all, 1, RIG_FLOAT64, RIG_SUM);
	if (rig_team_rank(team) == 0)
		*sum = all;
	return rig_team_barrier(team);
}
