/* SPDX-License-Identifier: MIT */
/*
 * world.h - kernels over several hosts: each host has the whole of each array, its
 * ranks work at their strips of the world, and hosts fill in each other's parts.
 */
#ifndef KERNELS_WORLD_H
#define KERNELS_WORLD_H

#include <runrig/gateway.h>
#include <runrig/team.h>

/* The strip of a rank of the world: the team's own where a single host runs. */
static inline struct rig_span world_strip(struct rig_team *team, size_t count)
{
	return rig_team_strip(rig_team_world(team), count);
}

/*
 * Collective over the world, with barriers before and after.  Each rank has written
 * its strip of `rows` rows of `row_bytes` bytes at `data`, in an array of the host:
 * now each host gets all rows.  On a single host, the barrier.
 */
int world_rows(struct rig_team *team, void *data, size_t rows,
	       size_t row_bytes);

/* The same where the strips lie in falling order: the first rank's strip is the last of
 * the rows. */
int world_rows_mirrored(struct rig_team *team, void *data, size_t rows,
			size_t row_bytes);

/* Collective over the world: the sums of `count` numbers that each host has, in
 * place, on every host. */
int world_sums(struct rig_team *team, uint64_t *numbers, size_t count);

/*
 * Ranks next to each other on different hosts give each other the rows at the edge
 * of their strips: each has the row before and the row behind its strip afterwards,
 * where another host's rank has written the row.  No barrier.
 */
int world_edges(struct rig_team *team, void *data, size_t rows,
		size_t row_bytes);

#endif
