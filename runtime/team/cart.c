/* SPDX-License-Identifier: MIT */
/*
 * cart.c - grids of ranks, and what neighbours exchange.
 *
 * A grid is a team with dimensions.  Exchanges are messages with a context of
 * their own, so that no receive of the kernel's can get them; the tag says in
 * which direction one goes, for two neighbours may be the same rank.
 *
 * A halo is exchanged one dimension after the other, each slab over the whole
 * width of the array: so corners arrive by way of the neighbours between.
 */
#include <runrig/cart.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "team/call.h"
#include "base/error.h"
#include "team/blocks.h"
#include "team/mail.h"
#include "base/size.h"

#define SIDES (2 * RIG_DIMS_MAX)

/* --- the grid --- */

/* No int has more: 2095133040 has as many. */
#define DIVISORS_MAX 1600

/* In this process: `left` factors of a number, falling; those whose largest and
 * smallest are nearest to each other are sought. */
struct factors {
	int left;
	int trial[RIG_DIMS_MAX];
	int best[RIG_DIMS_MAX];
	int spread; /* of the best */
	int count;
	int divisors[DIVISORS_MAX]; /* of the number, rising */
};

static void find_divisors(struct factors *factors, int number)
{
	int *all = factors->divisors, low = 0, high = DIVISORS_MAX;

	for (int i = 1; i <= number / i; i++) {
		if (number % i)
			continue;
		all[low++] = i;
		if (i != number / i)
			all[--high] = number / i;
	}
	memmove(all + low, all + high,
		(size_t)(DIVISORS_MAX - high) * sizeof(*all));
	factors->count = low + DIVISORS_MAX - high;
}

/* Is factor^count more than `all`? */
static bool exceeds(int factor, int count, int all)
{
	long long power = 1;

	for (int i = 0; i < count && power <= all; i++)
		power *= factor;
	return power > all;
}

/* Factors of `rest` from `at` on, none above `most`. */
static void try_factors(struct factors *f, int at, int rest, int most)
{
	const int after = f->left - at - 1;

	if (after == 0 || at == RIG_DIMS_MAX - 1) {
		f->trial[at] = rest;
		if (rest > most || f->trial[0] - rest >= f->spread)
			return;
		f->spread = f->trial[0] - rest;
		memcpy(f->best, f->trial, sizeof(f->best));
		return;
	}
	for (int i = 0; i < f->count && f->divisors[i] <= most; i++) {
		const int d = f->divisors[i];
		const int first = at ? f->trial[0] : d;

		/* The largest is the root at least, and the smallest the root
		 * of what is left at most. */
		if (rest % d || !exceeds(d, after + 1, rest - 1))
			continue;
		if (first >= f->spread &&
		    exceeds(first - f->spread + 1, after, rest / d))
			break;
		f->trial[at] = d;
		try_factors(f, at + 1, rest / d, d);
	}
}

int rig_dims_create(int size, int ndims, int *dims)
{
	struct factors factors = { .spread = INT_MAX };
	int rest = size;

	if (size < 1 || ndims < 0 || ndims > RIG_DIMS_MAX)
		return rig_fail(-EINVAL,
				"dims_create: %d ranks in %d dimensions, not "
				"1 and more in 0 to %d",
				size, ndims, RIG_DIMS_MAX);
	for (int i = 0; i < ndims; i++) {
		if (dims[i] < 0 || (dims[i] && rest % dims[i]))
			return rig_fail(-EINVAL,
					"dims_create: dimension %d is %d, "
					"which does not divide %d ranks",
					i, dims[i], rest);
		if (dims[i])
			rest /= dims[i];
		else
			factors.left++;
	}
	if (factors.left == 0 && rest != 1)
		return rig_fail(-EINVAL,
				"dims_create: the dimensions are for %d ranks, "
				"not for %d",
				size / rest, size);
	if (factors.left == 0)
		return 0;
	find_divisors(&factors, rest);
	try_factors(&factors, 0, rest, rest);
	for (int i = 0, k = 0; i < ndims; i++)
		if (dims[i] == 0)
			dims[i] = factors.best[k++];
	return 0;
}

