/* SPDX-License-Identifier: MIT */
/*
 * bench_kernel.h - registered kernels as contenders: a pool, segments that the
 * pool's ranks populated and prepared, and a job that runs again and again.
 */
#ifndef RIGBENCH_BENCH_KERNEL_H
#define RIGBENCH_BENCH_KERNEL_H

#include <runner/kernel_run.h>

#include "commands/commands.h"

/* The most NAME=VALUE words of a kernel, and the most bytes of a word. */
#define KERNEL_WORDS_MAX  8
#define KERNEL_WORD_BYTES 64

struct kernel_arg {
	const struct rig_kernel *kernel;
	int workers;
	bool hybrid; /* a worker a NUMA node, with threads inside */
	bool huge;   /* segments on huge pages, as far as there are huge
		      * pages */
	int word_count;
	char words[KERNEL_WORDS_MAX][KERNEL_WORD_BYTES];
};

/* The operations of a contender whose arg is a struct kernel_arg. */
const struct bench_ops *kernel_ops_of(const struct rig_kernel *kernel);

/* The kernel with its words, as far as a run goes without memory. 0 or -EINVAL
 * with words in run->why; kernel_run_finish() in either case. */
int kernel_rig(struct kernel_run *run, const struct kernel_arg *arg);

/* The words as a single text. */
void kernel_words(const struct kernel_arg *arg, char *text, size_t bytes);

/* The least nanoseconds of a run by the roofs, which are measured here; 0: the
 * kernel does not say how many bytes the kernel moves. */
double kernel_least_ns(const struct kernel_run *run, int workers,
		       clockid_t clock);

/* Enter the contests of a kernel. 0 or -errno, with words in why unless the
 * error is -ENOMEM. */
typedef int kernel_add_fn(struct plan *plan, const struct kernel_arg *arg,
			  const struct kernel_run *run, char *why);

/* Call `add` for each kernel on the command line with the words behind the
 * kernel's name.  Returns the exit status so far. */
int kernel_each(struct command *c, kernel_add_fn *add);

/* Print the words of a command of kernels, for the command's --help. */
void help_kernel(FILE *out);

#endif
