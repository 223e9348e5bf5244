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
 * From join to leave the process is a rank as a worker is one in a kernel: every
 * call that takes the team may be made, by one thread at a time.  A rank that ends
 * in between, however, has died: the launcher ends the others and says where each
 * was.  Faults are noted for that report, and then do what they would have done.
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
	uint64_t deadline_ns; /* for the others to come, on CLOCK_MONOTONIC;
			       * 0: RIG_FOREVER */
	uint64_t reserved[8]; /* 0 */
};

/*
 * Become a rank.  `options` may be NULL.  Returns 0 once all ranks have come, and
 * sets *team, which is valid until rig_leave(); or
 *
 *	-EALREADY   this process has joined, or left
 *	-EEXIST     another process is this rank
 *	-EINVAL     what the launcher has put into the environment is damaged
 *	-EPROTO     the launcher is of another build
 *	-ETIMEDOUT  not all have come until deadline_ns: none has joined
 *	-ECONNREFUSED  the launcher is gone
 *	or what socket, mmap or pidfd_open said
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
