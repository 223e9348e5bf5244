/* SPDX-License-Identifier: MIT */
/*
 * npy.h - NumPy's .npy files: read straight into memory, written with a header.
 *
 * Format versions 1.0, 2.0 and 3.0; bool and every fixed-size number, in either
 * byte order, which is kept; any number of dimensions, none and empty
 * dimensions included.  Every function that can fail returns a negative errno
 * and leaves the words in rig_why().
 */
#ifndef RUNNER_NPY_H
#define RUNNER_NPY_H

#include <stdbool.h>
#include <sys/types.h>

#include <runrig/kernel.h>

#include <common/outfile.h>

/* NumPy 2 has arrays of up to 64 dimensions. */
#define NPY_DIMS_MAX 64

struct npy_shape {
	int dims; /* 0: a single element */
	size_t extent[NPY_DIMS_MAX];
	bool fortran; /* the first index runs fastest, and the order counts */
};

/* A file that is open for reading. */
struct npy_input {
	const char *path; /* yours */
	int fd;
	off_t data_at; /* where the elements begin */
	struct npy_shape shape;
	struct rig_array array;
};

/*
 * Open `path` and read its header; check that the file has the whole array, and
 * nothing else.  The caller closes the file with npy_close().
 */
int npy_open(struct npy_input *input, const char *path);

void npy_close(struct npy_input *input);

/* Begin the file of an array, with the header (outfile_begin()); only the
 * elements are still to be written. */
int npy_create(struct outfile *output, const char *path,
	       const struct rig_array *array, const struct npy_shape *shape);

#endif
