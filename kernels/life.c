/* SPDX-License-Identifier: MIT */
/*
 * life.c - Conway's Game of Life on a torus.
 *
 * Two grids take turns; a generation needs the rows above and below, which are
 * read in place, and a barrier.  The place of the first generation is chosen so
 * that the last generation ends in the first grid, and the generation before in
 * the second: the last step can always be done again.  Frames are copies of
 * generations, evenly from the first to the last.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

#define SIDE_MAX   1048576.0
#define FRAMES_MAX 4096

enum { CELLS, BEFORE, FRAMES };
enum pattern { RANDOM, GLIDER, RPENTOMINO };

struct life_args {
	struct rig_kernel_args header;
	size_t side;
	size_t generations;
	size_t frames;
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
	{ .name = "frames",
	  .help = "from 2 on: so many generations are kept, from the first to "
		  "the last",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct life_args, frames),
	  .fallback = "0",
	  .max = FRAMES_MAX },
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

static int check_frames(struct life_args *args, char *why, size_t why_bytes)
{
	struct rig_array *frames = &args->header.arrays[FRAMES];

	if (args->frames == 0)
		return 0;
	if (args->frames == 1 || args->frames - 1 > args->generations) {
		snprintf(why, why_bytes,
			 "frames=%zu: from 2 to one more than the generations, "
			 "which are %zu",
			 args->frames, args->generations);
		return -EINVAL;
	}
	frames->dims = 3;
	frames->shape[0] = (int64_t)args->frames;
	frames->shape[1] = frames->shape[2] = (int64_t)args->side;
	return 0;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct life_args *args = given;

	if (args->pattern == RANDOM || args->side >= 5)
		return check_frames(args, why, why_bytes);
	snprintf(why, why_bytes, "side=%zu: the figure needs 5 cells",
		 args->side);
	return -EINVAL;
}

static uint64_t count(const void *given)
{
	const struct life_args *args = given;

	return args->side * args->side;
}

static uint64_t count_frames(const void *given)
{
	const struct life_args *args = given;

	return count(args) * args->frames;
}

static double bytes_moved(const void *given)
{
	const struct life_args *args = given;

	return 2 * (double)args->generations * (double)count(args);
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct life_args *args = given;

	/* A rank's rows of each frame are in many places. */
	if (index == FRAMES)
		return share_rows(args->frames, bytes / args->frames, rank,
				  size, spans);
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

/* The generation of which frame `index` is a copy. */
static size_t generation_of(const struct life_args *args, size_t index)
{
	size_t gaps = args->frames - 1;

	return args->generations / gaps * index +
	       args->generations % gaps * index / gaps;
}

/* Keep rows of the generation if frame `*index` is a copy of the generation. */
static void keep(struct rig_team *team, size_t generation, const uint8_t *cells,
		 struct rig_span rows, size_t *index)
{
	const struct life_args *args = rig_team_args(team);
	size_t side = args->side, first = rows.begin * side;
	uint8_t *frames;

	if (*index >= args->frames || generation_of(args, *index) != generation)
		return;
	frames = rig_team_data(team, FRAMES);
	memcpy(frames + *index * side * side + first, cells + first,
	       (rows.end - rows.begin) * side);
	(*index)++;
}

static int run(struct rig_team *team)
{
	const struct life_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, args->side);
	uint8_t *grids[] = { rig_team_data(team, CELLS),
			     rig_team_data(team, BEFORE) };
	size_t kept = 0;

	keep(team, 0, grids[args->generations % 2], rows, &kept);
	for (size_t left = args->generations; left > 0; left--) {
		step(grids[(left - 1) % 2], grids[left % 2], args->side, rows);
		keep(team, args->generations - left + 1, grids[(left - 1) % 2],
		     rows, &kept);
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

/* Frames of another rank's rows: the first frame is the beginning, and the last
 * frame the end. */
static int verify_frames(struct rig_team *team, const struct life_args *args,
			 struct rig_span rows)
{
	const uint8_t *cells = rig_team_data(team, CELLS), *first, *last;
	size_t all = args->side * args->side;

	if (args->frames == 0)
		return 0;
	first = rig_team_data(team, FRAMES);
	last = first + (args->frames - 1) * all;
	for (size_t at = rows.begin * args->side; at < rows.end * args->side;
	     at++) {
		bool right = args->pattern != RANDOM || first[at] == coin(at);

		if (!right || last[at] != cells[at])
			return rig_team_fail(
				team, -EBADMSG,
				"life: cell (%zu, %zu) of the %s frame is %d",
				at / args->side, at % args->side,
				right ? "last" : "first",
				right ? last[at] : first[at]);
	}
	return 0;
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
	if (verify_frames(team, args, rows) < 0)
		return -EBADMSG;
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

/* The same, and frames where the user asks for frames. */
static int declare(const void *given, struct rig_declared *declared, char *why,
		   size_t why_bytes)
{
	const struct life_args *args = given;

	(void)why;
	(void)why_bytes;
	for (int i = 0; arrays[i].name; i++) {
		declared->specs[i] = arrays[i];
		snprintf(declared->names[i], RIG_DECLARED_BYTES, "%s",
			 arrays[i].name);
	}
	if (args->frames == 0)
		return 0;
	declared->specs[FRAMES] = (struct rig_array_spec){
		.role = RIG_OUTPUT, .dtype = RIG_UINT8, .count = count_frames
	};
	snprintf(declared->names[FRAMES], RIG_DECLARED_BYTES, "frames");
	return 0;
}

const struct rig_kernel kernel_life = {
	.version = RIG_KERNEL_VERSION,
	.name = "life",
	.summary = "Conway's Game of Life on a torus",
	.verified =
		"the last step by the books, each cell; gliders where they "
		"must be; the R-pentomino's 116 cells at 1103; the first frame "
		"and the last",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct life_args),
	.check = check,
	.bytes_moved = bytes_moved,
	.declare = declare,
	.owns = owns,
	.prepare = prepare,
	.run = run,
	.verify = verify,
	.result = result,
};
