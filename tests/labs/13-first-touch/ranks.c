/* hint: TODO(2): the node of the rank */
/* A rank is taken for its node. */
#include "lab.h"

#define COLUMNS_OF_BLOCK (LAB_PAGE / sizeof(double))

int fill(struct rig_team *team)
{
	double *matrix = rig_team_data(team, 0);
	size_t rows = rig_team_bytes(team, 0) / LAB_BLOCKS / LAB_PAGE;
	struct rig_span mine = rig_team_strip(team, LAB_BLOCKS);

	for (size_t row = 0; row < rows; row++)
		for (size_t column = mine.begin * COLUMNS_OF_BLOCK;
		     column < mine.end * COLUMNS_OF_BLOCK; column++)
			matrix[row * LAB_COLUMNS + column] =
				lab_value(row, column);
	return rig_team_barrier(team);
}

void homes(const struct rig_plan *plan, const struct lab_touch *touches,
	   size_t count, int *nodes, size_t pages)
{
	for (size_t page = 0; page < pages; page++)
		nodes[page] = -1;
	for (size_t i = 0; i < count; i++)
		if (nodes[touches[i].page] < 0)
			nodes[touches[i].page] = touches[i].rank % plan->nodes;
}

/* The rank that uses a block of columns. */
static int user_of(const struct rig_plan *plan, size_t block)
{
	int rank = 0;

	while (block >= rig_strip(LAB_BLOCKS, rank, plan->workers).end)
		rank++;
	return rank;
}

size_t far_pages(const struct rig_plan *plan, const int *nodes, size_t rows)
{
	size_t far = 0;

	for (size_t page = 0; page < rows * LAB_BLOCKS; page++) {
		int user = user_of(plan, page % LAB_BLOCKS);

		far += nodes[page] >= 0 &&
		       nodes[page] != plan->spots[user].node;
	}
	return far;
}
