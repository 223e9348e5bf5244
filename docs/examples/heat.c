/* SPDX-License-Identifier: MIT */
/*
 * heat.c - heat spreads over a plate cut into tiles, a tile to each rank, by
 * Jacobi steps.  The MPI form is mpi/heat.c.
 */
#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

#define N     64 /* points a side of a tile, and a layer around */
#define STEPS 500

static double now[N + 2][N + 2], then[N + 2][N + 2];

static void step(void)
{
	for (int i = 1; i <= N; i++)
		for (int j = 1; j <= N; j++)
			then[i][j] = 0.25 * (now[i - 1][j] + now[i + 1][j] +
					     now[i][j - 1] + now[i][j + 1]);
	memcpy(now, then, sizeof(now));
}

static int heat(struct rig_team *team) /* runs on every rank */
{
	const size_t extents[] = { N + 2, N + 2 };
	const bool periods[] = { true, true };
	int dims[] = { 0, 0 };
	struct rig_team *grid = NULL;
	double sum = 0;
	int r = rig_dims_create(rig_team_size(team), 2, dims);

	if (r == 0)
		r = rig_team_cart_create(team, 2, dims, periods, &grid);
	if (rig_team_rank(team) == 0)
		now[N / 2][N / 2] = 1000;
	for (int i = 0; r == 0 && i < STEPS; i++) {
		r = rig_team_halo(grid, now, extents, 1, RIG_FLOAT64);
		step();
	}
	for (int i = 1; i <= N; i++)
		for (int j = 1; j <= N; j++)
			sum += now[i][j];
	if (r == 0)
		r = rig_team_reduce(grid, &sum, rig_team_result(team), 1,
				    RIG_FLOAT64, RIG_SUM, 0);
	return r;
}

int main(void)
{
	struct rig_pool *pool = NULL;
	double sum = 0;
	int r = rig_pool_create(&pool, NULL); /* one worker per usable core */

	if (r == 0)
		r = rig_pool_run(
			pool, &(struct rig_job){ .kernel = heat,
						 .result = &sum,
						 .result_bytes = sizeof(sum) });
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	else
		printf("heat after %d steps: %.6f\n", STEPS, sum);
	rig_pool_destroy(pool);
	return r < 0 || sum < 999.999999 || sum > 1000.000001;
}
