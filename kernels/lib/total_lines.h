/* SPDX-License-Identifier: MIT */
/*
 * total_lines.h - the total of a line of items, and totals of many lines at once.
 */
#ifndef KERNELS_TOTAL_LINES_H
#define KERNELS_TOTAL_LINES_H

#include <kernels/lib/totals.h>

/* The total of `count` items that lie without gaps. */
union number total_line(const struct total_args *args, const union number *x,
			size_t count, enum total_step step, double mean);

/* Lines that are totalled in turns, a few items of each: a core reads several
 * streams of memory faster than a single stream. */
#define TOTAL_STREAMS 4

/* Whether lines of `count` items each can be totalled so. */
bool total_streams_take(const struct total_args *args, enum total_step step,
			size_t count);

/* The totals of lines of `count` items, each with its mean: the bits of
 * total_line(). */
void total_streams(const void *const x[TOTAL_STREAMS], size_t count,
		   enum total_step step, const double mean[TOTAL_STREAMS],
		   double to[TOTAL_STREAMS]);

/* Begin the totals of `count` lines that lie side by side: sums with 0, products
 * with 1, the least and the greatest with the first row. */
void total_row_begin(const struct total_args *args, union number *to,
		     const union number *first, size_t count,
		     enum total_step step);

/* Add a row: an item to each of the totals. */
void total_row_add(const struct total_args *args, union number *to,
		   const union number *x, size_t count, enum total_step step,
		   const double *means);

#endif
