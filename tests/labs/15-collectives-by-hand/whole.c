/* hint: TODO(2): send parts */
#include "lab.h"

/* The ring carries whole arrays, as doubling does. */
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
	double *got = calloc(count + 1, sizeof(*got));
	double *out = calloc(count + 1, sizeof(*out));

	if (!got || !out)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		out[i] = x[i];
	for (int step = 0; r == 0 && step < size - 1; step++) {
		r = lab_both(team, out, count, next, got, count, last);
		for (size_t i = 0; r == 0 && i < count; i++) {
			x[i] += got[i];
			out[i] = got[i];
		}
	}
	free(out);
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
			     rank ^ bit);
		for (size_t i = 0; r == 0 && i < count; i++)
			x[i] += got[i];
	}
	free(got);
	return r;
}
