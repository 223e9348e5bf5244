/* SPDX-License-Identifier: MIT */
/*
 * kernel_call.h - a call of rig_kernel_run(), shared by the parts of the call.
 *
 *	call_check.c  the caller's specification, judged before anything is made
 *	call_files.c  the arrays in and out of files and private memory
 *	outcome.c     the run, the proof, and the outcome
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

/* Bytes of a kernel's result in words. */
#define RESULT_BYTES 512

/* In this process: a call, and the outcome that the caller gets. */
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
	char *folder; /* the folder of arrays on disk */
};

/* On the clock of the wall's length. */
static inline uint64_t call_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The words of the run become the words of rig_why(). */
int call_fails(const struct kernel_run *run, int r);

/* A call whose words have been checked; rig_outcome_free() frees the call. */
int call_open(const struct rig_spec *spec, struct kernel_call **out);

/* The caller sees the arrays as the arrays are now. */
void call_show_arrays(struct kernel_call *call);

/* Whether the memory is enough for the workers of the pool. */
int call_check_private(const struct kernel_call *call,
		       const struct rig_pool *pool);

/* Choose the arrays that the ranks are to make in the file of the output. */
void call_plan_outputs(struct kernel_call *call);

/* Whether the memory is enough for the arrays; puts arrays on disk where the
 * memory is not. */
int call_check_memory(struct kernel_call *call);

/* Begin the files of outputs; bring in arrays from files or private memory. */
int call_begin_outputs(struct kernel_call *call);
int call_load(struct kernel_call *call);

/* Write the arrays that go to a file or to private memory, if any. */
bool call_stores(const struct kernel_call *call);
int call_write_outputs(struct kernel_call *call);
int call_return_data(struct kernel_call *call);

/* The address of an array's elements in this process. */
const char *call_data(const struct kernel_call *call, int index);

#endif
