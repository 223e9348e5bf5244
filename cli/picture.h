/* SPDX-License-Identifier: MIT */
/*
 * picture.h - an array as a picture: --output FILE.pgm.
 *
 * Netpbm's PGM, a byte a point: black is the least of its elements, white the
 * greatest.  An array of two dimensions is that wide; one that a kernel made is
 * a square.
 */
#ifndef RUNRIG_PICTURE_H
#define RUNRIG_PICTURE_H

#include <stdbool.h>

#include "npy.h"
#include "outfile.h"

/* Is it the name of one? */
bool picture_wanted(const char *path);

/* As npy_create() and outfile_end().  An array that is no picture is a usage
 * error. */
int picture_create(struct outfile *output, const char *path,
		   const struct rig_array *array,
		   const struct npy_shape *shape);
int picture_end(struct outfile *output, const void *data,
		const struct rig_array *array);

#endif
