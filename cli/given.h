/* SPDX-License-Identifier: MIT */
/*
 * given.h - arrays of the user's: which elements of which file or segment.
 *
 * What is wrong is said on stderr; functions return an exit code.
 */
#ifndef RUNRIG_GIVEN_H
#define RUNRIG_GIVEN_H

#include "verified_run.h"

/* Open the files and attach the segments that the request names, and tell the
 * rigging what is in them. */
int given_open(struct runner *runner);

/* Once all sizes are known: nobody writes where another array lies. */
int given_check(const struct runner *runner);

#endif
