/* SPDX-License-Identifier: MIT */
/*
 * place.h - which worker goes where: planned without doing anything.
 *
 * The grammar is the same in options, `--place` and RUNRIG_PLACE:
 *
 *	core      a worker a core; evenly over the NUMA nodes, neighbours within
 *	          a node (the default)
 *	pu        a worker a hardware thread
 *	l2 l3 numa package
 *	          a worker a cache, NUMA node or package, with all its cores
 *	OBJECT:N  N workers an object, each with an equal part of the cores:
 *	          "l3:2", "numa:4"; "core:2" for two hardware threads of each
 *	spread    a worker a core, as far from each other as can be: evenly over
 *	          packages, in each over nodes, in each node over caches
 *	compact   a worker a core, core after core
 *	none      workers are not pinned
 *	LIST      the cores' logical numbers, as printed by `runrig topo`, in rank
 *	          order: "0,2,4-7".  Every core must be usable.
 *
 * More workers than cores (or objects) divide the cores: a second hardware thread
 * of a core is used only then, or where "pu" or "core:N" asks for the thread.
 * Where a machine has faster and slower cores, the faster are taken first.
 *
 * Usable CPUs are the CPUs that this process may run on: its affinity, within its
 * cpuset; the cgroup's CPU quota also caps the default number of workers.
 */
#ifndef RUNRIG_PLACE_H
#define RUNRIG_PLACE_H

#include <stdbool.h>

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Hardware threads one machine may have. */
#define RIG_PUS_MAX 4096

/* The place of a rank; numbers are hwloc's logical numbers, except pu.  Unpinned:
 * package, node and core are -1, and the set is every usable CPU. */
struct rig_spot {
	int package; /* -1: it has cores of several */
	int node;    /* likewise; or its cores lie in none */
	int core;    /* the first, where it has several */
	int cores;
	int pu;      /* first PU of the rank's set, as the system numbers it */
	int pus;     /* how many PUs are in its set */
	bool shared; /* another rank has this core too; false where unpinned */
	uint64_t set[RIG_PUS_MAX / 64]; /* the system's PU numbers */
};

/* One core of the machine, whether we may use it or not. */
struct rig_core {
	int number; /* logical, as the rest */
	int package;
	int node; /* the nearest NUMA node; -1: it lies in none */
	int l3;   /* its L3 cache; -1: none known */
	int l2;   /* likewise */
	int kind; /* of rig_plan.kinds: 0 is the slowest */
	int pus;
	int usable; /* of those, how many we may run on; 0: not ours */
	uint64_t set[RIG_PUS_MAX / 64];  /* all of it, the system's numbers */
	uint64_t ours[RIG_PUS_MAX / 64]; /* the usable ones */
};

/* One NUMA node of the machine. */
struct rig_node {
	int os;         /* the system's number; the logical one is its index */
	int package;    /* -1: of none, or of several */
	int cores;      /* those it is the nearest node of; 0: memory only */
	uint64_t bytes; /* its memory; 0: none, or unknown */
};

struct rig_plan {
	int workers;
	int cores;           /* usable ones */
	int pus;             /* usable ones */
	int cpus;            /* what workers can really have: the quota too */
	int nodes;           /* NUMA nodes the usable ones lie on */
	int allowed;         /* cores in the cpuset: what there would be
			      * without this process's affinity */
	bool squeezed;       /* a single core, of several allowed: a launcher
			      * leaves a process so that it took for a rank */
	bool pinned;         /* false: place "none" */
	bool oversubscribed; /* more workers than CPUs they can have */
	bool described;      /* not this machine: a plan, nothing to bind */
	struct rig_spot *spots; /* one a worker, in rank order */
	uint64_t planned_ns;    /* what planning took, the topology loaded */

	/* The machine it was planned on. */
	int machine_packages;
	int machine_nodes; /* those that are memory only, too */
	int machine_cores;
	struct rig_core *machine; /* one a core, by number */
	struct rig_node *memory;  /* one a node, by number */
	int kinds;                /* of cores; 1: all alike */
	int quota; /* CPUs of the cgroup's quota, rounded up; 0: none */
};

struct rig_place_options {
	int workers;       /* 0: one a usable core */
	const char *place; /* NULL: RUNRIG_PLACE, or "core" */
	/* NULL: this machine; else a synthetic description "numa:2 core:4 pu:2",
	 * or an hwloc XML file.  A file must be trusted: hwloc may crash on a
	 * damaged file. */
	const char *topology;
	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

/*
 * Plan.  Returns 0 and sets *plan (the caller frees the plan), or
 *
 *	-EINVAL  workers outside 0..RIG_WORKERS_MAX, a place that is not in the
 *	         grammar, an object that the machine lacks, more workers an
 *	         object than cores, a core that is not usable or listed twice, a
 *	         topology that cannot be read
 *	-ENOSYS  this machine's topology cannot be discovered, or hwloc has been
 *	         told of another (HWLOC_XMLFILE, HWLOC_SYNTHETIC)
 *
 * Any thread; never waits.  Loading a topology costs milliseconds, once per
 * process for this machine.
 */
RIG_API int rig_place_plan(struct rig_plan **plan,
			   const struct rig_place_options *options);

RIG_API void rig_place_free(struct rig_plan *plan);

#ifdef __cplusplus
}
#endif

#endif
