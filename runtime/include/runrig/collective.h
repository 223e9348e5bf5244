/* SPDX-License-Identifier: MIT */
/*
 * collective.h - MPI's collective verbs over the ranks of a team.
 *
 * Names, argument order and meaning are MPI's, but the team comes first, counts
 * are size_t, and errors are negative.  All functions here are for workers,
 * within a kernel.  Unless a comment says otherwise a function is *collective*:
 * every rank of the team calls the same functions in the same order, with the
 * same root, count, type and operation, and waits for the ranks whose data the
 * call needs.
 *
 * A verb is an entry of up to three functions with the same arguments and meaning:
 *
 *	rig_team_bcast()        waits
 *	rig_team_ibcast()       returns at once, with a request to wait for
 *	rig_team_bcast_init()   makes a plan, to start many times
 *
 * nonblocking.h has the rules for requests and plans, and message.h the waits.
 *
 * Buffers may be private memory or lie in segments of the job; other ranks read
 * a buffer in a segment in place, where that is faster than a copy.  The buffers of a call do not overlap, across
 * ranks either, but for RIG_IN_PLACE.  When a call returns, its buffers are the
 * caller's again.  Where there are no elements a buffer may be NULL.
 *
 * Reductions keep rank order and associate the same way on every run with the
 * same number of ranks and the same count: the same bits each time, on each
 * rank.  Operations therefore need not commute.  RIG_SUM | RIG_REPRODUCIBLE
 * promises more: see RIG_REPRODUCIBLE.
 *
 * Each function returns 0, or
 *
 *	-EINVAL   an argument is out of range, buffers of this rank overlap or
 *	          would end beyond all memory, or ranks make different calls:
 *	          the words name both calls, and the run fails.  Where no rank
 *	          looks at another rank, the difference is found at the next
 *	          barrier of the team or of the team of all, or when the run
 *	          ends
 */
#ifndef RUNRIG_COLLECTIVE_H
#define RUNRIG_COLLECTIVE_H

#include <stdint.h>

#include <runrig/api.h>
#include <runrig/dtype.h>
#include <runrig/team.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_request;

/* As `send`: this rank's contribution is in `recv`, where MPI has the
 * contribution.  (For scatter, at the root, as `recv`.) */
#define RIG_IN_PLACE ((void *)-1)

/* The most user-defined operations of a process. */
#define RIG_USER_OPS_MAX 64

/* The most bytes of an element of a type made by rig_type_opaque(). */
#define RIG_OPAQUE_MAX ((size_t)1 << 16)

/*
 * A type is a value of enum rig_dtype, a pair below for MINLOC and MAXLOC, or a
 * number from rig_type_opaque().
 */
enum rig_type {
	RIG_INT32_AT = 64, /* struct rig_int32_at */
	RIG_INT64_AT,      /* struct rig_int64_at, likewise the next types */
	RIG_FLOAT32_AT,
	RIG_FLOAT64_AT,
	RIG_EXACT, /* struct rig_sum of sum.h; only for RIG_SUM */
	/* The same with an int, as MPI's SHORT_INT, LONG_INT, DOUBLE_INT and
	 * LONG_DOUBLE_INT have; 2INT is RIG_INT32_AT, FLOAT_INT is
	 * RIG_FLOAT32_AT. */
	RIG_INT16_AT32,
	RIG_INT64_AT32,
	RIG_FLOAT64_AT32,
	RIG_FLOAT128_AT32
};

struct rig_int32_at {
	int32_t value;
	int32_t at;
};

struct rig_int64_at {
	int64_t value;
	int64_t at;
};

struct rig_float32_at {
	float value;
	int32_t at;
};

struct rig_float64_at {
	double value;
	int64_t at;
};

struct rig_int16_at32 {
	int16_t value;
	int32_t at;
};

struct rig_int64_at32 {
	int64_t value;
	int32_t at;
};

