/* SPDX-License-Identifier: MIT */
/*
 * result_read.h - results read back from JSON files.
 */
#ifndef RIGBENCH_RESULT_READ_H
#define RIGBENCH_RESULT_READ_H

#include <stdbool.h>

#include <jansson.h>

/*
 * Load a file, and check that the file is a result with possible numbers: no
 * sample is 0, negative or null.  Returns NULL, with a line on stderr, for any
 * other file.  The caller calls json_decref().
 */
json_t *result_read_load(const char *path);

/* A string or number of a cell; "" or NaN where the cell has none. */
const char *result_read_text(const json_t *cell, const char *key);
const char *result_read_axis(const json_t *cell, const char *axis);
double result_read_number(const json_t *object, const char *key);

/* The 95 % interval of an object: true; or false and NaN where there is
 * none. */
bool result_read_interval(const json_t *object, double *low, double *high);

/* Is the cell's contest a result?  No: the same contender measured twice in
 * the contest differs by more than AGAIN_MAX. */
bool result_read_trusted(const json_t *cell);

/* The cell with the id, or NULL. */
json_t *result_read_cell(const json_t *result, const char *id);

/* Launch medians of a cell's samples as logarithms; returns how many (at most
 * `room`). */
size_t result_read_launch_logs(const json_t *cell, double *logs, size_t room);

#endif
