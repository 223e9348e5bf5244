/* SPDX-License-Identifier: MIT */
/*
 * figure_script.h - a figure as a script of gnuplot.
 */
#ifndef RIGBENCH_FIGURE_SCRIPT_H
#define RIGBENCH_FIGURE_SCRIPT_H

#include <stdio.h>

#include "report/figure.h"

struct axis_range {
	double xmin, xmax, ymin, ymax;
};

/* The number of the name's colour, the same in all later figures. */
int figure_colour(struct palette *p, const char *name);

/* The ranges of a figure's axes. */
struct axis_range figure_range(const struct figure *f);

/* Write the script to `gp`; `alone`: the picture shows its own title. */
void figure_script(const struct figure *f, const struct axis_range *r,
		   bool alone, FILE *gp);

#endif
