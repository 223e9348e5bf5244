/* SPDX-License-Identifier: MIT */
/*
 * omp_dense.c - PRK's nstream, stencil, transpose and dgemm in OpenMP.
 *
 * Loops over rows are shared out statically, so that each thread works on memory that
 * the thread has touched first; transpose and dgemm are tiled as PRK tiles the loops.
 */
#include "peers/omp_form.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/clones.h>

#define EPSILON 1e-8
#define RADIUS  2

static double *a, *b, *c;

/* ---- nstream: length, iterations ---- */

static int nstream_fill(const uint64_t *params)
{
	size_t n = params[0];

	if (omp_memory(&a, n, 8) || omp_memory(&b, n, 8) ||
	    omp_memory(&c, n, 8))
		return 1;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		a[i] = 0;
		b[i] = c[i] = 2;
	}
	return 0;
}

CLONES static void nstream_part(double *restrict x, const double *restrict y,
				const double *restrict z, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += y[i] + 3 * z[i];
}

/* A loop over blocks, so that the vector code is in a function of its own. */
static void nstream_run(const uint64_t *params)
{
	size_t n = params[0], block = 4096;

#pragma omp parallel
	for (uint64_t k = 0; k <= params[1]; k++) {
#pragma omp for schedule(static)
		for (size_t i = 0; i < n; i += block)
			nstream_part(a + i, b + i, c + i,
				     n - i < block ? n - i : block);
	}
}

static int nstream_wrong(const uint64_t *params, char *why)
{
	double want = 8 * (double)(params[1] + 1);

	for (size_t i = 0; i < params[0]; i++)
		if (!(fabs(a[i] - want) <= EPSILON * want))
			return omp_wrong(why, i, a[i], want);
	return 0;
}

/* ---- stencil, star of radius 2: n, iterations ---- */

static int stencil_fill(const uint64_t *params)
{
	size_t n = params[0];

	if (omp_memory(&a, n * n, 8) || omp_memory(&b, n * n, 8))
		return 1;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			a[i * n + j] = (double)(i + j);
			b[i * n + j] = 0;
		}
	}
	return 0;
}

CLONES static void stencil_row(double *restrict out, const double *restrict in,
			       size_t n, size_t count)
{
	static const double w[RADIUS + 1] = { 0, 1 / (2.0 * RADIUS),
					      1 / (4.0 * RADIUS) };

	for (size_t j = 0; j < count; j++)
		out[j] += w[1] * (in[j + 1] - in[j - 1]) +
			  w[2] * (in[j + 2] - in[j - 2]) +
			  w[1] * (in[j + n] - in[j - n]) +
			  w[2] * (in[j + 2 * n] - in[j - 2 * n]);
}

CLONES static void add_one(double *x, size_t count)
{
	for (size_t i = 0; i < count; i++)
		x[i] += 1;
}

static void stencil_run(const uint64_t *params)
{
	size_t n = params[0];

#pragma omp parallel
	for (uint64_t k = 0; k <= params[1]; k++) {
#pragma omp for schedule(static)
		for (size_t i = RADIUS; i < n - RADIUS; i++)
			stencil_row(b + i * n + RADIUS, a + i * n + RADIUS, n,
				    n - 2 * RADIUS);
#pragma omp for schedule(static)
		for (size_t i = 0; i < n; i++)
			add_one(a + i * n, n);
	}
}

static int stencil_wrong(const uint64_t *params, char *why)
{
	double want = 2 * (double)(params[1] + 1);
	size_t n = params[0];

	for (size_t i = RADIUS; i < n - RADIUS; i++)
		for (size_t j = RADIUS; j < n - RADIUS; j++)
			if (!(fabs(b[i * n + j] - want) <= EPSILON * want))
				return omp_wrong(why, i * n + j, b[i * n + j],
						 want);
	return 0;
}

/* ---- transpose: n, iterations, tile ---- */

