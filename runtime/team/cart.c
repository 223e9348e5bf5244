/* SPDX-License-Identifier: MIT */
/*
 * cart.c - grids of ranks: a grid is a team with dimensions, and each rank of the
 * team has coordinates and neighbours.
 */
#include <runrig/cart.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "team/call.h"
#include "team/neighbor.h"

/* No int has more: 2095133040 has as many. */
#define DIVISORS_MAX 1600

/* In this process: `left` factors of a number, falling; the search is for the factors
 * whose largest and smallest are nearest to each other. */
struct factors {
	int left;
	int trial[RIG_DIMS_MAX];
	int best[RIG_DIMS_MAX];
	int spread; /* between the largest and the smallest of the best factors */
	int count;
	int divisors[DIVISORS_MAX]; /* divisors of the number, rising */
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

		/* The largest factor is the root at least, and the smallest the root
		 * of the rest at most. */
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
	struct rig_team *new = NULL;
	int count, r = rank_check_thread(team->owner, "cart_create");

	if (r < 0)
		return r;
	count = points(team, ndims, dims);
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

int cart_check(struct rig_team *team, const char *name)
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
	int r = cart_check(team, "cart_coords");

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
	int r = cart_check(team, "cart_rank"), found;

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

int cart_neighbor(const struct rig_team *team, int dim, int disp)
{
	int coords[RIG_DIMS_MAX];

	coords_of(&team->cart, team->rank, coords);
	coords[dim] += disp;
	return rank_at(&team->cart, coords);
}

int rig_team_cart_shift(struct rig_team *team, int dim, int disp, int *source,
			int *dest)
{
	int r = cart_check(team, "cart_shift");

	if (r < 0)
		return r;
	if (dim < 0 || dim >= team->cart.ndims)
		return rig_team_fail(team, -EINVAL,
				     "cart_shift: dimension %d, not 0 to %d",
				     dim, team->cart.ndims - 1);
	*source = cart_neighbor(team, dim, -disp);
	*dest = cart_neighbor(team, dim, disp);
	return 0;
}
