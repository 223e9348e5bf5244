/* SPDX-License-Identifier: MIT */
/*
 * peer_omp.c - rigbench-omp CLOCK CASE [LENGTH]: the cases in OpenMP.
 *
 *	barrier   #pragma omp barrier, inside one region
 *	region    an empty parallel region
 *	dynamic   a loop of schedule(dynamic, 1) whose body is empty
 *	reverse   LENGTH doubles in place, the loop that everybody would write
 *	triad     a = b + 3 c over LENGTH doubles, likewise
 *
 * The method for barrier and region is EPCC's: many operations between two readings
 * of the clock.  Threads, binding and wait policy come from the environment; the
 * thread that will use the memory touches the memory first.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peers/serve.h"
#include "driver/stopwatch.h"

static struct {
	clockid_t clock;
	size_t length;
	double *a, *b, *c;
} job;

/* Every thread notes the begin and the end. */
static int run_barrier(uint64_t count, struct timing *timing)
{
	timing->ranks = omp_get_max_threads();
	if (timing->ranks > TIMING_RANKS_MAX)
		return 1;
#pragma omp parallel
	{
		int rank = omp_get_thread_num();

#pragma omp barrier
		timing->rank[rank].begin_ns = stopwatch_ns(job.clock);
		for (uint64_t i = 0; i < count; i++) {
#pragma omp barrier
		}
		timing->rank[rank].end_ns = stopwatch_ns(job.clock);
	}
	return 0;
}

static int run_region(uint64_t count, struct timing *timing)
{
	timing->ranks = 1;
	timing->rank[0].begin_ns = stopwatch_ns(job.clock);
	for (uint64_t i = 0; i < count; i++) {
#pragma omp parallel
		__asm__ volatile("" ::: "memory");
	}
	timing->rank[0].end_ns = stopwatch_ns(job.clock);
	return 0;
}

static int run_dynamic(uint64_t count, struct timing *timing)
{
	timing->ranks = omp_get_max_threads();
	if (timing->ranks > TIMING_RANKS_MAX)
		return 1;
#pragma omp parallel
	{
		int rank = omp_get_thread_num();

#pragma omp barrier
		timing->rank[rank].begin_ns = stopwatch_ns(job.clock);
#pragma omp for schedule(dynamic, 1)
		for (uint64_t i = 0; i < count; i++)
			__asm__ volatile("" : : "r"(i));
		timing->rank[rank].end_ns = stopwatch_ns(job.clock);
	}
	return 0;
}

static void reverse(double *x, size_t n)
{
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n / 2; i++) {
		double t = x[i];

		x[i] = x[n - 1 - i];
		x[n - 1 - i] = t;
	}
}

static int run_reverse(uint64_t count, struct timing *timing)
{
	timing->ranks = 1;
	timing->rank[0].begin_ns = stopwatch_ns(job.clock);
	for (uint64_t i = 0; i < count; i++)
		reverse(job.a, job.length);
	timing->rank[0].end_ns = stopwatch_ns(job.clock);
	return 0;
}

static void fill_reverse(void)
{
	double *x = job.a;
	size_t n = job.length;

#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n / 2; i++) {
		x[i] = (double)i;
		x[n - 1 - i] = (double)(n - 1 - i);
	}
	if (n % 2)
		x[n / 2] = (double)(n / 2);
}

static int verify_reverse(char *why)
{
	size_t n = job.length;

	fill_reverse();
	reverse(job.a, n);
	for (size_t i = 0; i < n; i++) {
		if (job.a[i] != (double)(n - 1 - i)) {
			snprintf(why, CASE_WHY_BYTES, "element %zu is %g", i,
				 job.a[i]);
			return 1;
		}
	}
	return 0;
}

static void triad(double *a, const double *b, const double *c, size_t n)
{
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++)
		a[i] = b[i] + 3.0 * c[i];
}

static int run_triad(uint64_t count, struct timing *timing)
{
	timing->ranks = 1;
	timing->rank[0].begin_ns = stopwatch_ns(job.clock);
	for (uint64_t i = 0; i < count; i++)
		triad(job.a, job.b, job.c, job.length);
	timing->rank[0].end_ns = stopwatch_ns(job.clock);
	return 0;
}

static void fill_triad(void)
{
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < job.length; i++) {
		job.a[i] = 0;
		job.b[i] = (double)i;
		job.c[i] = 2.0;
	}
}

static int verify_triad(char *why)
{
	fill_triad();
	triad(job.a, job.b, job.c, job.length);
	for (size_t i = 0; i < job.length; i++) {
		if (job.a[i] != (double)i + 6.0) {
			snprintf(why, CASE_WHY_BYTES, "element %zu is %g", i,
				 job.a[i]);
			return 1;
		}
	}
	return 0;
}

static const struct {
	const char *name;
	struct served served;
	int arrays;
	void (*fill)(void);
} cases[] = {
	{ "barrier", { run_barrier, NULL }, 0, NULL },
	{ "region", { run_region, NULL }, 0, NULL },
	{ "dynamic", { run_dynamic, NULL }, 0, NULL },
	{ "reverse", { run_reverse, verify_reverse }, 1, fill_reverse },
	{ "triad", { run_triad, verify_triad }, 3, fill_triad },
};

static double *memory(int wanted)
{
	return wanted ? aligned_alloc(4096,
				      (job.length * sizeof(double) + 4095) /
					      4096 * 4096)
		      : NULL;
}

int main(int argc, char **argv)
{
	int pid = (int)getpid();

	job.clock = argc > 2 ? (clockid_t)atoi(argv[1]) : CLOCK_MONOTONIC;
	job.length = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	for (size_t i = 0; argc > 2 && i < sizeof(cases) / sizeof(*cases);
	     i++) {
		if (strcmp(cases[i].name, argv[2]) != 0)
			continue;
		job.a = memory(cases[i].arrays > 0);
		job.b = memory(cases[i].arrays > 1);
		job.c = memory(cases[i].arrays > 2);
		if ((cases[i].arrays > 0 && !job.a) ||
		    (cases[i].arrays > 1 && (!job.b || !job.c)))
			return serve_cannot("out of memory");
		if (cases[i].fill)
			cases[i].fill();
		return serve(&cases[i].served, &pid, 1);
	}
	fprintf(stderr, "usage: rigbench-omp CLOCK CASE [LENGTH]\n");
	return 1;
}
