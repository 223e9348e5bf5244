/* SPDX-License-Identifier: MIT */
/*
 * policy.h - the placement grammar: a place in words becomes units.
 *
 * A *unit* is a worker's share: a core, a hardware thread, all cores of a cache.
 * Workers beyond the units divide the units (see place.c).
 */
#ifndef RUNRIG_POLICY_H
#define RUNRIG_POLICY_H

#include <stdbool.h>

#include "place/topology.h"

struct unit {
	const struct core **cores; /* in order, of placer.order */
	int core_count;
	struct cpu_bits set;
	int capacity; /* PUs in the set */
	int load;     /* workers on the unit */
};

/* How workers are dealt to units that are equally full. */
enum dealing {
	DEAL_EVENLY,  /* the node with the fewest, and its first unit */
	DEAL_SPREAD,  /* likewise by package, node, L3 and L2 */
	DEAL_COMPACT, /* the first unit */
	DEAL_LIST,    /* in order, and round again */
	DEAL_NOBODY   /* there are no units: workers are not pinned */
};

struct placer {
	const struct topology *topology;
	const char *place;
	const char *origin;        /* "place" or "RUNRIG_PLACE", for messages */
	const struct core **order; /* usable cores, in the order of ranks */
	int cores;                 /* usable: how many `order` has */
	int pus;                   /* usable */
	int nodes;                 /* nodes with usable cores */
	int cpus;                  /* CPUs for the workers, by the quota too */
	struct unit *units;        /* room for `pus` */
	int unit_count;
	enum dealing dealing;
	bool full;   /* workers beyond the units are refused */
	int workers; /* 0 until decided */
};

/* Fill placer->units and say how to deal, by placer->place.  0 or -EINVAL with
 * the words. */
int policy_units(struct placer *placer);

#endif
