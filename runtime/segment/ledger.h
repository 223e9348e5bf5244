/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - the names this process made that are to die with it.
 */
#ifndef RUNRIG_LEDGER_H
#define RUNRIG_LEDGER_H

#include "segment/shmfile.h"

/* Names one process may have made and not yet removed. */
#define LEDGER_MAX 65536

/*
 * Enter a name before it exists; strike it out when it is gone.  enter returns
 * 0, -ENOSPC when LEDGER_MAX names stand in it, or what mmap said.  Any thread.
 */
int ledger_enter(const char *name, struct identity identity);
void ledger_strike(struct identity identity);

/*
 * Make sure that there is a ledger, so that a warden forked now shares it.
 * 0 or what mmap said.
 */
int ledger_open(void);

/* A descriptor of the ledger, for a warden that is no fork: it stays the
 * ledger's.  Returns it, or -errno and the words: what memfd_create said, or
 * -EBADF where somebody has closed it. */
int ledger_descriptor(void);

/* In such a warden: have the caller's ledger.  0, or what mmap said. */
int ledger_adopt(int fd);

/* A process that had this one's memory and identity (vfork) was killed, maybe
 * in a fork: let go of what it may have locked for that. */
void ledger_fork_failed(void);

/* In the warden, when its caller is dead: remove every name that stands in the
 * caller's ledger and still leads to what the caller made.  Allocates nothing,
 * takes no lock. */
void ledger_execute(void);

#endif
