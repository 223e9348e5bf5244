/* SPDX-License-Identifier: MIT */
/*
 * scan_lines.h - running sums of each line of an array along an axis (axis.h).
 *
 * A line is one rank's, and added up from the first element to the last.  So the
 * bits of a result are known before the run, and the proof compares a sum of
 * these (order_sum.h).
 */
#ifndef KERNELS_SCAN_LINES_H
#define KERNELS_SCAN_LINES_H

#include <kernels/lib/scan_chunks.h>

/* More than one? */
static inline bool scan_has_lines(const struct scan_args *args)
{
	return args->lines.outer != 1 || args->lines.inner != 1;
}

/* Every rank calls it; waits. */
int scan_lines(struct rig_team *team, const struct scan_args *args);

/* The kernel's digest: of the results that are due, or, after the run, are. */
uint64_t scan_lines_sum(struct rig_team *team, const struct scan_args *args);

#endif
