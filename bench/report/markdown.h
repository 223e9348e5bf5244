/* SPDX-License-Identifier: MIT */
/*
 * markdown.h - results as a table for a README.
 */
#ifndef RIGBENCH_MARKDOWN_H
#define RIGBENCH_MARKDOWN_H

#include <jansson.h>
#include <stdio.h>

/* The kernels of all results with a table of kernels, a row each, in the order
 * of measurement. 0, or -ENODATA: no result has such a table. */
int markdown_kernels(json_t *const *results, int count, FILE *out);

#endif
