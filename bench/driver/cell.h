/* SPDX-License-Identifier: MIT */
/*
 * cell.h - a contender in a launch, for measure.c.
 */
#ifndef RIGBENCH_CELL_H
#define RIGBENCH_CELL_H

#include "driver/measure.h"

/* Has the user ended the run? */
bool stopped(const struct plan *plan);

/* Is it later than that?  0: there is no such time. */
bool past(const struct plan *plan, uint64_t until_ns);

/* Say in the cell why it has no result, and close the cell. */
void cell_fail(struct cell *cell, int code, const char *why);

/* Open the cell, find the length of a sample, and warm up until until_ns at the
 * latest; `again`: the launch has opened the cell before. */
void cell_open(struct plan *plan, struct cell *cell, uint64_t until_ns,
	       bool again);

/* Take a sample.  What the budget has no time left for is left out. */
void cell_visit(struct plan *plan, struct cell *cell,
		struct sample_origin origin);

/* Look at the tail and at the results, and close the cell.  `hurry`: the time of
 * this contest is up, and a tail that an earlier launch has seen is not looked at
 * again. */
void cell_finish(struct plan *plan, struct cell *cell, bool hurry);

void cell_close(struct cell *cell);

#endif