static int transpose_fill(const uint64_t *params)
{
	size_t n = params[0];

	if (omp_memory(&a, n * n, 8) || omp_memory(&b, n * n, 8))
		return 1;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			a[i * n + j] = (double)(i * n + j);
			b[i * n + j] = 0;
		}
	}
	return 0;
}

CLONES static void transpose_tile(double *restrict to, double *restrict from,
				  size_t n, size_t rows, size_t columns)
{
	for (size_t i = 0; i < rows; i++) {
		for (size_t j = 0; j < columns; j++) {
			to[i * n + j] += from[j * n + i];
			from[j * n + i] += 1;
		}
	}
}

/* Threads share the rows of B, tile by tile; only one thread reads and increases an
 * element of A, so the threads need not meet between sweeps. */
static void transpose_run(const uint64_t *params)
{
	size_t n = params[0], tile = params[2];

#pragma omp parallel
	for (uint64_t k = 0; k <= params[1]; k++) {
#pragma omp for schedule(static) nowait
		for (size_t i = 0; i < n; i += tile)
			for (size_t j = 0; j < n; j += tile)
				transpose_tile(b + i * n + j, a + j * n + i, n,
					       n - i < tile ? n - i : tile,
					       n - j < tile ? n - j : tile);
	}
}

static int transpose_wrong(const uint64_t *params, char *why)
{
	double k = (double)params[1];
	size_t n = params[0];

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			double want =
				(double)(j * n + i) * (k + 1) + k * (k + 1) / 2;

			if (b[i * n + j] != want)
				return omp_wrong(why, i * n + j, b[i * n + j],
						 want);
		}
	}
	return 0;
}

/* ---- dgemm: n, iterations, tile ---- */

static int dgemm_fill(const uint64_t *params)
{
	size_t n = params[0];

	if (omp_memory(&a, n * n, 8) || omp_memory(&b, n * n, 8) ||
	    omp_memory(&c, n * n, 8))
		return 1;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			a[i * n + j] = b[i * n + j] = (double)j;
			c[i * n + j] = 0;
		}
	}
	return 0;
}

CLONES static void dgemm_tile(double *restrict to, const double *restrict left,
			      const double *restrict right, size_t n,
			      size_t rows, size_t depth, size_t columns)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t k = 0; k < depth; k++)
			for (size_t j = 0; j < columns; j++)
				to[i * n + j] +=
					left[i * n + k] * right[k * n + j];
}

static void dgemm_run(const uint64_t *params)
{
	size_t n = params[0], tile = params[2];

#pragma omp parallel
	for (uint64_t s = 0; s <= params[1]; s++) {
#pragma omp for schedule(static)
		for (size_t i = 0; i < n; i += tile)
			for (size_t k = 0; k < n; k += tile)
				for (size_t j = 0; j < n; j += tile)
					dgemm_tile(c + i * n + j, a + i * n + k,
						   b + k * n + j, n,
						   n - i < tile ? n - i : tile,
						   n - k < tile ? n - k : tile,
						   n - j < tile ? n - j : tile);
	}
}

static int dgemm_wrong(const uint64_t *params, char *why)
{
	double n = (double)params[0];
	double column = (double)(params[1] + 1) * n * (n - 1) / 2;

	for (size_t i = 0; i < params[0] * params[0]; i++) {
		double want = column * (double)(i % params[0]);

		if (!(fabs(c[i] - want) <= EPSILON * want))
			return omp_wrong(why, i, c[i], want);
	}
	return 0;
}

const struct omp_form omp_dense[] = {
	{ "nstream", "LENGTH ITERATIONS", nstream_fill, nstream_run,
	  nstream_wrong },
	{ "stencil", "N ITERATIONS", stencil_fill, stencil_run, stencil_wrong },
	{ "transpose", "N ITERATIONS TILE", transpose_fill, transpose_run,
	  transpose_wrong },
	{ "dgemm", "N ITERATIONS TILE", dgemm_fill, dgemm_run, dgemm_wrong },
	{ 0 },
};
