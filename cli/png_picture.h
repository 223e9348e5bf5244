/* SPDX-License-Identifier: MIT */
/*
 * png_picture.h - an array as a picture in colours: --output FILE.png.
 *
 * An array of two dimensions is a picture, a square number of elements a square
 * picture, and an array of three dimensions a row of pictures, side by side.
 * The least element has the first colour, the greatest the last.  A picture of
 * fewer than PNG_SIDE points a side is magnified, by a whole number.
 *
 * Functions print errors on stderr (see command.h) and return an exit code.
 */
#ifndef RUNRIG_PNG_PICTURE_H
#define RUNRIG_PNG_PICTURE_H

#include <stdbool.h>

#include <runrig/kernels.h>

#define PNG_SIDE 512

struct png_style {
	int colors;       /* the index from png_colors() */
	bool logarithmic; /* equal ratios have equal steps of colour */
};

/* Whether the path is the name of a picture in colours. */
bool png_wanted(const char *path);

/* The colours of the name; -1: no colours have the name. */
int png_colors(const char *name);

/* May the array be a picture?  Before anything is run. */
int png_check(const struct rig_outcome_array *array, const char *path);

int png_write(const struct rig_outcome_array *array, const char *path,
	      const struct png_style *style);

#endif