static int points(struct rig_team *team, int ndims, const int *dims)
{
	long long all = 1;

	if (ndims < 1 || ndims > RIG_DIMS_MAX)
		return rig_team_fail(team, -EINVAL,
				     "cart_create: %d dimensions, not 1 to %d",
				     ndims, RIG_DIMS_MAX);
	for (int i = 0; i < ndims; i++) {
		all *= dims[i];
		if (dims[i] < 1 || all > team->size)
			return rig_team_fail(
				team, -EINVAL,
				"cart_create: the grid has more points than "
				"%d, or none",
				team->size);
	}
	return (int)all;
}

int rig_team_cart_create(struct rig_team *team, int ndims, const int *dims,
			 const bool *periods, struct rig_team **out)
{
	int count = points(team, ndims, dims);
	struct rig_team *new = NULL;
	int r;

	if (count < 0)
		return count;
	r = rig_team_split(team, team->rank < count ? 0 : RIG_UNDEFINED,
			   team->rank, &new);
	if (r < 0)
		return r;
	if (new) {
		new->cart.ndims = ndims;
		for (int i = 0; i < ndims; i++) {
			new->cart.dims[i] = dims[i];
			new->cart.periods[i] = periods[i];
		}
	}
	*out = new;
	return 0;
}

static void coords_of(const struct cart *cart, int rank, int *coords)
{
	for (int i = cart->ndims - 1; i >= 0; i--) {
		coords[i] = rank % cart->dims[i];
		rank /= cart->dims[i];
	}
}

/* RIG_PROC_NULL: beyond an edge. */
static int rank_at(const struct cart *cart, const int *coords)
{
	int rank = 0;

	for (int i = 0; i < cart->ndims; i++) {
		const int n = cart->dims[i];
		int at = coords[i];

		if (cart->periods[i])
			at = (at % n + n) % n;
		if (at < 0 || at >= n)
			return RIG_PROC_NULL;
		rank = rank * n + at;
	}
	return rank;
}

static int check_cart(struct rig_team *team, const char *name)
{
	if (team->cart.ndims == 0)
		return rig_team_fail(team, -EINVAL,
				     "%s: the team is no grid: make one with "
				     "rig_team_cart_create()",
				     name);
	return 0;
}

int rig_team_cart_get(const struct rig_team *team, int *ndims, int *dims,
		      bool *periods, int *coords)
{
	const struct cart *cart = &team->cart;

	if (ndims)
		*ndims = cart->ndims;
	for (int i = 0; i < cart->ndims; i++) {
		if (dims)
			dims[i] = cart->dims[i];
		if (periods)
			periods[i] = cart->periods[i];
	}
	if (coords)
		coords_of(cart, team->rank, coords);
	return 0;
}

int rig_team_cart_coords(struct rig_team *team, int rank, int *coords)
{
	int r = check_cart(team, "cart_coords");

	if (r < 0)
		return r;
	if (rank < 0 || rank >= team->size)
		return rig_team_fail(team, -EINVAL,
				     "cart_coords: rank %d, not 0 to %d", rank,
				     team->size - 1);
	coords_of(&team->cart, rank, coords);
	return 0;
}

int rig_team_cart_rank(struct rig_team *team, const int *coords, int *rank)
{
	int r = check_cart(team, "cart_rank"), found;

	if (r < 0)
		return r;
	found = rank_at(&team->cart, coords);
	if (found < 0)
		return rig_team_fail(team, -EINVAL,
				     "cart_rank: a coordinate is beyond the "
				     "edge of the grid");
	*rank = found;
	return 0;
}

