/* SPDX-License-Identifier: MIT */
/* pi.c - ../pi.c in MPI. */
#include <mpi.h>
#include <stdio.h>

#define INTERVALS ((size_t)10000000)

int main(int argc, char **argv)
{
	double h = 1.0 / (double)INTERVALS, sum = 0, found = 0;
	int rank, size;
	size_t begin, end;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	begin = INTERVALS * (size_t)rank / (size_t)size;
	end = INTERVALS * ((size_t)rank + 1) / (size_t)size;
	for (size_t i = begin; i < end; i++) {
		double x = h * ((double)i + 0.5);

		sum += 4.0 / (1.0 + x * x);
	}
	sum *= h;
	MPI_Reduce(&sum, &found, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
	if (rank == 0)
		printf("pi is about %.12f\n", found);
	MPI_Finalize();
	return 0;
}
