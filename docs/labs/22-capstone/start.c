/* SPDX-License-Identifier: MIT */
/*
 * start.c - a picture, as long as nobody dies, nobody is late, and nobody looks.
 */
#include "lab.h"

int render(struct rig_team *team)
{
	struct lab_canvas *canvas = rig_team_data(team, 0);
	struct rig_span mine = rig_team_strip(team, lab_rows(team));

	/* TODO(1): which rows are the hard ones, and who has them? */
	/* TODO(2): which rows has a team made that has died? */
	for (size_t row = mine.begin; row < mine.end; row++) {
		canvas->made[row] = 1;
		lab_row(team, row, canvas->raw[row]);
	}
	/* TODO(3): are the neighbours' rows there? */
	for (size_t row = mine.begin; row < mine.end; row++)
		lab_smooth(team, row);
	return 0;
}

int persist(struct rig_pool *pool, const struct rig_job *job)
{
	/* TODO(4): which error can a further run cure? */
	return lab_run(pool, job);
}

int write_picture(const char *path, const struct lab_canvas *canvas,
		  size_t rows)
{
	/* TODO(5): three lines of text, and the bytes. */
	(void)path;
	(void)canvas;
	(void)rows;
	return 0;
}
