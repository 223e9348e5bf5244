/* SPDX-License-Identifier: MIT */
/*
 * chart.h - one figure of a page: which cells of a result give which points.
 */
#ifndef RIGBENCH_CHART_H
#define RIGBENCH_CHART_H

#include <jansson.h>

#include "report/figure.h"

struct chart {
	struct figure blank;
	bool caches; /* marked on the x axis */
	/* Looks at one cell and adds the points that the cell has. */
	void (*collect)(struct figure *f, const json_t *cell);
	/* After all cells; NULL: nothing is left to do. */
	void (*finish)(struct figure *f, const json_t *result,
		       const json_t *roofs);
};

/* Lists of charts; the last of each list has no collect(). */
extern const struct chart chart_ipc[], chart_machine[];

/* A median with its interval, as a rate of `bytes` where that is not 0. */
struct point chart_median(const json_t *cell, double x, double unit,
			  double bytes);

/* The value of an axis as a number; 0 where the axis is missing. */
double chart_axis(const json_t *cell, const char *axis);

/* Is the cell a repetition?  Those are for the noise floor, not for a picture. */
bool chart_again(const json_t *cell);

#endif
