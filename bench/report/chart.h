/* SPDX-License-Identifier: MIT */
/*
 * chart.h - a figure of a page: the cells of a result, and the points they
 * give.
 */
#ifndef RIGBENCH_CHART_H
#define RIGBENCH_CHART_H

#include <jansson.h>

#include "report/figure.h"

struct chart {
	struct figure blank;
	bool caches; /* marked on the x axis */
	/* Looks at a cell and adds the cell's points. */
	void (*collect)(struct figure *f, const json_t *cell);
	/* After all cells; NULL: nothing is left to do. */
	void (*finish)(struct figure *f, const json_t *result,
		       const json_t *roofs);
};

/* Lists of charts; the last of each list has no collect(). */
extern const struct chart chart_ipc[], chart_machine[];

/* A median with its interval, as a rate of `bytes` where `bytes` is not 0. */
struct point chart_median(const json_t *cell, double x, double unit,
			  double bytes);

/* The value of an axis as a number; 0 where the axis is missing. */
double chart_axis(const json_t *cell, const char *axis);

/* Whether the cell is a repetition: repetitions are for the noise floor, not
 * for a picture. */
bool chart_again(const json_t *cell);

#endif
