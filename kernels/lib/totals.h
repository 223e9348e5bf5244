/* SPDX-License-Identifier: MIT */
/*
 * totals.h - each line of an array (axis.h) becomes a number: its sum, least,
 * mean, ...
 *
 * A line is cut into chunks.  Each chunk has a total, and the totals of a
 * line's chunks become a single total.  Both are done in an order that does not
 * depend on the team: floats have the same bits for any number of workers.  A
 * variance takes two passes: the means first, then the squares of the
 * deviations.
 *
 * A complex number is two floats, side by side: two lines.
 */
#ifndef KERNELS_TOTALS_H
#define KERNELS_TOTALS_H

#include <stdbool.h>

#include <runrig/kernels.h>

#include <kernels/lib/axis.h>
#include <kernels/lib/strips.h>
#include <runner/convert.h>

enum total_op {
	TOTAL_SUM,
	TOTAL_MIN,
	TOTAL_MAX,
	TOTAL_NORM,
	TOTAL_PROD,
	TOTAL_MEAN,
	TOTAL_VAR,
	TOTAL_STD,
	TOTAL_COUNT, /* number of items that are not zero */
	TOTAL_ANY,
	TOTAL_ALL
};

/* How items become a chunk's total, and chunks' totals a single total. */
enum total_step {
	STEP_SUM,
	STEP_MIN,
	STEP_MAX,
	STEP_PROD,
	STEP_SQUARES,
	STEP_DEVIATIONS /* squares of an item's distance from the mean */
};

/* The arrays: MEANS is a variance's alone. */
enum { X, CHUNKS, RESULT, MEANS };

struct total_args {
	struct rig_kernel_args header;
	size_t length;
	uint32_t axis;
	/* Set by check: the kernel, and the items. */
	uint32_t op;
	uint32_t parts; /* 2: complex numbers */
	uint32_t dtype; /* dtype of a part */
	size_t ddof, columns;
	struct axis_lines lines; /* `inner` counts parts */
};

/* Elements of a line in a chunk, where lines lie side by side, and lines that
 * are totalled together. */
#define TOTAL_ROWS    128
#define TOTAL_COLUMNS 1024

/* The work of a rank at a time: rows of a chunk, and columns. */
struct total_tile {
	uint64_t outer, chunk;
	struct rig_span rows, columns;
};

/* The number of chunks of a line; the number of all tiles; the tile with number
 * `index`; the place of a tile's first total in the array of chunks. */
uint64_t total_chunks(const struct total_args *args);
uint64_t total_tiles(const struct total_args *args);
struct total_tile total_tile_at(const struct total_args *args, uint64_t index);
uint64_t total_place(const struct total_args *args,
		     const struct total_tile *tile);

static inline uint64_t total_lines(const struct total_args *args)
{
	return args->lines.outer * args->lines.inner;
}

/* Whether there are two passes with separate chunks: a variance. */
static inline bool total_varies(const struct total_args *args)
{
	return args->op == TOTAL_VAR || args->op == TOTAL_STD;
}

/* Whether the kernel only asks whether an item is zero. */
static inline bool total_counts(const struct total_args *args)
{
	return args->op >= TOTAL_COUNT;
}

/* Are totals whole numbers of 64 bits? */
static inline bool total_whole(const struct total_args *args)
{
	return total_counts(args) ||
	       (convert_whole(args->dtype) &&
		(args->op <= TOTAL_MAX || args->op == TOTAL_PROD));
}

/* Whether the result is an item, with the items' dtype. */
static inline bool total_is_item(const struct total_args *args)
{
	return args->op == TOTAL_MIN || args->op == TOTAL_MAX;
}

/* The sign bit, which is turned to compare numbers with a sign. */
static inline uint64_t total_sign(const struct total_args *args)
{
	return convert_signed(args->dtype) ? UINT64_C(1) << 63 : 0;
}

/* The steps from items to chunks, in either pass, and from chunks on. */
enum total_step total_first(const struct total_args *args);
enum total_step total_second(const struct total_args *args);

/* Totals that make a result together: two where complex numbers vary. */
static inline uint64_t total_joined(const struct total_args *args)
{
	return total_varies(args) ? args->parts : 1;
}

/* The divisor of a sum of deviations. */
static inline double total_divisor(const struct total_args *args)
{
	uint64_t along = args->lines.along;

	return along > args->ddof ? (double)(along - args->ddof) : 0;
}

/* Items begin to end - 1, in parts, in the form in which they are totalled: in
 * place, or in `to`, which has room for the items. */
const union number *total_load(const struct total_args *args, const void *x,
			       uint64_t begin, uint64_t end, union number *to);

/* The norm where squares are out of a double's range: seldom, by a single
 * rank. */
double total_scaled_norm(const struct total_args *args, const void *x);

/* Below this value squares lose bits; above the inverse squares may
 * overflow. */
#define TOTAL_SQUARES_MIN 0x1p-480

/* The kernel's functions. */
int total_run(struct rig_team *team);
int total_digest(struct rig_team *team);
int total_verify(struct rig_team *team);
uint64_t total_blocks(const void *args);
int total_prove(struct rig_team *team, uint64_t block, const void *before);

#endif
