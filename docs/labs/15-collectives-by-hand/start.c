/* SPDX-License-Identifier: MIT */
/*
 * start.c - three collectives that are right, and take too many steps or bytes.
 */
#include "lab.h"

#include <errno.h>
#include <stdlib.h>

int tree(struct rig_team *team, double *x, size_t count)
{
	int rank = rig_team_rank(team), size = rig_team_size(team), r = 0;

	/* TODO(1): rank 0 tells all, one after the other.  Who else could tell
	 * somebody, after the first step? */
	if (rank > 0)
		return lab_recv(team, x, count, 0);
	for (int to = 1; r == 0 && to < size; to++)
		r = lab_send(team, x, count, to);
	return r;
}

/* Rank 0 collects all arrays, adds, and tells the sum. */
static int by_rank_0(struct rig_team *team, double *x, size_t count)
{
	int size = rig_team_size(team), r = 0;
	double *got = calloc(count + 1, sizeof(*got));

	if (!got)
		return -ENOMEM;
	if (rig_team_rank(team) > 0)
		r = lab_send(team, x, count, 0);
	for (int from = 1; rig_team_rank(team) == 0 && r == 0 && from < size;
	     from++) {
		r = lab_recv(team, got, count, from);
		for (size_t i = 0; r == 0 && i < count; i++)
			x[i] += got[i];
	}
	free(got);
	return r < 0 ? r : tree(team, x, count);
}

int ring(struct rig_team *team, double *x, size_t count)
{
	/* TODO(2): rank 0 sends size - 1 whole arrays.  How many numbers need
	 * each rank send, where the array goes round in parts? */
	return by_rank_0(team, x, count);
}

int doubling(struct rig_team *team, double *x, size_t count)
{
	/* TODO(3): after the first step each rank may know the sum of two.  Of
	 * how many after the second?  Who is the partner? */
	return by_rank_0(team, x, count);
}