struct rig_float64_at32 {
	double value;
	int32_t at;
};

struct rig_float128_at32 {
	long double value;
	int32_t at;
};

/*
 * allreduce(NaN of rank 1, 1.0 of the others, RIG_MIN) is NaN: a NaN is less
 * than every number for MIN and MINLOC, greater for MAX and MAXLOC.  Zeros of
 * both signs are equal.  Every byte but 0 is true in RIG_BOOL, and a result is
 * 0 or 1.
 *
 * float16 and bfloat16 are summed and multiplied in float32, and rounded a
 * single time, when all ranks' elements are in: a result is not the fold of
 * partial results.
 */
enum rig_op {
	RIG_SUM, /* RIG_SUM to RIG_MAX: not for bool */
	RIG_PROD,
	RIG_MIN,  /* not for complex numbers */
	RIG_MAX,  /* likewise */
	RIG_LAND, /* RIG_LAND to RIG_BXOR: for integers and bool only */
	RIG_LOR,
	RIG_LXOR,
	RIG_BAND,
	RIG_BOR,
	RIG_BXOR,
	RIG_MINLOC, /* MINLOC and MAXLOC: for the ..._AT types only */
	RIG_MAXLOC, /* among equal values the lower `at` wins */
	RIG_OPS
};

/*
 * RIG_SUM | RIG_REPRODUCIBLE: each element is the number nearest to the exact sum
 * of the ranks' elements (an error of half a unit in the last place at most): the
 * same bits whichever rank has which element.  For float32, float64, complex64 and
 * complex128; every operation on integers and bool is reproducible anyhow, and may
 * be marked.  The cost: docs/team.md.
 *
 * For the same bits with any number of ranks the ranks' own sums must not be
 * rounded: use rig_team_sum() or RIG_EXACT.
 */
#define RIG_REPRODUCIBLE 128

/* Bytes of an element; 0: `type` is no type.  Any thread; never waits. */
RIG_API size_t rig_type_bytes(int type);

/* The type of elements of `bytes` bytes (1 to RIG_OPAQUE_MAX) of which nothing
 * else is known: to be moved, or reduced by a user's operation.  Returns the
 * type or -EINVAL.  Any process; nothing to free. */
RIG_API int rig_type_opaque(size_t bytes);

/* inout[i] = in[i] op inout[i], where `in` is of the lower ranks. */
typedef void rig_op_fn(const void *in, void *inout, size_t count, int type);

/*
 * An associative operation of the user's, for any type.  Returns a number to be
 * given as `op`, or -ENOSPC.  A second call for the same function returns the
 * same number.  Not collective, but every rank makes its operations in the same
 * order, or the caller makes the operations before the pool.
 */
RIG_API int rig_op_create(rig_op_fn *fn);

/* The same for a function that gets the pointer `arg` each time.  The same
 * function and argument have the same number. */
typedef void rig_op_arg_fn(const void *in, void *inout, size_t count, int type,
			   void *arg);
RIG_API int rig_op_create_arg(rig_op_arg_fn *fn, void *arg);

/* The forms of rig_team_barrier(), which is in team.h. */
RIG_API int rig_team_ibarrier(struct rig_team *team,
			      struct rig_request **request);
RIG_API int rig_team_barrier_init(struct rig_team *team,
				  struct rig_request **request);

/* The root's `count` elements, in `buffer` of every rank. */
RIG_API int rig_team_bcast(struct rig_team *team, void *buffer, size_t count,
			   int type, int root);
RIG_API int rig_team_ibcast(struct rig_team *team, void *buffer, size_t count,
			    int type, int root, struct rig_request **request);
RIG_API int rig_team_bcast_init(struct rig_team *team, void *buffer,
				size_t count, int type, int root,
				struct rig_request **request);

/* The elements of all ranks, folded element by element, in the root's `recv` (`count`
 * elements; elsewhere `recv` may be NULL). */
