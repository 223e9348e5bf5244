/* hint: every rank writes its strip, and only its strip */
#include "lab.h"

int mirror(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);

	lab_begin(team);
	for (size_t i = 0; rig_team_rank(team) == 0 && i < n / 2; i++) {
		double low = x[i];

		x[i] = x[n - 1 - i];
		x[n - 1 - i] = low;
	}
	lab_end(team);
	return 0;
}
