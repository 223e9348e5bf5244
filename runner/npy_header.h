/* SPDX-License-Identifier: MIT */
/*
 * npy_header.h - the header of a .npy file, as text: a Python dict literal.
 */
#ifndef RUNNER_NPY_HEADER_H
#define RUNNER_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include <runner/npy.h>

/*
 * Parse "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }", of
 * `bytes` bytes.  Sets shape and array and returns NULL, or returns words about
 * the mistake and its cure, which are static or in `words`.
 */
const char *npy_parse_header(const char *text, size_t bytes,
			     struct npy_shape *shape, struct rig_array *array,
			     char *words, size_t words_bytes);

/* The text of a header, magic and padding included; the caller frees the text.
 * NULL: no memory. */
char *npy_make_header(const struct rig_array *array,
		      const struct npy_shape *shape, size_t *bytes);

#endif
