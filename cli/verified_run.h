/* SPDX-License-Identifier: MIT */
/*
 * verified_run.h - run a kernel once, prove the result, and run it again for time.
 *
 *	runner_prepare()  everything up to the first run: files, segments, pool
 *	runner_run()      the first run, its proof, the outputs, the other runs
 *	runner_finish()
 *
 * The user's data gets exactly one application of the kernel, however often it
 * is repeated: outputs are written after the first run, and where the data is
 * in a segment of the user's the other runs work on a copy of it.
 *
 * What is wrong is said on stderr (see command.h); functions return an exit
 * code.
 */
#ifndef RUNRIG_VERIFIED_RUN_H
#define RUNRIG_VERIFIED_RUN_H

#include <stdbool.h>

#include <runner/kernel_run.h>
#include <runrig/pool.h>

#include "npy.h"

/* Of what a kernel says it found. */
#define RESULT_BYTES 512

/* One array, as the command line has it.  Strings are the user's words. */
struct run_array {
	const char *input;   /* a file; NULL: none */
	const char *output;  /* a file; NULL: none */
	const char *segment; /* a name; NULL: none */
	const char *dtype;   /* of the segment; NULL: the kernel's own */
	const char *shape;   /* NULL: one dimension */
	const char *count;   /* NULL: by shape, or to the end */
	const char *offset;  /* NULL: 0 */
};

/* What to do. */
struct run_request {
	const struct rig_kernel *kernel;
	char **words; /* NAME=VALUE, to NULL */
	struct run_array arrays[RIG_ARRAYS_MAX];
	struct rig_pool_options pool;
	int repeat;        /* runs in all, at least 1 */
	uint64_t limit_ns; /* of each; 0: none */
	bool no_verify;
	const char *memory; /* of the arrays we make; NULL: local */
	enum rig_pages pages;
	bool replicate; /* what is only read, on each node */
	bool map;       /* say where they really are */
};

/* What was done.  In this process. */
struct runner {
	const struct run_request *request;
	struct kernel_run run;
	struct rig_pool *pool;
	struct npy_input inputs[RIG_ARRAYS_MAX];
	struct outfile outputs[RIG_ARRAYS_MAX];
	struct npy_shape shapes[RIG_ARRAYS_MAX];
	struct rig_segment *attached[RIG_ARRAYS_MAX]; /* the user's */

	int runs;          /* done */
	uint64_t *time_ns; /* of each */
	bool verified;
	bool copied; /* the repeats were on a copy */
	/* What the kernel says the first run found, "sum = 42, ..."; or "". */
	char result[RESULT_BYTES];

	/* The barrier in the first array's segment; NULL: the team's own. */
	const char *barrier_segment;
	uint64_t epochs; /* during the runs */
	uint64_t blocked;
};

int runner_prepare(struct runner *runner, const struct run_request *request);
int runner_run(struct runner *runner);

/* Where the arrays lie that a run has worked on; NULL: there is no such one. */
void runner_data(const struct runner *runner, void *data[RIG_ARRAYS_MAX]);

/* The median of all runs but the first, in ns; of the only one where there is
 * no other. */
uint64_t runner_steady_ns(const struct runner *runner);

void runner_finish(struct runner *runner);

#endif
