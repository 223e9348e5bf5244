/* SPDX-License-Identifier: MIT */
/*
 * kernel_call.h - one call of rig_kernel_run(), as the parts of the call share it.
 *
 *	call_check.c  what the caller says, judged before anything is made
 *	call_files.c  the arrays in and out of files and private memory
 *	outcome.c     the run, the proof, and what was done
 *
 * Functions return 0 or a negative errno with the words in rig_why().
 */
#ifndef RUNNER_KERNEL_CALL_H
#define RUNNER_KERNEL_CALL_H

#include <time.h>

#include <runrig/kernels.h>

#include <runner/block_sample.h>
#include <runner/kernel_run.h>
#include <runner/operand.h>

/* Bytes of what a kernel says it found. */
#define RESULT_BYTES 512

/* In this process: one call, and what the caller has of it. */
struct kernel_call {
	struct rig_outcome outcome;  /* first */
	const struct rig_spec *spec; /* while the call lasts */
	struct kernel_run run;
	struct rig_outcome_array arrays[RIG_ARRAYS_MAX];
	struct source sources[RIG_ARRAYS_MAX];
	struct block_sample sample;
	char result[RESULT_BYTES];
	uint64_t *times_ns;
	uint64_t begun_ns;
	char *folder; /* of arrays on disk */
};

/* On the clock of the wall's length. */
static inline uint64_t call_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The run has words of its own, which become those of rig_why(). */
int call_fails(const struct kernel_run *run, int r);

/* A call whose words have been checked; rig_outcome_free() frees the call. */
int call_open(const struct rig_spec *spec, struct kernel_call **out);

/* The caller sees the arrays as the arrays are now. */
void call_show_arrays(struct kernel_call *call);

/* Have the workers of the pool room for what they take? */
int call_check_private(const struct kernel_call *call,
		       const struct rig_pool *pool);

/* Begin the files of outputs; bring in what lies in files or private memory. */
int call_begin_outputs(struct kernel_call *call);
int call_load(struct kernel_call *call);

/* Does anything go to a file or to private memory?  Write it. */
bool call_stores(const struct kernel_call *call);
int call_write_outputs(struct kernel_call *call);
int call_return_data(struct kernel_call *call);

/* Where the elements of an array lie in this process. */
const char *call_data(const struct kernel_call *call, int index);

#endif
