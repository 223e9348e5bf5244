/* SPDX-License-Identifier: MIT */
/*
 * markdown.h - results as a table that a README can show.
 */
#ifndef RIGBENCH_MARKDOWN_H
#define RIGBENCH_MARKDOWN_H

#include <jansson.h>
#include <stdio.h>

/* The kernels of all results that have a table of them, a row each, in the
 * order they were measured in.  0, or -ENODATA: none has one. */
int markdown_kernels(json_t *const *results, int count, FILE *out);

#endif
