/* SPDX-License-Identifier: MIT */
/* heat.c - ../heat.c in MPI. */
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#define N     64
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

static void exchange(MPI_Comm grid, MPI_Datatype column)
{
	int low, high;

	MPI_Cart_shift(grid, 0, 1, &low, &high);
	MPI_Sendrecv(&now[1][1], N, MPI_DOUBLE, low, 0, &now[N + 1][1], N,
		     MPI_DOUBLE, high, 0, grid, MPI_STATUS_IGNORE);
	MPI_Sendrecv(&now[N][1], N, MPI_DOUBLE, high, 1, &now[0][1], N,
		     MPI_DOUBLE, low, 1, grid, MPI_STATUS_IGNORE);
	MPI_Cart_shift(grid, 1, 1, &low, &high);
	MPI_Sendrecv(&now[1][1], 1, column, low, 2, &now[1][N + 1], 1, column,
		     high, 2, grid, MPI_STATUS_IGNORE);
	MPI_Sendrecv(&now[1][N], 1, column, high, 3, &now[1][0], 1, column, low,
		     3, grid, MPI_STATUS_IGNORE);
}

int main(int argc, char **argv)
{
	int dims[] = { 0, 0 }, periods[] = { 1, 1 }, rank, size;
	double sum = 0, all = 0;
	MPI_Datatype column;
	MPI_Comm grid;

	MPI_Init(&argc, &argv);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	MPI_Dims_create(size, 2, dims);
	MPI_Cart_create(MPI_COMM_WORLD, 2, dims, periods, 0, &grid);
	MPI_Comm_rank(grid, &rank);
	MPI_Type_vector(N, 1, N + 2, MPI_DOUBLE, &column);
	MPI_Type_commit(&column);
	if (rank == 0)
		now[N / 2][N / 2] = 1000;
	for (int i = 0; i < STEPS; i++) {
		exchange(grid, column);
		step();
	}
	for (int i = 1; i <= N; i++)
		for (int j = 1; j <= N; j++)
			sum += now[i][j];
	MPI_Reduce(&sum, &all, 1, MPI_DOUBLE, MPI_SUM, 0, grid);
	if (rank == 0)
		printf("heat after %d steps: %.6f\n", STEPS, all);
	MPI_Type_free(&column);
	MPI_Comm_free(&grid);
	MPI_Finalize();
	return 0;
}
