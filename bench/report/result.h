/* SPDX-License-Identifier: MIT */
/*
 * result.h - the files of a run: JSON and CSV.
 *
 * The JSON has everything, raw samples included; schema/runrig-bench-1.json
 * describes the JSON.  The CSV is tidy: a line a sample, and FILE-summary.csv
 * with a line a cell.
 */
#ifndef RIGBENCH_RESULT_H
#define RIGBENCH_RESULT_H

#include <jansson.h>

#include "driver/machine.h"
#include "driver/measure.h"

/* The name of a run's command and the words that the run was started with. */
struct run_info {
	const char *command; /* "sync" */
	int argc;
	char **argv;
	struct machine_noise noise;
	double steal; /* percent, over the run */
};

/* NULL: out of memory. */
json_t *result_json(const struct plan *plan, const struct run_info *info);

/* Write both files. 0, or -errno of the first file that failed. */
int result_csv(const struct plan *plan, const char *path);

/* "barrier, 2 ranks/runrig", a cell's name in files. */
void cell_id(const struct cell *cell, char *text, size_t bytes);

/* The reference cell of a contest, with which the other cells are compared: the
 * first. */
const struct cell *contest_reference(const struct plan *plan,
				     const struct cell *cell);

/* Sentences about cautions; calls `say` for each sentence. */
void result_warnings(const struct plan *plan, const struct run_info *info,
		     void (*say)(void *arg, const char *text), void *arg);

#endif
