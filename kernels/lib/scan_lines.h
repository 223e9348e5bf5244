/* SPDX-License-Identifier: MIT */
/*
 * scan_lines.h - running sums of each line of an array along an axis (axis.h).
 *
 * A line belongs to a single rank, and is added up from the first element to
 * the last.  The bits of a result are therefore known before the run, and the
 * proof compares sums of the results (order_sum.h).
 */
#ifndef KERNELS_SCAN_LINES_H
#define KERNELS_SCAN_LINES_H

#include <kernels/lib/scan_chunks.h>

/* Whether there are several lines. */
static inline bool scan_has_lines(const struct scan_args *args)
{
	return args->lines.outer != 1 || args->lines.inner != 1;
}

/* Called by every rank; waits. */
int scan_lines(struct rig_team *team, const struct scan_args *args);

/* The kernel's digest: of the expected results, or, after the run, of the
 * results. */
uint64_t scan_lines_sum(struct rig_team *team, const struct scan_args *args);

#endif
