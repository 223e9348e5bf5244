/* SPDX-License-Identifier: MIT */
/*
 * scan_lines.c - running sums of each line of an array along an axis.
 *
 * The columns of a matrix are added up row after row, some columns at a time:
 * whole cache lines are read and written.
 */
#include <kernels/lib/scan_lines.h>

#include <string.h>

#include <kernels/lib/clones.h>
#include <kernels/lib/order_sum.h>
#include <kernels/lib/sort_keys.h>

/* Columns that are added up together. */
#define BAND 1024

static uint64_t lines_of(const struct scan_args *args)
{
	return args->lines.outer * args->lines.inner;
}

/* A sum as an item, at place i. */
static void store(const struct scan_args *args, void *items, size_t i,
		  union number sum)
{
	any_uint16 *halves = items;
	any_float *singles = items;
	any_double *doubles = items;

	switch (dtype_of(args)) {
	case RIG_FLOAT16:
		halves[i] = convert_float16_of(sum.real);
		break;
	case RIG_FLOAT32:
		singles[i] = (float)sum.real;
		break;
	case RIG_FLOAT64:
		doubles[i] = sum.real;
		break;
	default:
		sort_store(items, i, args->header.arrays[X].item_bytes,
			   sum.whole);
	}
}

static union number sum_of(const struct scan_args *args, union number sum,
			   union number item)
{
	if (convert_whole(dtype_of(args)))
		sum.whole += item.whole;
	else
		sum.real += item.real;
	return sum;
}

CLONES static void add_doubles(double *restrict sums, any_double *x,
			       size_t count, bool exclusive)
{
	for (size_t c = 0; c < count; c++) {
		double next = sums[c] + x[c];

		x[c] = exclusive ? sums[c] : next;
		sums[c] = next;
	}
}

/* A row of a band: `first` is the number of its first item. */
static void add_row(const struct scan_args *args, void *x, size_t first,
		    size_t count, union number *sums)
{
	union number items[BAND];

	if (dtype_of(args) == RIG_FLOAT64) {
		add_doubles(&sums->real, (any_double *)x + first, count,
			    args->exclusive);
		return;
	}
	widen_span(args, x, (struct rig_span){ first, first + count }, items);
	for (size_t c = 0; c < count; c++) {
		union number next = sum_of(args, sums[c], items[c]);

		store(args, x, first + c, args->exclusive ? sums[c] : next);
		sums[c] = next;
	}
}

/* A line whose items lie without gaps. */
static void add_line(const struct scan_args *args, void *x, size_t first)
{
	size_t end = first + args->lines.along;
	union number items[SHARE_CHUNK], sum = { .whole = 0 };

	for (size_t i = first; i < end; i += SHARE_CHUNK) {
		size_t to = end - i < SHARE_CHUNK ? end : i + SHARE_CHUNK;

		widen_span(args, x, (struct rig_span){ i, to }, items);
		for (size_t k = 0; k < to - i; k++) {
			union number next = sum_of(args, sum, items[k]);

			store(args, x, i + k, args->exclusive ? sum : next);
			sum = next;
		}
	}
}

int scan_lines(struct rig_team *team, const struct scan_args *args)
{
	const struct axis_lines *lines = &args->lines;
	uint64_t across = (lines->inner + BAND - 1) / BAND;
	struct rig_span own = rig_team_strip(team, lines->outer * across);
	void *x = rig_team_data(team, X);

	for (uint64_t i = own.begin; i < own.end; i++) {
		uint64_t column = i % across * BAND;
		uint64_t first = i / across * lines->along * lines->inner;
		uint64_t left = lines->inner - column;
		union number sums[BAND];

		if (lines->inner == 1) {
			add_line(args, x, first);
			continue;
		}
		memset(sums, 0, sizeof(sums));
		for (uint64_t r = 0; r < lines->along; r++)
			add_row(args, x, first + r * lines->inner + column,
				left < BAND ? left : BAND, sums);
	}
	return rig_team_barrier(team);
}

/* The hashes of a line's results, each with the result's place. */
static uint64_t line_sum(const struct scan_args *args, const void *x,
			 uint64_t first)
{
	union number sum = { .whole = 0 };
	uint64_t total = 0, at = first;

	for (uint64_t i = 0; i < args->lines.along; i++) {
		union number item, next;
		uint64_t due = 0;

		widen_span(args, x, (struct rig_span){ at, at + 1 }, &item);
		next = sum_of(args, sum, item);
		store(args, &due, 0, args->exclusive ? sum : next);
		total += sum_items(&due, 1, args->header.arrays[X].item_bytes,
				   at, 1);
		sum = next;
		at += args->lines.inner;
	}
	return total;
}

uint64_t scan_lines_sum(struct rig_team *team, const struct scan_args *args)
{
	struct rig_span own = share_next(team, lines_of(args));
	const struct axis_lines *lines = &args->lines;
	const void *x = rig_team_data(team, X);
	uint64_t sum = 0;

	if (args->header.after)
		return sum_strip(team, X, args->header.arrays[X].item_bytes,
				 share_next(team, args->length));
	for (uint64_t l = own.begin; l < own.end; l++)
		sum += line_sum(args, x,
				l / lines->inner * lines->along * lines->inner +
					l % lines->inner);
	return sum;
}
