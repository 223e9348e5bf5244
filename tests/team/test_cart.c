/* SPDX-License-Identifier: MIT */
/*
 * test_cart.c - grids of ranks: the coordinates of each rank, and the exchange of
 * neighbours, in the form that waits, the form that does not, and as a plan.
 */
#include "lib/harness.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

START_TEST(dims_are_close_to_each_other)
{
	static const struct {
		int size, ndims, given[4], wanted[4];
	} cases[] = {
		{ 1, 2, { 0, 0 }, { 1, 1 } },
		{ 6, 2, { 0, 0 }, { 3, 2 } },
		{ 7, 2, { 0, 0 }, { 7, 1 } },
		{ 12, 3, { 0, 0, 0 }, { 3, 2, 2 } },
		{ 64, 3, { 0, 0, 0 }, { 4, 4, 4 } },
		{ 6, 3, { 0, 3, 0 }, { 2, 3, 1 } },
		{ 6, 2, { 2, 3 }, { 2, 3 } },
		{ 10, 3, { 0 }, { 5, 2, 1 } },
		{ 68, 3, { 0 }, { 17, 2, 2 } },
		{ 108, 3, { 0 }, { 6, 6, 3 } },
		{ 60, 4, { 0, 2, 0, 0 }, { 5, 2, 3, 2 } },
		{ 1, 0, { 0 }, { 0 } },
		{ 1000000007, 1, { 0 }, { 1000000007 } },
		{ 1000000007, 4, { 0 }, { 1000000007, 1, 1, 1 } },
		{ 2147483647, 2, { 0 }, { 2147483647, 1 } },
		{ 2095133040, 4, { 0 }, { 221, 216, 210, 209 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int dims[4];

		memcpy(dims, cases[i].given, sizeof(dims));
		ck_assert_int_eq(
			rig_dims_create(cases[i].size, cases[i].ndims, dims),
			0);
		for (int k = 0; k < cases[i].ndims; k++)
			ck_assert_int_eq(dims[k], cases[i].wanted[k]);
	}
	ck_assert_int_eq(rig_dims_create(6, 2, (int[]){ 4, 0 }), -EINVAL);
	ck_assert_int_eq(rig_dims_create(6, 2, (int[]){ 2, 2 }), -EINVAL);
	ck_assert_int_eq(rig_dims_create(0, 2, (int[]){ 0, 0 }), -EINVAL);
	ck_assert_int_eq(rig_dims_create(6, 9, (int[]){ 0, 0 }), -EINVAL);
	ck_assert_int_eq(rig_dims_create(2, 0, NULL), -EINVAL);
}
END_TEST

/* The least difference between the largest and the smallest of three factors. */
static int least_spread(int size)
{
	int least = size;

	for (int a = 1; a <= size; a++)
		for (int b = 1; size % a == 0 && b <= a; b++) {
			const int c = size / a / b;

			if (size / a % b == 0 && c <= b && a - c < least)
				least = a - c;
		}
	return least;
}

START_TEST(no_dims_are_closer)
{
	for (int size = 1; size <= 1024; size++) {
		int dims[3] = { 0 };

		ck_assert_int_eq(rig_dims_create(size, 3, dims), 0);
		ck_assert_int_eq(dims[0] * dims[1] * dims[2], size);
		ck_assert_int_ge(dims[0], dims[1]);
		ck_assert_int_ge(dims[1], dims[2]);
		ck_assert_int_eq(dims[0] - dims[2], least_spread(size));
	}
}
END_TEST

enum form { WAITS, BEGUN, PLANNED, FORMS };

/* A grid, the periods, and the side that each rank owns. */
struct grid {
	int ndims;
	int dims[3];
	bool periods[3];
	size_t own, width;
	enum form form;
};

/* The value of the element at global coordinates. */
static double value_at(const long *at, int ndims, int round)
{
	double value = round;

	for (int i = 0; i < ndims; i++)
		value = value * 1000 + (double)at[i];
	return value;
}

/* The global coordinates, wrapped, of element `index` of an array of `n` a side;
 * false: beyond an edge.  *halo: another rank owns the element. */
static bool global(const struct grid *grid, const int *coords, size_t index,
		   size_t n, long *at, bool *halo)
{
	bool inside = true;

	*halo = false;
	for (int i = grid->ndims - 1; i >= 0; i--) {
		long all = (long)grid->own * grid->dims[i];
		long local = (long)(index % n) - (long)grid->width;

		index /= n;
		*halo |= local < 0 || local >= (long)grid->own;
		at[i] = coords[i] * (long)grid->own + local;
		if (grid->periods[i])
			at[i] = (at[i] + all) % all;
		inside &= at[i] >= 0 && at[i] < all;
	}
	return inside;
}

/* The halo in the form of the grid; *plan is made in the first round, and goes with
 * the last. */
static int brings_halo(struct rig_team *cart, const struct grid *grid,
		       double *array, const size_t *extents,
		       struct rig_request **plan, bool last)
{
	const size_t width = grid->width;
	struct rig_request *begun = NULL;
	int r = 0;

	if (grid->form == WAITS)
		return rig_team_halo(cart, array, extents, width, RIG_FLOAT64);
	if (grid->form == BEGUN) {
		r = rig_team_ihalo(cart, array, extents, width, RIG_FLOAT64,
				   &begun);
		return r < 0 ? r : rig_team_wait(cart, &begun, NULL);
	}
	if (!*plan)
		r = rig_team_halo_init(cart, array, extents, width, RIG_FLOAT64,
				       plan);
	if (r == 0)
		r = rig_team_start(cart, plan);
	if (r == 0)
		r = rig_team_wait(cart, plan, NULL);
	return r < 0 || !last ? r : rig_team_request_free(cart, plan);
}

static int exchanges(struct rig_team *team)
{
	const struct grid *grid = rig_team_args(team);
	const size_t n = grid->own + 2 * grid->width;
	size_t extents[3] = { n, n, n }, all = 1;
	struct rig_team *cart = NULL;
	int coords[RIG_DIMS_MAX];
	struct rig_request *plan = NULL;
	double *array;
	int r = rig_team_cart_create(team, grid->ndims, grid->dims,
				     grid->periods, &cart);

	if (r < 0 || !cart)
		return r;
	(void)rig_team_cart_get(cart, NULL, NULL, NULL, coords);
	for (int i = 0; i < grid->ndims; i++)
		all *= n;
	array = malloc(all * sizeof(*array));
	for (int round = 0; r == 0 && round < 5; round++) {
		long at[3];
		bool halo;

		for (size_t i = 0; i < all; i++) {
			(void)global(grid, coords, i, n, at, &halo);
			array[i] = halo ? -1 : value_at(at, grid->ndims, round);
		}
		r = brings_halo(cart, grid, array, extents, &plan, round == 4);
		for (size_t i = 0; r == 0 && i < all; i++) {
			double wanted =
				global(grid, coords, i, n, at, &halo)
					? value_at(at, grid->ndims, round)
					: -1;

			if (array[i] != wanted)
				r = rig_team_fail(team, -EBADMSG,
						  "element %zu: %g, not %g", i,
						  array[i], wanted);
		}
	}
	free(array);
	return r < 0 ? r : rig_team_free(cart);
}

START_TEST(a_halo_has_what_the_neighbours_own)
{
	static const struct grid grids[] = {
		{ 1, { 1 }, { true }, 5, 2, WAITS },
		{ 1, { 6 }, { false }, 4, 1, WAITS },
		{ 1, { 6 }, { true }, 3000, 700, WAITS },
		{ 2, { 3, 2 }, { false, false }, 7, 2, WAITS },
		{ 2, { 2, 2 }, { true, true }, 60, 3, WAITS },
		{ 2, { 1, 5 }, { true, false }, 4, 4, WAITS },
		{ 3, { 2, 1, 3 }, { true, true, false }, 5, 1, WAITS },
		{ 3, { 1, 2, 2 }, { true, true, true }, 8, 2, WAITS },
	};

	make_pool(6);
	for (size_t i = 0; i < sizeof(grids) / sizeof(*grids); i++) {
		struct grid grid = grids[i];

		grid.form = (enum form)_i;
		ck_assert_msg(run_args(exchanges, &grid, sizeof(grid)) == 0,
			      "grid %zu: %s", i, rig_pool_report(pool)->text);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* Both calls are open at once, and complete in the other order. */
static int begins_both(struct rig_team *cart, const int *out, int *in,
		       const int *rank, int *all)
{
	struct rig_request *requests[2] = { NULL, NULL };
	int r = rig_team_ineighbor_alltoall(cart, out, 1, RIG_INT32, in, 1,
					    RIG_INT32, &requests[0]);

	if (r == 0)
		r = rig_team_ineighbor_allgather(cart, rank, 1, RIG_INT32, all,
						 1, RIG_INT32, &requests[1]);
	for (int i = 1; r == 0 && i >= 0; i--)
		r = rig_team_wait(cart, &requests[i], NULL);
	return r;
}

static int plans_both(struct rig_team *cart, const int *out, int *in,
		      const int *rank, int *all)
{
	struct rig_request *plans[2] = { NULL, NULL };
	int r = rig_team_neighbor_alltoall_init(cart, out, 1, RIG_INT32, in, 1,
						RIG_INT32, &plans[0]);

	if (r == 0)
		r = rig_team_neighbor_allgather_init(
			cart, rank, 1, RIG_INT32, all, 1, RIG_INT32, &plans[1]);
	if (r == 0)
		r = rig_team_startall(cart, 2, plans);
	return r < 0 ? r : rig_team_waitall(cart, 2, plans, NULL);
}

/* Blocks of neighbours, two of which are the same rank. */
static int talks(struct rig_team *team)
{
	const enum form form = *(const enum form *)rig_team_args(team);
	const int rank = rig_team_rank(team);
	struct rig_team *cart = NULL;
	int out[4], in[4] = { -1, -1, -1, -1 }, all[4] = { -1, -1, -1, -1 };
	int source, dest, r;

	r = rig_team_cart_create(team, 2, (int[]){ 2, 3 },
				 (bool[]){ true, false }, &cart);
	for (int i = 0; i < 4; i++)
		out[i] = rank * 10 + i;
	if (r == 0 && form == BEGUN)
		r = begins_both(cart, out, in, &rank, all);
	if (r == 0 && form == PLANNED)
		r = plans_both(cart, out, in, &rank, all);
	if (r == 0 && form == WAITS)
		r = rig_team_neighbor_alltoall(cart, out, 1, RIG_INT32, in, 1,
					       RIG_INT32);
	if (r == 0 && form == WAITS)
		r = rig_team_neighbor_allgather(cart, &rank, 1, RIG_INT32, all,
						1, RIG_INT32);
	for (int d = 0; r == 0 && d < 2; d++) {
		r = rig_team_cart_shift(cart, d, 1, &source, &dest);
		if (r == 0 &&
		    (all[2 * d] != (source < 0 ? -1 : source) ||
		     all[2 * d + 1] != (dest < 0 ? -1 : dest) ||
		     in[2 * d] != (source < 0 ? -1 : source * 10 + 2 * d + 1) ||
		     in[2 * d + 1] != (dest < 0 ? -1 : dest * 10 + 2 * d)))
			r = rig_team_fail(team, -EBADMSG, "dimension %d", d);
	}
	return r;
}

START_TEST(neighbours_exchange_blocks)
{
	make_pool(6);
	for (int i = 0; i < 9; i++) {
		const enum form form = (enum form)(i % FORMS);

		ck_assert_msg(run_args(talks, &form, sizeof(form)) == 0, "%s",
			      rig_pool_report(pool)->text);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* A neighbour that gives other sizes, or ends. */
struct fault {
	bool dies;
	bool plan;
};

static int meets_a_fault(struct rig_team *team)
{
	const struct fault *fault = rig_team_args(team);
	const int size = rig_team_size(team);
	const size_t n = rig_team_rank(team) == 1 && !fault->dies ? 3 : 2;
	struct rig_request *request = NULL;
	struct rig_team *ring = NULL;
	double out[6] = { 0 }, in[6];
	int r = rig_team_cart_create(team, 1, &size, &(bool){ true }, &ring);

	if (r == 0 && fault->plan)
		r = rig_team_neighbor_alltoall_init(ring, out, n, RIG_FLOAT64,
						    in, n, RIG_FLOAT64,
						    &request);
	if (r == 0 && rig_team_rank(team) == 1 && fault->dies)
		(void)raise(SIGKILL);
	if (r == 0)
		r = fault->plan ? rig_team_start(ring, &request)
				: rig_team_ineighbor_alltoall(
					  ring, out, n, RIG_FLOAT64, in, n,
					  RIG_FLOAT64, &request);
	return r < 0 ? r : rig_team_wait(ring, &request, NULL);
}

START_TEST(a_fault_of_a_neighbour_is_told)
{
	const struct fault fault = { .dies = _i & 1, .plan = _i & 2 };
	const char *text;
	int r;

	make_pool(6);
	r = run_args(meets_a_fault, &fault, sizeof(fault));
	text = rig_pool_report(pool)->text;
	if (fault.dies) {
		ck_assert_int_eq(r, -EOWNERDEAD);
		ck_assert_msg(strstr(text, "SIGKILL") != NULL, "%s", text);
		ck_assert_msg(strstr(text, fault.plan ? "alltoall_init ("
						      : "ineighbor_alltoall ("),
			      "%s", text);
	} else {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_msg(strstr(text, "are expected") != NULL, "%s", text);
	}
	ck_assert_int_eq(
		run_args(talks, &(enum form){ BEGUN }, sizeof(enum form)), 0);
	rig_pool_destroy(pool);
}
END_TEST

static int wrong(struct rig_team *team)
{
	const bool no[] = { false, false };
	double array[16];
	const size_t few[] = { 2, 8 }, two[] = { 4, 4 };
	struct rig_request *request = NULL;
	struct rig_team *cart = NULL;
	int at[] = { 0, 9 }, rank = -5, dest;
	int r = rig_team_cart_create(team, 2, (int[]){ 1, 2 }, no, &cart);

	if (r < 0)
		return r;
	if (rig_team_cart_create(team, 2, (int[]){ 2, 2 }, no, &cart) !=
		    -EINVAL ||
	    rig_team_cart_create(team, 9, at, no, &cart) != -EINVAL ||
	    rig_team_cart_create(team, 2, (int[]){ 0, 2 }, no, &cart) !=
		    -EINVAL ||
	    rig_team_cart_rank(cart, at, &rank) != -EINVAL || rank != -5 ||
	    rig_team_cart_rank(team, at, &rank) != -EINVAL ||
	    rig_team_cart_coords(cart, 2, at) != -EINVAL ||
	    rig_team_cart_shift(cart, 2, 1, &rank, &dest) != -EINVAL ||
	    rig_team_halo(cart, array, few, 1, RIG_FLOAT64) != -EINVAL ||
	    rig_team_halo(cart, array, two, 0, RIG_FLOAT64) != -EINVAL ||
	    rig_team_halo(cart, array, two, 1, 9999999) != -EINVAL ||
	    rig_team_halo(team, array, two, 1, RIG_FLOAT64) != -EINVAL ||
	    rig_team_ihalo(cart, array, few, 1, RIG_FLOAT64, &request) !=
		    -EINVAL ||
	    rig_team_halo_init(team, array, two, 1, RIG_FLOAT64, &request) !=
		    -EINVAL ||
	    rig_team_ineighbor_allgather(team, array, 1, RIG_FLOAT64, array + 1,
					 1, RIG_FLOAT64, &request) != -EINVAL ||
	    rig_team_ineighbor_allgather(cart, array, 1, RIG_FLOAT64, array, 1,
					 RIG_FLOAT64, &request) != -EINVAL ||
	    request)
		return rig_team_fail(team, -EBADMSG, "not refused");
	return 0;
}

START_TEST(wrong_grids_are_refused)
{
	make_pool(2);
	ck_assert_msg(run(wrong) == 0, "%s", rig_pool_report(pool)->text);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("cart");
	TCase *cart = make_tcase("cart", 60);

	tcase_add_test(cart, dims_are_close_to_each_other);
	tcase_add_test(cart, no_dims_are_closer);
	tcase_add_loop_test(cart, a_halo_has_what_the_neighbours_own, 0, FORMS);
	tcase_add_test(cart, neighbours_exchange_blocks);
	tcase_add_loop_test(cart, a_fault_of_a_neighbour_is_told, 0, 4);
	tcase_add_test(cart, wrong_grids_are_refused);
	suite_add_tcase(suite, cart);
	return suite;
}
