/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - the names that this process made, and that die with the process.
 */
#ifndef RUNRIG_LEDGER_H
#define RUNRIG_LEDGER_H

#include "segment/shmfile.h"

/* Names that a process may have made and not yet removed. */
#define LEDGER_MAX 65536

/*
 * Enter a name before the name exists; strike the name out when it is gone.
 * enter returns 0, -ENOSPC when LEDGER_MAX names stand in the ledger, or mmap's
 * error.  Any thread.
 */
int ledger_enter(const char *name, struct identity identity);
void ledger_strike(struct identity identity);

/*
 * Make sure that there is a ledger, so that a warden forked now shares the
 * ledger.  0 or mmap's error.
 */
int ledger_open(void);

/* A descriptor of the ledger, for a warden that is no fork: the descriptor stays
 * the ledger's.  Returns the descriptor, or -errno and the words: the error of
 * memfd_create, or -EBADF where somebody has closed the descriptor. */
int ledger_descriptor(void);

/* In a warden that is no fork: take the caller's ledger. 0, or mmap's error. */
int ledger_adopt(int fd);

/* A process with this process's memory and identity (vfork) was killed, maybe in a
 * fork: let go of locks of the dead process. */
void ledger_fork_failed(void);

/* In the warden, when the caller is dead: remove every name that stands in the
 * caller's ledger and still leads to the caller's file.  Allocates nothing, takes
 * no lock. */
void ledger_execute(void);

#endif
