/* SPDX-License-Identifier: MIT */
/*
 * verified_run.h - a run of the command line: a pool, and a kernel on the pool.
 *
 * Functions print errors on stderr (see command.h) and return an exit code.
 */
#ifndef RUNRIG_VERIFIED_RUN_H
#define RUNRIG_VERIFIED_RUN_H

#include <stdbool.h>

#include <runrig/hosts.h>
#include <runrig/kernels.h>
#include <runrig/pool.h>

#include "png_picture.h"

/* Bytes of the words of a run that failed. */
#define RUN_WHY_BYTES 512

/* Dimensions of --shape, at most: as NumPy's. */
#define SHAPE_DIMS_MAX 64

/* An array on the command line.  Strings are the user's words. */
struct run_array {
	const char *input;   /* a file; NULL: none */
	const char *output;  /* a file; NULL: none */
	const char *segment; /* a name; NULL: none */
	const char *dtype;   /* the segment's dtype; NULL: the kernel's own */
	const char *shape;   /* NULL: a single dimension */
	const char *count;   /* NULL: by shape, or to the end */
	const char *offset;  /* NULL: 0 */
	bool inplace;        /* the input is edited */
};

/* The work to do. */
struct run_request {
	const struct rig_kernel *kernel;
	char **words; /* NAME=VALUE, to NULL */
	struct run_array arrays[RIG_ARRAYS_MAX];
	struct rig_pool_options pool;
	int repeat;        /* runs in all, at least 1 */
	uint64_t limit_ns; /* limit of each job; 0: none */
	enum rig_verify verify;
	uint64_t seed;      /* seed of the sample; 0: any */
	const char *memory; /* memory of the arrays made here; NULL: local */
	enum rig_pages pages;
	bool replicate;         /* copies of read-only arrays on each node */
	bool map;               /* print where the arrays really lie */
	bool verbose;           /* show scratch memory too */
	bool hosts;             /* on the pools of all hosts */
	struct png_style style; /* style of pictures in colours */
};

/* In this process: the run and its results. */
struct runner {
	const struct run_request *request;
	struct rig_pool *pool;
	struct rig_hosts *hosts;     /* NULL: a single pool */
	struct rig_outcome *outcome; /* NULL: the run failed earlier */
	char why[RUN_WHY_BYTES];     /* the words of a run that failed */

	/* The request in the library's form. */
	struct rig_spec spec;
	struct rig_operand operands[RIG_ARRAYS_MAX];
	struct rig_setting *settings;
	int64_t shapes[RIG_ARRAYS_MAX][SHAPE_DIMS_MAX];
};

/* Run the request.  The caller ends with runner_finish(), also after a
 * failure. */
int runner_run(struct runner *runner, const struct run_request *request);

/* Whether this process prints and writes: host 0, or the only process. */
bool runner_tells(const struct runner *runner);

/* The median of all runs but the first, in ns; the first run's time where there
 * is no other run. */
uint64_t runner_steady_ns(const struct runner *runner);

void runner_finish(struct runner *runner);

#endif
