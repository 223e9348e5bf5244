/* hint: TODO(3): a small number is lost in a large sum */
#include "lab.h"

#include <math.h>

#define PARTS 64

/* Two doubles hold 106 bits, and the numbers of the check have more. */
static double add_up(const double *x, size_t n)
{
	double sum = 0, errors = 0;

	for (size_t i = 0; i < n; i++) {
		double both = sum + x[i];

		errors += fabs(sum) >= fabs(x[i]) ? (sum - both) + x[i]
						  : (x[i] - both) + sum;
		sum = both;
	}
	return sum + errors;
}

int total(struct rig_team *team)
{
	const double *x = rig_team_data(team, 0);
	double *sum = rig_team_data(team, 1);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span mine = rig_team_strip(team, PARTS);
	double parts[PARTS] = { 0 }, all[PARTS] = { 0 };

	for (size_t part = mine.begin; part < mine.end; part++) {
		struct rig_span of = rig_strip(n, (int)part, PARTS);

		parts[part] = add_up(x + of.begin, of.end - of.begin);
	}
	rig_team_allreduce(team, parts, all, PARTS, RIG_FLOAT64, RIG_SUM);
	if (rig_team_rank(team) == 0)
		*sum = add_up(all, PARTS);
	return rig_team_barrier(team);
}
