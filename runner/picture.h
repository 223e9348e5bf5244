/* SPDX-License-Identifier: MIT */
/*
 * picture.h - an array as a picture: --output FILE.pgm.
 *
 * The format is Netpbm's PGM, a byte a point: black is the least element of the
 * array, white the greatest.  An array of two dimensions is as wide as its
 * second dimension; an array of a kernel's own is a square.
 */
#ifndef RUNNER_PICTURE_H
#define RUNNER_PICTURE_H

#include <stdbool.h>

#include <runner/npy.h>

/* Whether the path is the name of a picture. */
bool picture_wanted(const char *path);

/* As npy_create() and outfile_end().  -EINVAL: the array is no picture. */
int picture_create(struct outfile *output, const char *path,
		   const struct rig_array *array,
		   const struct npy_shape *shape);
int picture_end(struct outfile *output, const void *data,
		const struct rig_array *array);

#endif
