/* SPDX-License-Identifier: MIT */
/*
 * cart.h - ranks in a grid, their neighbours, and the exchange of halos.
 *
 * Names, argument order and meaning are MPI's, but the team comes first, counts
 * are size_t, and errors are negative.  All functions are for workers, within a
 * kernel.  Coordinates are in C order: the last coordinate runs fastest.
 *
 * Verbs over neighbours are entries of three functions, as in collective.h.
 *
 * A rank has two neighbours in each dimension: a lower neighbour, whose coordinate
 * is less by 1, and a higher neighbour.  Neighbour 2 * d is the lower neighbour in
 * dimension d and 2 * d + 1 the higher; beyond the edge of a dimension that is not
 * periodic the neighbour is RIG_PROC_NULL, and nothing is sent or received.
 *
 * Each function returns 0, or -EINVAL where an argument is out of range or the
 * team is no grid, or the errors in its own comment.
 */
#ifndef RUNRIG_CART_H
#define RUNRIG_CART_H

#include <stdbool.h>

#include <runrig/api.h>
#include <runrig/collective.h>
#include <runrig/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Dimensions of a grid, and of an array with a halo. */
#define RIG_DIMS_MAX 4

/*
 * Fill in the zeros of dims[0..ndims-1], so that the product of all is `size` and
 * the new entries are in falling order, the largest and the smallest as near to
 * each other as can be (MPI_Dims_create): 108 ranks in three dimensions are
 * 6 x 6 x 3.  ndims is 0 to RIG_DIMS_MAX; 0 is for a single rank.  Any process;
 * never waits.  Returns 0, or -EINVAL and leaves dims unchanged.
 */
RIG_API int rig_dims_create(int size, int ndims, int *dims);

/*
 * Collective.  Make a team in which rank r has the coordinates of the r-th
 * point of a grid of dims[0] x dims[1] x ...; *out is NULL on ranks for which
 * there is no point.  Otherwise as rig_team_split().
 */
RIG_API int rig_team_cart_create(struct rig_team *team, int ndims,
				 const int *dims, const bool *periods,
				 struct rig_team **out);

/* The grid of a team: the number of dimensions (0: no grid), and this rank's
 * coordinates; the arrays hold RIG_DIMS_MAX entries, and may be NULL.  Never
 * wait, as the next calls. */
RIG_API int rig_team_cart_get(const struct rig_team *team, int *ndims,
			      int *dims, bool *periods, int *coords);
RIG_API int rig_team_cart_coords(struct rig_team *team, int rank, int *coords);

/* A coordinate outside of a periodic dimension wraps around; outside of another
 * dimension the answer is -EINVAL. */
RIG_API int rig_team_cart_rank(struct rig_team *team, const int *coords,
			       int *rank);

/* The ranks `disp` lower (*source) and higher (*dest) in dimension `dim`; each may
 * be RIG_PROC_NULL. */
RIG_API int rig_team_cart_shift(struct rig_team *team, int dim, int disp,
				int *source, int *dest);

/*
 * Collective over the team.  Send block k of `send` to neighbour k, and receive
 * block k of `recv` from neighbour k; the block of a neighbour RIG_PROC_NULL is
 * left unchanged.  Also the errors of rig_team_recv().
 */
RIG_API int rig_team_neighbor_alltoall(struct rig_team *team, const void *send,
				       size_t send_count, int send_type,
				       void *recv, size_t recv_count,
				       int recv_type);
RIG_API int rig_team_ineighbor_alltoall(struct rig_team *team, const void *send,
					size_t send_count, int send_type,
					void *recv, size_t recv_count,
					int recv_type,
					struct rig_request **request);
RIG_API int rig_team_neighbor_alltoall_init(struct rig_team *team,
					    const void *send, size_t send_count,
					    int send_type, void *recv,
					    size_t recv_count, int recv_type,
					    struct rig_request **request);

/* The same with a count and a displacement for each neighbour, in elements of the type
 * beside the count. */
RIG_API int rig_team_neighbor_alltoallv(
	struct rig_team *team, const void *send, const size_t *send_counts,
	const size_t *send_displs, int send_type, void *recv,
	const size_t *recv_counts, const size_t *recv_displs, int recv_type);
RIG_API int rig_team_ineighbor_alltoallv(
	struct rig_team *team, const void *send, const size_t *send_counts,
	const size_t *send_displs, int send_type, void *recv,
	const size_t *recv_counts, const size_t *recv_displs, int recv_type,
	struct rig_request **request);
RIG_API int rig_team_neighbor_alltoallv_init(
	struct rig_team *team, const void *send, const size_t *send_counts,
	const size_t *send_displs, int send_type, void *recv,
	const size_t *recv_counts, const size_t *recv_displs, int recv_type,
	struct rig_request **request);

/* Likewise, but every neighbour gets all of `send`. */
RIG_API int rig_team_neighbor_allgather(struct rig_team *team, const void *send,
					size_t send_count, int send_type,
					void *recv, size_t recv_count,
					int recv_type);
RIG_API int rig_team_ineighbor_allgather(struct rig_team *team,
					 const void *send, size_t send_count,
					 int send_type, void *recv,
					 size_t recv_count, int recv_type,
					 struct rig_request **request);
RIG_API int rig_team_neighbor_allgather_init(struct rig_team *team,
					     const void *send,
					     size_t send_count, int send_type,
					     void *recv, size_t recv_count,
					     int recv_type,
					     struct rig_request **request);

/*
 * Collective over the team.  Exchange the halo of this rank's part of an array:
 * `array` is in C order, of extents[0] x extents[1] x ... elements in as many
 * dimensions as the grid has, and its outer `width` layers on each side are
 * copies of the neighbours' layers; all copies are brought up to date, edges and
 * corners too.  Where there is no neighbour the layers stay unchanged.
 *
 * A rank owns at least `width` layers, so extents are 3 * width or more; ranks
 * beside each other have the same extents in the other dimensions.  Also
 * -ENOMEM, and the errors of rig_team_recv().
 *
 * Until a request is complete the whole array is the library's, the elements that the
 * rank owns too: the rank may read the array, but not write.  (`extents` is read only
 * in the call.)
 */
RIG_API int rig_team_halo(struct rig_team *team, void *array,
			  const size_t *extents, size_t width, int type);
RIG_API int rig_team_ihalo(struct rig_team *team, void *array,
			   const size_t *extents, size_t width, int type,
			   struct rig_request **request);
RIG_API int rig_team_halo_init(struct rig_team *team, void *array,
			       const size_t *extents, size_t width, int type,
			       struct rig_request **request);

#ifdef __cplusplus
}
#endif

#endif
