/* hint: TODO(3): a small number is lost in a large sum */
#include "lab.h"

#define PARTS 64

/* Fixed parts cure the team's size, and not the order of the numbers. */
int total(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *sum = rig_team_data(team, 1);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span mine = rig_team_strip(team, PARTS);
	double parts[PARTS] = { 0 }, all[PARTS] = { 0 };

	for (size_t part = mine.begin; part < mine.end; part++) {
		struct rig_span of = rig_strip(n, (int)part, PARTS);

		for (size_t i = of.begin; i < of.end; i++)
			parts[part] += x[i];
	}
	rig_team_allreduce(team, parts, all, PARTS, RIG_FLOAT64, RIG_SUM);
	for (int part = 0; rig_team_rank(team) == 0 && part < PARTS; part++)
		*sum += all[part];
	return rig_team_barrier(team);
}
