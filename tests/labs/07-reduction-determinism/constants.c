/* hint: TODO(3): a small number is lost */
#include "lab.h"

/* A sum that is nobody's. */
int total(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *sum = rig_team_data(team, 1);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span strip = rig_team_strip(team, n);
	double all;
	int r;

	r = rig_team_sum(team, x + strip.begin, strip.end - strip.begin,
			 RIG_FLOAT64, &all);
	if (r == 0 && rig_team_rank(team) == 0)
		*sum = 0.5;
	return r < 0 ? r : rig_team_barrier(team);
}
