/* SPDX-License-Identifier: MIT */
/*
 * totals.c - each line of an array becomes a number.
 *
 * A NaN among the items makes the least and the greatest a NaN.  Integers are
 * added and multiplied modulo 2^64, as in NumPy.  The norm is the square root
 * of the sum of squares; where the squares are too large or too small for a
 * double, the items are first divided by the greatest.
 */
#include <kernels/lib/totals.h>
#include <kernels/lib/total_lines.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/clones.h>
#include <kernels/lib/reals.h>
#include <kernels/lib/sort_keys.h>
#include <kernels/lib/world.h>

/* ---- which items ---- */

/* Lines that lie side by side have shorter chunks. */
static uint64_t chunk_rows(const struct total_args *args)
{
	return args->lines.inner > 1 ? TOTAL_ROWS : SHARE_CHUNK;
}

uint64_t total_chunks(const struct total_args *args)
{
	uint64_t rows = chunk_rows(args), along = args->lines.along;

	return along / rows + (along % rows != 0);
}

/* Tiles that are side by side. */
static uint64_t tiles_across(const struct total_args *args)
{
	return (args->lines.inner + TOTAL_COLUMNS - 1) / TOTAL_COLUMNS;
}

uint64_t total_tiles(const struct total_args *args)
{
	return args->lines.outer * total_chunks(args) * tiles_across(args);
}

static struct rig_span piece(uint64_t index, uint64_t size, uint64_t count)
{
	uint64_t begin = index * size, left = count - begin;

	return (struct rig_span){ begin, begin + (left < size ? left : size) };
}

struct total_tile total_tile_at(const struct total_args *args, uint64_t index)
{
	uint64_t across = tiles_across(args), chunks = total_chunks(args);

	return (struct total_tile){
		.outer = index / across / chunks,
		.chunk = index / across % chunks,
		.rows = piece(index / across % chunks, chunk_rows(args),
			      args->lines.along),
		.columns =
			piece(index % across, TOTAL_COLUMNS, args->lines.inner),
	};
}

uint64_t total_place(const struct total_args *args,
		     const struct total_tile *tile)
{
	return (tile->outer * total_chunks(args) + tile->chunk) *
		       args->lines.inner +
	       tile->columns.begin;
}

enum total_step total_first(const struct total_args *args)
{
	switch (args->op) {
	case TOTAL_MIN:
		return STEP_MIN;
	case TOTAL_MAX:
		return STEP_MAX;
	case TOTAL_PROD:
		return STEP_PROD;
	case TOTAL_NORM:
		return STEP_SQUARES;
	default:
		return STEP_SUM;
	}
}

enum total_step total_second(const struct total_args *args)
{
	enum total_step first = total_first(args);

	return first == STEP_SQUARES ? STEP_SUM : first;
}

/* Parts that are not zero become 1; a complex number counts as a whole, for
 * both of its parts. */
static void load_truth(const struct total_args *args, const void *x,
		       uint64_t begin, uint64_t end, uint64_t *to)
{
	double parts[2];

	if (convert_whole(args->dtype)) {
		convert_to_64(args->dtype, x, begin, end, to);
		for (uint64_t i = 0; i < end - begin; i++)
			to[i] = to[i] != 0;
		return;
	}
	for (uint64_t i = begin; i < end; i++) {
		if (args->parts == 1) {
			convert_to_double(args->dtype, x, i, i + 1, parts);
			*to++ = parts[0] != 0;
			continue;
		}
		convert_to_double(args->dtype, x, i & ~UINT64_C(1),
				  (i & ~UINT64_C(1)) + 2, parts);
		*to++ = parts[0] != 0 || parts[1] != 0;
	}
}

const union number *total_load(const struct total_args *args, const void *x,
			       uint64_t begin, uint64_t end, union number *to)
{
	if (total_counts(args))
		load_truth(args, x, begin, end, &to->whole);
	else if (total_whole(args))
		convert_to_64(args->dtype, x, begin, end, &to->whole);
	else
		return (const union number *)convert_doubles(
			args->dtype, x, begin, end, &to->real);
	return to;
}

