/* SPDX-License-Identifier: MIT */
/*
 * kill_sweep.h - SIGKILL for one process of a life, at each of its system calls in
 * turn.
 *
 * A life is a function that a process of its own runs, with all processes that the
 * function starts.  In the short form some calls are taken, each with a kill before or
 * behind the call; with RUNRIG_STEPS=N every N-th call, with both, and with kills some
 * hundreds of instructions behind the call.
 */
#ifndef RUNRIG_KILL_SWEEP_H
#define RUNRIG_KILL_SWEEP_H

#include "lib/inject.h"

struct kill_sweep {
	const char *what; /* the life and the victim, in words */
	enum inject_role victim;
	int (*life)(void);
	/* Judge a life: NULL, or the reason why the end is wrong.  `status`: the wait
	 * status of the life's first process. */
	const char *(*judge)(const struct inject *inject, int status);
	int share; /* the short form takes one call in `share` */
};

/* In a process without children, which becomes a subreaper: sweep, and say on stderr
 * what goes wrong.  A process that hangs, or a name in /dev/shm that a life leaves, is
 * wrong, too.  Returns the number of lives that went wrong, at most 99; 100 where the
 * life goes wrong without a kill. */
int kill_sweep(const struct kill_sweep *sweep);

/* Descriptors that this process has open, less the ledger of names, which stays for as
 * long as the process: for the comparison of before and after. */
int kill_sweep_descriptors(void);

#endif
