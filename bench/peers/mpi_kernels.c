/* SPDX-License-Identifier: MIT */
/*
 * mpi_kernels.c - PRK's transpose, stencil and synch_p2p in a shared window.
 *
 * Rank 0 asks for all of the memory and the other ranks for no memory, so that the
 * window is one array; ranks own strips of rows (of columns in synch_p2p), and meet
 * at MPI_Barrier, or, down the pipeline, at flags in the window.
 */
#include "peers/mpi_kernels.h"

#include <math.h>
#include <mpi.h>
#include <stdatomic.h>
#include <string.h>

#include <kernels/lib/clones.h>

#define EPSILON 1e-8
#define RADIUS  2
#define LINE    16 /* doubles */

static int rank, size;
static MPI_Win window;
static double *memory;

static uint64_t begin_of(uint64_t count, int of)
{
	return count * (uint64_t)of / (uint64_t)size;
}

static void meet(void)
{
	MPI_Win_sync(window);
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Win_sync(window);
}

/* ---- transpose: n, iterations, tile; A, then B ---- */

static uint64_t two_squares(const uint64_t *params)
{
	return 2 * params[0] * params[0];
}

static void transpose_fill(const uint64_t *params)
{
	uint64_t n = params[0];

	for (uint64_t i = n * begin_of(n, rank); i < n * begin_of(n, rank + 1);
	     i++) {
		memory[i] = (double)i;
		memory[n * n + i] = 0;
	}
	meet();
}

CLONES static void turn(double *restrict to, double *restrict from, uint64_t n,
			uint64_t rows, uint64_t columns)
{
	for (uint64_t i = 0; i < rows; i++) {
		for (uint64_t j = 0; j < columns; j++) {
			to[i * n + j] += from[j * n + i];
			from[j * n + i] += 1;
		}
	}
}

/* A single rank reads a place of A, and increases the element there: the ranks need
 * not meet between sweeps. */
static void transpose_run(const uint64_t *params)
{
	uint64_t n = params[0], tile = params[2];
	uint64_t end = begin_of(n, rank + 1);

	for (uint64_t k = 0; k <= params[1]; k++) {
		for (uint64_t i = begin_of(n, rank); i < end; i += tile)
			for (uint64_t j = 0; j < n; j += tile)
				turn(memory + n * n + i * n + j,
				     memory + j * n + i, n,
				     end - i < tile ? end - i : tile,
				     n - j < tile ? n - j : tile);
	}
	meet();
}

static int transpose_wrong(const uint64_t *params)
{
	double k = (double)params[1];
	uint64_t n = params[0];

	for (uint64_t i = 0; i < n * n; i++)
		if (memory[n * n + i] !=
		    (double)(i % n * n + i / n) * (k + 1) + k * (k + 1) / 2)
			return 1;
	return 0;
}

/* ---- stencil, star of radius 2: n, iterations; in, then out ---- */

static void stencil_fill(const uint64_t *params)
{
	uint64_t n = params[0];

	for (uint64_t i = n * begin_of(n, rank); i < n * begin_of(n, rank + 1);
	     i++) {
		memory[i] = (double)(i / n + i % n);
		memory[n * n + i] = 0;
	}
	meet();
}

CLONES static void star(double *restrict out, const double *restrict in,
			uint64_t n, uint64_t count)
{
	static const double w[RADIUS + 1] = { 0, 1 / (2.0 * RADIUS),
					      1 / (4.0 * RADIUS) };

	for (uint64_t j = 0; j < count; j++)
		out[j] += w[1] * (in[j + 1] - in[j - 1]) +
			  w[2] * (in[j + 2] - in[j - 2]) +
			  w[1] * (in[j + n] - in[j - n]) +
			  w[2] * (in[j + 2 * n] - in[j - 2 * n]);
}

CLONES static void add_one(double *x, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		x[i] += 1;
}

static void stencil_run(const uint64_t *params)
{
	uint64_t n = params[0];
	uint64_t begin = begin_of(n, rank), end = begin_of(n, rank + 1);

	for (uint64_t k = 0; k <= params[1]; k++) {
		for (uint64_t i = begin; i < end; i++)
			if (i >= RADIUS && i < n - RADIUS)
				star(memory + n * n + i * n + RADIUS,
				     memory + i * n + RADIUS, n,
				     n - 2 * RADIUS);
		meet();
		add_one(memory + begin * n, (end - begin) * n);
		meet();
	}
}

