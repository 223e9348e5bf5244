/* SPDX-License-Identifier: MIT */
/*
 * nonblocking.h - the rules for collective verbs that are begun, and waited for later;
 * and plans, made once and started many times.
 *
 * The functions stand beside the verbs, in collective.h and cart.h: rig_team_ibcast()
 * beside rig_team_bcast().  Such a function has MPI's name and the verb's meaning, but
 * returns at once with a request for rig_team_wait() and the other waits of message.h;
 * requests of messages may be among the requests waited for.  Until a request is
 * complete nobody writes to the buffers of the request, and nobody reads the buffer
 * that the verb writes.  (Counts and displacements are read only in the call.)  For
 * the same ranks, count and data reductions give the same bits as their blocking
 * forms.
 *
 * All ranks of the team begin their non-blocking verbs in the same order, and at
 * the same place among the blocking verbs; but a blocking verb and a non-blocking
 * verb, or a plan, do not match each other.  Any number may be open at once, and
 * be waited for in any order.
 *
 * Requests move on while the rank waits in any function of a team, and in
 * rig_team_test(), _testall(), _testany(), _probe() and _iprobe(); not while
 * the rank computes.  Other ranks may get no data from a rank that computes, so
 * a rank that computes for long tests now and then.
 * docs/decisions/0010-progress.md has the whole rule.
 *
 * A plan, of rig_team_bcast_init() and others, is a request that is not started.
 * rig_team_start() starts a plan; waited or tested for and complete, the plan is ready
 * to start again, and the pointer stays.  A wait for a plan that is not started
 * returns at once.  All ranks make their plans in the same order and start each plan
 * equally often, but may start different plans in different order.  Plans go with the
 * run, or by rig_team_request_free().
 *
 * Each function, here and in the two headers, returns 0, or
 *
 *	-EINVAL   an argument is out of range, or buffers overlap
 *	-ENOMEM   no memory for the steps
 *
 * Where ranks disagree about their calls, the run fails with -EINVAL, and the
 * words name both calls.  A wait for a verb that some rank never calls is a
 * deadlock: -EDEADLK, and the report names each rank's wait.  A kernel that returns
 * with an incomplete request fails (-EINVAL).
 */
#ifndef RUNRIG_NONBLOCKING_H
#define RUNRIG_NONBLOCKING_H

#include <runrig/api.h>
#include <runrig/cart.h>
#include <runrig/collective.h>
#include <runrig/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Start a plan, or all plans of an array; from now on the data is read.  Never
 * waits.  -EINVAL: a request is no plan, or is started already. */
RIG_API int rig_team_start(struct rig_team *team, struct rig_request **request);
RIG_API int rig_team_startall(struct rig_team *team, int count,
			      struct rig_request **requests);

/* Free a plan, and set *request to NULL; NULL is allowed.  Not collective.
 * -EINVAL: the request is no plan, or a started plan that nobody waited for. */
RIG_API int rig_team_request_free(struct rig_team *team,
				  struct rig_request **request);

#ifdef __cplusplus
}
#endif

#endif
