/* SPDX-License-Identifier: MIT */
/*
 * sample_exchange.c - a sample sort over several hosts: each host gets the buckets
 * that the ranks of the others have sorted.
 */
#include <kernels/lib/sample.h>

#include <errno.h>
#include <stdlib.h>

/* The items before the first bucket that a rank of a host sorts: a bucket is of the
 * host in whose strip of the unequal items the bucket begins. */
static size_t items_before(const struct sample *s, size_t strip_begin)
{
	size_t first = 0, sorted = 0;

	for (size_t b = 0; b < SAMPLE_BUCKETS; b++) {
		if (!s->equal[b] && s->totals[b] && sorted >= strip_begin)
			return first;
		sorted += s->equal[b] ? 0 : s->totals[b];
		first += s->totals[b];
	}
	return first;
}

int sample_exchange(const struct sample *s)
{
	struct world world;
	size_t unequal = 0;
	size_t *parts;
	int r = world_begin(&world, s->team);

	if (r < 0)
		return r;
	parts = malloc(((size_t)world.hosts + 1) * sizeof(*parts));
	if (!parts)
		return rig_team_fail(s->team, -ENOMEM, "sort: no memory");
	for (size_t b = 0; b < SAMPLE_BUCKETS; b++)
		unequal += s->equal[b] ? 0 : s->totals[b];
	for (int host = 0; host < world.hosts; host++)
		parts[host] =
			s->item_bytes *
			items_before(s,
				     world_part(&world, unequal, host).begin);
	parts[0] = 0;
	parts[world.hosts] = s->item_bytes * s->length;
	r = world_fill(&world, s->x, parts);
	free(parts);
	return r < 0 ? r : world_end(&world);
}
