/* SPDX-License-Identifier: MIT */
/*
 * omp_sparse.c - PRK's random and sparse in OpenMP: places far apart.
 */
#include "peers/omp_form.h"

#include <math.h>
#include <stdlib.h>

#define EPSILON 1e-8
#define POLY    UINT64_C(7)
#define SEED    UINT64_C(834568137686317453)
#define STREAMS 256
#define LANES   16 /* streams one thread has going at a time */

static uint64_t *table;
static double *matrix, *vector, *result;
static uint32_t *columns;

/* ---- random: log, ratio ---- */

static uint64_t next(uint64_t number)
{
	return number << 1 ^ (number >> 63 ? POLY : 0);
}

static uint64_t multiply(uint64_t x, uint64_t y)
{
	uint64_t product = 0;

	for (; y; y >>= 1, x = next(x))
		product ^= y & 1 ? x : 0;
	return product;
}

static uint64_t power(uint64_t k)
{
	uint64_t found = 1;

	for (uint64_t base = 2; k; k >>= 1, base = multiply(base, base))
		if (k & 1)
			found = multiply(found, base);
	return found;
}

static int random_fill(const uint64_t *params)
{
	size_t n = (size_t)1 << params[0];

	if (omp_memory(&table, n, 8))
		return 1;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++)
		table[i] = i;
	return 0;
}

static void random_run(const uint64_t *params)
{
	uint64_t mask = (UINT64_C(1) << params[0]) - 1;
	uint64_t updates = (mask + 1) * params[1] / STREAMS;

#pragma omp parallel
	for (int twice = 0; twice < 2; twice++) {
#pragma omp for schedule(static)
		for (uint64_t s = 0; s < STREAMS; s += LANES) {
			uint64_t number[LANES];

			for (uint64_t l = 0; l < LANES; l++)
				number[l] = power(SEED + (s + l) * updates);
			for (uint64_t u = 0; u < updates; u++) {
				for (int l = 0; l < LANES; l++) {
					number[l] = next(number[l]);
#pragma omp atomic
					table[number[l] & mask] ^= number[l];
				}
			}
		}
	}
}

static int random_wrong(const uint64_t *params, char *why)
{
	for (size_t i = 0; i < (size_t)1 << params[0]; i++)
		if (table[i] != i)
			return omp_wrong(why, i, (double)table[i], (double)i);
	return 0;
}

/* ---- sparse: log, radius, iterations ---- */

static uint32_t reversed(uint64_t number, uint64_t bits)
{
	uint64_t turned = 0;

	for (uint64_t b = 0; b < bits; b++)
		turned |= (number >> b & 1) << (bits - 1 - b);
	return (uint32_t)turned;
}

static int order(const void *x, const void *y)
{
	uint32_t l = *(const uint32_t *)x, r = *(const uint32_t *)y;

	return (l > r) - (l < r);
}

static void fill_row(const uint64_t *params, size_t row, uint32_t *to)
{
	size_t side = (size_t)1 << params[0], i = row % side, j = row / side;
	size_t at = 0;

	to[at++] = reversed(row, 2 * params[0]);
	for (size_t r = 1; r <= params[1]; r++) {
		size_t near[4] = { (i + r) % side + j * side,
				   (i + side - r) % side + j * side,
				   i + (j + r) % side * side,
				   i + (j + side - r) % side * side };

		for (int k = 0; k < 4; k++)
			to[at++] = reversed(near[k], 2 * params[0]);
	}
	qsort(to, at, sizeof(*to), order);
}

static int sparse_fill(const uint64_t *params)
{
	size_t rows = (size_t)1 << 2 * params[0], width = 4 * params[1] + 1;

	if (omp_memory(&matrix, rows * width, 8) ||
	    omp_memory(&columns, rows * width, 4) ||
	    omp_memory(&vector, rows, 8) || omp_memory(&result, rows, 8))
		return 1;
#pragma omp parallel for schedule(static)
	for (size_t row = 0; row < rows; row++) {
		fill_row(params, row, columns + row * width);
		for (size_t e = row * width; e < (row + 1) * width; e++)
			matrix[e] = 1 / ((double)columns[e] + 1);
		vector[row] = result[row] = 0;
	}
	return 0;
}

static void sparse_run(const uint64_t *params)
{
	size_t rows = (size_t)1 << 2 * params[0], width = 4 * params[1] + 1;

#pragma omp parallel
	for (uint64_t k = 0; k <= params[2]; k++) {
#pragma omp for schedule(static)
		for (size_t row = 0; row < rows; row++)
			vector[row] += (double)(row + 1);
#pragma omp for schedule(static)
		for (size_t row = 0; row < rows; row++) {
			double sum = 0;

			for (size_t e = row * width; e < (row + 1) * width; e++)
				sum += matrix[e] * vector[columns[e]];
			result[row] += sum;
		}
	}
}

static int sparse_wrong(const uint64_t *params, char *why)
{
	double sweeps = (double)(params[2] + 1);
	double want = (double)(4 * params[1] + 1) * sweeps * (sweeps + 1) / 2;

	for (size_t row = 0; row < (size_t)1 << 2 * params[0]; row++)
		if (!(fabs(result[row] - want) <= EPSILON * want))
			return omp_wrong(why, row, result[row], want);
	return 0;
}

const struct omp_form omp_sparse[] = {
	{ "random", "LOG RATIO", random_fill, random_run, random_wrong },
	{ "sparse", "LOG RADIUS ITERATIONS", sparse_fill, sparse_run,
	  sparse_wrong },
	{ 0 },
};
