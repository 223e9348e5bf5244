/* SPDX-License-Identifier: MIT */
/*
 * place.h - which worker goes where: planned without doing anything.
 *
 * One grammar, the same in options, `--place` and RUNRIG_PLACE:
 *
 *	core      one worker a core, spread over NUMA nodes (the default)
 *	pu        one worker a hardware thread
 *	none      workers are not pinned
 *	LIST      the cores' logical numbers, as `runrig topo` prints them, in
 *	          rank order: "0,2,4-7".  Every one must be usable.
 *
 * Usable is what this process may run on: its affinity, within its cpuset; the
 * default number of workers is also capped by its cgroup's CPU quota.
 */
#ifndef RUNRIG_PLACE_H
#define RUNRIG_PLACE_H

#include <stdbool.h>

#include <runrig/api.h>

/* Hardware threads one machine may have. */
#define RIG_PUS_MAX 4096

/* Where one rank goes; numbers are hwloc's logical ones, except pu. */
struct rig_spot {
	int package;
	int node;
	int core;
	int pu;      /* first PU of the rank's set, as the system numbers it */
	int pus;     /* how many PUs are in its set */
	bool shared; /* another rank has this core too */
	uint64_t set[RIG_PUS_MAX / 64]; /* the system's PU numbers */
};

struct rig_plan {
	int workers;
	int cores;           /* usable ones */
	int pus;             /* usable ones */
	int cpus;            /* what workers can really have: the quota too */
	int nodes;           /* NUMA nodes the usable ones lie on */
	bool pinned;         /* false: place "none" */
	bool oversubscribed; /* more workers than usable CPUs */
	bool described;      /* not this machine: a plan, nothing to bind */
	struct rig_spot *spots; /* one a worker, in rank order */
};

struct rig_place_options {
	int workers;          /* 0: one a usable core */
	const char *place;    /* NULL: RUNRIG_PLACE, or "core" */
	const char *topology; /* NULL: this machine; else an hwloc XML file or
			       * a synthetic description "numa:2 core:4 pu:2" */
};

/*
 * Plan.  Returns 0 and sets *plan (its owner frees it), or
 *
 *	-EINVAL  workers outside 0..RIG_WORKERS_MAX, a place that is not in the
 *	         grammar, a core that is not usable or listed twice, a topology
 *	         that cannot be read
 *	-ENOSYS  this machine's topology cannot be discovered
 *
 * Any thread; never waits.  Loading a topology costs milliseconds, once per
 * process for this machine.
 */
RIG_API int rig_place_plan(struct rig_plan **plan,
			   const struct rig_place_options *options);

RIG_API void rig_place_free(struct rig_plan *plan);

#endif
