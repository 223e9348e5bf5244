/* SPDX-License-Identifier: MIT */
/*
 * life.c - Conway's Game of Life on a torus.
 *
 * Two grids take turns; a generation needs the rows above and below, which are
 * read in place, and a barrier.  The place of the first generation is chosen so
 * that the last generation ends in the first grid, and the generation before in
 * the second: the last step can always be done again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

#define SIDE_MAX 1048576.0

enum { CELLS, BEFORE };
enum pattern { RANDOM, GLIDER, RPENTOMINO };

struct life_args {
	struct rig_kernel_args header;
	size_t side;
	size_t generations;
	uint32_t pattern;
};

static const struct rig_param params[] = {
	{ .name = "side",
	  .help = "cells on a side of the torus",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct life_args, side),
	  .fallback = "1024",
	  .max = SIDE_MAX },
	{ .name = "generations",
	  .help = "steps",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct life_args, generations),
	  .fallback = "100",
	  .max = 1e9 },
	{ .name = "pattern",
	  .help = "what it begins with: half of all cells, or one figure",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct life_args, pattern),
	  .fallback = "random",
	  .choices = "random glider rpentomino" },
	{ 0 },
};

/* Figures of five cells: rows and columns. */
static const uint8_t figures[][5][2] = {
	[GLIDER] = { { 0, 1 }, { 1, 2 }, { 2, 0 }, { 2, 1 }, { 2, 2 } },
	[RPENTOMINO] = { { 0, 1 }, { 0, 2 }, { 1, 0 }, { 1, 1 }, { 2, 1 } },
};

/* The R-pentomino is at rest after REST_GENERATION generations, with REST_CELLS
 * cells; its gliders do not come round a torus of side REST_SIDE before. */
#define REST_GENERATION 1103
#define REST_CELLS      116
#define REST_SIDE       1024

static int check(void *given, char *why, size_t why_bytes)
{
	const struct life_args *args = given;

	if (args->pattern == RANDOM || args->side >= 5)
		return 0;
	snprintf(why, why_bytes, "side=%zu: the figure needs 5 cells",
		 args->side);
	return -EINVAL;
}

static uint64_t count(const void *given)
{
	const struct life_args *args = given;

	return args->side * args->side;
}

static double bytes_moved(const void *given)
{
	const struct life_args *args = given;

	return 2 * (double)args->generations * (double)count(args);
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	(void)bytes;
	(void)index;
	const struct life_args *args = given;

	return share_rows(args->side, args->side, rank, size, spans);
}

/* A bit that tells nothing of the bits of neighbouring cells. */
static uint8_t coin(uint64_t at)
{
	return (uint8_t)(share_scatter(at) >> 63);
}

static int prepare(struct rig_team *team)
{
	const struct life_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, args->side);
	bool odd = args->generations % 2;
	uint8_t *first = rig_team_data(team, odd ? BEFORE : CELLS);
	uint8_t *other = rig_team_data(team, odd ? CELLS : BEFORE);
	size_t middle = args->side / 2 - args->side / 2 % 2;

	for (size_t i = rows.begin * args->side; i < rows.end * args->side;
	     i++) {
		first[i] = args->pattern == RANDOM ? coin(i) : 0;
		other[i] = 0;
	}
	rig_team_barrier(team);
	if (args->pattern == RANDOM || rig_team_rank(team) > 0)
		return 0;
	for (int c = 0; c < 5; c++) {
		size_t i = middle + figures[args->pattern][c][0];
		size_t j = middle + figures[args->pattern][c][1];

		first[i % args->side * args->side + j % args->side] = 1;
	}
	return 0;
}

INLINE uint8_t next(uint8_t alive, uint8_t neighbours)
{
	return (uint8_t)((neighbours == 3) | (alive & (neighbours == 2)));
}

/* The inner cells of a row. */
CLONES static void inner(uint8_t *restrict to, const uint8_t *restrict up,
			 const uint8_t *restrict at,
			 const uint8_t *restrict down, size_t side)
{
	for (size_t j = 1; j + 1 < side; j++) {
		uint8_t n = (uint8_t)(up[j - 1] + up[j] + up[j + 1] +
				      at[j - 1] + at[j + 1] + down[j - 1] +
				      down[j] + down[j + 1]);

		to[j] = next(at[j], n);
	}
}

