/* SPDX-License-Identifier: MIT */
/*
 * world.c - kernels over several hosts: rows that hosts fill in for each other.
 */
#include <kernels/lib/world.h>

#include <runrig/collective.h>
#include <runrig/message.h>

/* Tags of rows for the rank before, and for the rank behind. */
enum { TAG_BEFORE = 1, TAG_BEHIND };

/* The rows of ranks `first` to `last` - 1 of the world. */
static struct rig_span rows_of(size_t rows, int first, int last, int size,
			       bool mirrored)
{
	const struct rig_span begin = rig_strip(rows, first, size);
	const struct rig_span end = rig_strip(rows, last - 1, size);

	if (mirrored)
		return (struct rig_span){ rows - end.end, rows - begin.begin };
	return (struct rig_span){ begin.begin, end.end };
}

/* Between rank 0 of each host: each sends the rows of its host to all. */
static int fill(struct rig_team *leaders, struct rig_team *team, char *data,
		size_t rows, size_t row_bytes, bool mirrored)
{
	const int hosts = rig_team_hosts(team, NULL);
	int r = 0;

	for (int host = 0; r == 0 && host < hosts; host++) {
		const struct rig_span span =
			rows_of(rows, rig_team_host_first(team, host),
				rig_team_host_first(team, host + 1),
				rig_team_host_first(team, hosts), mirrored);

		r = rig_team_bcast(leaders, data + span.begin * row_bytes,
				   (span.end - span.begin) * row_bytes,
				   RIG_UINT8, host);
	}
	return r;
}

int world_begin(struct world *world, struct rig_team *team)
{
	*world = (struct world){ .team = team };
	world->hosts = rig_team_hosts(team, &world->own);
	if (world->hosts == 1)
		return 0;
	return rig_team_split(rig_team_world(team),
			      rig_team_rank(team) ? RIG_UNDEFINED : 0, 0,
			      &world->leaders);
}

int world_end(struct world *world)
{
	struct rig_team *leaders = world->leaders;

	world->leaders = NULL;
	return leaders ? rig_team_free(leaders) : 0;
}

int world_fill(const struct world *world, void *data, const size_t *parts)
{
	char *bytes = data;
	int r = rig_team_barrier(world->team);

	if (r < 0 || world->hosts == 1)
		return r;
	for (int host = 0; r == 0 && world->leaders && host < world->hosts;
	     host++)
		r = rig_team_bcast(world->leaders, bytes + parts[host],
				   parts[host + 1] - parts[host], RIG_UINT8,
				   host);
	return r < 0 ? r : rig_team_barrier(world->team);
}

struct rig_span world_part(const struct world *world, size_t rows, int host)
{
	return rows_of(rows, rig_team_host_first(world->team, host),
		       rig_team_host_first(world->team, host + 1),
		       rig_team_host_first(world->team, world->hosts), false);
}

int world_fill_chunks(const struct world *world, void *data, size_t chunks,
		      size_t chunk_bytes, size_t bytes)
{
	char *all = data;
	int r = rig_team_barrier(world->team);

	if (r < 0 || world->hosts == 1)
		return r;
	for (int host = 0; r == 0 && world->leaders && host < world->hosts;
	     host++) {
		const struct rig_span part = world_part(world, chunks, host);
		const size_t begin = part.begin * chunk_bytes;
		size_t end = part.end * chunk_bytes;

		end = end < bytes ? end : bytes;
		if (begin < end)
			r = rig_team_bcast(world->leaders, all + begin,
					   end - begin, RIG_UINT8, host);
	}
	return r < 0 ? r : rig_team_barrier(world->team);
}

int world_fill_rows(const struct world *world, void *data, size_t rows,
		    size_t row_bytes)
{
	return world_fill_chunks(world, data, rows, row_bytes,
				 rows * row_bytes);
}

