/* hint: TODO(2): send parts */
#include "lab.h"

/* Rank 0 adds up all arrays, and tells each rank. */
#include <errno.h>
#include <stdlib.h>

/* In step k, ranks below 2^k have x, and each tells one more. */
int tree(struct rig_team *team, double *x, size_t count)
{
	int rank = rig_team_rank(team), size = rig_team_size(team), r = 0;

	for (int known = 1; r == 0 && known < size; known *= 2) {
		if (rank < known && rank + known < size)
			r = lab_send(team, x, count, rank + known);
		else if (rank >= known && rank < 2 * known)
			r = lab_recv(team, x, count, rank - known);
	}
	return r;
}

/* First each part is added up on its way round, then told on a second way. */
int ring(struct rig_team *team, double *x, size_t count)
{
	int rank = rig_team_rank(team), size = rig_team_size(team), r = 0;
	double *got = calloc(count + 1, sizeof(*got));

	if (!got)
		return -ENOMEM;
	for (int from = 1; r == 0 && from < size; from++) {
		if (rank == from)
			r = lab_send(team, x, count, 0);
		if (rank != 0)
			continue;
		r = lab_recv(team, got, count, from);
		for (size_t i = 0; r == 0 && i < count; i++)
			x[i] += got[i];
	}
	for (int to = 1; r == 0 && to < size; to++) {
		if (rank == 0)
			r = lab_send(team, x, count, to);
		else if (rank == to)
			r = lab_recv(team, x, count, 0);
	}
	free(got);
	return r;
}

/* Partners differ in one bit, and know twice as much afterwards. */
int doubling(struct rig_team *team, double *x, size_t count)
{
	int rank = rig_team_rank(team), size = rig_team_size(team), r = 0;
	double *got = calloc(count + 1, sizeof(*got));

	if (!got)
		return -ENOMEM;
	for (int bit = 1; r == 0 && bit < size; bit *= 2) {
		r = lab_both(team, x, count, rank ^ bit, got, count,
			     rank ^ bit);
		for (size_t i = 0; r == 0 && i < count; i++)
			x[i] += got[i];
	}
	free(got);
	return r;
}
