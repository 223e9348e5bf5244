/* hint: each row is made by one rank, once */
#include "lab.h"

/* Neighbours share the row at the end of each chunk. */
int fixed(struct rig_team *team)
{
	size_t size = (size_t)rig_team_size(team);

	for (size_t row = (size_t)rig_team_rank(team); row < lab_rows(team);
	     row += size)
		lab_row(team, row);
	return 0;
}

int dynamic(struct rig_team *team)
{
	size_t chunk = 2;
	size_t left;

	while ((left = lab_turn(team)) > 0) {
		struct rig_span rows =
			lab_take(team, left < chunk ? left : chunk);

		for (size_t row = rows.begin; row <= rows.end; row++)
			lab_row(team, row);
	}
	return 0;
}

int guided(struct rig_team *team)
{
	size_t parts = 4 * (size_t)rig_team_size(team);
	size_t left;

	while ((left = lab_turn(team)) > 0) {
		struct rig_span rows =
			lab_take(team, left < parts ? 1 : left / parts);

		for (size_t row = rows.begin; row <= rows.end; row++)
			lab_row(team, row);
	}
	return 0;
}