static int neighbor(const struct rig_team *team, int dim, int disp)
{
	int coords[RIG_DIMS_MAX];

	coords_of(&team->cart, team->rank, coords);
	coords[dim] += disp;
	return rank_at(&team->cart, coords);
}

int rig_team_cart_shift(struct rig_team *team, int dim, int disp, int *source,
			int *dest)
{
	int r = check_cart(team, "cart_shift");

	if (r < 0)
		return r;
	if (dim < 0 || dim >= team->cart.ndims)
		return rig_team_fail(team, -EINVAL,
				     "cart_shift: dimension %d, not 0 to %d",
				     dim, team->cart.ndims - 1);
	*source = neighbor(team, dim, -disp);
	*dest = neighbor(team, dim, disp);
	return 0;
}

/* --- exchanges --- */

/* Neighbour `side`, and the blocks to it and from it. */
static void add_side(struct rig_team *team, struct mail_exchange *exchange,
		     int side, const void *out, size_t out_bytes, void *in,
		     size_t in_bytes)
{
	const int rank = neighbor(team, side / 2, side % 2 ? 1 : -1);

	if (rank == RIG_PROC_NULL)
		return;
	exchange->send[exchange->count] =
		(struct mail_block){ rank, side, (char *)(uintptr_t)out,
				     out_bytes };
	/* It is our neighbour's opposite one. */
	exchange->recv[exchange->count++] =
		(struct mail_block){ rank, side ^ 1, in, in_bytes };
}

/* Block i to neighbour i; with one block in `sent`, that to all. */
static int exchange_sides(struct rig_team *team, const char *name,
			  const struct blocks *from, int sent,
			  const struct blocks *to, const void *where)
{
	struct mail_block send[SIDES], recv[SIDES];
	struct mail_exchange exchange = { send, recv, 0 };
	const int sides = 2 * team->cart.ndims;
	int r = check_cart(team, name);

	if (r == 0)
		r = blocks_check(team, VERB_NEIGHBOR, from, sent ? sent : sides,
				 to, sides);
	if (r < 0)
		return r;
	for (int i = 0; i < sides; i++) {
		const int block = sent == 1 ? 0 : i;

		add_side(team, &exchange, i, blocks_at(from, block),
			 blocks_bytes(from, block), blocks_at(to, i),
			 blocks_bytes(to, i));
	}
	return mail_exchange(team, &exchange, VERB_NEIGHBOR, where);
}

int rig_team_neighbor_alltoall(struct rig_team *team, const void *send,
			       size_t send_count, int send_type, void *recv,
			       size_t recv_count, int recv_type)
{
	const struct blocks from = blocks_alike(send, send_type, send_count);
	const struct blocks to = blocks_alike(recv, recv_type, recv_count);

	return exchange_sides(team, "neighbor_alltoall", &from, 0, &to,
			      __builtin_return_address(0));
}

int rig_team_neighbor_alltoallv(struct rig_team *team, const void *send,
				const size_t *send_counts,
				const size_t *send_displs, int send_type,
				void *recv, const size_t *recv_counts,
				const size_t *recv_displs, int recv_type)
{
	const struct blocks from =
		blocks_each(send, send_type, send_counts, send_displs);
	const struct blocks to =
		blocks_each(recv, recv_type, recv_counts, recv_displs);

	return exchange_sides(team, "neighbor_alltoallv", &from, 0, &to,
			      __builtin_return_address(0));
}

int rig_team_neighbor_allgather(struct rig_team *team, const void *send,
				size_t send_count, int send_type, void *recv,
				size_t recv_count, int recv_type)
{
	const struct blocks from = blocks_alike(send, send_type, send_count);
	const struct blocks to = blocks_alike(recv, recv_type, recv_count);

	return exchange_sides(team, "neighbor_allgather", &from, 1, &to,
			      __builtin_return_address(0));
}

/* --- halos --- */

