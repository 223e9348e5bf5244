/* hint: TODO(2): the element is not */
#include "lab.h"

/* The same number everywhere. */
#include <errno.h>
#include <stdlib.h>

int mirror(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span strip;
	double *mine;
	size_t i;

	lab_begin(team);

	strip = rig_team_strip(team, n);

	mine = malloc((strip.end - strip.begin + 1) * sizeof(*mine));
	if (!mine)
		return rig_team_fail(team, -ENOMEM, "no memory");

	for (i = strip.begin; i < strip.end; i++)
		mine[i - strip.begin] = 42;

	lab_barrier(team);
	for (i = strip.begin; i < strip.end; i++)
		x[i] = mine[i - strip.begin];

	free(mine);
	lab_end(team);
	return 0;
}
