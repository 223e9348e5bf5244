/* SPDX-License-Identifier: MIT */
/*
 * scale_report.h - the report of rigbench scale: speed-ups and laws.
 */
#ifndef RIGBENCH_SCALE_REPORT_H
#define RIGBENCH_SCALE_REPORT_H

#include <stdio.h>

#include "driver/measure.h"
#include "report/result.h"

/* The most counts of workers in a contest. */
#define COUNTS_MAX 32

/* The places of a cell's axes. */
enum { AXIS_WORKERS, AXIS_MODE, AXIS_CORES, AXIS_PARAMETERS };

void scale_verdict(const struct plan *plan, FILE *out);
void scale_tables(const struct plan *plan, const struct run_info *info,
		  FILE *out);

/* Adds the fits.  0 or -1 where memory is short. */
int scale_json(const struct plan *plan, const struct run_info *info,
	       json_t *result);

#endif
