/* SPDX-License-Identifier: MIT */
/*
 * mixed_grids.c - steps of test_mixed.c in a grid: blocks and layers of neighbours.
 */
#include "mixed.h"

#include <errno.h>
#include <stdbool.h>

static int exchanges_blocks(struct mix *mix, struct rig_team *cart, int ndims)
{
	const int sides = 2 * ndims, rank = rig_team_rank(cart);
	const size_t n = mix->n % 50;
	int r;

	for (size_t i = 0; i < (size_t)sides * n; i++) {
		mixed_send[i] = mixed_value(mix->salt, rank, i);
		mixed_recv[i] = 1;
	}
	r = rig_team_neighbor_alltoall(cart, mixed_send, n, RIG_UINT32,
				       mixed_recv, n, RIG_UINT32);
	for (int k = 0; r == 0 && k < sides; k++) {
		uint32_t *block = mixed_recv + (size_t)k * n;
		int side[2];

		r = rig_team_cart_shift(cart, k / 2, 1, &side[0], &side[1]);
		if (r == 0 && side[k % 2] == RIG_PROC_NULL && n && *block != 1)
			r = -EBADMSG;
		if (r == 0 && side[k % 2] != RIG_PROC_NULL)
			r = mixed_expect(mix, block, side[k % 2],
					 (size_t)(k ^ 1) * n, n);
	}
	return r;
}

/* The word that belongs at a (local) row and column of this rank's array; 0: beyond
 * an edge. */
static uint32_t cell(const struct mix *mix, const int *dims,
		     const bool *periods, const int *coords, const int *local,
		     int own, int width)
{
	int at[2];

	for (int i = 0; i < 2; i++) {
		const int all = own * dims[i];

		at[i] = coords[i] * own + local[i] - width;
		if (periods[i])
			at[i] = (at[i] + all) % all;
		if (at[i] < 0 || at[i] >= all)
			return 0;
	}
	return mixed_value(mix->salt, at[0], (size_t)at[1]) | 1;
}

static int exchanges_halo(struct mix *mix, struct rig_team *cart,
			  const int *dims, const bool *periods)
{
	enum { OWN_MAX = 8, WIDTH_MAX = 3, SIDE_MAX = OWN_MAX + 2 * WIDTH_MAX };
	static uint32_t array[SIDE_MAX * SIDE_MAX];
	const int width = 1 + (int)(mix->salt % WIDTH_MAX);
	const int own = WIDTH_MAX + (int)(mix->salt / 7 % 6);
	const int side = own + 2 * width;
	const size_t extents[2] = { (size_t)side, (size_t)side };
	int coords[RIG_DIMS_MAX], r;

	(void)rig_team_cart_get(cart, NULL, NULL, NULL, coords);
	for (int i = 0; i < side * side; i++) {
		const int at[2] = { i / side, i % side };
		const bool mine = at[0] >= width && at[0] < width + own &&
				  at[1] >= width && at[1] < width + own;

		array[i] =
			mine ? cell(mix, dims, periods, coords, at, own, width)
			     : 0;
	}
	r = rig_team_halo(cart, array, extents, (size_t)width, RIG_UINT32);
	for (int i = 0; r == 0 && i < side * side; i++) {
		const int at[2] = { i / side, i % side };

		if (array[i] !=
		    cell(mix, dims, periods, coords, at, own, width))
			r = -EBADMSG;
	}
	return r;
}

int mixed_grids(struct mix *mix)
{
	const bool periods[2] = { mix->salt & 1, mix->salt & 2 };
	struct rig_team *cart = NULL;
	int dims[2] = { 0, 0 };
	int r = rig_dims_create(mix->size, 2, dims);

	if (r == 0)
		r = rig_team_cart_create(mix->team, 2, dims, periods, &cart);
	if (r == 0)
		r = exchanges_blocks(mix, cart, 2);
	if (r == 0)
		r = exchanges_halo(mix, cart, dims, periods);
	return r ? r : rig_team_free(cart);
}
