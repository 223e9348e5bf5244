/* SPDX-License-Identifier: MIT */
/*
 * world.c - kernels over several hosts: what hosts fill in for each other.
 */
#include <kernels/lib/world.h>

#include <runrig/collective.h>
#include <runrig/message.h>

/* Tags of rows that go to the rank before, and to the rank behind. */
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

/* Between rank 0 of each host: each sends its host's rows to all. */
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

/* Rank 0 of each host gets a team of those; the others NULL. */
static int lead(struct rig_team *team, struct rig_team **leaders)
{
	*leaders = NULL;
	return rig_team_split(rig_team_world(team),
			      rig_team_rank(team) ? RIG_UNDEFINED : 0, 0,
			      leaders);
}

int world_sums(struct rig_team *team, uint64_t *numbers, size_t count)
{
	struct rig_team *leaders;
	int r;

	if (rig_team_hosts(team, NULL) == 1)
		return 0;
	r = lead(team, &leaders);
	if (r == 0 && leaders)
		r = rig_team_allreduce(leaders, RIG_IN_PLACE, numbers, count,
				       RIG_UINT64, RIG_SUM);
	if (r == 0 && leaders)
		r = rig_team_free(leaders);
	return r < 0 ? r : rig_team_barrier(team);
}

static int exchange(struct rig_team *team, void *data, size_t rows,
		    size_t row_bytes, bool mirrored)
{
	struct rig_team *leaders;
	int r = rig_team_barrier(team);

	if (r < 0 || rig_team_hosts(team, NULL) == 1)
		return r;
	r = lead(team, &leaders);
	if (r == 0 && leaders)
		r = fill(leaders, team, data, rows, row_bytes, mirrored);
	if (r == 0 && leaders)
		r = rig_team_free(leaders);
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
