/* SPDX-License-Identifier: MIT */
/*
 * contract.h - the check that a kernel keeps the contract of runrig/kernel.h.
 *
 * A kernel from a user's file may be any bytes.
 */
#ifndef KERNELS_CONTRACT_H
#define KERNELS_CONTRACT_H

#include <stdbool.h>

#include <runner/arguments.h>
#include <runrig/kernels.h>

/* Bytes of a name, at most. */
#define CONTRACT_NAME_MAX RIG_KERNEL_NAME_MAX

/* Whether `name` may be the name of a kernel, a parameter or an array. */
bool contract_is_name(const char *name);

/* 0, or -EINVAL with a line of words. */
int contract_check(const struct rig_kernel *kernel, char why[WHY_BYTES]);

/* The same for the arrays that a kernel declares. */
int contract_check_declared(const struct rig_declared *declared,
			    char why[WHY_BYTES]);

/* The spans of an array that a rank owns. */
struct contract_owned {
	int count;
	struct rig_span spans[RIG_SPANS_MAX];
};

/* Check the spans of ranks 0, 1, ... of an array of `bytes`: no byte is owned
 * twice, or lies beyond the array. 0, -EINVAL with a line of words, or
 * -ENOMEM. */
int contract_check_owns(const struct contract_owned *owned, int ranks,
			size_t bytes, char why[WHY_BYTES]);

#endif
