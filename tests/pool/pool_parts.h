/* SPDX-License-Identifier: MIT */
/*
 * pool_parts.h - common parts of the tests of pools: a pool of a few ranks, made
 * before and destroyed after each test, runs on the pool, and kernels of several
 * tests.
 */
#ifndef RUNRIG_TESTS_POOL_PARTS_H
#define RUNRIG_TESTS_POOL_PARTS_H

#include "lib/harness.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

#include "pool/caller.h"
#include "base/clock.h"

#define RANKS 3

static struct rig_pool *pool;

static inline void setup(void)
{
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = RANKS }),
		0);
}

static inline void teardown(void)
{
	rig_pool_destroy(pool);
}

static inline int run(const struct rig_job *job)
{
	return rig_pool_run(pool, job);
}

static inline int nothing(struct rig_team *team)
{
	(void)team;
	return 0;
}

static inline int with(rig_kernel_fn *kernel, const char *name)
{
	return run(&(struct rig_job){ .kernel = kernel,
				      .segments = { { .name = name } } });
}

/* Lines of the memory map of `rank` that contain `what`. */
static inline int mapped(struct rig_pool *of, int rank, const char *what)
{
	struct rig_worker worker;
	char path[64], line[512];
	FILE *maps;
	int count = 0;

	ck_assert_int_eq(rig_pool_worker(of, rank, &worker), 0);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)worker.pid);
	maps = fopen(path, "re");
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, what) != NULL;
	fclose(maps);
	return count;
}

/* ---- submit, wait, limits */

static inline int naps(struct rig_team *team)
{
	(void)poll(NULL, 0, *(const int *)rig_team_args(team));
	return 0;
}

static inline struct rig_job nap(const int *ms)
{
	return (struct rig_job){ .kernel = naps,
				 .args = ms,
				 .args_bytes = sizeof(*ms) };
}

/* ---- segments */

static inline int increments(struct rig_team *team)
{
	unsigned char *bytes = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, rig_team_bytes(team, 0));

	for (size_t i = strip.begin; i < strip.end; i++)
		bytes[i]++;
	return 0;
}

static inline int dies(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

#endif
