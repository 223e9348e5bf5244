/* SPDX-License-Identifier: MIT */
/*
 * kernels_table.h - a kernel with its parameters, run by teams of 1, 2, 3, 5
 * and 8 workers as the runner would: prepared, run, verified.
 */
#ifndef KERNELS_TABLE_H
#define KERNELS_TABLE_H

#include <stddef.h>

struct kernel_row {
	const char *kernel;
	const char *words; /* NAME=VALUE, parted by spaces */
	int answer;        /* the array whose bits tell the answer */
};

/* What the user's floats are: numbers of the same order of magnitude; those,
 * infinities, denormals and negative zeros; and not-a-numbers too. */
enum kernels_floats { FLOATS_FINITE, FLOATS_INFINITE, FLOATS_NAN };

/* Each team verifies it, has the same bits in `answer` as a team of one, and
 * finds it wrong once the first item of its answer is spoiled, or the middle or
 * the last one.  (Of kernels that a published value judges: the last one.) */
void kernels_check_row(const struct kernel_row *row);

/* The same for one team, compared with nothing. */
void kernels_check_once(const struct kernel_row *row, int team);

/* The row's kernel on `count` random items of a dtype, given as each array that
 * it reads, by a team: digests before and after, verified, and found wrong once
 * the answer is spoiled, as above, or the least bit of what is only read. */
void kernels_check_given(const struct kernel_row *row, const char *dtype,
			 size_t count, int team, enum kernels_floats floats);

/* The same with finite floats, and it is found wrong once `spoil` has been at
 * the answer's items. */
void kernels_check_found(const struct kernel_row *row, const char *dtype,
			 size_t count, int team,
			 void (*spoil)(void *items, size_t count));

/* One of the words, or all of them together, are refused with words. */
void kernels_check_refused(const struct kernel_row *row);

#endif
