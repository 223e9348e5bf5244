/* SPDX-License-Identifier: MIT */
/*
 * rendezvous.h - processes that nobody launched meet under a name.
 *
 * The name is that of a file in /dev/shm with a seat for each rank.  The first process
 * makes the file and the team's memory, which has no name; a later process maps the
 * memory by way of a process that waits.  The process that takes the last seat removes
 * the name: from then on nothing in /dev/shm belongs to the team, and the name is free
 * for another meeting.
 */
#ifndef RUNRIG_RENDEZVOUS_H
#define RUNRIG_RENDEZVOUS_H

#include <stdint.h>
#include <sys/types.h>

#include <runrig/join.h>

#include "machine/wait.h"
#include "objects/layout.h"

/* In this process: a rank of the meeting. */
struct rendezvous_peer {
	pid_t pid;
	uint64_t born; /* as process_born() */
};

/* In this process: the result of a meeting. */
struct rendezvous {
	int rank;
	int size;
	struct layout layout;          /* mapped */
	struct patience busy;          /* the same for all */
	struct rendezvous_peer *peers; /* `size` ranks, to be freed */
};

/*
 * Meet under options->name. 0, or as rig_join(); after an error nothing of this process
 * is left at the meeting.  Waits.
 */
int rendezvous_meet(struct rendezvous *rendezvous,
		    const struct rig_join_options *options);

/* Unmap and free; a zeroed struct is allowed. */
void rendezvous_finish(struct rendezvous *rendezvous);

#endif
