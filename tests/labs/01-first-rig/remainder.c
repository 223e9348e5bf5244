/* hint: TODO(1): nobody owns this element */
#include "lab.h"

#include <errno.h>
#include <stdlib.h>

/* Equal strips: what is left over is nobody's. */
int mirror(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	size_t each = n / (size_t)rig_team_size(team);
	size_t begin = (size_t)rig_team_rank(team) * each, end = begin + each;
	double *mine = malloc((each + 1) * sizeof(*mine));

	if (!mine)
		return -ENOMEM;
	lab_begin(team);
	for (size_t i = begin; i < end; i++)
		mine[i - begin] = x[n - 1 - i];
	lab_barrier(team);
	for (size_t i = begin; i < end; i++)
		x[i] = mine[i - begin];
	lab_end(team);
	free(mine);
	return 0;
}
