/* SPDX-License-Identifier: MIT */
/*
 * memory_map.h - runrig run --map: on which NUMA node each array really is, and how
 * much of what each rank owns is on the node of its cores.
 */
#ifndef RUNRIG_MEMORY_MAP_H
#define RUNRIG_MEMORY_MAP_H

#include <jansson.h>

#include "verified_run.h"

/* Ask the kernel, of the arrays as they are now, and say so on stdout.  Returns
 * an exit code. */
int map_show(const struct runner *runner);

/* The same as JSON; NULL: what is wrong has been said. */
json_t *map_json(const struct runner *runner);

#endif