static int stencil_wrong(const uint64_t *params)
{
	double want = 2 * (double)(params[1] + 1);
	uint64_t n = params[0];

	for (uint64_t i = RADIUS; i < n - RADIUS; i++)
		for (uint64_t j = RADIUS; j < n - RADIUS; j++)
			if (!(fabs(memory[n * n + i * n + j] - want) <=
			      EPSILON * want))
				return 1;
	return 0;
}

/* ---- synch-p2p: m, n, iterations; the grid, then a flag a rank ---- */

static uint64_t grid_and_flags(const uint64_t *params)
{
	return params[0] * params[1] + (uint64_t)(size + 1) * LINE;
}

static _Atomic uint64_t *flag_of(const uint64_t *params, int of)
{
	uint64_t at = (params[0] * params[1] + LINE - 1) / LINE;

	return (_Atomic uint64_t *)(void *)(memory +
					    (at + (uint64_t)of) * LINE);
}

static void p2p_fill(const uint64_t *params)
{
	uint64_t m = params[0], n = params[1];

	for (uint64_t j = 0; j < n; j++)
		for (uint64_t i = begin_of(m, rank); i < begin_of(m, rank + 1);
		     i++)
			memory[j * m + i] = j == 0   ? (double)i
					    : i == 0 ? (double)j
						     : 0;
	meet();
}

static void await(_Atomic uint64_t *flag, uint64_t rows)
{
	while (atomic_load_explicit(flag, memory_order_acquire) < rows)
		;
}

/* One addition waits for the last, not two. */
static void pass(double *restrict at, const double *restrict below,
		 uint64_t begin, uint64_t end)
{
	double left = at[begin - 1];

	for (uint64_t i = begin; i < end; i++)
		at[i] = left += below[i] - below[i - 1];
}

static void p2p_run(const uint64_t *params)
{
	uint64_t m = params[0], n = params[1], rows = 0;
	uint64_t begin = begin_of(m, rank), end = begin_of(m, rank + 1);
	_Atomic uint64_t *mine = flag_of(params, rank);

	atomic_store_explicit(mine, 0, memory_order_relaxed);
	meet();
	for (uint64_t k = 0; k <= params[2]; k++) {
		for (uint64_t j = 1; j < n; j++) {
			double *at = memory + j * m;

			rows++;
			if (rank > 0)
				await(flag_of(params, rank - 1), rows);
			pass(at, at - m, begin ? begin : 1, end);
			atomic_store_explicit(mine, rows, memory_order_release);
		}
		if (rank > 0)
			continue;
		await(flag_of(params, size - 1), rows);
		memory[0] = -memory[m * n - 1];
	}
	meet();
}

static int p2p_wrong(const uint64_t *params)
{
	return memory[params[0] * params[1] - 1] !=
	       (double)(params[2] + 1) * (double)(params[0] + params[1] - 2);
}

static const struct mpi_form forms[] = {
	{ "transpose", two_squares, transpose_fill, transpose_run,
	  transpose_wrong },
	{ "stencil", two_squares, stencil_fill, stencil_run, stencil_wrong },
	{ "synch-p2p", grid_and_flags, p2p_fill, p2p_run, p2p_wrong },
};

const struct mpi_form *mpi_form_find(const char *name)
{
	for (uint64_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (strcmp(forms[i].name, name) == 0)
			return &forms[i];
	return NULL;
}

void mpi_form_open(const struct mpi_form *form, const uint64_t *params,
		   int rank_of, int size_of)
{
	MPI_Aint bytes;
	int unit;

	rank = rank_of;
	size = size_of;
	bytes = (MPI_Aint)((form->count(params) + LINE) * sizeof(double));
	MPI_Win_allocate_shared(rank == 0 ? bytes : 0, sizeof(double),
				MPI_INFO_NULL, MPI_COMM_WORLD, &memory,
				&window);
	MPI_Win_shared_query(window, 0, &bytes, &unit, &memory);
	MPI_Win_lock_all(MPI_MODE_NOCHECK, window);
	/* Rounds up to a whole line: windows begin where the MPI likes. */
	memory = (double *)(((uintptr_t)memory + 127) & ~(uintptr_t)127);
	form->fill(params);
}
