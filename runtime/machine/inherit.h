/* SPDX-License-Identifier: MIT */
/*
 * inherit.h - closing and unmapping the things that a fork brings along, and a
 * record of the things that stay.
 *
 * For the warden right after its fork from a caller that may have threads:
 * nothing here allocates, locks or prints.
 */
#ifndef RUNRIG_INHERIT_H
#define RUNRIG_INHERIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Close every descriptor above 2 but the `count` (at most 8) in `keep`. */
void inherit_close(const int *keep, int count);

/* Unmap every shared mapping of a file in /dev/shm, and note the addresses that
 * hold code.  Returns 0, or -errno where the mappings cannot be read. */
int inherit_maps(void);

/* Did `address` hold code when inherit_maps() looked? */
bool inherit_has_code(uint64_t address);

/* Have the kernel write this thread's CPU where the C library reads the number,
 * as in the caller.  A fork of a vfork's child has lost the registration, and
 * sched_getcpu() would return the caller's CPU for ever. */
void inherit_rseq(void);

/* Set every signal to its default action, except INT, TERM, HUP, QUIT and PIPE,
 * which are ignored: a user sends these signals to the caller. */
void inherit_signals(void);

#endif
