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
 * The work on item `index`, in a worker.  `item` points to the item and
 * `result` to the item's result, which is zeroed; each is NULL where the map
 * has no items or no results.  Returns 0, or a negative code, which ends the
 * map: rig_team_fail() adds words to the code.
 */
typedef int rig_map_fn(struct rig_team *team, size_t index, const void *item,
		       void *result);

/* Called in the thread that called rig_pool_map().  The function may not call
 * rig_pool_map() for the same pool. */
typedef void rig_progress_fn(void *arg, size_t done, size_t count);

struct rig_map {
	rig_map_fn *fn;   /* or */
	const char *name; /* "path.so:symbol" */
	size_t count;     /* items */

	/* Items that a worker takes at a time; 0: many at first, then fewer,
	 * down to 1. */
	size_t chunk;

	/* The caller's memory: `count` items, copied to the workers, and
	 * `count` results, copied back; or NULL.  The result of an item that
	 * was not done stays unchanged. */
	const void *items;
	size_t item_bytes;
	void *results;
	size_t result_bytes;

	/* The caller's array of `count`: which items were done; or NULL. */
	bool *done;
	/* The item that failed, or the last item at which a rank died (also
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
	 * first death ends the map.  Example: with 2 an item that kills its
	 * worker each time is called three times, and then the map ends; the
	 * items done stay done, and the report says at which item each worker
	 * died.  A death at no item counts as the death at an item of its own.
	 *
	 * With retries the function must bear a second call for an item: the
	 * item at which a worker died, and the items at which the other workers
	 * were ended.  The result is zeroed again.
	 */
	size_t retries;

	uint64_t reserved[RIG_RESERVED_WORDS - 1]; /* 0 */
};

/*
 * Call map->fn once for each item from 0 to count - 1 (but see `retries`), on
 * whichever worker is free, and wait for all items.  Returns 0, or an error of
 * rig_pool_run(), or -ENOSPC where memory for items and results is too small.
 * The first item to fail ends the map: each other worker has 20 ms to finish
 * its item.  The map also ends where workers die more often than `retries`
 * allows (-EOWNERDEAD), where no worker can go on (-EDEADLK), or when the limit
 * passes, which counts all tries together.  rig_why() and `done` then tell how
 * far the map has come.
 *
 * Any thread; one run at a time.
 */
RIG_API int rig_pool_map(struct rig_pool *pool, const struct rig_map *map);

#ifdef __cplusplus
}
#endif

#endif
