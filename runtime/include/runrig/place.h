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
 *	          a worker a cache, NUMA node or package, with all cores of the
 *	          cache, node or package
 *	OBJECT:N  N workers an object, each with an equal part of the cores:
 *	          "l3:2", "numa:4"; "core:2" is a worker a hardware thread, two
 *	          on each core
 *	spread    a worker a core, as far from each other as can be: evenly over
 *	          packages, in each package over nodes, in each node over caches
 *	compact   a worker a core, core after core
 *	none      workers are not pinned
 *	LIST      the cores' logical numbers, as printed by `runrig topo`, in rank
 *	          order: "0,2,4-7".  Every core must be usable.
 *
 * More workers than cores (or objects) divide the cores: a second hardware thread
 * of a core is used only then, or where "pu" or "core:N" asks for the thread.
 * Where a machine has faster and slower cores, the faster are taken first.
 *
 * Usable CPUs are the CPUs on which this process may run: the process's
 * affinity, within the cpuset.  The cgroup's CPU quota also caps the default
 * number of workers.
 */
#ifndef RUNRIG_PLACE_H
#define RUNRIG_PLACE_H

#include <stdbool.h>

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most hardware threads of a machine. */
#define RIG_PUS_MAX 4096

/* The place of a rank; numbers are hwloc's logical numbers, except pu.  Unpinned:
 * package, node and core are -1, and the set is every usable CPU. */
struct rig_spot {
	int package; /* -1: the rank's cores lie in several packages */
	int node;    /* -1: the cores lie in several nodes, or in none */
	int core;    /* the first of the rank's cores */
	int cores;
	int pu;      /* first PU of the rank's set, by the system's number */
	int pus;     /* PUs in the rank's set */
	bool shared; /* another rank has the core too; false where unpinned */
	uint64_t set[RIG_PUS_MAX / 64]; /* the system's PU numbers */
};

/* A core of the machine, usable or not. */
struct rig_core {
	int number; /* logical, as the other numbers */
	int package;
	int node; /* the nearest NUMA node; -1: the core lies in none */
	int l3;   /* the core's L3 cache; -1: none known */
	int l2;   /* likewise, the L2 cache */
	int kind; /* 0 is the slowest of rig_plan.kinds */
	int pus;
	int usable; /* usable PUs among `pus`; 0: the core is not usable */
	uint64_t set[RIG_PUS_MAX / 64];  /* all PUs, by the system's numbers */
	uint64_t ours[RIG_PUS_MAX / 64]; /* the usable PUs, likewise */
};

/* A NUMA node of the machine. */
struct rig_node {
	int os;      /* the system's number; the index is the logical number */
	int package; /* -1: in no package, or in several */
	int cores;   /* cores to which the node is nearest; 0: memory only */
	uint64_t bytes; /* memory of the node; 0: none, or unknown */
};

struct rig_plan {
	int workers;
	int cores;     /* usable cores */
	int pus;       /* usable PUs */
	int cpus;      /* CPUs for the workers: usable, and in the quota */
	int nodes;     /* NUMA nodes with a usable core */
	int allowed;   /* cores in the cpuset, whatever the affinity of
			* this process is */
	bool squeezed; /* a single usable core of several allowed cores:
			* a launcher that takes the process for a rank
			* binds the process to a core */
	bool pinned;   /* false: place "none" */
	bool oversubscribed;    /* more workers than `cpus` */
	bool described;         /* another machine's plan: nothing to bind */
	struct rig_spot *spots; /* a worker's each, in rank order */
	uint64_t planned_ns;    /* time of planning, the topology loaded */

	/* The machine of the plan. */
	int machine_packages;
	int machine_nodes; /* nodes that are memory only, too */
	int machine_cores;
	struct rig_core *machine; /* the cores, by number */
	struct rig_node *memory;  /* the nodes, by number */
	int kinds;                /* kinds of cores; 1: all alike */
	int quota; /* CPUs of the cgroup's quota, rounded up; 0: none */
};

struct rig_place_options {
	int workers;       /* 0: a worker a usable core */
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
 *	-EINVAL  workers outside 0..RIG_WORKERS_MAX, a place outside the
 *	         grammar, an object that the machine lacks, more workers an
 *	         object than cores, a core that is not usable or listed twice, a
 *	         topology that cannot be read
 *	-ENOSYS  this machine's topology cannot be discovered, or hwloc has been
 *	         told of another topology (HWLOC_XMLFILE, HWLOC_SYNTHETIC)
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
