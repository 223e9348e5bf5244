/* SPDX-License-Identifier: MIT */
/*
 * death_parts.h - a pool and a segment whose workers are going to die, and the proof
 * that the next run is right.
 */
#ifndef RUNRIG_TESTS_DEATH_PARTS_H
#define RUNRIG_TESTS_DEATH_PARTS_H

#include "lib/harness.h"

#include <string.h>
#include <sys/resource.h>

#include <runrig/runrig.h>

#define RANKS 3
#define WORDS 4096

static struct rig_pool *pool;
static struct rig_segment *segment;
static uint64_t *data;

static void setup(void)
{
	const struct rlimit none = { 0, 0 };

	/* The deaths are meant: no core files. */
	(void)setrlimit(RLIMIT_CORE, &none);
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = RANKS }),
		0);
	ck_assert_int_eq(rig_segment_create(
				 &segment, NULL, WORDS * sizeof(*data),
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	data = rig_segment_data(segment);
}

static void teardown(void)
{
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}

/* The kernel computes, and rank 0 returns the sum of all that the rank sees. */
static int computes(struct rig_team *team)
{
	uint64_t *words = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, WORDS);
	uint64_t sum = 0;

	for (size_t i = strip.begin; i < strip.end; i++)
		words[i] = words[i] * 6364136223846793005u + i;
	(void)rig_team_barrier(team);
	for (size_t i = 0; i < WORDS; i++)
		sum += words[i];
	*(uint64_t *)rig_team_result(team) = sum;
	return 0;
}

static uint64_t compute(void)
{
	uint64_t sum = 0;
	int r = rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = computes,
			.segments = { { .name = rig_segment_name(segment) } },
			.result = &sum,
			.result_bytes = sizeof(sum) });

	ck_assert_msg(r == 0, "%s", rig_why());
	return sum;
}

/* The sum that compute() would return, from a copy. */
static uint64_t expected(const uint64_t *before)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < WORDS; i++)
		sum += before[i] * 6364136223846793005u + i;
	return sum;
}

static void fill(void)
{
	for (size_t i = 0; i < WORDS; i++)
		data[i] = i * i + 7;
}

/* The next run computes as if no worker had died: the data has not changed. */
static void check_next_run(void)
{
	uint64_t before[WORDS], sum;

	memcpy(before, data, sizeof(before));
	sum = compute();
	ck_assert_uint_eq(sum, expected(before));
	for (size_t i = 0; i < WORDS; i++)
		ck_assert_uint_eq(data[i],
				  before[i] * 6364136223846793005u + i);
}

#endif
