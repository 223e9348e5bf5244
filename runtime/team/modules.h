/* SPDX-License-Identifier: MIT */
/*
 * modules.h - which code a rank has where, for those who read its addresses in
 * another process.
 *
 * A rank that is a fork of its caller has its code where the caller has it.  Any
 * other notes the ranges of its code, with file and build-id, in modules_shm:
 * when it is born, and after each library it loads.  Whoever puts one of its
 * addresses into words looks there.
 */
#ifndef RUNRIG_MODULES_H
#define RUNRIG_MODULES_H

#include "base/symbol.h"
#include "objects/layout.h"

/* Forget, in a process that is a rank now, what another was. */
void modules_begin(struct modules_shm *modules);

/* Note every range of code that this process has and has not noted yet.
 * `calls`: where the rank calls kernels from; 0: it calls none. */
void modules_publish(struct modules_shm *modules, uint64_t calls);

/*
 * Put an address of the code of a rank into words: by what the rank has noted
 * until `at_ns` on the clock (RIG_FOREVER: until now), or, where it has noted
 * nothing, as an address of this process.  Returns 0, or -ENOENT where no object
 * holds it.  For reports, not for workers.
 */
int modules_find(const struct modules_shm *modules, uint64_t address,
		 uint64_t at_ns, struct symbol *symbol);

#endif
