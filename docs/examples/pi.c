/* SPDX-License-Identifier: MIT */
/*
 * pi.c - pi by the midpoint rule, the classic first program of MPI.
 */
#include <stdio.h>

#include <runrig/runrig.h>

#define INTERVALS ((size_t)10000000)

static int pi(struct rig_team *team) /* runs on every rank */
{
	struct rig_span mine = rig_team_strip(team, INTERVALS);
	double h = 1.0 / (double)INTERVALS, sum = 0;

	for (size_t i = mine.begin; i < mine.end; i++) {
		double x = h * ((double)i + 0.5);

		sum += 4.0 / (1.0 + x * x);
	}
	sum *= h;
	return rig_team_reduce(team, &sum, rig_team_result(team), 1,
			       RIG_FLOAT64, RIG_SUM, 0);
}

int main(void)
{
	const double known = 3.14159265358979;
	struct rig_pool *pool = NULL;
	double found = 0;
	int r = rig_pool_create(&pool, NULL); /* a worker per usable core */

	if (r == 0)
		r = rig_pool_run(pool, &(struct rig_job){
					       .kernel = pi,
					       .result = &found,
					       .result_bytes = sizeof(found) });
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	else
		printf("pi is about %.12f\n", found);
	rig_pool_destroy(pool);
	return r < 0 || found - known > 1e-9 || known - found > 1e-9;
}
