/* SPDX-License-Identifier: MIT */
/*
 * strided.c - elements of a segment that lie apart, in C order, and back; and
 * elements in the other byte order.
 */
#include <runner/strided.h>

#include <errno.h>
#include <string.h>

/* Rows and columns that are copied together, so that reads and writes are of
 * whole cache lines. */
#define TILE 32

enum { APART_SEGMENT, PLAIN_SEGMENT };

struct strided_args {
	struct strided strided;
	uint32_t out;
};

struct turn_args {
	uint64_t count;
	uint32_t bytes;
};

int strided_extent(const struct strided *strided, uint64_t *low, uint64_t *high)
{
	int64_t first = 0, last = 0, span;

	for (int d = 0; d < strided->dims; d++) {
		int64_t *end = strided->strides[d] < 0 ? &first : &last;

		if (strided->shape[d] == 0) {
			*low = *high = strided->offset;
			return 0;
		}
		if (__builtin_mul_overflow(strided->shape[d] - 1,
					   strided->strides[d], &span) ||
		    __builtin_add_overflow(*end, span, end))
			return -ERANGE;
	}
	if (__builtin_add_overflow(strided->offset, first, low) ||
	    __builtin_add_overflow(strided->offset, last, high) ||
	    __builtin_add_overflow(*high, (uint64_t)strided->item_bytes, high))
		return -ERANGE;
	return 0;
}

/* The array as `outer` matrices of `rows` by `columns`. */
struct matrices {
	uint64_t outer, rows, columns;
	int64_t row_stride, column_stride;
};

static struct matrices matrices_of(const struct strided *strided)
{
	int dims = strided->dims;
	struct matrices m = { 1, 1, 1, 0, 0 };

	if (dims > 0) {
		m.rows = (uint64_t)strided->shape[dims - 1];
		m.row_stride = strided->strides[dims - 1];
	}
	if (dims > 1) {
		m.columns = m.rows;
		m.column_stride = m.row_stride;
		m.rows = (uint64_t)strided->shape[dims - 2];
		m.row_stride = strided->strides[dims - 2];
	}
	for (int d = 0; d < dims - 2; d++)
		m.outer *= (uint64_t)strided->shape[d];
	return m;
}

/* How many bytes matrix `index` begins from the first element. */
static int64_t matrix_at(const struct strided *strided, uint64_t index)
{
	int64_t at = 0;

	for (int d = strided->dims - 3; d >= 0; d--) {
		at += (int64_t)(index % (uint64_t)strided->shape[d]) *
		      strided->strides[d];
		index /= (uint64_t)strided->shape[d];
	}
	return at;
}

static void copy(char *apart, char *plain, size_t bytes, bool out)
{
	memcpy(out ? apart : plain, out ? plain : apart, bytes);
}

/* An item of a usual size is a single load and a single store. */
static void copy_item(char *apart, char *plain, size_t bytes, bool out)
{
	switch (bytes) {
	case 1:
		copy(apart, plain, 1, out);
		break;
	case 2:
		copy(apart, plain, 2, out);
		break;
	case 4:
		copy(apart, plain, 4, out);
		break;
	case 8:
		copy(apart, plain, 8, out);
		break;
	default:
		copy(apart, plain, bytes, out);
	}
}

/* Copy up to TILE rows of a matrix, whose first row begins at `apart` and at
 * `plain`. */
static void copy_rows(const struct matrices *m, size_t bytes, char *apart,
		      char *plain, uint64_t rows, bool out)
{
	for (uint64_t column = 0; column < m->columns; column += TILE) {
		uint64_t end =
			m->columns - column < TILE ? m->columns : column + TILE;

		for (uint64_t r = 0; r < rows; r++)
			for (uint64_t c = column; c < end; c++)
				copy_item(apart + (int64_t)r * m->row_stride +
						  (int64_t)c * m->column_stride,
					  plain + (r * m->columns + c) * bytes,
					  bytes, out);
	}
}

static int copy_part(struct rig_team *team)
{
	const struct strided_args *args = rig_team_args(team);
	const struct strided *strided = &args->strided;
	struct matrices m = matrices_of(strided);
	uint64_t bands = (m.rows + TILE - 1) / TILE;
	struct rig_span own = rig_team_strip(team, m.outer * bands);
	char *apart =
		(char *)rig_team_data(team, APART_SEGMENT) + strided->offset;
	char *plain = rig_team_data(team, PLAIN_SEGMENT);
	size_t bytes = strided->item_bytes;

	for (uint64_t i = own.begin; i < own.end; i++) {
		uint64_t matrix = i / bands, row = i % bands * TILE;
		uint64_t rows = m.rows - row < TILE ? m.rows - row : TILE;

		copy_rows(&m, bytes,
			  apart + matrix_at(strided, matrix) +
				  (int64_t)row * m.row_stride,
			  plain + (matrix * m.rows + row) * m.columns * bytes,
			  rows, args->out);
	}
	return 0;
}

int strided_copy(struct rig_pool *pool, const struct strided *strided,
		 struct rig_segment *apart, struct rig_segment *segment,
		 bool out)
{
	struct strided_args args = { .strided = *strided, .out = out };
	struct rig_job job = {
		.kernel = copy_part,
		.segments = { { .name = rig_segment_name(apart),
				.read_only = !out },
			      { .name = rig_segment_name(segment) } },
		.args = &args,
		.args_bytes = sizeof(args),
	};

	return rig_pool_run(pool, &job);
}

static void turn(char *item, size_t bytes)
{
	for (size_t i = 0; i < bytes / 2; i++) {
		char byte = item[i];

		item[i] = item[bytes - 1 - i];
		item[bytes - 1 - i] = byte;
	}
}

static int turn_part(struct rig_team *team)
{
	const struct turn_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, args->count);
	char *items = rig_team_data(team, 0);

	for (uint64_t i = own.begin; i < own.end; i++)
		switch (args->bytes) {
		case 2:
			turn(items + i * 2, 2);
			break;
		case 4:
			turn(items + i * 4, 4);
			break;
		case 8:
			turn(items + i * 8, 8);
			break;
		default:
			turn(items + i * args->bytes, args->bytes);
		}
	return 0;
}

int strided_turn(struct rig_pool *pool, struct rig_segment *segment,
		 uint64_t count, uint32_t bytes)
{
	struct turn_args args = { count, bytes };
	struct rig_job job = {
		.kernel = turn_part,
		.segments = { { .name = rig_segment_name(segment) } },
		.args = &args,
		.args_bytes = sizeof(args),
	};

	return count ? rig_pool_run(pool, &job) : 0;
}
