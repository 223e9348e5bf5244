/* SPDX-License-Identifier: MIT */
/*
 * numa.h - the NUMA node of a page: chosen before there is a page, asked of the
 * kernel, changed.
 *
 * A page of shared memory goes to the node of the first CPU that touches the
 * page, unless its file has a *rule*.  The kernel keeps the rule with the file,
 * and every process that touches a page obeys the rule.
 */
#ifndef RUNRIG_NUMA_H
#define RUNRIG_NUMA_H

#include <stddef.h>
#include <stdint.h>

#include "place/topology.h"

/* The most NUMA nodes of a machine, by the system's numbers. */
#define NODES_MAX 1024

enum numa_rule_kind {
	NUMA_LOCAL,      /* none: first touch */
	NUMA_INTERLEAVE, /* page after page round the nodes */
	NUMA_BIND        /* on these nodes only */
};

struct numa_rule {
	enum numa_rule_kind kind;
	uint64_t nodes[NODES_MAX / 64]; /* the system's numbers */
};

/* "local", "interleave", "bind:0,2-3" (logical nodes of `topology`; NULL is
 * local).  0, or -EINVAL with the words. */
int numa_parse(struct numa_rule *rule, const char *words,
	       const struct topology *topology);

/*
 * Make the file behind `fd`, of `bytes` bytes and no pages yet, obey the rule, also
 * for bytes up to `most` that the file may get later.  0, -ENOSPC where the nodes of a bind cannot hold the file, or the error of
 * mmap or mbind.  `name` is for the words.
 */
int numa_set(int fd, const char *name, size_t bytes, size_t most,
	     const struct numa_rule *rule);

/* Write to homes[] the system's number of the node of each page of memory at
 * `base`; -1: the process has no page there.  0 or -errno. */
int numa_ask(const void *base, size_t pages, int *homes);

/*
 * Bring the pages that this process has mapped at `base` to node `os`, unless
 * the file of the pages has a rule of its own.  A page that the kernel cannot
 * move stays: a pinned page, or a page that another process has mapped while
 * this process has no privilege; numa_ask() tells.
 */
void numa_bring(void *base, size_t bytes, int os);

#endif
