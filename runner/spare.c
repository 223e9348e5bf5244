/* SPDX-License-Identifier: MIT */
/*
 * spare.c - segments of a call that the next call of the same kernel uses.
 */
#include <runner/spare.h>

#include <pthread.h>
#include <stdlib.h>

/* In this process: the segments kept for a pool. */
struct spare_store {
	struct spare_store *next;
	struct rig_pool *pool;
	uint64_t uses;
	struct spare {
		struct spare_key key;
		struct rig_segment *segment; /* NULL: free */
		uint64_t used;               /* when last */
	} spare[SPARES_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct spare_store *all;

/* With the lock. */
static struct spare_store *find(const struct rig_pool *pool)
{
	struct spare_store *spares = all;

	while (spares && spares->pool != pool)
		spares = spares->next;
	return spares;
}

/* As the pool is destroyed. */
static void drop_all(void *arg)
{
	struct spare_store *spares = arg, **at = &all;

	pthread_mutex_lock(&lock);
	while (*at && *at != spares)
		at = &(*at)->next;
	if (*at)
		*at = spares->next;
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < SPARES_MAX; i++)
		rig_segment_destroy(spares->spare[i].segment);
	free(spares);
}

/* With the lock; NULL: there is no memory. */
static struct spare_store *find_or_make(struct rig_pool *pool)
{
	struct spare_store *spares = find(pool);

	if (spares)
		return spares;
	spares = calloc(1, sizeof(*spares));
	if (!spares || rig_pool_at_destroy(pool, drop_all, spares) < 0) {
		free(spares);
		return NULL;
	}
	spares->pool = pool;
	spares->next = all;
	all = spares;
	return spares;
}

static bool same(const struct spare_key *a, const struct spare_key *b)
{
	return a->kernel == b->kernel && a->index == b->index &&
	       a->bytes == b->bytes && a->pages == b->pages;
}

struct rig_segment *spare_take(struct rig_pool *pool, struct spare_key key)
{
	struct rig_segment *segment = NULL;
	struct spare_store *spares;

	pthread_mutex_lock(&lock);
	spares = find_or_make(pool);
	for (int i = 0; spares && !segment && i < SPARES_MAX; i++) {
		struct spare *spare = &spares->spare[i];

		if (!spare->segment || !same(&spare->key, &key))
			continue;
		segment = spare->segment;
		spare->segment = NULL;
	}
	pthread_mutex_unlock(&lock);
	return segment;
}

static size_t bytes_of(const struct spare_store *spares)
{
	size_t bytes = 0;

	for (int i = 0; i < SPARES_MAX; i++)
		if (spares->spare[i].segment)
			bytes += spares->spare[i].key.bytes;
	return bytes;
}

/* A free place, or the place that was used least lately; `taken`: only places
 * with a segment. */
static struct spare *oldest(struct spare_store *spares, bool taken)
{
	struct spare *found = NULL;

	for (int i = 0; i < SPARES_MAX; i++) {
		struct spare *spare = &spares->spare[i];

		if (taken && !spare->segment)
			continue;
		if (!found || !spare->segment ||
		    (found->segment && spare->used < found->used))
			found = spare;
	}
	return found;
}

/* Put the segment in.  Where a kept segment must go first, returns the kept
 * segment, and the caller tries again; NULL: the segment is in. */
static struct rig_segment *put_in(struct spare_store *spares,
				  struct spare_key key,
				  struct rig_segment **segment)
{
	struct spare *place = oldest(spares, false);
	struct rig_segment *out = place->segment;

	if (!out && bytes_of(spares) + key.bytes > SPARE_BYTES) {
		place = oldest(spares, true);
		out = place->segment;
	}
	place->segment = NULL;
	if (out)
		return out;
	*place = (struct spare){ .key = key,
				 .segment = *segment,
				 .used = ++spares->uses };
	*segment = NULL;
	return NULL;
}

void spare_give(struct rig_pool *pool, struct spare_key key,
		struct rig_segment *segment)
{
	while (segment && key.bytes <= SPARE_BYTES) {
		struct rig_segment *out = NULL;
		struct spare_store *spares;

		pthread_mutex_lock(&lock);
		spares = find(pool);
		if (spares)
			out = put_in(spares, key, &segment);
		pthread_mutex_unlock(&lock);
		if (!spares)
			break;
		rig_segment_destroy(out);
	}
	rig_segment_destroy(segment);
}
