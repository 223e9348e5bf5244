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

/* In this process: the last function found, for the next search.  Zeroed at first. */
struct code {
	uint64_t address;
	bool loaded; /* the library of the last function found */
	char symbol[PAGE_BYTES];
};

/*
 * Find the function at `address`, or, where `address` is 0, the function named
 * `symbol`: "path.so:symbol" or a name of code_name(), in PAGE_BYTES. Sets
 * code->address.  Returns 0, -EINVAL (the code was loaded after the pool was made; the
 * name is malformed), -ENOENT, or -ESTALE: the file of the path is not the file that
 * the caller has loaded.
 */
int code_find(struct code *code, uint64_t address, const char *symbol);

/*
 * Name the function at `address` of this process, for workers that are no forks of the
 * process: "path.so:+OFFSET:SIGN", in PAGE_BYTES, where the sign tells one build of a
 * library from another.  Returns 0, or -EINVAL: the function is in no library.
 */
int code_name(uint64_t address, char *symbol);

/* In this process: the last function named, for the next call.  Zeroed at first. */
struct code_name {
	uint64_t address;
	char symbol[PAGE_BYTES];
};

/* As code_name(), to `symbol`, which holds the name written by the last call. */
int code_name_again(struct code_name *last, uint64_t address, char *symbol);

#endif
