/* SPDX-License-Identifier: MIT */
/*
 * npy.h - NumPy's .npy files: read straight into memory, written beside and
 * renamed.
 *
 * Format versions 1.0, 2.0 and 3.0; bool and every fixed-size number, in either
 * byte order (which stays as it is); any number of dimensions in C order, none
 * and empty ones included.  All functions that can fail say why in one line
 * (see command.h) and return an exit code.
 */
#ifndef RUNRIG_NPY_H
#define RUNRIG_NPY_H

#include <sys/types.h>

#include <runrig/kernel.h>

/* NumPy 2 has arrays of up to 64 dimensions. */
#define NPY_DIMS_MAX 64

struct npy_shape {
	int dims; /* 0: one element */
	size_t extent[NPY_DIMS_MAX];
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
 * Open `path` and read its header; the whole array is there, and nothing else.
 * What is given back is closed with npy_close().
 */
int npy_open(struct npy_input *input, const char *path);

/* Read all elements to `to`. */
int npy_read(const struct npy_input *input, void *to);

void npy_close(struct npy_input *input);

/* A file in the making: it has no name yet, or a temporary one. */
struct npy_output {
	char *path;      /* what it replaces in the end, links resolved */
	char *temporary; /* NULL: it has no name */
	int fd;          /* -1: none */
	bool direct;     /* a device or a pipe: written as it is */
};

/*
 * Make the file that will replace `path`, with its header, and room for the
 * elements.  `path` itself is untouched until npy_commit().  Whatever comes,
 * npy_discard() is the end of it.
 */
int npy_create(struct npy_output *output, const char *path,
	       const struct rig_array *array, const struct npy_shape *shape);

/* The same of any header and so many bytes to follow. */
int npy_begin(struct npy_output *output, const char *path, const char *header,
	      size_t bytes, uint64_t body_bytes);

/* Write the elements, and put the file in its place. */
int npy_commit(struct npy_output *output, const void *data, size_t bytes);

/* Close it, and remove it if it was not committed.  Twice is once. */
void npy_discard(struct npy_output *output);

#endif