/* Any cell, by the rule of the game. */
static uint8_t cell(const uint8_t *cells, size_t side, size_t i, size_t j)
{
	uint8_t n = 0;

	for (size_t di = 0; di < 3; di++)
		for (size_t dj = 0; dj < 3; dj++)
			if (di != 1 || dj != 1)
				n += cells[(i + side + di - 1) % side * side +
					   (j + side + dj - 1) % side];
	if (cells[i * side + j])
		return n == 2 || n == 3;
	return n == 3;
}

static void step(uint8_t *to, const uint8_t *from, size_t side,
		 struct rig_span rows)
{
	for (size_t i = rows.begin; i < rows.end; i++) {
		inner(to + i * side, from + (i + side - 1) % side * side,
		      from + i * side, from + (i + 1) % side * side, side);
		to[i * side] = cell(from, side, i, 0);
		to[i * side + side - 1] = cell(from, side, i, side - 1);
	}
}

static int run(struct rig_team *team)
{
	const struct life_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, args->side);
	uint8_t *grids[] = { rig_team_data(team, CELLS),
			     rig_team_data(team, BEFORE) };

	for (size_t left = args->generations; left > 0; left--) {
		step(grids[(left - 1) % 2], grids[left % 2], args->side, rows);
		rig_team_barrier(team);
		share_done(team, args->generations - left + 1,
			   args->generations);
	}
	return 0;
}

/* In four generations a glider moves by a cell each way. */
static int verify_glider(struct rig_team *team, const struct life_args *args)
{
	const uint8_t *cells = rig_team_data(team, CELLS);
	size_t side = args->side;
	size_t middle = side / 2 - side / 2 % 2 + args->generations / 4;
	size_t population = 0;

	for (size_t i = 0; i < side * side; i++)
		population += cells[i];
	for (int c = 0; c < 5 && args->generations % 4 == 0; c++) {
		size_t i = (middle + figures[GLIDER][c][0]) % side;
		size_t j = (middle + figures[GLIDER][c][1]) % side;

		population += !cells[i * side + j];
	}
	return population == 5 ? 0
			       : rig_team_fail(team, -EBADMSG,
					       "life: the glider has crashed");
}

static int verify_rest(struct rig_team *team, const struct life_args *args)
{
	const uint8_t *cells = rig_team_data(team, CELLS);
	size_t population = 0;

	if (args->generations != REST_GENERATION || args->side < REST_SIDE)
		return 0;
	for (size_t i = 0; i < args->side * args->side; i++)
		population += cells[i];
	return population == REST_CELLS
		       ? 0
		       : rig_team_fail(team, -EBADMSG,
				       "life: the R-pentomino is at rest with "
				       "%zu cells, expected %d",
				       population, REST_CELLS);
}

/* The last step once more, by the books, of another rank's rows. */
static int verify(struct rig_team *team)
{
	const struct life_args *args = rig_team_args(team);
	struct rig_span rows = share_next(team, args->side);
	const uint8_t *cells = rig_team_data(team, CELLS);
	const uint8_t *before = rig_team_data(team, BEFORE);
	size_t side = args->side;

	for (size_t at = rows.begin * side; at < rows.end * side; at++) {
		uint8_t want = args->generations ? cell(before, side, at / side,
							at % side)
			       : args->pattern == RANDOM ? coin(at)
							 : cells[at] & 1;

		if (cells[at] != want)
			return rig_team_fail(team, -EBADMSG,
					     "life: cell (%zu, %zu) is %d, "
					     "expected %d",
					     at / side, at % side, cells[at],
					     want);
	}
	if (args->pattern == GLIDER)
		return verify_glider(team, args);
	return args->pattern == RPENTOMINO ? verify_rest(team, args) : 0;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const uint8_t *cells = data[CELLS];
	size_t alive = 0;

	for (size_t i = 0; i < count(given); i++)
		alive += cells[i];
	snprintf(text, bytes, "alive = %zu", alive);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "cells",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_UINT8,
	  .count = count },
	{ .name = "before",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT8,
	  .count = count },
	{ 0 },
};

const struct rig_kernel kernel_life = {
	.version = RIG_KERNEL_VERSION,
	.name = "life",
	.summary = "Conway's Game of Life on a torus",
	.verified = "the last step by the books, each cell; gliders where they "
		    "must be; the R-pentomino's 116 cells at 1103",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct life_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.owns = owns,
	.prepare = prepare,
	.run = run,
	.verify = verify,
	.result = result,
};
