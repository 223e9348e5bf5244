/* SPDX-License-Identifier: MIT */
/*
 * rendezvous.h - processes that nobody launched meet under a name.
 *
 * The name is that of a file in /dev/shm with a seat for each rank.  Whoever comes
 * first makes the file and the team's memory, which has no name; who comes later
 * maps that memory by way of a process that waits.  The process that takes the last
 * seat removes the name: from then on nothing in /dev/shm belongs to the team, and
 * the name is free for others to meet under.
 */
#ifndef RUNRIG_RENDEZVOUS_H
#define RUNRIG_RENDEZVOUS_H

#include <stdint.h>
#include <sys/types.h>

#include <runrig/join.h>

#include "machine/wait.h"
#include "objects/layout.h"

/* In this process: a rank that has been met. */
struct rendezvous_peer {
	pid_t pid;
	uint64_t born; /* as process_born() */
};

/* In this process: what a process has that has met the others. */
struct rendezvous {
	int rank;
	int size;
	struct layout layout;          /* mapped */
	struct patience busy;          /* the same for all */
	struct rendezvous_peer *peers; /* `size` of them, to be freed */
};

/*
 * Meet under options->name.  0, or as rig_join(); then nothing is left of this
 * process at the meeting.  Waits.
 */
int rendezvous_meet(struct rendezvous *rendezvous,
		    const struct rig_join_options *options);

/* Unmap and free; also of one that is all zero. */
void rendezvous_finish(struct rendezvous *rendezvous);

#endif
