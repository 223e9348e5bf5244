/* SPDX-License-Identifier: MIT */
/*
 * inherit.h - what a fork brings along: letting go of it, and knowing it.
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

/* Unmap every shared mapping of a file in /dev/shm, and note which addresses
 * hold code.  Returns 0, or -errno where that cannot be known. */
int inherit_maps(void);

/* Did `address` hold code when inherit_maps() looked? */
bool inherit_has_code(uint64_t address);

/* Have the kernel write this thread's CPU where the C library reads it, as in
 * the caller.  A fork of a vfork's child has lost that, and sched_getcpu() would
 * tell for ever where the caller was. */
void inherit_rseq(void);

/* Every signal to its default, but INT, TERM, HUP, QUIT and PIPE, which are
 * ignored: they are meant for the caller. */
void inherit_signals(void);

#endif
