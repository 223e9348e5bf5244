/* SPDX-License-Identifier: MIT */
/* ring.c - ../ring.c in MPI. */
#include <mpi.h>
#include <stdio.h>

#define ROUNDS 10

int main(int argc, char **argv)
{
	int rank, size, next, before, token = 0;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	next = (rank + 1) % size;
	before = (rank + size - 1) % size;
	for (int i = 0; i < ROUNDS; i++) {
		if (rank > 0)
			MPI_Recv(&token, 1, MPI_INT, before, 0, MPI_COMM_WORLD,
				 MPI_STATUS_IGNORE);
		token++;
		MPI_Send(&token, 1, MPI_INT, next, 0, MPI_COMM_WORLD);
		if (rank == 0)
			MPI_Recv(&token, 1, MPI_INT, before, 0, MPI_COMM_WORLD,
				 MPI_STATUS_IGNORE);
	}
	if (rank == 0)
		printf("%d hops a rank: %s\n", ROUNDS,
		       token == ROUNDS * size ? "all counted" : "wrong");
	MPI_Finalize();
	return 0;
}
