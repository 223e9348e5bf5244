/* SPDX-License-Identifier: MIT */
/*
 * nonblocking.h - collective verbs that are begun, and waited for later; and
 * plans, made once and started many times.
 *
 * Each function is the verb of collective.h or cart.h with the same arguments and
 * meaning, and MPI's name, but returns at once with a request for rig_team_wait() and the
 * other waits of message.h; requests of messages may be among the requests waited
 * for.  Until a request is complete nobody writes to its buffers, and nobody reads
 * the buffer that the verb writes.  (Counts and displacements are read only in the
 * call.)  For the same ranks, count and data reductions give the same bits as
 * their blocking forms.
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
 * A plan, *_init(), is a request that is not started.  rig_team_start() starts
 * a plan; waited or tested for and complete, the plan is ready to start again,
 * and the pointer stays.  A wait for a plan that is not started returns at
 * once.  All ranks make their plans in the same order and start each plan
 * equally often, but may start different plans in different order.  Plans go
 * with the run, or by rig_team_request_free().
 *
 * Each function returns 0, or
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

RIG_API int rig_team_ibarrier(struct rig_team *team,
			      struct rig_request **request);
RIG_API int rig_team_ibcast(struct rig_team *team, void *buffer, size_t count,
			    int type, int root, struct rig_request **request);
RIG_API int rig_team_ireduce(struct rig_team *team, const void *send,
			     void *recv, size_t count, int type, int op,
			     int root, struct rig_request **request);
RIG_API int rig_team_iallreduce(struct rig_team *team, const void *send,
				void *recv, size_t count, int type, int op,
				struct rig_request **request);
RIG_API int rig_team_ireduce_scatter(struct rig_team *team, const void *send,
				     void *recv, const size_t *counts, int type,
				     int op, struct rig_request **request);
RIG_API int rig_team_ireduce_scatter_block(struct rig_team *team,
					   const void *send, void *recv,
					   size_t count, int type, int op,
					   struct rig_request **request);
RIG_API int rig_team_iscan(struct rig_team *team, const void *send, void *recv,
			   size_t count, int type, int op,
			   struct rig_request **request);
RIG_API int rig_team_iexscan(struct rig_team *team, const void *send,
			     void *recv, size_t count, int type, int op,
			     struct rig_request **request);
RIG_API int rig_team_igather(struct rig_team *team, const void *send,
			     size_t send_count, int send_type, void *recv,
			     size_t recv_count, int recv_type, int root,
			     struct rig_request **request);
RIG_API int rig_team_igatherv(struct rig_team *team, const void *send,
			      size_t send_count, int send_type, void *recv,
			      const size_t *recv_counts,
			      const size_t *recv_displs, int recv_type,
			      int root, struct rig_request **request);
RIG_API int rig_team_iscatter(struct rig_team *team, const void *send,
			      size_t send_count, int send_type, void *recv,
			      size_t recv_count, int recv_type, int root,
			      struct rig_request **request);
RIG_API int rig_team_iscatterv(struct rig_team *team, const void *send,
			       const size_t *send_counts,
			       const size_t *send_displs, int send_type,
			       void *recv, size_t recv_count, int recv_type,
			       int root, struct rig_request **request);
RIG_API int rig_team_iallgather(struct rig_team *team, const void *send,
				size_t send_count, int send_type, void *recv,
				size_t recv_count, int recv_type,
				struct rig_request **request);
RIG_API int rig_team_iallgatherv(struct rig_team *team, const void *send,
				 size_t send_count, int send_type, void *recv,
				 const size_t *recv_counts,
				 const size_t *recv_displs, int recv_type,
				 struct rig_request **request);
RIG_API int rig_team_ialltoall(struct rig_team *team, const void *send,
			       size_t send_count, int send_type, void *recv,
			       size_t recv_count, int recv_type,
			       struct rig_request **request);
RIG_API int rig_team_ialltoallv(struct rig_team *team, const void *send,
				const size_t *send_counts,
				const size_t *send_displs, int send_type,
				void *recv, const size_t *recv_counts,
				const size_t *recv_displs, int recv_type,
				struct rig_request **request);

/* --- neighbours in a grid (cart.h) --- */

RIG_API int rig_team_ineighbor_alltoall(struct rig_team *team, const void *send,
					size_t send_count, int send_type,
					void *recv, size_t recv_count,
					int recv_type,
					struct rig_request **request);
RIG_API int rig_team_ineighbor_alltoallv(
	struct rig_team *team, const void *send, const size_t *send_counts,
	const size_t *send_displs, int send_type, void *recv,
	const size_t *recv_counts, const size_t *recv_displs, int recv_type,
	struct rig_request **request);
