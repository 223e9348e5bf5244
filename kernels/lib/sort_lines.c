/* SPDX-License-Identifier: MIT */
/*
 * sort_lines.c - each line of an array along an axis in ascending order.
 *
 * Lines without gaps are sorted in place.  Where lines lie side by side, as the
 * columns of a matrix, a rank copies some neighbouring lines, and so reads and
 * writes whole cache lines.
 */
#include <kernels/lib/sort_lines.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/order_sum.h>
#include <kernels/lib/sort_keys.h>
#include <kernels/lib/sort_wide.h>

/* Lines that are copied together. */
#define BAND 16

static size_t band_of(const struct axis_lines *lines)
{
	return lines->inner < BAND ? lines->inner : BAND;
}

/* Memory for a line, besides the lines that are sorted. */
size_t sort_lines_memory(const struct axis_lines *lines, size_t item_bytes)
{
	size_t copied = lines->inner > 1 ? band_of(lines) : 0;

	return (copied + 1) * lines->along * item_bytes + 1;
}

/* In this process. */
struct line_sort {
	uint32_t dtype;
	size_t bytes, count;
	struct sort_order by;
	char *other, *copies;
};

static void sort_line(const struct line_sort *l, char *line)
{
	if (sort_wide_knows(l->dtype))
		sort_wide_line(l->dtype, line, l->other, l->count);
	else
		sort_keys_line(&l->by, l->bytes, line, l->other, l->count);
}

/* `bytes` is a constant. */
INLINE void copy_sized(char *x, char *copies, size_t width, size_t inner,
		       size_t along, size_t bytes, bool back)
{
	for (size_t i = 0; i < along; i++)
		for (size_t c = 0; c < width; c++) {
			char *apart = x + (i * inner + c) * bytes;
			char *line = copies + (c * along + i) * bytes;

			memcpy(back ? apart : line, back ? line : apart, bytes);
		}
}

static void copy_band(const struct line_sort *l, char *x, size_t width,
		      size_t inner, bool back)
{
	switch (l->bytes) {
	case 4:
		copy_sized(x, l->copies, width, inner, l->count, 4, back);
		break;
	case 8:
		copy_sized(x, l->copies, width, inner, l->count, 8, back);
		break;
	default:
		copy_sized(x, l->copies, width, inner, l->count, l->bytes,
			   back);
	}
}

static void sort_band(const struct line_sort *l, char *x, size_t width,
		      size_t inner)
{
	copy_band(l, x, width, inner, false);
	for (size_t c = 0; c < width; c++)
		sort_line(l, l->copies + c * l->count * l->bytes);
	copy_band(l, x, width, inner, true);
}

/* The bands of a rank: the bands of all blocks of lines, block after block. */
static void sort_own(struct rig_team *team, const struct line_sort *l, char *x,
		     const struct axis_lines *lines)
{
	size_t band = band_of(lines);
	size_t across = (lines->inner + band - 1) / band;
	struct rig_span own = rig_team_strip(team, lines->outer * across);

	for (size_t i = own.begin; i < own.end; i++) {
		size_t column = i % across * band;
		size_t left = lines->inner - column;
		char *first =
			x + (i / across * l->count * lines->inner + column) *
				    l->bytes;

		if (lines->inner == 1)
			sort_line(l, first);
		else
			sort_band(l, first, left < band ? left : band,
				  lines->inner);
		rig_team_progress(team, (double)(i + 1 - own.begin) /
						(double)(own.end - own.begin));
	}
}

int sort_lines(struct rig_team *team, char *x, uint32_t dtype,
	       size_t item_bytes, const struct axis_lines *lines)
{
	struct line_sort l = { .dtype = dtype,
			       .bytes = item_bytes,
			       .count = lines->along };

	if (!sort_wide_knows(dtype))
		l.by = sort_order_of(dtype, item_bytes, false);
	l.other = malloc(sort_lines_memory(lines, item_bytes));
	if (!l.other)
		return rig_team_fail(team, -ENOMEM, "sort: no memory");
	l.copies = l.other + lines->along * item_bytes;
	if (lines->along > 1 && lines->inner > 0)
		sort_own(team, &l, x, lines);
	free(l.other);
	return rig_team_barrier(team);
}

uint64_t sort_lines_sum(const char *x, size_t item_bytes,
			const struct axis_lines *lines, struct rig_span strip)
{
	uint64_t sum = 0;

	for (size_t i = strip.begin; i < strip.end; i++) {
		size_t line = i / (lines->along * lines->inner) * lines->inner +
			      i % lines->inner;

		sum += sum_items(x + i * item_bytes, 1, item_bytes, line, 0);
	}
	return sum;
}
