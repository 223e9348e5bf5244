/* SPDX-License-Identifier: MIT */
/*
 * omp_order.c - PRK's synch_p2p, reduce and global in OpenMP: threads that wait
 * for each other.
 */
#include "peers/omp_form.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/clones.h>

#define CHUNK       1024
#define THREADS_MAX 1024

static double *grid, *vectors, *sums;
static uint8_t *from, *to;

/* ---- synch-p2p: m, n, iterations ---- */

static struct {
	_Alignas(OMP_LINE) _Atomic uint64_t rows;
} done[THREADS_MAX];

static int p2p_fill(const uint64_t *params)
{
	size_t m = params[0], n = params[1];

	if (omp_memory(&grid, m * n, 8))
		return 1;
#pragma omp parallel
	for (size_t j = 0; j < n; j++) {
#pragma omp for schedule(static) nowait
		for (size_t i = 0; i < m; i++)
			grid[j * m + i] = j == 0   ? (double)i
					  : i == 0 ? (double)j
						   : 0;
	}
	return 0;
}

static void await(int thread, uint64_t rows)
{
	while (atomic_load_explicit(&done[thread].rows, memory_order_acquire) <
	       rows)
		;
}

/* An addition waits for the last addition, not for the last two. */
static void pass(double *restrict at, const double *restrict below,
		 size_t begin, size_t end)
{
	double left = at[begin - 1];

	for (size_t i = begin; i < end; i++)
		at[i] = left += below[i] - below[i - 1];
}

static void p2p_thread(const uint64_t *params, int thread, int threads)
{
	size_t m = params[0], n = params[1];
	size_t begin = m * (size_t)thread / (size_t)threads;
	size_t end = m * (size_t)(thread + 1) / (size_t)threads;
	uint64_t rows = 0;

	for (uint64_t k = 0; k <= params[2]; k++) {
		for (size_t j = 1; j < n; j++) {
			double *at = grid + j * m;

			rows++;
			if (thread > 0)
				await(thread - 1, rows);
			pass(at, at - m, begin ? begin : 1, end);
			atomic_store_explicit(&done[thread].rows, rows,
					      memory_order_release);
		}
		if (thread > 0)
			continue;
		await(threads - 1, rows);
		grid[0] = -grid[m * n - 1];
	}
}

static void p2p_run(const uint64_t *params)
{
#pragma omp parallel
	{
		int thread = omp_get_thread_num();

		atomic_store_explicit(&done[thread].rows, 0,
				      memory_order_relaxed);
#pragma omp barrier
		p2p_thread(params, thread, omp_get_num_threads());
	}
}

static int p2p_wrong(const uint64_t *params, char *why)
{
	double want =
		(double)(params[2] + 1) * (double)(params[0] + params[1] - 2);
	size_t corner = params[0] * params[1] - 1;

	return grid[corner] == want
		       ? 0
		       : omp_wrong(why, corner, grid[corner], want);
}

/* ---- reduce: length, vectors, iterations ---- */

static int reduce_fill(const uint64_t *params)
{
	size_t n = params[0];

	if (omp_memory(&vectors, n * params[1], 8) || omp_memory(&sums, n, 8))
		return 1;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		for (size_t v = 0; v < params[1]; v++)
			vectors[v * n + i] = (double)(v + 1);
		sums[i] = 0;
	}
	return 0;
}

CLONES static void reduce_part(double *restrict sum,
			       const double *restrict vector, size_t n,
			       size_t many, size_t count)
{
	memcpy(sum, vector, count * sizeof(*sum));
	for (size_t v = 1; v < many; v++)
		for (size_t i = 0; i < count; i++)
			sum[i] += vector[v * n + i];
}

static void reduce_run(const uint64_t *params)
{
	size_t n = params[0];

#pragma omp parallel
	for (uint64_t k = 0; k <= params[2]; k++) {
#pragma omp for schedule(static)
		for (size_t i = 0; i < n; i += CHUNK)
			reduce_part(sums + i, vectors + i, n, params[1],
				    n - i < CHUNK ? n - i : CHUNK);
	}
}

static int reduce_wrong(const uint64_t *params, char *why)
{
	double want = (double)(params[1] * (params[1] + 1) / 2);

	for (size_t i = 0; i < params[0]; i++)
		if (sums[i] != want)
			return omp_wrong(why, i, sums[i], want);
	return 0;
}

/* ---- global: length, parts, iterations ---- */

static uint8_t digit(const uint64_t *params, size_t at)
{
	return (uint8_t)(at % params[0] % 10);
}

static int global_fill(const uint64_t *params)
{
	size_t count = params[0] * params[1];

	if (omp_memory(&from, count, 1) || omp_memory(&to, count, 1))
		return 1;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < count; i++) {
		from[i] = digit(params, i);
		to[i] = 0;
	}
	return 0;
}

static inline void deal(uint8_t *restrict y, const uint8_t *restrict x,
			size_t length, size_t parts, size_t rows)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t p = 0; p < parts; p++)
			y[i * parts + p] = x[p * length + i];
}

/* Some rows; with PRK's four parts, by vector code. */
CLONES static void deal_rows(uint8_t *restrict y, const uint8_t *restrict x,
			     size_t length, size_t parts, size_t rows)
{
	if (parts == 4)
		deal(y, x, length, 4, rows);
	else
		deal(y, x, length, parts, rows);
}

static void global_run(const uint64_t *params)
{
	size_t length = params[0], parts = params[1];
	uint8_t *strings[] = { from, to };

#pragma omp parallel
	for (uint64_t k = 0; k <= params[2]; k++) {
		const uint8_t *x = strings[k % 2];
		uint8_t *y = strings[(k + 1) % 2];

#pragma omp for schedule(static)
		for (size_t i = 0; i < length; i += CHUNK)
			deal_rows(y + i * parts, x + i, length, parts,
				  length - i < CHUNK ? length - i : CHUNK);
	}
}

/* Each sweep takes digit i from the place of the step before, by hand. */
static int global_wrong(const uint64_t *params, char *why)
{
	const uint8_t *string = params[2] % 2 ? from : to;

	for (size_t i = 0; i < params[0] * params[1]; i++) {
		size_t at = i;

		for (uint64_t k = 0; k <= params[2]; k++)
			at = at % params[1] * params[0] + at / params[1];
		if (string[i] != digit(params, at))
			return omp_wrong(why, i, string[i], digit(params, at));
	}
	return 0;
}

const struct omp_form omp_order[] = {
	{ "synch-p2p", "M N ITERATIONS", p2p_fill, p2p_run, p2p_wrong },
	{ "reduce", "LENGTH VECTORS ITERATIONS", reduce_fill, reduce_run,
	  reduce_wrong },
	{ "global", "LENGTH PARTS ITERATIONS", global_fill, global_run,
	  global_wrong },
	{ 0 },
};
