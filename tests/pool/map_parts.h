/* SPDX-License-Identifier: MIT */
/*
 * map_parts.h - a good map, for the tests of rig_pool_map().
 */
#ifndef RUNRIG_TESTS_MAP_PARTS_H
#define RUNRIG_TESTS_MAP_PARTS_H

#include "lib/harness.h"

#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

#define ITEMS 1000

static int triples(struct rig_team *team, size_t index, const void *item,
		   void *result)
{
	int64_t value;

	memcpy(&value, item, sizeof(value));
	if (*(int64_t *)result != 0)
		return rig_team_fail(team, -EBADMSG, "twice");
	*(int64_t *)result = 3 * value + (int64_t)index;
	return 0;
}

static void map_once(size_t count, size_t chunk)
{
	int64_t *items = calloc(count + 1, sizeof(*items));
	int64_t *results = calloc(count + 1, sizeof(*results));
	bool *done = calloc(count + 1, 1);
	size_t failed = 0;
	int r;

	ck_assert(items && results && done);
	for (size_t i = 0; i < count; i++)
		items[i] = (int64_t)(i * i % 1000);
	r = rig_pool_map(pool,
			 &(struct rig_map){ .fn = triples,
					    .count = count,
					    .chunk = chunk,
					    .items = items,
					    .item_bytes = sizeof(*items),
					    .results = results,
					    .result_bytes = sizeof(*items),
					    .done = done,
					    .failed = &failed });
	ck_assert_msg(r == 0, "%zu by %zu: %s", count, chunk, rig_why());
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(results[i], 3 * items[i] + (int64_t)i);
		ck_assert(done[i]);
	}
	ck_assert_int_eq(results[count], 0);
	ck_assert(!done[count]);
	ck_assert_uint_eq(failed, RIG_NO_ITEM);
	free(items);
	free(results);
	free(done);
}

#endif
