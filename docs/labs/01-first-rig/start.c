/* SPDX-License-Identifier: MIT */
/*
 * start.c - three mistakes to find.  It compiles, it runs, and it is wrong.
 *
 * Every rank owns one strip of the array.  It copies the mirror image of its
 * strip into memory of its own, and then writes that into its strip.
 */
#include "lab.h"

#include <errno.h>
#include <stdlib.h>

int mirror(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	size_t rank = (size_t)rig_team_rank(team);
	size_t size = (size_t)rig_team_size(team);
	size_t begin, end, i;
	double *mine;

	lab_begin(team);

	/* TODO(1): is this all of the array, for every n and size?  What does
	 * rig_team_strip() do that this does not? */
	begin = rank * (n / size);
	end = begin + n / size;

	mine = malloc((end - begin + 1) * sizeof(*mine));
	if (!mine)
		return rig_team_fail(team, -ENOMEM, "no memory");

	/* TODO(2): which element ends up at i? */
	for (i = begin; i < end; i++)
		mine[i - begin] = x[n - i];

	/* TODO(3): who may still be reading what is overwritten here? */
	for (i = begin; i < end; i++)
		x[i] = mine[i - begin];

	free(mine);
	lab_end(team);
	return 0;
}
