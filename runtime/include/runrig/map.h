/* SPDX-License-Identifier: MIT */
/*
 * map.h - a function called for many items, each on whichever worker is free.
 *
 * The items are the caller's memory, or numbers only.  A pool (pool.h) does one
 * map or run at a time.
 */
#ifndef RUNRIG_MAP_H
#define RUNRIG_MAP_H

#include <stdbool.h>

#include <runrig/api.h>
#include <runrig/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_pool;
struct rig_team;

/* The item of a map that failed, where none did. */
#define RIG_NO_ITEM SIZE_MAX

/*
 * What a map does with item `index`, in one of the workers.  `item` points to
 * it and `result` to its place, which is zeroed; NULL where the map has none.
 * Returns 0, or a negative code, which ends the map: rig_team_fail() gives it
 * words.
 */
typedef int rig_map_fn(struct rig_team *team, size_t index, const void *item,
		       void *result);

/* Called in the thread that called rig_pool_map(), which it may not call
 * itself for that pool. */
typedef void rig_progress_fn(void *arg, size_t done, size_t count);

struct rig_map {
	rig_map_fn *fn;   /* or */
	const char *name; /* "path.so:symbol" */
	size_t count;     /* items */

	/* How many a worker takes at a time; 0: many at first, then fewer, down
	 * to one. */
	size_t chunk;

	/* Of the caller, `count` of each, copied there and back; or NULL.  The
	 * result of an item that was not done stays as it was. */
	const void *items;
	size_t item_bytes;
	void *results;
	size_t result_bytes;

	/* The caller's: which items were done, `count` of them; or NULL. */
	bool *done;
	/* The item that failed, or the last that a rank was at when it died (also
	 * where the item was tried again, and all went well); or NULL. */
	size_t *failed;

	/* As in a job.  A map with items, results, `done` or retries can be
	 * handed one segment less. */
	struct rig_handed segments[RIG_SEGMENTS_MAX];
	const void *args;
	size_t args_bytes;
	uint64_t limit_ns;

	/* Called every `progress_ns` (0: 100 ms) and at the end; or NULL. */
	rig_progress_fn *progress;
	void *progress_arg;
	uint64_t progress_ns;

	/*
	 * How often an item is tried again at which a worker has died; 0: the
	 * first death ends the map.  Example: with 2 an item that kills its worker
	 * each time is called three times, and then the map ends; what is done
	 * stays done, and the report says at which item each of the three died.
	 * A death at no item counts as one of an item of its own.
	 *
	 * With retries the function must bear a second call for an item: of the
	 * one that is blamed, and of those that other workers were at when they
	 * were ended.  The place of the result is zeroed again.
	 */
	size_t retries;

	uint64_t reserved[RIG_RESERVED_WORDS - 1]; /* 0 */
};

/*
 * Call map->fn for items 0 to count - 1, each once (but see `retries`), on
 * whichever worker comes for it, and wait for all.  Returns 0, or as rig_pool_run(), and -ENOSPC where
 * there is no room for items and results.  The first item to fail ends the map:
 * the other workers finish the item they are at, if they can in 20 ms.  If a
 * worker dies (-EOWNERDEAD) more often than `retries` allows, or nobody can go
 * on (-EDEADLK), or the limit (of all tries together) passes, the map is over
 * too; rig_why() and `done` tell how far it has come.
 *
 * Any thread; one run at a time.
 */
RIG_API int rig_pool_map(struct rig_pool *pool, const struct rig_map *map);

#ifdef __cplusplus
}
#endif

#endif
