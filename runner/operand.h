/* SPDX-License-Identifier: MIT */
/*
 * operand.h - the caller's arrays: which elements of which file, segment or
 * memory a kernel is to work on.
 *
 * Functions return 0 or a negative errno with the words in rig_why().
 */
#ifndef RUNNER_OPERAND_H
#define RUNNER_OPERAND_H

#include <runner/strided.h>
#include <runner/kernel_run.h>
#include <runner/npy.h>
#include <runrig/kernels.h>

/* Where an array of a kernel comes from and goes to.  Zeroed: nowhere. */
struct source {
	const struct rig_operand *operand; /* the caller's; NULL: none */
	struct npy_shape shape;
	struct npy_input input;       /* the file's header */
	struct rig_segment *attached; /* .segment, or the mapped file */
	bool edited;                  /* .file, in place */
	int edit_fd;                  /* descriptor with the lock */
	struct outfile output;        /* the file .output */
	/* The kernel works on a copy, because the elements of `attached` do not
	 * lie in C order (apart), or are in the other byte order (turned). */
	bool apart, turned;
	struct strided strided; /* of .segment, and of a copied file */
};

/* Assign the operands to arrays: sources[i] is array i's. */
int operands_assign(const struct kernel_run *run, const struct rig_spec *spec,
		    struct source sources[RIG_ARRAYS_MAX]);

/* Open the source of array `index`, and tell the run about the array;
 * `replicate`: each node will have a copy of a read-only array. */
int operand_open(struct kernel_run *run, int index, struct source *source,
		 bool replicate);

/* Check that no written array lies where another array lies. */
int operands_check(const struct kernel_run *run,
		   const struct source sources[RIG_ARRAYS_MAX]);

/* Whether array `index` lies in a segment of the run's own, a copy of the
 * operand's memory, file or segment. */
bool operand_copied(const struct kernel_run *run, int index,
		    const struct source *source);

/* load: bring the elements into the run's segment.  store: bring the run's
 * results back to the operand's place. */
int operand_load(struct kernel_run *run, int index,
		 const struct source *source);
int operand_store(struct kernel_run *run, int index,
		  const struct source *source);

/* Turn the bytes of each element in the run's segment, where the operand's
 * elements are in the other byte order. */
int operand_turn(struct kernel_run *run, int index,
		 const struct source *source);

/* Release everything.  A second call does nothing. */
void operand_close(struct source *source);

#endif