RIG_API int rig_team_reduce(struct rig_team *team, const void *send, void *recv,
			    size_t count, int type, int op, int root);
RIG_API int rig_team_ireduce(struct rig_team *team, const void *send,
			     void *recv, size_t count, int type, int op,
			     int root, struct rig_request **request);
RIG_API int rig_team_reduce_init(struct rig_team *team, const void *send,
				 void *recv, size_t count, int type, int op,
				 int root, struct rig_request **request);

/* The same, in every rank's `recv`. */
RIG_API int rig_team_allreduce(struct rig_team *team, const void *send,
			       void *recv, size_t count, int type, int op);
RIG_API int rig_team_iallreduce(struct rig_team *team, const void *send,
				void *recv, size_t count, int type, int op,
				struct rig_request **request);
RIG_API int rig_team_allreduce_init(struct rig_team *team, const void *send,
				    void *recv, size_t count, int type, int op,
				    struct rig_request **request);

/*
 * The sum of all numbers of all ranks, on each rank: `count` numbers in `x` here,
 * and another rank's own count there.  *sum is a number of the same type, the
 * nearest to the exact sum: the same bits however the numbers are dealt out among
 * any number of ranks.  For float32, float64, complex64 and complex128.
 */
RIG_API int rig_team_sum(struct rig_team *team, const void *x, size_t count,
			 int type, void *sum);

/* Rank r gets the next counts[r] elements of the reduction, in `recv`; `send` has the
 * sum of all counts, which are the same on each rank. */
RIG_API int rig_team_reduce_scatter(struct rig_team *team, const void *send,
				    void *recv, const size_t *counts, int type,
				    int op);
RIG_API int rig_team_ireduce_scatter(struct rig_team *team, const void *send,
				     void *recv, const size_t *counts, int type,
				     int op, struct rig_request **request);
RIG_API int rig_team_reduce_scatter_init(struct rig_team *team,
					 const void *send, void *recv,
					 const size_t *counts, int type, int op,
					 struct rig_request **request);

/* The same with `count` elements for each rank: `send` has `count` for each rank. */
RIG_API int rig_team_reduce_scatter_block(struct rig_team *team,
					  const void *send, void *recv,
					  size_t count, int type, int op);
RIG_API int rig_team_ireduce_scatter_block(struct rig_team *team,
					   const void *send, void *recv,
					   size_t count, int type, int op,
					   struct rig_request **request);
RIG_API int rig_team_reduce_scatter_block_init(struct rig_team *team,
					       const void *send, void *recv,
					       size_t count, int type, int op,
					       struct rig_request **request);

/* The elements of ranks 0 to this rank, folded. */
RIG_API int rig_team_scan(struct rig_team *team, const void *send, void *recv,
			  size_t count, int type, int op);
RIG_API int rig_team_iscan(struct rig_team *team, const void *send, void *recv,
			   size_t count, int type, int op,
			   struct rig_request **request);
RIG_API int rig_team_scan_init(struct rig_team *team, const void *send,
			       void *recv, size_t count, int type, int op,
			       struct rig_request **request);

/* The elements of the ranks below this rank, folded; rank 0's `recv` is unchanged. */
RIG_API int rig_team_exscan(struct rig_team *team, const void *send, void *recv,
			    size_t count, int type, int op);
RIG_API int rig_team_iexscan(struct rig_team *team, const void *send,
			     void *recv, size_t count, int type, int op,
			     struct rig_request **request);
RIG_API int rig_team_exscan_init(struct rig_team *team, const void *send,
				 void *recv, size_t count, int type, int op,
				 struct rig_request **request);

/*
 * Counts and displacements, here and below, are in elements of the type beside the
 * count: send_type or recv_type.  A rank sends as many bytes as the other rank
 * receives.
 */

/* The elements of all ranks, in rank order, in the root's `recv`: recv_count elements
 * from each rank.  recv, recv_count and recv_type matter at the root alone. */
