/* hint: TODO(1): hard rows lie side by side */
#include "lab.h"

/* Rank 0 makes every row of the first way. */
int fixed(struct rig_team *team)
{
	for (size_t row = 0; rig_team_rank(team) == 0 && row < lab_rows(team);
	     row++)
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

		for (size_t row = rows.begin; row < rows.end; row++)
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

		for (size_t row = rows.begin; row < rows.end; row++)
			lab_row(team, row);
	}
	return 0;
}
