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

/* Where one array of a kernel comes from and goes to.  Zeroed: neither. */
struct source {
	const struct rig_operand *operand; /* the caller's; NULL: none */
	struct npy_shape shape;
	struct npy_input input;       /* of .file */
	struct rig_segment *attached; /* of .segment, or of a file */
	bool edited;                  /* .file, in place */
	int edit_fd;                  /* the lock on it */
	struct outfile output;        /* of .output */
	/* The kernel works on a copy: in C order, as the elements of `attached`
	 * lie apart; in this machine's byte order, as they are in the other. */
	bool apart, turned;
	struct strided
		strided; /* of .segment, and of .file where it is apart */
};

/* Which operand is which array's: sources[i] is array i's. */
int operands_assign(const struct kernel_run *run, const struct rig_spec *spec,
		    struct source sources[RIG_ARRAYS_MAX]);

/* Open what array `index` comes from and tell the run of it; `replicate`: what is
 * only read will have copies on each node. */
int operand_open(struct kernel_run *run, int index, struct source *source,
		 bool replicate);

/* Does no array that is written lie where another does? */
int operands_check(const struct kernel_run *run,
		   const struct source sources[RIG_ARRAYS_MAX]);

/* Does array `index` lie in a segment of the run's own, which is a copy of the
 * operand's memory, file or segment? */
bool operand_copied(const struct kernel_run *run, int index,
		    const struct source *source);

/* Bring the elements into that segment; and take what run wrote there to where
 * the operand's are. */
int operand_load(struct kernel_run *run, int index,
		 const struct source *source);
int operand_store(struct kernel_run *run, int index,
		  const struct source *source);

/* Turn the bytes of each element in that segment, where the operand's elements
 * are in the other byte order. */
int operand_turn(struct kernel_run *run, int index,
		 const struct source *source);

/* Let go of all.  A second call does nothing. */
void operand_close(struct source *source);

#endif
