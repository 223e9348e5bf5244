/* SPDX-License-Identifier: MIT */
/*
 * omp_npb.c - NPB's CG and IS, class A, in OpenMP: NPB's problems and values,
 * own implementation, by the book.
 */
#include "peers/omp_form.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/npb.h>

#include "driver/case.h"

#define SEED UINT64_C(314159265)

/* ---- cg ---- */

#define N      14000
#define NONZER 11
#define WIDTH  (NONZER + 1)
#define OUTER  15
#define INNER  25
#define SHIFT  20.0
#define RCOND  0.1
#define ZETA   17.130235054029

/* An entry of the matrix while the matrix is made. */
struct entry {
	uint32_t row, column, order;
	double value;
};

static struct entry *entries;
static double *values, *x, *z, *p, *q, *r;
static uint32_t *columns, *begins;
static double zeta;

/* A random vector: places and elements; returns the number of elements. */
static int random_vector(uint64_t *state, uint32_t row, uint32_t *places,
			 double *elements)
{
	int length = 0, i;

	while (length < NONZER) {
		double element = NPB_UNIT * (double)npb_next(state);
		double where = NPB_UNIT * (double)npb_next(state);
		uint32_t place = (uint32_t)(16384 * where);

		for (i = 0; i < length && places[i] != place; i++)
			;
		if (place >= N || i < length)
			continue;
		places[length] = place;
		elements[length++] = element;
	}
	for (i = 0; i < length && places[i] != row; i++)
		;
	places[i] = row;
	elements[i] = 0.5;
	return i < length ? length : length + 1;
}

static int by_place(const void *a, const void *b)
{
	const struct entry *l = a, *m = b;

	if (l->row != m->row)
		return l->row < m->row ? -1 : 1;
	if (l->column != m->column)
		return l->column < m->column ? -1 : 1;
	return (l->order > m->order) - (l->order < m->order);
}

/* The outer products of all vectors, sorted; returns how many entries. */
static size_t make_entries(void)
{
	double size = 1, ratio = pow(RCOND, 1.0 / N);
	uint64_t state = SEED;
	size_t count = 0;

	npb_next(&state);
	for (uint32_t row = 0; row < N; row++, size *= ratio) {
		uint32_t places[WIDTH];
		double elements[WIDTH];
		int length = random_vector(&state, row, places, elements);

		for (int i = 0; i < length; i++) {
			for (int k = 0; k < length; k++) {
				double value =
					elements[k] * (size * elements[i]);

				if (places[i] == row && places[k] == row)
					value += RCOND - SHIFT;
				entries[count++] =
					(struct entry){ places[i], places[k],
							row, value };
			}
		}
	}
	qsort(entries, count, sizeof(*entries), by_place);
	return count;
}

/* Entries of the same place become one entry. */
static void pack(size_t count)
{
	size_t used = 0;
	uint32_t row = 0;

	begins[0] = 0;
	for (size_t e = 0; e < count; e++) {
		while (row < entries[e].row)
			begins[++row] = (uint32_t)used;
		if (used > begins[row] &&
		    columns[used - 1] == entries[e].column) {
			values[used - 1] += entries[e].value;
			continue;
		}
		columns[used] = entries[e].column;
		values[used++] = entries[e].value;
	}
	while (row < N)
		begins[++row] = (uint32_t)used;
}

static int cg_fill(const uint64_t *params)
{
	size_t most = (size_t)N * WIDTH * WIDTH;
	double *copy = NULL;

	(void)params;
	if (values)
		return 0;
	if (omp_memory(&entries, most, sizeof(*entries)) ||
	    omp_memory(&copy, most, 8) || omp_memory(&columns, most, 4) ||
	    omp_memory(&begins, N + 1, 4) || omp_memory(&x, N, 8) ||
	    omp_memory(&z, N, 8) || omp_memory(&p, N, 8) ||
	    omp_memory(&q, N, 8) || omp_memory(&r, N, 8))
		return 1;
	values = copy;
	pack(make_entries());
	free(entries);
	entries = NULL;
	return 0;
}

/* In a parallel region: all threads, each thread a strip of rows. */
static void cg_multiply(double *restrict to, const double *restrict from)
{
#pragma omp for schedule(static)
	for (size_t row = 0; row < N; row++) {
		double sum = 0;

		for (uint32_t e = begins[row]; e < begins[row + 1]; e++)
			sum += values[e] * from[columns[e]];
		to[row] = sum;
	}
}

static double rho, dot;

static void cg_solve(void)
{
#pragma omp single
	rho = 0;
#pragma omp for schedule(static) reduction(+ : rho)
	for (size_t i = 0; i < N; i++) {
		z[i] = 0;
		r[i] = p[i] = x[i];
		rho += x[i] * x[i];
	}
	for (int step = 0; step < INNER; step++) {
		double before = rho, alpha, beta;

#pragma omp barrier
#pragma omp single nowait
		dot = 0;
		cg_multiply(q, p);
#pragma omp single
		rho = 0;
#pragma omp for schedule(static) reduction(+ : dot)
		for (size_t i = 0; i < N; i++)
			dot += p[i] * q[i];
		alpha = before / dot;
#pragma omp for schedule(static) reduction(+ : rho)
		for (size_t i = 0; i < N; i++) {
			z[i] += alpha * p[i];
			r[i] -= alpha * q[i];
			rho += r[i] * r[i];
		}
		beta = rho / before;
#pragma omp for schedule(static)
		for (size_t i = 0; i < N; i++)
			p[i] = r[i] + beta * p[i];
	}
}

static double along, length;

