/* SPDX-License-Identifier: MIT */
/*
 * heat.c - heat spreads over a plate cut into tiles, a tile to each rank, by
 * Jacobi steps; the ranks are programs:
 *
 *	runrig exec -n 4 -- ./heat
 *
 * The pool form is ../heat.c, and the MPI form ../mpi/heat.c.
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

static int heat(struct rig_team *team, double *sum)
{
	const size_t extents[] = { N + 2, N + 2 };
	const bool periods[] = { true, true };
	int dims[] = { 0, 0 };
	struct rig_team *grid = NULL;
	double own = 0;
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
			own += now[i][j];
	if (r == 0)
		r = rig_team_allreduce(grid, &own, sum, 1, RIG_FLOAT64,
				       RIG_SUM);
	return r;
}

int main(void)
{
	struct rig_team *team;
	double sum = 0;
	int rank = 0;
	int r = rig_join(&team, NULL);

	if (r == 0) {
		rank = rig_team_rank(team);
		r = heat(team, &sum);
		if (r == 0)
			r = rig_leave();
	}
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	else if (rank == 0)
		printf("heat after %d steps: %.6f\n", STEPS, sum);
	return r < 0 || sum < 999.999999 || sum > 1000.000001;
}