RIG_API int rig_team_ineighbor_allgather(struct rig_team *team,
					 const void *send, size_t send_count,
					 int send_type, void *recv,
					 size_t recv_count, int recv_type,
					 struct rig_request **request);

/* Until the request is complete the whole array is the library's, the elements
 * that the rank owns too: they may be read, but not written.  (`extents` is read
 * only in the call.) */
RIG_API int rig_team_ihalo(struct rig_team *team, void *array,
			   const size_t *extents, size_t width, int type,
			   struct rig_request **request);

/* --- plans --- */

RIG_API int rig_team_barrier_init(struct rig_team *team,
				  struct rig_request **request);
RIG_API int rig_team_bcast_init(struct rig_team *team, void *buffer,
				size_t count, int type, int root,
				struct rig_request **request);
RIG_API int rig_team_reduce_init(struct rig_team *team, const void *send,
				 void *recv, size_t count, int type, int op,
				 int root, struct rig_request **request);
RIG_API int rig_team_allreduce_init(struct rig_team *team, const void *send,
				    void *recv, size_t count, int type, int op,
				    struct rig_request **request);
RIG_API int rig_team_reduce_scatter_init(struct rig_team *team,
					 const void *send, void *recv,
					 const size_t *counts, int type, int op,
					 struct rig_request **request);
RIG_API int rig_team_reduce_scatter_block_init(struct rig_team *team,
					       const void *send, void *recv,
					       size_t count, int type, int op,
					       struct rig_request **request);
RIG_API int rig_team_scan_init(struct rig_team *team, const void *send,
			       void *recv, size_t count, int type, int op,
			       struct rig_request **request);
RIG_API int rig_team_exscan_init(struct rig_team *team, const void *send,
				 void *recv, size_t count, int type, int op,
				 struct rig_request **request);
RIG_API int rig_team_gather_init(struct rig_team *team, const void *send,
				 size_t send_count, int send_type, void *recv,
				 size_t recv_count, int recv_type, int root,
				 struct rig_request **request);
RIG_API int rig_team_gatherv_init(struct rig_team *team, const void *send,
				  size_t send_count, int send_type, void *recv,
				  const size_t *recv_counts,
				  const size_t *recv_displs, int recv_type,
				  int root, struct rig_request **request);
RIG_API int rig_team_scatter_init(struct rig_team *team, const void *send,
				  size_t send_count, int send_type, void *recv,
				  size_t recv_count, int recv_type, int root,
				  struct rig_request **request);
RIG_API int rig_team_scatterv_init(struct rig_team *team, const void *send,
				   const size_t *send_counts,
				   const size_t *send_displs, int send_type,
				   void *recv, size_t recv_count, int recv_type,
				   int root, struct rig_request **request);
RIG_API int rig_team_allgather_init(struct rig_team *team, const void *send,
				    size_t send_count, int send_type,
				    void *recv, size_t recv_count,
				    int recv_type,
				    struct rig_request **request);
RIG_API int rig_team_allgatherv_init(struct rig_team *team, const void *send,
				     size_t send_count, int send_type,
				     void *recv, const size_t *recv_counts,
				     const size_t *recv_displs, int recv_type,
				     struct rig_request **request);
RIG_API int rig_team_alltoall_init(struct rig_team *team, const void *send,
				   size_t send_count, int send_type, void *recv,
				   size_t recv_count, int recv_type,
				   struct rig_request **request);
RIG_API int rig_team_alltoallv_init(struct rig_team *team, const void *send,
				    const size_t *send_counts,
				    const size_t *send_displs, int send_type,
				    void *recv, const size_t *recv_counts,
				    const size_t *recv_displs, int recv_type,
				    struct rig_request **request);

RIG_API int rig_team_neighbor_alltoall_init(struct rig_team *team,
					    const void *send, size_t send_count,
					    int send_type, void *recv,
					    size_t recv_count, int recv_type,
					    struct rig_request **request);
RIG_API int rig_team_neighbor_alltoallv_init(
	struct rig_team *team, const void *send, const size_t *send_counts,
	const size_t *send_displs, int send_type, void *recv,
	const size_t *recv_counts, const size_t *recv_displs, int recv_type,
	struct rig_request **request);
RIG_API int rig_team_neighbor_allgather_init(struct rig_team *team,
					     const void *send,
					     size_t send_count, int send_type,
					     void *recv, size_t recv_count,
					     int recv_type,
					     struct rig_request **request);
RIG_API int rig_team_halo_init(struct rig_team *team, void *array,
			       const size_t *extents, size_t width, int type,
			       struct rig_request **request);

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
