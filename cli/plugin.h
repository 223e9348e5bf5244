/* SPDX-License-Identifier: MIT */
/*
 * plugin.h - kernels by name, and kernels from a shared object of the user's.
 *
 * Such an object exports its kernel as
 *
 *	const struct rig_kernel runrig_kernel = { .name = ..., .run = ... };
 */
#ifndef RUNRIG_PLUGIN_H
#define RUNRIG_PLUGIN_H

#include <runrig/kernel.h>

#define PLUGIN_SYMBOL "runrig_kernel"

/*
 * Find the kernel that `word` names: one that is known, or, for a word with a
 * slash or ending in .so, that of the object.  Returns an exit code, having
 * said what is wrong.  Before any pool: workers know only the code there is
 * when they are made.
 */
int plugin_find(const char *word, const struct rig_kernel **kernel);

/* Say that there is no kernel of that name, and which may be meant; returns
 * EXIT_USAGE. */
int plugin_none(const char *word);

/* Nothing more is asked of it: from now on the program may end. */
void plugin_done(void);

#endif
