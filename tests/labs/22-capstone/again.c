/* hint: TODO(2): a row that made[] has is not made again */
/* A new team begins anew. */
#include "lab.h"

#include <errno.h>
#include <stdio.h>

int render(struct rig_team *team)
{
	struct lab_canvas *canvas = rig_team_data(team, 0);
	struct rig_span mine = rig_team_strip(team, lab_rows(team));
	int r;

	while (lab_turn(team) > 0) {
		size_t row = lab_take(team, 1).begin;

		lab_row(team, row, canvas->raw[row]);
		canvas->made[row] = 1;
	}
	r = lab_barrier(team);
	for (size_t row = mine.begin; r == 0 && row < mine.end; row++)
		lab_smooth(team, row);
	return r;
}

int persist(struct rig_pool *pool, const struct rig_job *job)
{
	int r = lab_run(pool, job);

	while (r == -EOWNERDEAD)
		r = lab_run(pool, job);
	return r;
}

int write_picture(const char *path, const struct lab_canvas *canvas,
		  size_t rows)
{
	FILE *file = fopen(path, "wb");
	size_t bytes = rows * LAB_COLUMNS;
	int r = 0;

	if (!file)
		return -errno;
	fprintf(file, "P5\n%d %zu\n255\n", LAB_COLUMNS, rows);
	if (fwrite(canvas->smooth, 1, bytes, file) != bytes)
		r = -EIO;
	if (fclose(file) != 0)
		r = -errno;
	return r;
}
