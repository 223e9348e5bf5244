/* SPDX-License-Identifier: MIT */
/*
 * same_as_mpi_teams.c - the rows of teams, grids and one-sided calls, for
 * same_as_mpi.c.
 */
#include <stdbool.h>
#include <string.h>

#include "same_as_mpi.h"

static void teams(void)
{
	team_t part = NO_TEAM, twin = NO_TEAM, world = all;
	int color = rank == 1 ? NO_COLOR : rank % 2, r = -9, n = -9;

	begin();
#ifdef WITH_MPI
	MUST(MPI_Comm_split(world, color, -rank, &part));
	MUST(MPI_Comm_dup(world, &twin));
	if (part != NO_TEAM) {
		MUST(MPI_Comm_rank(part, &r));
		MUST(MPI_Comm_size(part, &n));
		MUST(MPI_Allreduce(in, out, 2, I64, MPI_SUM, part));
		MUST(MPI_Comm_free(&part));
	}
	MUST(MPI_Bcast(out + 4, 1, I64, 0, twin));
	MUST(MPI_Comm_free(&twin));
#else
	MUST(rig_team_split(world, color, -rank, &part));
	MUST(rig_team_dup(world, &twin));
	if (part != NO_TEAM) {
		r = rig_team_rank(part);
		n = rig_team_size(part);
		MUST(rig_team_allreduce(part, in, out, 2, I64, RIG_SUM));
		MUST(rig_team_free(part));
	}
	MUST(rig_team_bcast(twin, out + 4, 1, I64, 0));
	MUST(rig_team_free(twin));
#endif
	out[2] = r;
	out[3] = n;
	print("Comm_split", " UNDEFINED");
}

static void dims(void)
{
	begin();
	for (int n = 1; n <= 24; n++) {
		int sides[3] = { 0, 0, n % 2 ? 0 : 2 };

#ifdef WITH_MPI
		MUST(MPI_Dims_create(n, 3, sides));
#else
		MUST(rig_dims_create(n, 3, sides));
#endif
		out[n] = sides[0] * 10000 + sides[1] * 100 + sides[2];
	}
	print("Dims_create", "");
}

static void grid(void)
{
	int sides[2] = { size, 1 }, coords[2], back, up, down;
	team_t cart;

	begin();
#ifdef WITH_MPI
	MUST(MPI_Cart_create(all, 2, sides, (int[]){ 1, 0 }, 0, &cart));
	MUST(MPI_Cart_coords(cart, rank, 2, coords));
	MUST(MPI_Cart_rank(cart, coords, &back));
	MUST(MPI_Cart_shift(cart, 0, 1, &up, &down));
	MUST(MPI_Neighbor_allgather(in, 1, I64, out, 1, I64, cart));
	MUST(MPI_Neighbor_alltoall(in, 1, I64, out + 8, 1, I64, cart));
#else
	MUST(rig_team_cart_create(all, 2, sides, (bool[]){ true, false },
				  &cart));
	MUST(rig_team_cart_coords(cart, rank, coords));
	MUST(rig_team_cart_rank(cart, coords, &back));
	MUST(rig_team_cart_shift(cart, 0, 1, &up, &down));
	MUST(rig_team_neighbor_allgather(cart, in, 1, I64, out, 1, I64));
	MUST(rig_team_neighbor_alltoall(cart, in, 1, I64, out + 8, 1, I64));
#endif
	out[16] = coords[0] * 100 + coords[1];
	out[17] = back;
	out[18] = up;
	out[19] = down;
	/* The open dimension of one rank has no neighbours. */
#ifdef WITH_MPI
	MUST(MPI_Cart_shift(cart, 1, 1, &up, &down));
#else
	MUST(rig_team_cart_shift(cart, 1, 1, &up, &down));
#endif
	out[20] = up == NOBODY && down == NOBODY;
	print("Cart_create", "");
}

static void one_sided(void)
{
	uint64_t *words, fetched = 0, before = 0, one = 1, five = 5, nought = 0;
	int next = (rank + 1) % size;

	begin();
#ifdef WITH_MPI
	MPI_Win window;

	MUST(MPI_Win_allocate(4 * sizeof(*words), 8, MPI_INFO_NULL, all, &words,
			      &window));
	memset(words, 0, 4 * sizeof(*words));
	MUST(MPI_Barrier(all));
	MUST(MPI_Win_lock_all(0, window));
	MUST(MPI_Put(in, 1, I64, next, 0, 1, I64, window));
	MUST(MPI_Fetch_and_op(&one, &fetched, MPI_UINT64_T, 0, 1, MPI_SUM,
			      window));
	MUST(MPI_Compare_and_swap(&five, &nought, &before, MPI_UINT64_T, next,
				  2, window));
	MUST(MPI_Accumulate(in, 1, I64, 0, 3, 1, I64, MPI_SUM, window));
	MUST(MPI_Win_flush_all(window));
	MUST(MPI_Barrier(all));
	MUST(MPI_Get(out + 5, 4, I64, next, 0, 4, I64, window));
	MUST(MPI_Win_unlock_all(window));
	MUST(MPI_Barrier(all));
	memcpy(out, words, 4 * sizeof(*words));
	MUST(MPI_Win_free(&window));
#else
	MUST(rig_team_alloc(all, 4 * sizeof(*words), (void **)&words));
	memset(words, 0, 4 * sizeof(*words));
	MUST(rig_team_barrier(all));
	MUST(rig_team_put(all, words, in, sizeof(*words), next));
	MUST(rig_team_fetch_add(all, words + 1, one, 0, &fetched));
	MUST(rig_team_compare_swap(all, words + 2, nought, five, next,
				   &before));
	MUST(rig_team_accumulate(all, words + 3, in, 1, I64, RIG_SUM, 0));
	MUST(rig_team_barrier(all));
	MUST(rig_team_get(all, out + 5, words, 4 * sizeof(*words), next));
	MUST(rig_team_barrier(all));
	memcpy(out, words, 4 * sizeof(*words));
	MUST(rig_team_dealloc(all, words));
#endif
	out[4] = fetched < (uint64_t)size && before == 0;
	print("Win_allocate", "");
}

void same_teams(void)
{
	teams();
	dims();
	grid();
	one_sided();
}
