/* SPDX-License-Identifier: MIT */
/*
 * memory_map.h - runrig run --map: on which NUMA node each array really lies,
 * and how much of each rank's part is on the node of the rank's cores.
 */
#ifndef RUNRIG_MEMORY_MAP_H
#define RUNRIG_MEMORY_MAP_H

#include <jansson.h>

#include "verified_run.h"

/* Ask the kernel about the arrays' pages now, and print the answer on stdout.
 * Returns an exit code. */
int map_show(const struct runner *runner);

/* The same as JSON; NULL, after a message, where the kernel does not tell. */
json_t *map_json(const struct runner *runner);

#endif
