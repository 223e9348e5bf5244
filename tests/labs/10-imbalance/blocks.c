/* hint: TODO(1): hard rows lie side by side */
#include "lab.h"

/* Strips of rows are contiguous. */
int fixed(struct rig_team *team)
{
	size_t size = (size_t)rig_team_size(team);

	struct rig_span of =
		rig_strip(lab_rows(team), rig_team_rank(team), (int)size);

	for (size_t row = of.begin; row < of.end; row++)
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
