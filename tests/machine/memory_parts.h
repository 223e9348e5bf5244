/* SPDX-License-Identifier: MIT */
/*
 * memory_parts.h - a small /dev/shm, and segments and kernels to fill the memory, for
 * the tests of memory and of limits.
 */
#ifndef RUNRIG_TESTS_MEMORY_PARTS_H
#define RUNRIG_TESTS_MEMORY_PARTS_H

#include "lib/harness.h"

#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

/* The result of a worker without a mount namespace. */
#define NO_NAMESPACE 99

/* Run fn in a child, which may mount a small /dev/shm. */
static void in_small_shm(worker_fn *fn, const char *options)
{
	int r = run_workers(1, fn, (void *)(uintptr_t)options);

	if (r == NO_NAMESPACE)
		fprintf(stderr, "skipped: no mount namespace to be had\n");
	else
		ck_assert_int_eq(r, 0);
}

/* Touches all bytes: a missing page would be a SIGBUS. */
static int create_and_touch(size_t bytes,
			    const struct rig_segment_options *options)
{
	struct rig_segment *segment;
	int r = rig_segment_create(&segment, NULL, bytes, options);

	if (r < 0)
		return r;
	memset(rig_segment_data(segment), 7, bytes);
	rig_segment_destroy(segment);
	return 0;
}

static int nothing(struct rig_team *team)
{
	return rig_team_barrier(team);
}

#endif
