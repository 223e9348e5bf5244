/* SPDX-License-Identifier: MIT */
/*
 * targets.h - what runrig must reach on two cores, held against a run.
 */
#ifndef RIGBENCH_TARGETS_H
#define RIGBENCH_TARGETS_H

#include <jansson.h>
#include <stdio.h>

#include "driver/measure.h"

/* Print those targets whose cells are in the plan; returns how many are
 * missed. */
int targets_print(const struct plan *plan, FILE *out);

json_t *targets_json(const struct plan *plan);

#endif
