/* SPDX-License-Identifier: MIT */
/*
 * arguments.h - a kernel's arguments from words such as length=40M.
 *
 * `args` is the kernel's argument struct, kernel->args_bytes long.  A function
 * that fails returns -EINVAL, and leaves in `why` a single line of words that
 * name a right value.
 */
#ifndef KERNELS_ARGUMENTS_H
#define KERNELS_ARGUMENTS_H

#include <runrig/kernel.h>

#define WHY_BYTES 512

/* Zero the arguments and give each parameter its default. */
/* Bytes of the field of a RIG_PARAM_TEXT, the terminator included. */
size_t arguments_text_bytes(const struct rig_param *param);

int arguments_default(const struct rig_kernel *kernel, void *args,
		      char why[WHY_BYTES]);

/*
 * Set a parameter from NAME=VALUE. A SIZE whose default is a word and no number
 * ("all") also takes this word, which stands for SIZE_MAX.
 */
int arguments_set(const struct rig_kernel *kernel, void *args, const char *word,
		  char why[WHY_BYTES]);

/*
 * Set *length, the parameter `length` of a kernel, for the user's data: the
 * number of elements of array 0.  A `length` that the user gives (another value
 * than the default) must be the same number.
 */
int arguments_length(const struct rig_kernel_args *args, size_t fallback,
		     size_t *length, char *why, size_t why_bytes);

/* The value of a parameter as a user would type it; returns `text`. */
char *arguments_show(const struct rig_param *param, const void *args,
		     char *text, size_t bytes);

#endif
