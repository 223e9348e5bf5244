/* SPDX-License-Identifier: MIT */
/*
 * mpi_kernels.h - PRK's transpose, stencil and synch_p2p over one
 * MPI_Win_allocate_shared: what MPI's own shared memory makes of them.
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
	/* Each rank touches what it will work on. */
	void (*fill)(const uint64_t *params);
	void (*run)(const uint64_t *params);
	/* After fill and run: 1 where something is wrong. */
	int (*wrong)(const uint64_t *params);
};

/* NULL: none of that name. */
const struct mpi_form *mpi_form_find(const char *name);

/* The window, and who we are. */
void mpi_form_open(const struct mpi_form *form, const uint64_t *params,
		   int rank, int size);

#endif