RIG_API int rig_team_gather(struct rig_team *team, const void *send,
			    size_t send_count, int send_type, void *recv,
			    size_t recv_count, int recv_type, int root);
RIG_API int rig_team_igather(struct rig_team *team, const void *send,
			     size_t send_count, int send_type, void *recv,
			     size_t recv_count, int recv_type, int root,
			     struct rig_request **request);
RIG_API int rig_team_gather_init(struct rig_team *team, const void *send,
				 size_t send_count, int send_type, void *recv,
				 size_t recv_count, int recv_type, int root,
				 struct rig_request **request);

/* The same with a count for each rank: the elements of rank r begin at
 * recv_displs[r].  recv_counts and recv_displs have an entry for each rank, and matter
 * at the root alone. */
RIG_API int rig_team_gatherv(struct rig_team *team, const void *send,
			     size_t send_count, int send_type, void *recv,
			     const size_t *recv_counts,
			     const size_t *recv_displs, int recv_type,
			     int root);
RIG_API int rig_team_igatherv(struct rig_team *team, const void *send,
			      size_t send_count, int send_type, void *recv,
			      const size_t *recv_counts,
			      const size_t *recv_displs, int recv_type,
			      int root, struct rig_request **request);
RIG_API int rig_team_gatherv_init(struct rig_team *team, const void *send,
				  size_t send_count, int send_type, void *recv,
				  const size_t *recv_counts,
				  const size_t *recv_displs, int recv_type,
				  int root, struct rig_request **request);

/* Rank r gets the r-th `recv_count` elements of the root's `send`. */
RIG_API int rig_team_scatter(struct rig_team *team, const void *send,
			     size_t send_count, int send_type, void *recv,
			     size_t recv_count, int recv_type, int root);
RIG_API int rig_team_iscatter(struct rig_team *team, const void *send,
			      size_t send_count, int send_type, void *recv,
			      size_t recv_count, int recv_type, int root,
			      struct rig_request **request);
RIG_API int rig_team_scatter_init(struct rig_team *team, const void *send,
				  size_t send_count, int send_type, void *recv,
				  size_t recv_count, int recv_type, int root,
				  struct rig_request **request);

/* The same with a count for each rank, as in gatherv. */
RIG_API int rig_team_scatterv(struct rig_team *team, const void *send,
			      const size_t *send_counts,
			      const size_t *send_displs, int send_type,
			      void *recv, size_t recv_count, int recv_type,
			      int root);
RIG_API int rig_team_iscatterv(struct rig_team *team, const void *send,
			       const size_t *send_counts,
			       const size_t *send_displs, int send_type,
			       void *recv, size_t recv_count, int recv_type,
			       int root, struct rig_request **request);
RIG_API int rig_team_scatterv_init(struct rig_team *team, const void *send,
				   const size_t *send_counts,
				   const size_t *send_displs, int send_type,
				   void *recv, size_t recv_count, int recv_type,
				   int root, struct rig_request **request);

/* The elements of all ranks, in rank order, in every rank's `recv`: recv_count elements from each
 * rank. */
RIG_API int rig_team_allgather(struct rig_team *team, const void *send,
			       size_t send_count, int send_type, void *recv,
			       size_t recv_count, int recv_type);
RIG_API int rig_team_iallgather(struct rig_team *team, const void *send,
				size_t send_count, int send_type, void *recv,
				size_t recv_count, int recv_type,
				struct rig_request **request);
RIG_API int rig_team_allgather_init(struct rig_team *team, const void *send,
				    size_t send_count, int send_type,
				    void *recv, size_t recv_count,
				    int recv_type,
				    struct rig_request **request);

/* The same with a count for each rank, as in gatherv. */
RIG_API int rig_team_allgatherv(struct rig_team *team, const void *send,
				size_t send_count, int send_type, void *recv,
				const size_t *recv_counts,
				const size_t *recv_displs, int recv_type);