static void cg_run(const uint64_t *params)
{
	(void)params;
#pragma omp parallel
	{
#pragma omp for schedule(static)
		for (size_t i = 0; i < N; i++)
			x[i] = 1;
		for (int outer = 0; outer < OUTER; outer++) {
			cg_solve();
#pragma omp single
			along = length = 0;
#pragma omp for schedule(static) reduction(+ : along, length)
			for (size_t i = 0; i < N; i++) {
				along += x[i] * z[i];
				length += z[i] * z[i];
			}
#pragma omp for schedule(static)
			for (size_t i = 0; i < N; i++)
				x[i] = z[i] / sqrt(length);
		}
#pragma omp single
		zeta = SHIFT + 1 / along;
	}
}

static int cg_wrong(const uint64_t *params, char *why)
{
	(void)params;
	return fabs(zeta - ZETA) <= 1e-10 * ZETA
		       ? 0
		       : omp_wrong(why, 0, zeta, ZETA);
}

/* ---- is ---- */

#define KEYS_LOG    23
#define VALUES_LOG  19
#define KEYS        (1u << KEYS_LOG)
#define VALUES      (1u << VALUES_LOG)
#define BUCKETS_LOG 10
#define BUCKETS     (1u << BUCKETS_LOG)
#define SHIFT_BITS  (VALUES_LOG - BUCKETS_LOG)
#define ITERATIONS  10
#define TESTS       5
#define THREADS_MAX 1024

static const uint32_t test_index[TESTS] = { 2112377, 662041, 5336171, 3642833,
					    4250760 };
static const uint32_t test_rank[TESTS] = { 104, 17523, 123928, 8288932,
					   8388264 };

static uint32_t *keys, *dealt, *ranks, *counts;
static uint32_t bucket_begins[BUCKETS + 1];
static int passed;

static int is_fill(const uint64_t *params)
{
	(void)params;
	if (omp_memory(&keys, KEYS, 4) || omp_memory(&dealt, KEYS, 4) ||
	    omp_memory(&ranks, VALUES, 4) ||
	    omp_memory(&counts, (size_t)THREADS_MAX * BUCKETS, 4))
		return 1;
#pragma omp parallel
	{
		uint64_t thread = (uint64_t)omp_get_thread_num();
		uint64_t threads = (uint64_t)omp_get_num_threads();
		uint64_t begin = KEYS * thread / threads;
		uint64_t end = KEYS * (thread + 1) / threads;
		uint64_t state = npb_at(SEED, 4 * begin);

		for (uint64_t i = begin; i < end; i++) {
			uint64_t sum = 0;

			for (int k = 0; k < 4; k++)
				sum += npb_next(&state);
			keys[i] =
				(uint32_t)(sum >> (NPB_BITS + 2 - VALUES_LOG));
		}
	}
	return 0;
}

/* In a parallel region: count by bucket, deal out, rank by bucket. */
static void is_rank(void)
{
	size_t thread = (size_t)omp_get_thread_num();
	size_t threads = (size_t)omp_get_num_threads();
	uint32_t *mine = counts + thread * BUCKETS;
	uint32_t place[BUCKETS];
	uint32_t at = 0;

	memset(mine, 0, BUCKETS * sizeof(*mine));
#pragma omp for schedule(static)
	for (size_t i = 0; i < KEYS; i++)
		mine[keys[i] >> SHIFT_BITS]++;
	for (size_t b = 0; b < BUCKETS; b++) {
		if (thread == 0)
			bucket_begins[b] = at;
		place[b] = at;
		for (size_t t = 0; t < threads; t++) {
			if (t < thread)
				place[b] += counts[t * BUCKETS + b];
			at += counts[t * BUCKETS + b];
		}
	}
	if (thread == 0)
		bucket_begins[BUCKETS] = at;
#pragma omp for schedule(static)
	for (size_t i = 0; i < KEYS; i++)
		dealt[place[keys[i] >> SHIFT_BITS]++] = keys[i];
#pragma omp for schedule(dynamic)
	for (uint32_t b = 0; b < BUCKETS; b++) {
		uint32_t low = b << SHIFT_BITS, sum = bucket_begins[b];

		memset(ranks + low, 0, sizeof(*ranks) << SHIFT_BITS);
		for (uint32_t i = bucket_begins[b]; i < bucket_begins[b + 1];
		     i++)
			ranks[dealt[i]]++;
		for (uint32_t v = low; v < low + (1u << SHIFT_BITS); v++)
			ranks[v] = sum += ranks[v];
	}
}

static void is_test(uint32_t iteration)
{
	for (int t = 0; t < TESTS; t++) {
		uint32_t key = keys[test_index[t]];
		uint32_t want = t <= 2 ? test_rank[t] + (iteration - 1)
				       : test_rank[t] - (iteration - 1);

		passed += key > 0 && ranks[key - 1] == want;
	}
}

static void is_run(const uint64_t *params)
{
	(void)params;
	passed = 0;
#pragma omp parallel
	for (uint32_t i = 0; i <= ITERATIONS; i++) {
#pragma omp single
		{
			uint32_t now = i ? i : 1;

			keys[now] = now;
			keys[now + ITERATIONS] = VALUES - now;
		}
		is_rank();
#pragma omp single
		if (i)
			is_test(i);
	}
}

static int is_wrong(const uint64_t *params, char *why)
{
	(void)params;
	return passed == TESTS * ITERATIONS
		       ? 0
		       : omp_wrong(why, 0, passed, TESTS * ITERATIONS);
}

const struct omp_form omp_npb[] = {
	{ "cg", "", cg_fill, cg_run, cg_wrong },
	{ "is", "", is_fill, is_run, is_wrong },
	{ 0 },
};
