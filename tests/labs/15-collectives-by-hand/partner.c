/* hint: doubling: each message is received once */
#include "lab.h"

/* The partner of the partner is another rank. */
#include <errno.h>
#include <stdlib.h>

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

int ring(struct rig_team *team, double *x, size_t count)
{
	int rank = rig_team_rank(team), size = rig_team_size(team), r = 0;
	int next = (rank + 1) % size, last = (rank + size - 1) % size;
	size_t part = count / (size_t)size;
	double *got = calloc(part + 1, sizeof(*got));

	if (!got)
		return -ENOMEM;
	for (int step = 0; r == 0 && step < 2 * (size - 1); step++) {
		int out = (rank - step + 2 * size) % size;
		int in = (out + size - 1) % size;
		double *mine = x + (size_t)in * part;

		r = lab_both(team, x + (size_t)out * part, part, next, got,
			     part, last);
		for (size_t i = 0; r == 0 && i < part; i++)
			mine[i] = step < size - 1 ? mine[i] + got[i] : got[i];
	}
	free(got);
	return r;
}

int doubling(struct rig_team *team, double *x, size_t count)
{
	int rank = rig_team_rank(team), size = rig_team_size(team), r = 0;
	double *got = calloc(count + 1, sizeof(*got));

	if (!got)
		return -ENOMEM;
	for (int bit = 1; r == 0 && bit < size; bit *= 2) {
		r = lab_both(team, x, count, rank ^ bit, got, count,
			     (rank + size - bit) % size);
		for (size_t i = 0; r == 0 && i < count; i++)
			x[i] += got[i];
	}
	free(got);
	return r;
}
