/* SPDX-License-Identifier: MIT */
/*
 * world.h - kernels over several hosts: each host has the whole of each array,
 * the ranks of a host work at their strips of the world, and hosts fill in each
 * other's parts.
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

/* In this process: the hosts, for exchanges one after another.  A run of a single
 * host has no leaders. */
struct world {
	struct rig_team *team;
	struct rig_team
		*leaders; /* of rank 0 of each host, at rank 0; or NULL */
	int hosts;
	int own; /* number of this host */
};

/* Collective over the world: begin, and end.  0, or as rig_team_split(). */
int world_begin(struct world *world, struct rig_team *team);
int world_end(struct world *world);

/*
 * Collective over the world, with barriers before and after: each host has written
 * the bytes from parts[host] to parts[host + 1] of `data`, and gets all others.
 * `parts` is the same on every host.  On a single host, the barrier.
 */
int world_fill(const struct world *world, void *data, const size_t *parts);

/* world_fill() of `bytes` bytes in chunks, which ranks have written by world_strip();
 * the last chunk may be shorter. */
int world_fill_chunks(const struct world *world, void *data, size_t chunks,
		      size_t chunk_bytes, size_t bytes);

/* The same of rows. */
int world_fill_rows(const struct world *world, void *data, size_t rows,
		    size_t row_bytes);

/*
 * Collective over the world, with barriers before and after: hosts next to each other
 * give each other the `edge` rows on either side of their parts of `rows` rows, or, if
 * some host has fewer rows than that, all rows.
 */
int world_fill_edges(const struct world *world, void *data, size_t rows,
		     size_t row_bytes, size_t edge);

/* The part of `rows` rows that this host's ranks have by world_strip(). */
struct rig_span world_part(const struct world *world, size_t rows, int host);

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

/* Collective over the world: the sums of `count` numbers of each host, in
 * place, on every host. */
int world_sums(struct rig_team *team, uint64_t *numbers, size_t count);

/*
 * Neighbouring ranks on different hosts give each other the rows at the edge of
 * their strips.  Afterwards each rank has the row before and the row behind its
 * strip, where another host's rank has written the row.  No barrier.
 */
int world_edges(struct rig_team *team, void *data, size_t rows,
		size_t row_bytes);

#endif
