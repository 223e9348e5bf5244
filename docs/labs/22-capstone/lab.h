/* SPDX-License-Identifier: MIT */
/*
 * lab.h - a picture: shared out by turns, smoothed behind a barrier, finished
 * whoever dies, and written to a file.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

#define LAB_COLUMNS  96
#define LAB_ROWS_MAX 72

/* In shared memory, segment 0: all that outlives a worker.  Zero to begin with. */
struct lab_canvas {
	unsigned char raw[LAB_ROWS_MAX][LAB_COLUMNS];
	unsigned char smooth[LAB_ROWS_MAX][LAB_COLUMNS];
	unsigned char made[LAB_ROWS_MAX]; /* yours: row is in raw[] */
};

/* Yours, in start.c, the kernel: every row of the picture is in raw[], and then in
 * smooth[].  Each row is made by one rank, and a row that is made is not made
 * again. */
int render(struct rig_team *team);

/* Yours: run the job until the job is done, deaths or no deaths.  Returns 0, or an
 * error that no further run can cure. */
int persist(struct rig_pool *pool, const struct rig_job *job);

/* Yours: write smooth[] as a portable graymap: "P5\n", columns, a space, rows,
 * "\n255\n", and a byte for each element.  Returns 0, or -errno. */
int write_picture(const char *path, const struct lab_canvas *canvas,
		  size_t rows);

/* ---- the lab's, in check.c ---- */

size_t lab_rows(struct rig_team *team);

/* Wait until this rank's clock is behind all others', and return how many rows
 * nobody has taken in this run.  Clocks go on by the steps of what a rank makes.  A
 * rank goes on taking turns until nothing is left. */
size_t lab_turn(struct rig_team *team);

/* In its turn a rank takes the next `count` rows, and its turn ends. */
struct rig_span lab_take(struct rig_team *team, size_t count);

/* Make a row of the picture: LAB_COLUMNS shades.  A worker may die here. */
void lab_row(struct rig_team *team, size_t row, unsigned char *shades);

/* Fill smooth[row] from raw[row - 1] to raw[row + 1].  A worker may die here. */
void lab_smooth(struct rig_team *team, size_t row);

/* rig_team_barrier(). */
int lab_barrier(struct rig_team *team);

/* rig_pool_run(), and a look at the report. */
int lab_run(struct rig_pool *pool, const struct rig_job *job);

#endif