/* In this process: layers of one dimension, as `outer` runs of `run` bytes,
 * `stride` apart. */
struct slab {
	size_t outer;
	size_t layer; /* bytes of one layer in a run */
	size_t stride;
	size_t run;
};

static void pack(const struct slab *slab, char *packed, char *array,
		 bool unpack)
{
	for (size_t i = 0; i < slab->outer; i++) {
		char *one = packed + i * slab->run;
		char *other = array + i * slab->stride;

		memcpy(unpack ? other : one, unpack ? one : other, slab->run);
	}
}

/* Dimension `dim`: low and high, through `room` for four slabs where a slab is
 * not in one piece. */
static int halo_of(struct rig_team *team, char *array, const struct slab *slab,
		   int dim, size_t extent, size_t width, char *room,
		   const void *where)
{
	const size_t bytes = slab->outer * slab->run;
	char *own[2] = { array + width * slab->layer,
			 array + (extent - 2 * width) * slab->layer };
	char *halo[2] = { array, array + (extent - width) * slab->layer };
	struct mail_block send[2], recv[2];
	struct mail_exchange exchange = { send, recv, 0 };
	const bool whole = slab->outer == 1;
	int r;

	for (int i = 0; i < 2; i++) {
		char *out = whole ? own[i] : room + (size_t)i * bytes;
		char *in = whole ? halo[i] : room + (size_t)(2 + i) * bytes;

		if (!whole)
			pack(slab, out, own[i], false);
		add_side(team, &exchange, 2 * dim + i, out, bytes, in, bytes);
	}
	r = mail_exchange(team, &exchange, VERB_HALO, where);
	for (int i = 0; r == 0 && !whole && i < 2; i++)
		if (neighbor(team, dim, i ? 1 : -1) != RIG_PROC_NULL)
			pack(slab, room + (size_t)(2 + i) * bytes, halo[i],
			     true);
	return r;
}

static int check_halo(struct rig_team *team, const size_t *extents,
		      size_t width, size_t item, size_t *longest)
{
	size_t all = item, shortest = SIZE_MAX;
	int r = check_cart(team, "halo");

	if (r < 0)
		return r;
	if (item == 0 || width == 0)
		return rig_team_fail(team, -EINVAL,
				     "halo: no such type, or no width");
	for (int i = 0; i < team->cart.ndims; i++) {
		if (extents[i] / 3 < width || !size_mul(all, extents[i], &all))
			return rig_team_fail(
				team, -EINVAL,
				"halo: extent %d is %zu, not 3 times the width "
				"of %zu or more",
				i, extents[i], width);
		if (extents[i] < shortest)
			shortest = extents[i];
	}
	*longest = all / shortest * width;
	if (!size_mul(4, *longest, &all))
		return rig_team_fail(team, -EINVAL,
				     "halo: layers beyond all memory");
	return 0;
}

int rig_team_halo(struct rig_team *team, void *array, const size_t *extents,
		  size_t width, int type)
{
	const void *where = __builtin_return_address(0);
	const int ndims = team->cart.ndims;
	const size_t item = rig_type_bytes(type);
	char *room = NULL;
	size_t longest = 0;
	int r = check_halo(team, extents, width, item, &longest);

	if (r < 0)
		return r;
	if (ndims > 1) {
		room = malloc(4 * longest);
		if (!room)
			return rig_team_fail(team, -ENOMEM, "halo: no memory");
	}
	for (int dim = 0; r == 0 && dim < ndims; dim++) {
		struct slab slab = { .outer = 1, .layer = item };

		for (int i = 0; i < dim; i++)
			slab.outer *= extents[i];
		for (int i = dim + 1; i < ndims; i++)
			slab.layer *= extents[i];
		slab.run = slab.layer * width;
		slab.stride = slab.layer * extents[dim];
		r = halo_of(team, array, &slab, dim, extents[dim], width, room,
			    where);
	}
	free(room);
	return r;
}
