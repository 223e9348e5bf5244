/* SPDX-License-Identifier: MIT */
/*
 * totals.h - each line of an array (axis.h) becomes one number: its sum, least,
 * mean, ...
 *
 * A line is cut into chunks.  Each chunk has a total, and of the totals of all
 * chunks of a line one total is made.  Both are done in an order that does not
 * depend on the team, so that floats have the same bits for any number of
 * workers.  A variance takes two passes: the means first, then the squares of
 * the deviations.
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
	TOTAL_COUNT, /* of those that are not zero */
	TOTAL_ANY,
	TOTAL_ALL
};

/* How items become the total of a chunk, or totals of chunks one. */
enum total_step {
	STEP_SUM,
	STEP_MIN,
	STEP_MAX,
	STEP_PROD,
	STEP_SQUARES,
	STEP_DEVIATIONS /* squares of what an item is off the mean */
};

/* The arrays: MEANS is a variance's alone. */
enum { X, CHUNKS, RESULT, MEANS };

struct total_args {
	struct rig_kernel_args header;
	size_t length;
	uint32_t axis;
	/* By check: which kernel this is, and what is totalled. */
	uint32_t op;
	uint32_t parts; /* 2: complex numbers */
	uint32_t dtype; /* of a part */
	size_t ddof, columns;
	struct axis_lines lines; /* `inner` counts parts */
};

/* Elements of a line that are a chunk, where lines lie side by side, and lines
 * that are totalled together. */
#define TOTAL_ROWS    128
#define TOTAL_COLUMNS 1024

/* A rank totals so much at a time: rows of one chunk, and columns. */
struct total_tile {
	uint64_t outer, chunk;
	struct rig_span rows, columns;
};

/* Chunks of a line; all tiles; the tile of that number; the place of its first
 * total in the array of chunks. */
uint64_t total_chunks(const struct total_args *args);
uint64_t total_tiles(const struct total_args *args);
struct total_tile total_tile_at(const struct total_args *args, uint64_t index);
uint64_t total_place(const struct total_args *args,
		     const struct total_tile *tile);

static inline uint64_t total_lines(const struct total_args *args)
{
	return args->lines.outer * args->lines.inner;
}

/* A mean and more: two passes, with chunks of their own. */
static inline bool total_varies(const struct total_args *args)
{
	return args->op == TOTAL_VAR || args->op == TOTAL_STD;
}

/* Is it zero or not that counts? */
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

/* Is the result one of the items, and of their dtype? */
static inline bool total_is_item(const struct total_args *args)
{
	return args->op == TOTAL_MIN || args->op == TOTAL_MAX;
}

/* The sign bit, which is turned to compare numbers that have one. */
static inline uint64_t total_sign(const struct total_args *args)
{
	return convert_signed(args->dtype) ? UINT64_C(1) << 63 : 0;
}

/* The steps from items to chunks, in either pass, and from those on. */
enum total_step total_first(const struct total_args *args);
enum total_step total_second(const struct total_args *args);

/* Totals that make one result: two where complex numbers vary. */
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

/* Items begin to end - 1, in parts, as totals are taken of: as they lie, or in
 * `to`, which has room for them. */
const union number *total_load(const struct total_args *args, const void *x,
			       uint64_t begin, uint64_t end, union number *to);

/* The norm where squares are out of a double's range: seldom, by one rank. */
double total_scaled_norm(const struct total_args *args, const void *x);

/* Below it squares lose bits; above its inverse they may overflow. */
#define TOTAL_SQUARES_MIN 0x1p-480

/* The kernel's functions. */
int total_run(struct rig_team *team);
int total_digest(struct rig_team *team);
int total_verify(struct rig_team *team);
uint64_t total_blocks(const void *args);
int total_prove(struct rig_team *team, uint64_t block, const void *before);

#endif
