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

/* The user's floats: numbers of the same order of magnitude; such numbers with
 * infinities, denormals and negative zeros; and with NaNs too. */
enum kernels_floats { FLOATS_FINITE, FLOATS_INFINITE, FLOATS_NAN };

/* Each team verifies the answer, has the same bits in `answer` as a team of a
 * single rank, and finds the answer wrong when the first, the middle or the
 * last item is spoiled.  (Where a published value judges the kernel: the last
 * item.) */
void kernels_check_row(const struct kernel_row *row);

/* The same for a single team, without a comparison. */
void kernels_check_once(const struct kernel_row *row, int team);

/* The row's kernel on `count` random items of a dtype, given as each array that
 * the kernel reads, by a team: digests before and after, verified, and found
 * wrong when the answer is spoiled, as above, or when the least bit of a
 * read-only array is changed. */
void kernels_check_given(const struct kernel_row *row, const char *dtype,
			 size_t count, int team, enum kernels_floats floats);

/* The same with finite floats; the answer is found wrong when `spoil` has
 * changed the items. */
void kernels_check_found(const struct kernel_row *row, const char *dtype,
			 size_t count, int team,
			 void (*spoil)(void *items, size_t count));

/* Each of the words, or all together, are refused with words. */
void kernels_check_refused(const struct kernel_row *row);

#endif
