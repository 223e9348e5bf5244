/* SPDX-License-Identifier: MIT */
/*
 * openblas.c - rigbench-openblas CLOCK N ITERATIONS THREADS: C += A B by OpenBLAS,
 * with the threads of OpenBLAS, as often as in the kernel dgemm.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "peers/serve.h"
#include "driver/stopwatch.h"

/* cblas.h's numbers for row after row, and for a matrix without transposition. */
#define ROW_MAJOR    101
#define NO_TRANSPOSE 111

#define EPSILON 1e-8

typedef void dgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k,
		      double alpha, const double *a, int lda, const double *b,
		      int ldb, double beta, double *c, int ldc);

static struct {
	clockid_t clock;
	int n;
	uint64_t iterations;
	double *a, *b, *c;
	dgemm_fn *dgemm;
} job;

static void fill(void)
{
	for (int i = 0; i < job.n * job.n; i++) {
		job.a[i] = job.b[i] = i % job.n;
		job.c[i] = 0;
	}
}

static void multiply(void)
{
	int n = job.n;

	for (uint64_t k = 0; k <= job.iterations; k++)
		job.dgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, n, n, n, 1,
			  job.a, n, job.b, n, 1, job.c, n);
}

static int run(uint64_t count, struct timing *timing)
{
	timing->ranks = 1;
	timing->rank[0].begin_ns = stopwatch_ns(job.clock);
	for (uint64_t i = 0; i < count; i++)
		multiply();
	timing->rank[0].end_ns = stopwatch_ns(job.clock);
	return 0;
}

static int verify(char *why)
{
	double n = job.n;
	double column = (double)(job.iterations + 1) * n * (n - 1) / 2;

	fill();
	multiply();
	for (int i = 0; i < job.n * job.n; i++) {
		double want = column * (i % job.n);

		if (!(fabs(job.c[i] - want) <= EPSILON * want)) {
			snprintf(why, CASE_WHY_BYTES,
				 "element %d is %.17g, expected %.17g", i,
				 job.c[i], want);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct served served = { run, verify };
	int pid = (int)getpid();
	void *library;
	size_t bytes;

	if (argc < 5) {
		fprintf(stderr, "usage: rigbench-openblas CLOCK N ITERATIONS "
				"THREADS\n");
		return 1;
	}
	job.clock = (clockid_t)atoi(argv[1]);
	job.n = atoi(argv[2]);
	job.iterations = strtoull(argv[3], NULL, 10);
	setenv("OPENBLAS_NUM_THREADS", argv[4], 1);
	library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return serve_cannot("libopenblas.so.0 is not installed");
	*(void **)&job.dgemm = dlsym(library, "cblas_dgemm");
	bytes = ((size_t)job.n * (size_t)job.n * sizeof(double) + 4096) / 4096 *
		4096;
	job.a = aligned_alloc(4096, bytes);
	job.b = aligned_alloc(4096, bytes);
	job.c = aligned_alloc(4096, bytes);
	if (!job.dgemm || !job.a || !job.b || !job.c)
		return serve_cannot("out of memory");
	fill();
	return serve(&served, &pid, 1);
}
