/* hint: every rank steps the rows of its strip */
#include "lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROW (LAB_COLUMNS * sizeof(double))

/* Rank 0 gets all rows, makes all steps, and gives the rows back. */
static void relax_all(struct rig_team *team, double *now, double *old,
		      size_t all)
{
	for (int step = 0; step < lab_steps(team); step++) {
		memcpy(old, now, all * ROW);
		for (size_t at = LAB_COLUMNS; at < (all - 1) * LAB_COLUMNS;
		     at++)
			if (at % LAB_COLUMNS > 0 &&
			    at % LAB_COLUMNS < LAB_COLUMNS - 1)
				now[at] = lab_mean(old[at - LAB_COLUMNS],
						   old[at + LAB_COLUMNS],
						   old[at - 1], old[at + 1]);
	}
}

int relax(struct rig_team *team)
{
	double *grid = rig_team_data(team, 0), *result = rig_team_data(team, 1);
	size_t all = rig_team_bytes(team, 0) / ROW;
	struct rig_span mine = rig_team_strip(team, all);
	size_t count = (mine.end - mine.begin) * LAB_COLUMNS;
	double *now = calloc(all, ROW), *old = calloc(all, ROW);

	if (!now || !old)
		return rig_team_fail(team, -ENOMEM, "no memory");
	memcpy(now + mine.begin * LAB_COLUMNS, grid + mine.begin * LAB_COLUMNS,
	       count * sizeof(double));
	if (rig_team_rank(team) > 0) {
		lab_send(team, now + mine.begin * LAB_COLUMNS, count, 0);
		lab_recv(team, now + mine.begin * LAB_COLUMNS, count, 0);
	}
	for (int pass = 0; rig_team_rank(team) == 0 && pass < 2; pass++) {
		for (int rank = 1; rank < rig_team_size(team); rank++) {
			struct rig_span strip =
				rig_strip(all, rank, rig_team_size(team));
			double *at = now + strip.begin * LAB_COLUMNS;
			size_t n = (strip.end - strip.begin) * LAB_COLUMNS;

			if (pass == 0)
				lab_recv(team, at, n, rank);
			else
				lab_send(team, at, n, rank);
		}
		if (pass == 0)
			relax_all(team, now, old, all);
	}
	memcpy(result + mine.begin * LAB_COLUMNS,
	       now + mine.begin * LAB_COLUMNS, count * sizeof(double));
	free(now);
	free(old);
	return 0;
}
