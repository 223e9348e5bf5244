/* SPDX-License-Identifier: MIT */
/*
 * picture.h - an array as a picture: --output FILE.pgm.
 *
 * Netpbm's PGM, a byte a point: black is the least of its elements, white the
 * greatest.  An array of two dimensions is that wide; one that a kernel made is
 * a square.
 */
#ifndef RUNNER_PICTURE_H
#define RUNNER_PICTURE_H

#include <stdbool.h>

#include <runner/npy.h>

/* Is it the name of one? */
bool picture_wanted(const char *path);

/* As npy_create() and outfile_end().  -EINVAL: the array is no picture. */
int picture_create(struct outfile *output, const char *path,
		   const struct rig_array *array,
		   const struct npy_shape *shape);
int picture_end(struct outfile *output, const void *data,
		const struct rig_array *array);

#endif