/* The leaders' part: each gives rows to the host before, and to the host behind. */
static int fill_edges(const struct world *world, char *data, size_t rows,
		      size_t row_bytes, size_t edge)
{
	const struct rig_span own = world_part(world, rows, world->own);
	const int before = world->own ? world->own - 1 : RIG_PROC_NULL;
	const int behind =
		world->own + 1 < world->hosts ? world->own + 1 : RIG_PROC_NULL;
	char *first = data + own.begin * row_bytes;
	char *end = data + own.end * row_bytes;
	const size_t bytes = edge * row_bytes;
	int r = rig_team_sendrecv(world->leaders, first, bytes, RIG_UINT8,
				  before, TAG_BEFORE, end, bytes, RIG_UINT8,
				  behind, TAG_BEFORE, NULL);

	/* No byte before the array, nor behind. */
	if (r == 0)
		r = rig_team_sendrecv(world->leaders, end - bytes, bytes,
				      RIG_UINT8, behind, TAG_BEHIND,
				      first - (world->own ? bytes : 0), bytes,
				      RIG_UINT8, before, TAG_BEHIND, NULL);
	return r;
}

int world_fill_edges(const struct world *world, void *data, size_t rows,
		     size_t row_bytes, size_t edge)
{
	int r;

	for (int host = 0; world->hosts > 1 && host < world->hosts; host++) {
		const struct rig_span part = world_part(world, rows, host);

		if (part.end - part.begin < edge)
			return world_fill_rows(world, data, rows, row_bytes);
	}
	r = rig_team_barrier(world->team);
	if (r < 0 || world->hosts == 1)
		return r;
	if (world->leaders)
		r = fill_edges(world, data, rows, row_bytes, edge);
	return r < 0 ? r : rig_team_barrier(world->team);
}

int world_sums(struct rig_team *team, uint64_t *numbers, size_t count)
{
	struct world world;
	int r;

	if (rig_team_hosts(team, NULL) == 1)
		return 0;
	r = world_begin(&world, team);
	if (r == 0 && world.leaders)
		r = rig_team_allreduce(world.leaders, RIG_IN_PLACE, numbers,
				       count, RIG_UINT64, RIG_SUM);
	if (r == 0)
		r = world_end(&world);
	return r < 0 ? r : rig_team_barrier(team);
}

static int exchange(struct rig_team *team, void *data, size_t rows,
		    size_t row_bytes, bool mirrored)
{
	struct world world;
	int r = rig_team_barrier(team);

	if (r < 0 || rig_team_hosts(team, NULL) == 1)
		return r;
	r = world_begin(&world, team);
	if (r == 0 && world.leaders)
		r = fill(world.leaders, team, data, rows, row_bytes, mirrored);
	if (r == 0)
		r = world_end(&world);
	return r < 0 ? r : rig_team_barrier(team);
}

int world_rows(struct rig_team *team, void *data, size_t rows, size_t row_bytes)
{
	return exchange(team, data, rows, row_bytes, false);
}

int world_rows_mirrored(struct rig_team *team, void *data, size_t rows,
			size_t row_bytes)
{
	return exchange(team, data, rows, row_bytes, true);
}

int world_edges(struct rig_team *team, void *data, size_t rows,
		size_t row_bytes)
{
	struct rig_team *world = rig_team_world(team);
	const struct rig_span own = rig_team_strip(world, rows);
	const int rank = rig_team_rank(world), local = rig_team_rank(team);
	const bool none = own.begin == own.end;
	/* The neighbour of the host's first or last rank is at another host. */
	const int before =
		none || local || own.begin == 0 ? RIG_PROC_NULL : rank - 1;
	const int behind =
		none || local + 1 < rig_team_size(team) || own.end == rows
			? RIG_PROC_NULL
			: rank + 1;
	char *first = (char *)data + own.begin * row_bytes;
	char *end = (char *)data + own.end * row_bytes;
	int r = rig_team_sendrecv(world, first, row_bytes, RIG_UINT8, before,
				  TAG_BEFORE, end, row_bytes, RIG_UINT8, behind,
				  TAG_BEFORE, NULL);

	if (r == 0)
		r = rig_team_sendrecv(world, end - row_bytes, row_bytes,
				      RIG_UINT8, behind, TAG_BEHIND,
				      first - row_bytes, row_bytes, RIG_UINT8,
				      before, TAG_BEHIND, NULL);
	return r;
}