/* ---- a pass over the items ---- */

/* In this process: a rank's view of a run. */
struct totalling {
	const struct total_args *args;
	const void *x;
	union number *chunks;
	double *means;
	void *result;
};

/* The total of each column of a tile. */
static void total_tile(const struct totalling *t, const struct total_tile *tile,
		       enum total_step step, union number *to)
{
	const struct total_args *args = t->args;
	uint64_t inner = args->lines.inner;
	uint64_t line = tile->outer * inner + tile->columns.begin;
	uint64_t at = tile->outer * args->lines.along * inner;
	size_t count = tile->columns.end - tile->columns.begin;
	const double *means = t->means ? t->means + line : NULL;
	union number room[TOTAL_COLUMNS];
	const union number *x;
	uint64_t rows;
	_Static_assert(TOTAL_COLUMNS >= SHARE_CHUNK, "room for either");

	if (inner == 1) {
		*to = total_line(args,
				 total_load(args, t->x, at + tile->rows.begin,
					    at + tile->rows.end, room),
				 tile->rows.end - tile->rows.begin, step,
				 step == STEP_DEVIATIONS ? *means : 0);
		return;
	}
	for (uint64_t r = tile->rows.begin; r < tile->rows.end; r += rows) {
		uint64_t first = at + r * inner + tile->columns.begin;

		/* Short rows are loaded together. */
		rows = count == inner ? TOTAL_COLUMNS / count : 1;
		if (rows > tile->rows.end - r)
			rows = tile->rows.end - r;
		x = total_load(args, t->x, first, first + rows * count, room);
		if (r == tile->rows.begin)
			total_row_begin(args, to, x, count, step);
		for (uint64_t k = 0; k < rows; k++)
			total_row_add(args, to, x + k * count, count, step,
				      means);
	}
}

/* Tiles from one stream to the next, which makes 64 KiB of doubles: a rank goes
 * through its memory in order, but for that distance. */
#define STREAM_TILES 8

/* A chunk of a line whose items lie without gaps: tile `index` is the chunk with
 * that number of all lines, end to end. */
struct line_chunk {
	uint64_t line, begin, count;
};

static struct line_chunk chunk_at(const struct total_args *args, uint64_t index)
{
	uint64_t chunks = total_chunks(args), along = args->lines.along;
	uint64_t line = args->lines.outer > 1 ? index / chunks : 0;
	struct rig_span rows = piece(index - line * chunks, SHARE_CHUNK, along);

	return (struct line_chunk){ line, line * along + rows.begin,
				    rows.end - rows.begin };
}

/* Chunks `index` and the chunks at the same place of the next streams; false:
 * the chunks are not alike. */
static bool total_in_turns(const struct totalling *t, uint64_t index,
			   enum total_step step, union number *chunks)
{
	const any_double *x = t->x;
	const void *items[TOTAL_STREAMS];
	double means[TOTAL_STREAMS] = { 0 }, to[TOTAL_STREAMS];
	uint64_t count = 0;

	for (uint64_t s = 0; s < TOTAL_STREAMS; s++) {
		struct line_chunk chunk =
			chunk_at(t->args, index + s * STREAM_TILES);

		if (s > 0 && chunk.count != count)
			return false;
		count = chunk.count;
		items[s] = x + chunk.begin;
		if (step == STEP_DEVIATIONS)
			means[s] = t->means[chunk.line];
	}
	if (!total_streams_take(t->args, step, count))
		return false;
	total_streams(items, count, step, means, to);
	for (uint64_t s = 0; s < TOTAL_STREAMS; s++)
		chunks[index + s * STREAM_TILES].real = to[s];
	return true;
}

static void total_one(const struct totalling *t, uint64_t index,
		      enum total_step step, union number *chunks)
{
	struct total_tile tile = total_tile_at(t->args, index);