RIG_API int rig_team_iallgatherv(struct rig_team *team, const void *send,
				 size_t send_count, int send_type, void *recv,
				 const size_t *recv_counts,
				 const size_t *recv_displs, int recv_type,
				 struct rig_request **request);
RIG_API int rig_team_allgatherv_init(struct rig_team *team, const void *send,
				     size_t send_count, int send_type,
				     void *recv, const size_t *recv_counts,
				     const size_t *recv_displs, int recv_type,
				     struct rig_request **request);

/* The r-th send_count elements of `send` go to rank r, where the elements of all ranks
 * stand in rank order. */
RIG_API int rig_team_alltoall(struct rig_team *team, const void *send,
			      size_t send_count, int send_type, void *recv,
			      size_t recv_count, int recv_type);
RIG_API int rig_team_ialltoall(struct rig_team *team, const void *send,
			       size_t send_count, int send_type, void *recv,
			       size_t recv_count, int recv_type,
			       struct rig_request **request);
RIG_API int rig_team_alltoall_init(struct rig_team *team, const void *send,
				   size_t send_count, int send_type, void *recv,
				   size_t recv_count, int recv_type,
				   struct rig_request **request);

/* The same with a count for each rank, as in gatherv, in both directions. */
RIG_API int rig_team_alltoallv(struct rig_team *team, const void *send,
			       const size_t *send_counts,
			       const size_t *send_displs, int send_type,
			       void *recv, const size_t *recv_counts,
			       const size_t *recv_displs, int recv_type);
RIG_API int rig_team_ialltoallv(struct rig_team *team, const void *send,
				const size_t *send_counts,
				const size_t *send_displs, int send_type,
				void *recv, const size_t *recv_counts,
				const size_t *recv_displs, int recv_type,
				struct rig_request **request);
RIG_API int rig_team_alltoallv_init(struct rig_team *team, const void *send,
				    const size_t *send_counts,
				    const size_t *send_displs, int send_type,
				    void *recv, const size_t *recv_counts,
				    const size_t *recv_displs, int recv_type,
				    struct rig_request **request);

/* As `color`: this rank will be in no new team. */
#define RIG_UNDEFINED (-1)

/*
 * Make a new team of all ranks that give the same color (0 and up), in the order
 * of `key`, then of their ranks here.  Sets *out to this rank's view of the team,
 * or to NULL.  The ranks end the team by rig_team_free(), or the team goes with
 * the run.
 *
 * Also -ENOSPC: there are 4096 teams of all ranks of the pool, or more smaller
 * teams; -ENOMEM.  All ranks of `team` return the same error, and no rank has a
 * new team.
 */
RIG_API int rig_team_split(struct rig_team *team, int color, int key,
			   struct rig_team **out);

/* The parts of the machine that ranks may have in common. */
enum rig_level {
	RIG_LEVEL_HOST, /* all ranks of a pool have the host in common */
	RIG_LEVEL_PACKAGE,
	RIG_LEVEL_NODE, /* NUMA node */
	RIG_LEVEL_L3,
	RIG_LEVELS
};

/*
 * As rig_team_split(), a team a package, NUMA node or L3 cache, by the place of
 * each rank when the pool was made.  The ranks whose cores belong to several
 * packages (nodes, caches), or to none that is known, are a team together.
 * Also -EINVAL: `level` is no level.
 */
RIG_API int rig_team_split_type(struct rig_team *team, enum rig_level level,
				int key, struct rig_team **out);

/* The same ranks in the same order, in a team of their own. */
RIG_API int rig_team_dup(struct rig_team *team, struct rig_team **out);

/* Collective over `team`; NULL is allowed, and the team of the kernel is left
 * alone.  Returns 0 or as above. */
RIG_API int rig_team_free(struct rig_team *team);

#ifdef __cplusplus
}
#endif

#endif
