/* SPDX-License-Identifier: MIT */
/*
 * omp_main.c - rigbench-omp-kernels CLOCK FORM NUMBER...: the OpenMP forms of the
 * kernels, under the driver (peer.h).
 */
#include "peers/omp_form.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "peers/serve.h"
#include "driver/stopwatch.h"

static const struct omp_form *const files[] = { omp_dense, omp_order,
						omp_sparse, omp_npb };

static struct {
	clockid_t clock;
	const struct omp_form *form;
	uint64_t params[OMP_PARAMS_MAX];
} job;

int omp_memory(void *memory, size_t count, size_t item_bytes)
{
	void **to = memory;

	if (!*to)
		*to = aligned_alloc(4096,
				    (count * item_bytes + 4096) / 4096 * 4096);
	return !*to;
}

int omp_wrong(char *why, size_t at, double found, double want)
{
	snprintf(why, CASE_WHY_BYTES, "element %zu is %.17g, expected %.17g",
		 at, found, want);
	return 1;
}

static int run(uint64_t count, struct timing *timing)
{
	timing->ranks = 1;
	timing->rank[0].begin_ns = stopwatch_ns(job.clock);
	for (uint64_t i = 0; i < count; i++)
		job.form->run(job.params);
	timing->rank[0].end_ns = stopwatch_ns(job.clock);
	return 0;
}

static int verify(char *why)
{
	if (job.form->fill(job.params)) {
		snprintf(why, CASE_WHY_BYTES, "out of memory");
		return 1;
	}
	job.form->run(job.params);
	return job.form->wrong(job.params, why);
}

static const struct omp_form *find(const char *name)
{
	for (size_t f = 0; f < sizeof(files) / sizeof(*files); f++)
		for (const struct omp_form *form = files[f]; form->name; form++)
			if (strcmp(form->name, name) == 0)
				return form;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct served served = { run, verify };
	int pid = (int)getpid();

	job.form = argc > 2 ? find(argv[2]) : NULL;
	if (!job.form) {
		fprintf(stderr, "usage: rigbench-omp-kernels CLOCK FORM "
				"NUMBER...\n");
		return 1;
	}
	job.clock = (clockid_t)atoi(argv[1]);
	for (int i = 3; i < argc && i - 3 < OMP_PARAMS_MAX; i++)
		job.params[i - 3] = strtoull(argv[i], NULL, 10);
	if (job.form->fill(job.params))
		return serve_cannot("out of memory");
	return serve(&served, &pid, 1);
}
