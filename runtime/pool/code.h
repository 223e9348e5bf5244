/* SPDX-License-Identifier: MIT */
/*
 * code.h - functions that a job names, as a worker finds them, and as a caller
 * names them.
 */
#ifndef RUNRIG_CODE_H
#define RUNRIG_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "objects/layout.h"

/* The last that was found, for the next time.  In this process; zeroed at
 * first. */
struct code {
	uint64_t address;
	bool loaded; /* a library, for the last that was found */
	char symbol[PAGE_BYTES];
};

/*
 * Find the function at `address`, or, where that is 0, the one named `symbol`,
 * "path.so:symbol" or as code_name() has it, in PAGE_BYTES, and set
 * code->address.  Returns 0, -EINVAL (the code was loaded after the pool was
 * made; malformed), -ENOENT, or -ESTALE: the file of that path is another than
 * the caller has loaded.
 */
int code_find(struct code *code, uint64_t address, const char *symbol);

/*
 * Name the function at `address` of this process, for workers that are no forks
 * of it: "path.so:+OFFSET:SIGN", in PAGE_BYTES, where the sign tells one build of
 * a library from another.  Returns 0, or -EINVAL: it is in no library.
 */
int code_name(uint64_t address, char *symbol);

/* The last that was named, for the next time.  In this process; zeroed at
 * first. */
struct code_name {
	uint64_t address;
	char symbol[PAGE_BYTES];
};

/* As code_name(), to `symbol`, which has what was written there last. */
int code_name_again(struct code_name *last, uint64_t address, char *symbol);

#endif
