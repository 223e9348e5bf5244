/* SPDX-License-Identifier: MIT */
/*
 * meet.h - contenders whose ranks meet: at a barrier, or at one cache line.
 */
#ifndef RIGBENCH_MEET_H
#define RIGBENCH_MEET_H

#include <stddef.h>

#include <runrig/runrig.h>

#include "driver/measure.h"

/* How ranks meet. */
enum meeting { MEET_TEAM, MEET_PTHREAD, MEET_LINE };

/* Add a contender of the contest "barrier, N ranks".  0 or -ENOMEM. */
int meet_add(struct plan *plan, const char *name, int ranks,
	     enum meeting meeting, enum rig_barrier_kind kind,
	     const char *settings);

/* Add two ranks that work for 10 us and meet; `spans` is the number of spans of
 * a trace that each rank keeps, 0 for none. 0 or -ENOMEM. */
int meet_add_traced(struct plan *plan, const char *name, size_t spans,
		    const char *settings);

#endif
