/* SPDX-License-Identifier: MIT */
/*
 * topology.h - this machine, or a described machine: cores, nodes, caches.
 *
 * topology.c is the only file that includes hwloc.h, and nothing of hwloc's
 * shows here: CPU sets are bit arrays of the system's PU numbers.
 */
#ifndef RUNRIG_TOPOLOGY_H
#define RUNRIG_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <runrig/place.h>

/* The system's PU numbers. */
struct cpu_bits {
	uint64_t bits[RIG_PUS_MAX / 64];
};

static inline bool cpu_bits_has(const struct cpu_bits *set, int pu)
{
	return set->bits[pu / 64] >> (pu % 64) & 1;
}

static inline void cpu_bits_add(struct cpu_bits *set, int pu)
{
	set->bits[pu / 64] |= UINT64_C(1) << (pu % 64);
}

static inline void cpu_bits_drop(struct cpu_bits *set, int pu)
{
	set->bits[pu / 64] &= ~(UINT64_C(1) << (pu % 64));
}

static inline void cpu_bits_or(struct cpu_bits *set,
			       const struct cpu_bits *more)
{
	for (int i = 0; i < RIG_PUS_MAX / 64; i++)
		set->bits[i] |= more->bits[i];
}

/* `set` becomes the intersection of `a` and `b`. */
static inline void cpu_bits_and(struct cpu_bits *set, const struct cpu_bits *a,
				const struct cpu_bits *b)
{
	for (int i = 0; i < RIG_PUS_MAX / 64; i++)
		set->bits[i] = a->bits[i] & b->bits[i];
}

int cpu_bits_count(const struct cpu_bits *set);
int cpu_bits_first(const struct cpu_bits *set); /* -1: empty */

/* A core; its first usable PU comes first in the system's order. */
struct core {
	int number;  /* hwloc's logical number, over the whole machine */
	int package; /* logical */
	int node; /* logical number of the nearest NUMA node; -1: the core lies in none */
	int l3;   /* logical L3 cache; -1: none known */
	int l2;   /* likewise */
	int kind; /* 0: the slowest kind, or the only kind; higher is faster */
	struct cpu_bits pus;    /* all of it */
	struct cpu_bits usable; /* the PUs we may run on; empty: not ours */
};

static inline bool core_is_usable(const struct core *core)
{
	return cpu_bits_first(&core->usable) >= 0;
}

/* One NUMA node. */
struct node {
	int os;      /* the system's number; the logical number is its index */
	int package; /* -1: the node is in no package, or in several */
	uint64_t bytes; /* 0: the node has no memory */
};

struct topology {
	struct core *cores; /* in logical order */
	int core_count;
	struct node *nodes; /* in logical order */
	int node_count;
	int package_count;
	int kind_count;    /* kinds of cores */
	int allowed_cores; /* in the cpuset, whatever the affinity is */
	int quota_cpus; /* CPUs the cgroup's quota is worth, rounded up; 0: none */
	bool described; /* not this machine */
};

/*
 * This machine (`description` NULL), discovered once per process, with the
 * usable sets read afresh; or a described machine, usable as far as the
 * description allows (a synthetic machine wholly). 0, -EINVAL for a description
 * that cannot be read, -ENOSYS where discovery fails, -EPERM in a set-uid
 * program.  The caller frees the topology with topology_free().  Any thread.
 */
int topology_load(struct topology **topology, const char *description);
void topology_free(struct topology *topology);

/* Bind process `pid` (0: the calling thread) to `set`.  0 or -errno; allocates
 * nothing: for use right after a fork. */
int topology_pin(pid_t pid, const struct cpu_bits *set);

/* The CPUs that the kernel lets `pid` run on.  0 or -errno; allocates nothing. */
int topology_pinned(pid_t pid, struct cpu_bits *set);

#endif
