/* SPDX-License-Identifier: MIT */
/*
 * place.h - planning on a topology at hand.
 */
#ifndef RUNRIG_PLACE_PRIVATE_H
#define RUNRIG_PLACE_PRIVATE_H

#include <runrig/place.h>

#include "place/levels.h"
#include "place/topology.h"

/*
 * rig_place_plan() on `topology`, whose nodes are numbered from 0 to below
 * node_count and whose cores by their index.  `workers` within 0 and
 * RIG_WORKERS_MAX; `place` is in the grammar or refused; `origin` names the
 * source of `place` in the refusal.  The plan does not refer to the topology.
 */
int place_on(struct rig_plan **plan, const struct topology *topology,
	     int workers, const char *place, const char *origin);

/* Where `rank` of the plan is.  Never waits, allocates or fails. */
void place_levels(const struct rig_plan *plan, int rank, struct levels *levels);

/* The number of nodes that the plan's ranks are on (1 where some are on several,
 * or not pinned); and the index among them, in the order of ranks, of the node of
 * `rank`. */
int place_copies(const struct rig_plan *plan);
int place_copy_of(const struct rig_plan *plan, int rank);

#endif
