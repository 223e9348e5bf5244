/* SPDX-License-Identifier: MIT */
/*
 * kernel_memory.h - the memory of a run's arrays: kernel_run_make() and
 * kernel_run_copy(), and what they share with the rest of kernel_run.
 */
#ifndef RUNNER_KERNEL_MEMORY_H
#define RUNNER_KERNEL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <runner/kernel_run.h>

/* The arguments with which spans() asks the kernel for the spans of a rank.
 * The struct holds copies: the workers are older than the struct.  The workers
 * of RIG_EXEC have this library at another address, so the struct has the
 * kernel's distance from `here`. */
struct owning {
	ptrdiff_t kernel; /* bytes from `here` to a kernel of this library */
	uint64_t index;
	max_align_t args[]; /* kernel->args_bytes */
};

/* The arguments travel beside the spans of the arrays, in half of a job's
 * arguments. */
#define KERNEL_ARGS_MAX (RIG_ARGS_MAX / 2 - sizeof(struct owning))

/* The words of a failure.  Returns `code`. */
int kernel_run_say(struct kernel_run *run, int code, const char *words);

/* Give the run's segments back, to the next call or to the system. */
void kernel_memory_release(struct kernel_run *run);

#endif
