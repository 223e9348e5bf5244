/* SPDX-License-Identifier: MIT */
/*
 * lab_calls.h - what a compiled hand-in calls, and whether the hand-in may.
 */
#ifndef RUNRIG_LAB_CALLS_H
#define RUNRIG_LAB_CALLS_H

#include <stdbool.h>

/*
 * Look into the library `path`.  False, and words for the student in `why`, where
 * the library calls a function that no lab needs (fork(), exit(), kill()), runs
 * code while the library is loaded or unloaded, or is no library.  `may_write`: the
 * lab's result is a file.  Nothing of the library runs.
 */
bool lab_calls_allowed(const char *path, bool may_write, char *why, int bytes);

#endif
