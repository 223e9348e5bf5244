/* hint: TODO(3): an element was overwritten before a rank had read the element */
/* no hint: TODO(1) */
#include "lab.h"

#include <errno.h>
#include <stdlib.h>

/* The barrier orders nothing here: all has been written. */
int mirror(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span strip = rig_team_strip(team, n);
	double *mine = malloc((strip.end - strip.begin + 1) * sizeof(*mine));

	if (!mine)
		return -ENOMEM;
	lab_begin(team);
	for (size_t i = strip.begin; i < strip.end; i++)
		mine[i - strip.begin] = x[n - 1 - i];
	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = mine[i - strip.begin];
	lab_barrier(team);
	lab_end(team);
	free(mine);
	return 0;
}
