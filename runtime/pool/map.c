/* SPDX-License-Identifier: MIT */
/*
 * map.c - a function called for each of many items: the caller's side, and the
 * kernel that the workers run.
 *
 * A map is a run like any other, and ends however a run can end.  The items and the
 * results of the map lie in a segment that is made for the map and handed over last;
 * a map without items and results needs no segment.  The items are a share (share.h).
 * Each worker notes the number of items done and the item in hand, on a line of the
 * worker's own that survives the worker's death.
 *
 * A map with retries is several runs over the same segment.  Each worker passes
 * over the items that an earlier run has done.
 */
#include "pool/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/segment.h>
#include <runrig/share.h>

#include "pool/caller.h"
#include "base/clock.h"
#include "pool/code.h"
#include "base/error.h"
#include "base/reserved.h"
#include "base/size.h"
#include "team/rank.h"

#define PROGRESS_NS (100 * UINT64_C(1000000))

/* ---- in a worker ---- */

/* A map as a worker has it. */
struct mapping {
	struct rig_team *team;
	struct map_shm *map;
	struct mapped_shm *mine;
	rig_map_fn *fn;
	const char *items; /* NULL: none */
	char *results;     /* NULL: none */
	bool *done;        /* NULL: nobody asks */
};

/* The first worker to fail fails the run, with words; other workers only stop. */
static int fail_item(const struct mapping *mapping, size_t index, int r)
{
	char *why = mapping->team->owner->mine->why;
	char words[WHY_BYTES];
	uint64_t nobody = 0;

	/* relaxed: a reason to stop, which orders nothing. */
	if (!cas_relaxed(&mapping->map->failed, &nobody, index + 1))
		return 0;
	snprintf(words, sizeof(words), "%s", why);
	if (!words[0])
		return rig_team_fail(mapping->team, r, "item %zu returned %d",
				     index, r);
	return rig_team_fail(mapping->team, r, "item %zu: %.480s", index,
			     words);
}

static int map_part(const struct mapping *m, struct rig_span part)
{
	const size_t item_bytes = m->map->item_bytes;
	const size_t result_bytes = m->map->result_bytes;
	uint64_t done = load_relaxed(&m->mine->done);

	for (size_t i = part.begin; i < part.end; i++) {
		int r;

		/* relaxed, all: read by the caller at any time, or when no
		 * worker runs. */
		if (load_relaxed(&m->map->failed))
			return 0;
		if (m->map->again && m->done[i]) {
			store_relaxed(&m->mine->done, ++done);
			continue;
		}
		store_relaxed(&m->mine->at, i + 1);
		/* An earlier worker may have left half a result. */
		if (m->map->again && m->results)
			memset(m->results + i * result_bytes, 0, result_bytes);
		r = m->fn(m->team, i,
			  m->items ? m->items + i * item_bytes : NULL,
			  m->results ? m->results + i * result_bytes : NULL);
		if (r < 0)
			return fail_item(m, i, r);
		if (m->done)
			m->done[i] = true;
		store_relaxed(&m->mine->done, ++done);
	}
	return 0;
}

int map_items(struct rig_team *team)
{
	static struct code code;
	struct map_shm *map = &team->owner->layout.job->map;
	struct mapping mapping = {
		.team = team,
		.map = map,
		.mine = &team->owner->layout.mapped[team->rank]
	};
	struct rig_share share;
	struct rig_span part;
	int r = code_find(&code, map->fn, team->owner->layout.job->symbol);

	if (r < 0)
		return rig_team_fail(team, r, "%s", rig_why());
	if (code.loaded)
		worker_publish(team->owner);
	mapping.fn = (rig_map_fn *)(uintptr_t)code.address;
	if (map->has_segment) {
		char *data = rig_team_data(team, team->owner->segments - 1);

		/* The map's segment is not the user's. */
		team->owner->segments--;
		if (map->item_bytes)
			mapping.items = data + map->items_off;
		if (map->result_bytes)
			mapping.results = data + map->results_off;
		mapping.done = (bool *)(data + map->done_off);
	}
	r = rig_share_begin(&share, team, map->count,
			    map->chunk ? RIG_SHARE_DYNAMIC : RIG_SHARE_GUIDED,
			    map->chunk);
	while (r == 0 && !load_relaxed(&map->failed) &&
	       rig_share_next(&share, &part))
		r = map_part(&mapping, part);
	store_relaxed(&mapping.mine->at, 0);
	return r;
}

/* ---- in the caller ---- */

static int check_map(const struct rig_map *map)
{
	int r = reserved_check(map->reserved, "rig_map");

	if (r < 0)
		return r;
	if (!map->fn == !map->name)
		return rig_fail(-EINVAL,
				"map: give it either a function or a name");
	/* No items, or no results, need no room. */
	if (map->count == 0)
		return 0;
	if (!map->items != !map->item_bytes)
		return rig_fail(
			-EINVAL, "map: %zu bytes an item, %s", map->item_bytes,
			map->items ? "but there are items" : "and none");
	if (!map->results != !map->result_bytes)
		return rig_fail(-EINVAL, "map: %zu bytes a result, %s",
				map->result_bytes,
				map->results ? "but room for them" : "no room");
	return 0;
}

