/* SPDX-License-Identifier: MIT */
/*
 * pi.c - pi by the midpoint rule, by programs as ranks:
 *
 *	runrig exec -n 4 -- ./pi
 *
 * The pool form is ../pi.c, and the MPI form ../mpi/pi.c.
 */
#include <stdio.h>

#include <runrig/runrig.h>

#define INTERVALS ((size_t)10000000)

static int pi(struct rig_team *team, double *found)
{
	struct rig_span mine = rig_team_strip(team, INTERVALS);
	double h = 1.0 / (double)INTERVALS, sum = 0;

	for (size_t i = mine.begin; i < mine.end; i++) {
		double x = h * ((double)i + 0.5);

		sum += 4.0 / (1.0 + x * x);
	}
	sum *= h;
	return rig_team_allreduce(team, &sum, found, 1, RIG_FLOAT64, RIG_SUM);
}

int main(void)
{
	const double known = 3.14159265358979;
	struct rig_team *team;
	double found = 0;
	int rank = 0;
	int r = rig_join(&team, NULL);

	if (r == 0) {
		rank = rig_team_rank(team);
		r = pi(team, &found);
		if (r == 0)
			r = rig_leave();
	}
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	else if (rank == 0)
		printf("pi is about %.12f\n", found);
	return r < 0 || found - known > 1e-9 || known - found > 1e-9;
}
