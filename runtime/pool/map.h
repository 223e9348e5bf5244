/* SPDX-License-Identifier: MIT */
/*
 * map.h - the kernel that every map is a run of.
 */
#ifndef RUNRIG_MAP_PRIVATE_H
#define RUNRIG_MAP_PRIVATE_H

#include <runrig/team.h>

/* In a worker: take items of the job's map_shm until no item is left, or an item has
 * failed.  Returns the code of an item that failed here first. */
int map_items(struct rig_team *team);

#endif
