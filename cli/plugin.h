/* SPDX-License-Identifier: MIT */
/*
 * plugin.h - kernels by name, and kernels from a shared object of the user's.
 *
 * A shared object exports its kernel as
 *
 *	const struct rig_kernel runrig_kernel = { .name = ..., .run = ... };
 */
#ifndef RUNRIG_PLUGIN_H
#define RUNRIG_PLUGIN_H

#include <runrig/kernel.h>

#define PLUGIN_SYMBOL "runrig_kernel"

/*
 * Find the kernel for `word`: a known kernel, or, for a word with a slash or
 * ending in .so, the kernel of the object.  Returns an exit code, after a
 * message where the code is not 0.  Called before any pool is made: workers
 * know only the code that this process had then.
 */
int plugin_find(const char *word, const struct rig_kernel **kernel);

/* Print that no kernel has the name, and which kernel may be meant; returns
 * EXIT_USAGE. */
int plugin_none(const char *word);

/* The plugin's functions are no longer called: from now on the program may
 * end. */
void plugin_done(void);

#endif
