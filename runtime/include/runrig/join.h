/* SPDX-License-Identifier: MIT */
/*
 * join.h - programs as ranks: a process becomes one by joining.
 *
 *	struct rig_team *team;
 *
 *	if (rig_join(&team, NULL) < 0)
 *		errx(1, "%s", rig_why());
 *	rig_team_barrier(team);
 *	rig_leave();
 *
 * `runrig exec -n 4 -- ./program` starts four such programs; whoever of them joins
 * is the rank, the program itself or a process that it starts.  Started by hand,
 * the program is a team of one.
 *
 * Processes that nobody launched meet under a name: two terminals, or a program in C
 * and one in Python, of one user and on one machine:
 *
 *	rig_join(&team, &(struct rig_join_options){ .name = "solver", .size = 2 });
 *
 * From join to leave the process is a rank as a worker is one in a kernel: every
 * call that takes the team may be made, by one thread at a time.  A rank that ends
 * in between, however, has died: the launcher ends the others and says where each
 * was.  Ranks that have met by name have no launcher: when one of them dies, each
 * call of the others returns -EOWNERDEAD, and rig_why() says who it was; when all
 * wait for each other, -EDEADLK; when they do not call the same, -EINVAL.  Then the
 * team has ended: whatever its memory has is not to be trusted, requests are gone,
 * and all there is to do is rig_leave().  The name can be met under again, by the
 * same processes or by others.  Faults are noted for that report, and then do what they would have done.
 * A child that the process forks is no rank, and has none of the team's memory.
 */
#ifndef RUNRIG_JOIN_H
#define RUNRIG_JOIN_H

#include <runrig/api.h>
#include <runrig/team.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_join_options {
	/* When the other ranks have to have come, on CLOCK_MONOTONIC; 0:
	 * RIG_FOREVER. */
	uint64_t deadline_ns;
	/* The name to meet under, as a segment's (segment.h); read during the
	 * call.  NULL: the launcher's team, or a team of one. */
	const char *name;
	/* With a name: how many ranks are to meet, 1 to RIG_WORKERS_MAX.
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
 *	-EEXIST     another process is this rank, or waits to be; with a name also:
 *	            those who wait are to be another number of ranks
 *	-EINVAL     the options are wrong, or what the launcher has put into the
 *	            environment is damaged
 *	-EPROTO     the launcher, or who waits under the name, is of another build;
 *	            or the name is that of another segment
 *	-EACCES     the name is that of another user's file
 *	-EXDEV      who waits under the name is in another PID namespace
 *	-ETIMEDOUT  not all have come until deadline_ns: this process has not
 *	            joined, and nothing of it is left under the name
 *	-ECONNREFUSED  the launcher is gone
 *	or what socket, mmap or pidfd_open said
 *
 * A name leads to a file in /dev/shm while processes wait under it, and is free as
 * soon as all have come.  Where all that waited were killed the file stays: the
 * next to come takes it over, and `runrig clean` removes it.
 *
 * Waits.  Any thread; that thread, or those it hands the team to, make the calls.
 */
RIG_API int rig_join(struct rig_team **team,
		     const struct rig_join_options *options);

/*
 * End being a rank: all requests of this process are done by then.  What others
 * wait for from this rank will not come; they do not wait for it to leave.
 * Returns 0, -EINVAL where this process is no rank, or what is wrong with its
 * last calls; it is no rank after this in any case.  Never waits.
 */
RIG_API int rig_leave(void);

#ifdef __cplusplus
}
#endif

#endif