/* Where the items, the results and the notes of done items lie, one after the other. */
static int lay_out(const struct rig_map *map, struct map_shm *terms,
		   size_t *bytes)
{
	size_t items, results, sum;

	if (!size_mul(map->count, map->item_bytes, &items) ||
	    !size_mul(map->count, map->result_bytes, &results) ||
	    !size_add(items, results, &sum) ||
	    !size_add(sum, map->count, &sum) ||
	    !size_add(sum, 2 * RIG_LINE, bytes))
		return rig_fail(-ENOSPC, "map: %zu items of %zu and %zu bytes",
				map->count, map->item_bytes, map->result_bytes);
	terms->results_off = size_round_up(items, RIG_LINE);
	terms->done_off = size_round_up(terms->results_off + results, RIG_LINE);
	return 0;
}

/* The segment for items and results, where the map has any. */
static int make_room(const struct rig_map *map, struct map_shm *terms,
		     struct rig_segment **segment)
{
	size_t bytes = 0;
	int r;

	if (!map->items && !map->results && !map->done && !map->retries)
		return 0;
	r = lay_out(map, terms, &bytes);
	if (r == 0)
		r = rig_segment_create(segment, NULL, bytes, NULL);
	if (r < 0)
		return r;
	terms->has_segment = 1;
	if (map->items)
		memcpy(rig_segment_data(*segment), map->items,
		       map->count * map->item_bytes);
	return 0;
}

/* The run of the map. */
static int make_job(const struct rig_map *map, struct rig_segment *segment,
		    struct rig_job *job)
{
	int count = 0;

	*job = (struct rig_job){ .kernel = map_items,
				 .args = map->args,
				 .args_bytes = map->args_bytes,
				 .limit_ns = map->limit_ns };
	while (count < RIG_SEGMENTS_MAX && map->segments[count].name) {
		job->segments[count] = map->segments[count];
		count++;
	}
	if (!segment)
		return 0;
	if (count == RIG_SEGMENTS_MAX)
		return rig_fail(-EINVAL,
				"map: %d segments; with items, results, done "
				"or retries at most %d",
				count, RIG_SEGMENTS_MAX - 1);
	job->segments[count].name = rig_segment_name(segment);
	return 0;
}

static size_t count_done(const struct rig_pool *pool)
{
	size_t done = 0;

	/* relaxed: while workers run, a number that was true. */
	for (int i = 0; i < pool->startup.size; i++)
		done += load_relaxed(&pool->startup.layout.mapped[i].done);
	return done;
}

/* In the caller: a map in progress, which may be several runs. */
struct map_tries {
	const struct rig_map *map;
	size_t shown;  /* items done, as the user was told */
	size_t failed; /* the item that is to blame, or RIG_NO_ITEM */
	size_t *count; /* deaths at each item; last: at no item.  NULL: no death so far */
	uint64_t until; /* the limit of all tries, on the clock */
	char log[2048]; /* a line for each death */
};

/* Tell the user the map's progress.  A run that passes over done items counts the
 * items anew. */
static void show_progress(const struct rig_pool *pool, struct map_tries *tries)
{
	const struct rig_map *map = tries->map;
	size_t done;

	if (!map->progress)
		return;
	done = count_done(pool);
	if (done > tries->shown)
		tries->shown = done;
	map->progress(map->progress_arg, tries->shown, map->count);
}

/* Wait to the end, and tell the user the progress meanwhile. */
static int wait_for(struct rig_pool *pool, struct map_tries *tries)
{
	const struct rig_map *map = tries->map;
	const uint64_t interval =
		map->progress_ns ? map->progress_ns : PROGRESS_NS;
	int r;

	for (;;) {
		r = run_wait(pool, map->progress ? clock_after(interval)
						 : RIG_FOREVER);
		if (!pool->posted)
			break;
		show_progress(pool, tries);
	}
	return r;
}

/* The item to blame: the item failed, or a rank died at the item. */
static size_t find_failed(const struct rig_pool *pool,
			  const struct rig_map *map)
{
	const struct layout *layout = &pool->startup.layout;
	const struct rig_report *said = rig_pool_report(pool);
	uint64_t failed = load_relaxed(&layout->job->map.failed);

	if (!failed && said->end == RIG_END_DEATH && said->rank >= 0)
		failed = load_relaxed(&layout->mapped[said->rank].at);
	/* Any rank may have written over the number. */
	return failed && failed <= map->count ? failed - 1 : RIG_NO_ITEM;
}