	total_tile(t, &tile, step, chunks + total_place(t->args, &tile));
}

/* The tiles of a rank, in windows of several streams. */
static void pass(struct rig_team *team, const struct totalling *t,
		 enum total_step step, union number *chunks)
{
	const uint64_t window = STREAM_TILES * TOTAL_STREAMS;
	struct rig_span own = world_strip(team, total_tiles(t->args));
	const uint64_t all = own.end - own.begin;
	uint64_t end;

	for (uint64_t i = own.begin; i < own.end; i = end) {
		bool turns = t->args->lines.inner == 1 && own.end - i >= window;

		end = turns ? i + window : i + 1;
		for (uint64_t k = i; turns && k < i + STREAM_TILES; k++)
			if (!total_in_turns(t, k, step, chunks))
				for (uint64_t s = 0; s < TOTAL_STREAMS; s++)
					total_one(t, k + s * STREAM_TILES, step,
						  chunks);
		if (!turns)
			total_one(t, i, step, chunks);
		if (i / TOTAL_COLUMNS != end / TOTAL_COLUMNS)
			share_done(team, end - own.begin, all);
	}
}

/* The bytes of the totals before tile `index`: tiles lie in their order. */
static size_t bytes_before(const struct total_args *args, uint64_t index)
{
	struct total_tile tile;

	if (index == total_tiles(args))
		return total_chunks(args) * total_lines(args) *
		       sizeof(union number);
	tile = total_tile_at(args, index);
	return total_place(args, &tile) * sizeof(union number);
}

/* A pass, after which every host has the totals of all chunks. */
static int pass_all(const struct world *world, const struct totalling *t,
		    enum total_step step, union number *chunks)
{
	const uint64_t tiles = total_tiles(t->args);
	size_t *parts;
	int r;

	pass(world->team, t, step, chunks);
	if (world->hosts == 1)
		return rig_team_barrier(world->team);
	parts = malloc(((size_t)world->hosts + 1) * sizeof(*parts));
	if (!parts)
		return rig_team_fail(world->team, -ENOMEM, "total: no memory");
	for (int host = 0; host < world->hosts; host++)
		parts[host] = bytes_before(
			t->args, world_part(world, tiles, host).begin);
	parts[world->hosts] = bytes_before(t->args, tiles);
	r = world_fill(world, chunks, parts);
	free(parts);
	return r;
}

/* ---- from chunks to totals ---- */

/* The totals of lines (outer, columns). */
static void join(const struct totalling *t, const union number *chunks,
		 uint64_t outer, struct rig_span columns, union number *to)
{
	const struct total_args *args = t->args;
	enum total_step step = total_second(args);
	uint64_t count = total_chunks(args), inner = args->lines.inner;
	size_t width = columns.end - columns.begin;
	const union number *row = chunks + outer * count * inner;

	if (inner == 1 && count > 0) {
		*to = total_line(args, row, count, step, 0);
		return;
	}
	/* No element: no step begins with the first. */
	total_row_begin(args, to, row + columns.begin, width, step);
	for (uint64_t c = 0; c < count; c++)
		total_row_add(args, to, row + c * inner + columns.begin, width,
			      step, NULL);
}

static double real_result(const struct totalling *t, const union number *totals)
{
	const struct total_args *args = t->args;
	double total = totals[0].real;

	if (args->parts == 2 && total_varies(args))
		total += totals[1].real;
	switch (args->op) {
	case TOTAL_MEAN:
		return total / (double)args->lines.along;
	case TOTAL_VAR:
		return total / total_divisor(args);
	case TOTAL_STD:
		return sqrt(total / total_divisor(args));
	case TOTAL_NORM:
		total = sqrt(total);
		return total < TOTAL_SQUARES_MIN ||
				       total > 1 / TOTAL_SQUARES_MIN
			       ? total_scaled_norm(args, t->x)
			       : total;
	default:
		return total;
	}
}

