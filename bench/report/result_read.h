/* SPDX-License-Identifier: MIT */
/*
 * result_read.h - results read back from JSON files.
 */
#ifndef RIGBENCH_RESULT_READ_H
#define RIGBENCH_RESULT_READ_H

#include <stdbool.h>

#include <jansson.h>

/*
 * Load a file, and check that it is a result and that its numbers are such as a
 * measurement leaves: no sample is nought, negative or null.  Returns NULL, with
 * a line on stderr, where the file is not so.  json_decref() it.
 */
json_t *result_read_load(const char *path);

/* A string or number of a cell, "" or NaN where it has none. */
const char *result_read_text(const json_t *cell, const char *key);
const char *result_read_axis(const json_t *cell, const char *axis);
double result_read_number(const json_t *object, const char *key);

/* The 95 % interval of an object: true, or false and NaN where it has none. */
bool result_read_interval(const json_t *object, double *low, double *high);

/* Is the cell's contest a result?  No: the same contender measured twice in
 * the contest differs by more than AGAIN_MAX. */
bool result_read_trusted(const json_t *cell);

/* The cell of that id, or NULL. */
json_t *result_read_cell(const json_t *result, const char *id);

/* Launch medians of a cell's samples as logarithms; returns how many (at most
 * `room`). */
size_t result_read_launch_logs(const json_t *cell, double *logs, size_t room);

#endif