/* Copy results and notes to the caller. */
static void fetch(const struct rig_map *map, const struct map_shm *terms,
		  const struct rig_segment *segment, bool all)
{
	const char *data = rig_segment_data(segment);
	/* Bytes, for a rank may have written a value that is no bool. */
	const unsigned char *done =
		(const unsigned char *)data + terms->done_off;
	const char *results = data + terms->results_off;
	const size_t bytes = map->result_bytes;

	for (size_t i = 0; map->done && i < map->count; i++)
		map->done[i] = done[i] != 0;
	if (all && map->results)
		memcpy(map->results, results, map->count * bytes);
	for (size_t i = 0; !all && map->results && i < map->count; i++)
		if (done[i])
			memcpy((char *)map->results + i * bytes,
			       results + i * bytes, bytes);
}

/* Add the map's progress to the words of a run that was ended. */
static int say_how_far(struct rig_pool *pool, const struct rig_map *map, int r,
		       size_t failed)
{
	char words[WHY_BYTES];

	if (rig_pool_report(pool)->end == RIG_END_FAILED)
		return r;
	snprintf(words, sizeof(words), "%s", rig_why());
	if (failed == RIG_NO_ITEM)
		return rig_fail(r, "%.400s; %zu of %zu items are done", words,
				count_done(pool), map->count);
	return rig_fail(r, "%.400s; it was at item %zu, %zu of %zu are done",
			words, failed, count_done(pool), map->count);
}

/* A worker has died at an item.  May a worker try the item once more? */
static bool may_try_again(struct map_tries *tries, const struct rig_pool *pool)
{
	const struct rig_map *map = tries->map;
	const struct rig_rank_report *ranks = rig_pool_report(pool)->ranks;
	const int rank = rig_pool_report(pool)->rank;
	const size_t used = strlen(tries->log);
	const bool at_one = tries->failed != RIG_NO_ITEM;
	char item[40] = "no item";
	size_t *count;

	if (!map->retries || rig_pool_report(pool)->end != RIG_END_DEATH)
		return false;
	if (!tries->count)
		tries->count = calloc(map->count + 1, sizeof(*tries->count));
	if (!tries->count)
		return false;
	count = &tries->count[at_one ? tries->failed : map->count];
	++*count;
	if (at_one)
		snprintf(item, sizeof(item), "item %zu", tries->failed);
	snprintf(tries->log + used, sizeof(tries->log) - used,
		 "  %s: rank %d (pid %d) died at it, try %zu of %zu\n", item,
		 rank, rank < 0 ? 0 : (int)ranks[rank].pid, *count,
		 map->retries + 1);
	return *count <= map->retries;
}

/* Post the map, wait, and find the item to blame.  1: try again. */
static int run_once(struct rig_pool *pool, struct map_tries *tries,
		    const struct map_job *job, const struct rig_job *run)
{
	bool again = false;
	int r = run_submit(pool, run, job, NULL);

	if (r < 0)
		return r;
	r = wait_for(pool, tries);
	if (r < 0) {
		tries->failed = find_failed(pool, tries->map);
		again = may_try_again(tries, pool);
		r = say_how_far(pool, tries->map, r, tries->failed);
	}
	report_append(&pool->report, tries->log);
	if (!again)
		show_progress(pool, tries);
	run_end_turn(pool);
	return again ? 1 : r;
}

/* All tries, and the code of the map. */
static int run_map(struct rig_pool *pool, struct map_tries *tries,
		   struct map_job *job, struct rig_job *run,
		   const struct rig_segment *segment)
{
	int r;

	tries->until = run->limit_ns ? clock_after(run->limit_ns) : RIG_FOREVER;
	while ((r = run_once(pool, tries, job, run)) > 0) {
		const uint64_t now = clock_ns();

		job->terms.again = 1;
		if (run->limit_ns)
			run->limit_ns =
				now < tries->until ? tries->until - now : 1;
	}
	if (segment)
		fetch(tries->map, &job->terms, segment, r == 0);
	free(tries->count);
	return r;
}

static int map_all(struct rig_pool *pool, const struct rig_map *map)
{
	struct map_job job = { .fn = (uint64_t)(uintptr_t)map->fn,
			       .name = map->name,
			       .terms = { .count = map->count,
					  .chunk = map->chunk,
					  .item_bytes = map->item_bytes,
					  .result_bytes = map->result_bytes } };
	struct map_tries tries = { .map = map, .failed = RIG_NO_ITEM };
	struct rig_segment *segment = NULL;
	struct rig_job run;
	int r = check_map(map);

	if (r == 0 && map->count)
		r = make_room(map, &job.terms, &segment);
	if (r == 0)
		r = make_job(map, segment, &run);
	if (r == 0 && map->done)
		memset(map->done, 0, map->count);
	if (r == 0 && map->count)
		r = run_map(pool, &tries, &job, &run, segment);
	rig_segment_destroy(segment);
	if (map->failed)
		*map->failed = tries.failed;
	return r;
}

int rig_pool_map(struct rig_pool *pool, const struct rig_map *map)
{
	if (!pool || !map)
		return rig_fail(-EINVAL, "map: %s is NULL",
				pool ? "the map" : "the pool");
	return map_all(pool, map);
}
