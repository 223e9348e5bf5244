/* SPDX-License-Identifier: MIT */
/*
 * lab.h - what the student's file gives, and what it is given.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/* Bytes of a page. */
#define LAB_PAGE ((size_t)4096)

/* CPUs that a worker can say it may run on. */
#define LAB_CPUS 64

/* Yours, in start.c. */

/* In a worker: the CPUs it may run on, each by its bit. */
uint64_t my_cpus(void);

/*
 * On which NUMA node will page `page` of an array of `n` doubles lie, when
 * reverse (method=swap) runs on the workers of this plan?  Each rank populates
 * what it owns: its strip of the first half, and the mirror image of that.
 */
int home_of_page(const struct rig_plan *plan, size_t n, size_t page);

/* How many bytes of the segment lie on node `node`, as the kernel says? */
size_t bytes_on(const struct rig_segment *segment, int node);

#endif
