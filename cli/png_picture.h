/* SPDX-License-Identifier: MIT */
/*
 * png_picture.h - an array as a picture in colours: --output FILE.png.
 *
 * An array of two dimensions is a picture, a square number of elements a square
 * one, and an array of three dimensions a row of pictures, side by side.  The least
 * element has the first colour, the greatest the last.  A picture of fewer than
 * PNG_SIDE points a side is magnified, by a whole number.
 *
 * Functions say on stderr what is wrong (see command.h) and return an exit code.
 */
#ifndef RUNRIG_PNG_PICTURE_H
#define RUNRIG_PNG_PICTURE_H

#include <stdbool.h>

#include <runrig/kernels.h>

#define PNG_SIDE 512

struct png_style {
	int colors;       /* an index, as png_colors() finds it */
	bool logarithmic; /* equal ratios have equal steps of colour */
};

/* Is it the name of one? */
bool png_wanted(const char *path);

/* Which colours are called so; -1: none are. */
int png_colors(const char *name);

/* May the array be a picture?  Before anything is run. */
int png_check(const struct rig_outcome_array *array, const char *path);

int png_write(const struct rig_outcome_array *array, const char *path,
	      const struct png_style *style);

#endif
