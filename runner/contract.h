/* SPDX-License-Identifier: MIT */
/*
 * contract.h - is a kernel what runrig/kernel.h says it is?
 *
 * One from a user's file may be anything.
 */
#ifndef KERNELS_CONTRACT_H
#define KERNELS_CONTRACT_H

#include <stdbool.h>

#include <runner/arguments.h>
#include <runrig/kernels.h>

/* Bytes of a name, at most. */
#define CONTRACT_NAME_MAX RIG_KERNEL_NAME_MAX

/* Is it a name, of a kernel, a parameter or an array? */
bool contract_is_name(const char *name);

/* 0, or -EINVAL with one line of words. */
int contract_check(const struct rig_kernel *kernel, char why[WHY_BYTES]);

/* The same of the arrays that a kernel declares. */
int contract_check_declared(const struct rig_declared *declared,
			    char why[WHY_BYTES]);

/* What one rank owns of an array. */
struct contract_owned {
	int count;
	struct rig_span spans[RIG_SPANS_MAX];
};

/* Of ranks 0, 1, ... and an array of `bytes`: no byte is two ranks', or beyond the
 * array.  0, -EINVAL with one line of words, or -ENOMEM. */
int contract_check_owns(const struct contract_owned *owned, int ranks,
			size_t bytes, char why[WHY_BYTES]);

#endif
