/* SPDX-License-Identifier: MIT */
/*
 * targets.h - the promises for runrig on two cores, compared with a run.
 */
#ifndef RIGBENCH_TARGETS_H
#define RIGBENCH_TARGETS_H

#include <jansson.h>
#include <stdio.h>

#include "driver/measure.h"

/* Print the targets whose cells are in the plan; returns the number of missed
 * targets. */
int targets_print(const struct plan *plan, FILE *out);

json_t *targets_json(const struct plan *plan);

#endif
