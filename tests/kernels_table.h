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

/* Each team verifies it, has the same bits in `answer` as a team of one, and
 * finds it wrong once one bit of its answer is turned. */
void kernels_check_row(const struct kernel_row *row);

/* The same for one team, compared with nothing. */
void kernels_check_once(const struct kernel_row *row, int team);

/* The row's kernel on `count` items of random bits of a dtype, given as array
 * 0, by a team: digests before and after, and verified. */
void kernels_check_given(const struct kernel_row *row, const char *dtype,
			 size_t count, int team);

/* One of the words, or all of them together, are refused with words. */
void kernels_check_refused(const struct kernel_row *row);

#endif
