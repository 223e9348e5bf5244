/* SPDX-License-Identifier: MIT */
/*
 * join.h - programs as ranks: a process becomes a rank by rig_join().
 *
 *	struct rig_team *team;
 *
 *	if (rig_join(&team, NULL) < 0)
 *		errx(1, "%s", rig_why());
 *	rig_team_barrier(team);
 *	rig_leave();
 *
 * `runrig exec -n 4 -- ./program` starts four such programs; the process that joins
 * is the rank: the program, or a process that the program starts.  Started by hand,
 * the program is a team of one.
 *
 * Processes that nobody launched meet under a name: two terminals, or a program in C
 * and a program in Python, of one user and on one machine:
 *
 *	rig_join(&team, &(struct rig_join_options){ .name = "solver", .size = 2 });
 *
 * From join to leave the process is a rank like a worker in a kernel: every call with
 * the team may be made, by one thread at a time.  However, a rank that ends in between
 * has died: the launcher ends the other ranks and reports where each rank was.
 *
 * Ranks that have met by name have no launcher.  When such a rank dies, each call of
 * the others returns -EOWNERDEAD, and rig_why() names the dead rank; when all ranks wait
 * for each other, -EDEADLK; when ranks make different calls, -EINVAL.  Then the team has
 * ended: the team's memory is not to be trusted, requests are gone, and only rig_leave()
 * is left.  The same processes or others may meet under the name again.
 *
 * Faults are noted for the report, and then have their usual effect.  A child that the
 * process forks is no rank, and has none of the team's memory.
 */
#ifndef RUNRIG_JOIN_H
#define RUNRIG_JOIN_H

#include <runrig/api.h>
#include <runrig/team.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_join_options {
	/* The time until which all ranks must come, on CLOCK_MONOTONIC; 0:
	 * RIG_FOREVER. */
	uint64_t deadline_ns;
	/* The name of the meeting, like a segment's (segment.h); read during the
	 * call.  NULL: the launcher's team, or a team of one. */
	const char *name;
	/* With a name: the number of ranks, 1 to RIG_WORKERS_MAX.
	 * Without a name: 0. */
	int size;
	/* With a name: the wanted rank, + 1; 0: the lowest rank that is free.
	 * Without a name: 0. */
	int number;
	uint64_t reserved[6]; /* 0 */
};

/*
 * Become a rank.  `options` may be NULL.  Returns 0 once all ranks have come, and
 * sets *team, which is valid until rig_leave(); or
 *
 *	-EALREADY   this process has joined, or (without a name) left
 *	-EEXIST     another process is the rank, or waits as the rank; with a name
 *	            also: the meeting has another number of ranks
 *	-EINVAL     the options are wrong, or the launcher's words in the environment
 *	            are damaged
 *	-EPROTO     the launcher, or a process that waits under the name, is of
 *	            another build; or the name is the name of another segment
 *	-EACCES     the name is the name of another user's file
 *	-EXDEV      a process that waits under the name is in another PID namespace
 *	-ETIMEDOUT  not all ranks have come until deadline_ns: this process has not
 *	            joined, and leaves nothing under the name
 *	-ECONNREFUSED  the launcher is gone
 *	or an error of socket, mmap or pidfd_open
 *
 * A name leads to a file in /dev/shm while processes wait there, and is free as soon as
 * all ranks have come.  Where all waiting processes were killed the file stays: the next
 * process to come takes the file over, and `runrig clean` removes the file.
 *
 * Waits.  Any thread; the calling thread, or the thread that gets the team, makes the
 * calls.
 */
RIG_API int rig_join(struct rig_team **team,
		     const struct rig_join_options *options);

/*
 * Stop being a rank: all requests of this process must be complete.  Others that wait
 * for this rank wait in vain; nobody waits for this rank to leave.  Returns 0, -EINVAL
 * where this process is no rank, or the error of the last calls; in any case the process
 * is no rank afterwards.  Never waits.
 */
RIG_API int rig_leave(void);

#ifdef __cplusplus
}
#endif

#endif
