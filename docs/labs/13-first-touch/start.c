/* SPDX-License-Identifier: MIT */
/*
 * start.c - the matrix is right, and lies on a single node.
 */
#include "lab.h"

int fill(struct rig_team *team)
{
	double *matrix = rig_team_data(team, 0);
	size_t rows = rig_team_bytes(team, 0) / LAB_BLOCKS / LAB_PAGE;

	/* TODO(1): on whose node is each page now?  Who uses the page? */
	if (rig_team_rank(team) == 0)
		for (size_t row = 0; row < rows; row++)
			for (size_t column = 0; column < LAB_COLUMNS; column++)
				matrix[row * LAB_COLUMNS + column] =
					lab_value(row, column);
	return rig_team_barrier(team);
}

void homes(const struct rig_plan *plan, const struct lab_touch *touches,
	   size_t count, int *nodes, size_t pages)
{
	for (size_t page = 0; page < pages; page++)
		nodes[page] = -1;
	/* TODO(2): which touch decides, and does a read count? */
	for (size_t i = 0; i < count; i++)
		if (touches[i].wrote)
			nodes[touches[i].page] =
				plan->spots[touches[i].rank].node;
}

size_t far_pages(const struct rig_plan *plan, const int *nodes, size_t rows)
{
	size_t far = 0;

	/* TODO(3): who uses a page? */
	for (size_t page = 0; page < rows * LAB_BLOCKS; page++)
		far += nodes[page] != plan->spots[0].node;
	return far;
}
