/* SPDX-License-Identifier: MIT */
/*
 * start.c - three ways to share out a picture.  All three make it, and none is
 * any good.
 */
#include "lab.h"

int fixed(struct rig_team *team)
{
	struct rig_span rows = rig_team_strip(team, lab_rows(team));

	/* TODO(1): which rows are hard, and who has them?  Deal the rows out in
	 * another way, without taking turns. */
	for (size_t row = rows.begin; row < rows.end; row++)
		lab_row(team, row);
	return 0;
}

int dynamic(struct rig_team *team)
{
	/* TODO(2): how many turns does each rank get to take? */
	size_t chunk = lab_rows(team) / (size_t)rig_team_size(team);
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
	while (lab_turn(team) > 0) {
		/* TODO(3): turns cost something.  How many rows may one take
		 * while there are many, and how many at the end? */
		struct rig_span rows = lab_take(team, 1);

		for (size_t row = rows.begin; row < rows.end; row++)
			lab_row(team, row);
	}
	return 0;
}
