/* SPDX-License-Identifier: MIT */
/*
 * verified_run.h - a run of the command line: a pool, and rig_kernel_run() on
 * it.
 *
 * Functions say on stderr what is wrong (see command.h) and return an exit code.
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

/* One array, as the command line has it.  Strings are the user's words. */
struct run_array {
	const char *input;   /* a file; NULL: none */
	const char *output;  /* a file; NULL: none */
	const char *segment; /* a name; NULL: none */
	const char *dtype;   /* of the segment; NULL: the kernel's own */
	const char *shape;   /* NULL: one dimension */
	const char *count;   /* NULL: by shape, or to the end */
	const char *offset;  /* NULL: 0 */
	bool inplace;        /* the input is edited */
};

/* What to do. */
struct run_request {
	const struct rig_kernel *kernel;
	char **words; /* NAME=VALUE, to NULL */
	struct run_array arrays[RIG_ARRAYS_MAX];
	struct rig_pool_options pool;
	int repeat;        /* runs in all, at least 1 */
	uint64_t limit_ns; /* of each; 0: none */
	enum rig_verify verify;
	uint64_t seed;      /* of the sample; 0: any */
	const char *memory; /* of the arrays we make; NULL: local */
	enum rig_pages pages;
	bool replicate;         /* what is only read, on each node */
	bool map;               /* say where they really are */
	bool verbose;           /* show scratch memory too */
	bool hosts;             /* on the pools of all hosts */
	struct png_style style; /* of .output of pictures in colours */
};

/* What was done.  In this process. */
struct runner {
	const struct run_request *request;
	struct rig_pool *pool;
	struct rig_hosts *hosts;     /* NULL: one pool alone */
	struct rig_outcome *outcome; /* NULL: it did not come so far */
	char why[RUN_WHY_BYTES];     /* the words of a run that failed */

	/* The request, as the library takes it. */
	struct rig_spec spec;
	struct rig_operand operands[RIG_ARRAYS_MAX];
	struct rig_setting *settings;
	int64_t shapes[RIG_ARRAYS_MAX][SHAPE_DIMS_MAX];
};

/* Run it; whatever comes, runner_finish() is the end of it. */
int runner_run(struct runner *runner, const struct run_request *request);

/* Is this the process that prints and writes: host 0, or the only one? */
bool runner_tells(const struct runner *runner);

/* The median of all runs but the first, in ns; of the only one where there is
 * no other. */
uint64_t runner_steady_ns(const struct runner *runner);

void runner_finish(struct runner *runner);

#endif
