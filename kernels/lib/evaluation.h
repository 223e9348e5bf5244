/* SPDX-License-Identifier: MIT */
/*
 * evaluation.h - what the kernel evaluate and the proof of its result share.
 */
#ifndef KERNELS_EVALUATION_H
#define KERNELS_EVALUATION_H

#include <kernels/lib/broadcast.h>
#include <kernels/lib/expression.h>

struct evaluate_args {
	struct rig_kernel_args header;
	size_t length;
	/* By check: elements of the expression, and of the result. */
	uint64_t elements, results;
	char expr[EXPRESSION_BYTES];
	char let[SCALARS_BYTES];
};

/* Parse, give types and shapes.  Returns 0, or -EINVAL with words. */
int evaluation_read(const struct evaluate_args *args, struct expression *e,
		    struct broadcast *all, char *why, size_t why_bytes);

/* Items of array k that are elements `begin` to `begin` + `count` - 1 of the
 * result, in the machine's byte order; where they lie, or copied to `to`. */
const void *evaluation_items(const struct evaluate_args *args,
			     const struct broadcast *all, int k,
			     const void *items, size_t begin, size_t count,
			     void *to);

/* Prove block `block` of the result as rig_kernel.prove does: each value again,
 * by the C library, and how far it may be off by libmvec's 4 units. */
int evaluation_prove(struct rig_team *team, uint64_t block);

/* Bytes that the proof allocates. */
size_t evaluation_proof_bytes(void);

#endif
