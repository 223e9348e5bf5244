/* SPDX-License-Identifier: MIT */
/*
 * code.h - functions that a job names, as a worker finds them.
 */
#ifndef RUNRIG_CODE_H
#define RUNRIG_CODE_H

#include <stdint.h>

#include "objects/layout.h"

/* The last that was found, for the next time.  In this process; zeroed at
 * first. */
struct code {
	uint64_t address;
	char symbol[PAGE_BYTES];
};

/*
 * Find the function at `address`, or, where that is 0, the one named `symbol`,
 * "path.so:symbol" in PAGE_BYTES, and set code->address.  Returns 0, -EINVAL
 * (the code was loaded after the pool was made; malformed) or -ENOENT.
 */
int code_find(struct code *code, uint64_t address, const char *symbol);

#endif
