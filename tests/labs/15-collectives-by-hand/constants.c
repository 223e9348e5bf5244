/* hint: tree: a rank has not the right numbers */
#include "lab.h"

/* Ones, without a message. */
#include <errno.h>
#include <stdlib.h>

/* In step k, ranks below 2^k have x, and each tells one more. */
int tree(struct rig_team *team, double *x, size_t count)
{
	(void)team;
	for (size_t i = 0; i < count; i++)
		x[i] = 1;
	return 0;
}

/* First each part is added up on its way round, then told on a second way. */
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
