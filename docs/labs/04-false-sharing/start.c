/* SPDX-License-Identifier: MIT */
/*
 * start.c - the histogram is right, and slower with two ranks than with one.
 */
#include "lab.h"

#include <stdatomic.h>

/* The counters of a rank: LAB_BUCKETS numbers in the room. */
static uint64_t *counters_of(struct lab_board *board, int rank)
{
	uint64_t *all = (uint64_t *)board->room;

	/* TODO(1): whose counters lie in the same line?  Where does the room
	 * begin? */
	return all + rank * LAB_BUCKETS;
}

int tally(struct rig_team *team)
{
	const uint32_t *values = rig_team_data(team, 0);
	struct lab_board *board = rig_team_data(team, 1);
	struct rig_span strip =
		rig_team_strip(team, rig_team_bytes(team, 0) / sizeof(*values));
	uint64_t *mine = counters_of(board, rig_team_rank(team));

	for (size_t i = strip.begin; i < strip.end; i++) {
		mine[values[i] % LAB_BUCKETS]++;
		/* TODO(2): whose line is this? */
		atomic_fetch_add(&board->seen, 1);
	}
	return 0;
}

int merge(struct rig_team *team)
{
	struct lab_board *board = rig_team_data(team, 1);

	for (int rank = 0;
	     rig_team_rank(team) == 0 && rank < rig_team_size(team); rank++)
		for (int i = 0; i < LAB_BUCKETS; i++)
			board->total[i] += counters_of(board, rank)[i];
	return 0;
}

size_t false_lines(const struct lab_write *writes, size_t count)
{
	size_t found = 0;

	/* TODO(3): a line is counted once, however many ranks write the line;
	 * and two ranks may write the same byte; and a write may reach into
	 * the next line. */
	for (size_t i = 1; i < count; i++)
		if (writes[i].rank != writes[i - 1].rank &&
		    writes[i].offset / RIG_LINE ==
			    writes[i - 1].offset / RIG_LINE)
			found++;
	return found;
}
