/* SPDX-License-Identifier: MIT */
/*
 * mpi_kernels.h - PRK's transpose, stencil and synch_p2p over one
 * MPI_Win_allocate_shared: the same kernels in MPI's own shared memory.
 *
 * All functions are collective over MPI_COMM_WORLD.
 */
#ifndef RIGBENCH_MPI_KERNELS_H
#define RIGBENCH_MPI_KERNELS_H

#include <stdint.h>

#define MPI_PARAMS_MAX 4

struct mpi_form {
	const char *name;
	/* Doubles in the window. */
	uint64_t (*count)(const uint64_t *params);
	/* Each rank touches the memory that the rank will work on. */
	void (*fill)(const uint64_t *params);
	void (*run)(const uint64_t *params);
	/* After fill and run: 1 where something is wrong. */
	int (*wrong)(const uint64_t *params);
};

/* NULL: there is no kernel of the name. */
const struct mpi_form *mpi_form_find(const char *name);

/* The window, the rank and the size. */
void mpi_form_open(const struct mpi_form *form, const uint64_t *params,
		   int rank, int size);

#endif
