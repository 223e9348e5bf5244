/* SPDX-License-Identifier: MIT */
/*
 * modules.h - the ranges of a rank's code, for processes that read the rank's
 * addresses.
 *
 * A rank that is a fork of the caller has the code at the caller's addresses.  Any
 * other rank notes the ranges of its code, with file and build-id, in modules_shm: at
 * birth, and after each library that the rank loads.  A process that puts such an
 * address into words looks there.
 */
#ifndef RUNRIG_MODULES_H
#define RUNRIG_MODULES_H

#include "base/symbol.h"
#include "objects/layout.h"

/* Forget, in a process that has become a rank, the notes of another rank. */
void modules_begin(struct modules_shm *modules);

/* Note every range of code of this process that is not noted yet.  `calls`: the
 * place where the rank calls kernels; 0: the rank calls none. */
void modules_publish(struct modules_shm *modules, uint64_t calls);

/*
 * Put an address of the code of a rank into words: by the ranges that the rank has
 * noted until `at_ns` on the clock (RIG_FOREVER: until now), or, where the rank has
 * noted no range, as an address of this process.  Returns 0, or -ENOENT where no object
 * contains the address.  For reports, not for workers.
 */
int modules_find(const struct modules_shm *modules, uint64_t address,
		 uint64_t at_ns, struct symbol *symbol);

#endif