/* An item is an item again. */
static void store_item(uint32_t dtype, void *items, uint64_t i,
		       union number item)
{
	any_uint16 *halves = items;
	any_float *singles = items;
	uint32_t bytes = rig_dtype_bytes(dtype);

	if (dtype == RIG_FLOAT16)
		halves[i] = convert_float16_of(item.real);
	else if (dtype == RIG_FLOAT32)
		singles[i] = (float)item.real;
	else
		sort_store(items, i, bytes, item.whole);
}

/* The result of line `line`, whose total, or two, is at `totals`. */
static void finish(const struct totalling *t, uint64_t line,
		   const union number *totals)
{
	const struct total_args *args = t->args;
	uint64_t along = args->lines.along;
	uint64_t *wholes = t->result;
	uint8_t *bits = t->result;
	double *reals = t->result;

	/* Both parts of a complex number tell whether the number is zero. */
	if (total_counts(args) && line % args->parts)
		return;
	line /= total_counts(args) ? args->parts : total_joined(args);
	if (args->op == TOTAL_ANY)
		bits[line] = totals->whole > 0;
	else if (args->op == TOTAL_ALL)
		bits[line] = totals->whole == along;
	else if (total_is_item(args))
		store_item(args->dtype, t->result, line, totals[0]);
	else if (total_whole(args))
		wholes[line] = totals->whole;
	else
		reals[line] = real_result(t, totals);
}

/* The last step with the totals of all lines. */
static void join_all(struct rig_team *team, const struct totalling *t,
		     const union number *chunks, bool means)
{
	uint64_t across = tiles_across(t->args), inner = t->args->lines.inner;
	struct rig_span own =
		rig_team_strip(team, t->args->lines.outer * across);
	uint64_t step = total_joined(t->args);
	union number totals[TOTAL_COLUMNS];

	for (uint64_t i = own.begin; i < own.end; i++) {
		struct rig_span columns =
			piece(i % across, TOTAL_COLUMNS, inner);
		uint64_t line = i / across * inner + columns.begin;

		join(t, chunks, i / across, columns, totals);
		for (size_t c = 0; c < columns.end - columns.begin; c++)
			if (means)
				t->means[line + c] =
					totals[c].real /
					(double)t->args->lines.along;
			else if (c % step == 0)
				finish(t, line + c, totals + c);
	}
}

double total_scaled_norm(const struct total_args *args, const void *x)
{
	double greatest = 0, sum = 0;

	for (int again = 0; again < 2; again++) {
		for (uint64_t i = 0; i < args->lines.along; i++) {
			double item;

			convert_to_double(args->dtype, x, i, i + 1, &item);
			item = fabs(item);
			if (again)
				sum += item / greatest * (item / greatest);
			else if (item > greatest)
				greatest = item;
		}
		if (greatest == 0 || isinf(greatest))
			return greatest;
	}
	return greatest * sqrt(sum);
}

int total_run(struct rig_team *team)
{
	const struct total_args *args = rig_team_args(team);
	struct totalling t = {
		.args = args,
		.x = rig_team_data(team, X),
		.chunks = rig_team_data(team, CHUNKS),
		.means = total_varies(args) ? rig_team_data(team, MEANS) : NULL,
		.result = rig_team_data(team, RESULT),
	};
	const uint64_t count = total_chunks(args) * total_lines(args);
	struct world world;
	int r;

	r = world_begin(&world, team);
	if (r == 0)
		r = pass_all(&world, &t, total_first(args), t.chunks);
	if (r < 0)
		return r;
	join_all(team, &t, t.chunks, total_varies(args));
	if (total_varies(args)) {
		rig_team_barrier(team);
		r = pass_all(&world, &t, STEP_DEVIATIONS, t.chunks + count);
		if (r < 0)
			return r;
		join_all(team, &t, t.chunks + count, false);
	}
	r = world_end(&world);
	return r < 0 ? r : rig_team_barrier(team);
}
