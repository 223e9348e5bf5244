/* SPDX-License-Identifier: MIT */
/*
 * mg.c - NPB's MG: V-cycles of multigrid for Poisson's equation in a periodic
 * cube, with charges of 1 and -1 at twenty points.
 *
 * Level k has 2^k points a side.  Planes lie one behind the other, the last
 * plane beside the first; a plane has a rim of a point in x and y, which
 * repeats the points of the other side.  A rank owns a strip of the planes of
 * each level, and reads its neighbours' planes in place: a barrier after each
 * step is enough.  Levels of up to 2^COARSE points a side belong to rank 0
 * alone, for they take less time than a barrier.
 *
 * Steps compute each point by a fixed formula, and the norm is added up plane
 * by plane: the answer has the same bits for any number of workers.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/mg_charges.h>
#include <kernels/lib/npb.h>
#include <kernels/lib/strips.h>

#define EPSILON 1e-8
#define COARSE  3
#define TOP_MAX 12
#define ROW_MAX (((size_t)1 << TOP_MAX) + 2)

enum { U, V, R, SUMS };

/* The norm of class E is from NASA's Fortran, which version 3.4 kept; some
 * copies in other languages have another norm. */
static const struct {
	int top; /* level of the whole cube */
	int iterations;
	double norm;
} classes[] = {
	{ 5, 4, 0.5307707005734e-04 },   { 7, 4, 0.6467329375339e-05 },
	{ 8, 4, 0.2433365309069e-05 },   { 8, 20, 0.1800564401355e-05 },
	{ 9, 20, 0.5706732285740e-06 },  { 10, 50, 0.1583275060440e-09 },
	{ 11, 50, 0.5630442584711e-10 }, { 12, 50, 0.1889225697989e-10 },
};

/* The last class that uses the smoother of the small classes. */
#define CLASS_A 2

/* By how many of the three coordinates a neighbour differs: 0 to 3. */
static const double laplace[4] = { -8.0 / 3, 0, 1.0 / 6, 1.0 / 12 };
static const double smooth_small[4] = { -3.0 / 8, 1.0 / 32, -1.0 / 64, 0 };
static const double smooth_large[4] = { -3.0 / 17, 1.0 / 33, -1.0 / 61, 0 };

struct mg_args {
	struct rig_kernel_args header;
	uint32_t class;
};

static const struct rig_param params[] = {
	{ .name = "class",
	  .help = NPB_CLASS_HELP,
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct mg_args, class),
	  .fallback = "S",
	  .choices = "S W A B C D E F" },
	{ 0 },
};

static size_t side_of(int level)
{
	return (size_t)1 << level;
}

static size_t plane_of(int level)
{
	return (side_of(level) + 2) * (side_of(level) + 2);
}

/* Elements before a level: the larger levels come first. */
static size_t offset_of(int top, int level)
{
	size_t offset = 0;

	for (int k = top; k > level; k--)
		offset += side_of(k) * plane_of(k);
	return offset;
}

static uint64_t count_levels(const void *given)
{
	const struct mg_args *args = given;

	return offset_of(classes[args->class].top, 0);
}

static uint64_t count_top(const void *given)
{
	const struct mg_args *args = given;
	int top = classes[args->class].top;

	return side_of(top) * plane_of(top);
}

/* Each plane's sum of squares, then the norm. */
static uint64_t count_sums(const void *given)
{
	const struct mg_args *args = given;

	return side_of(classes[args->class].top) + 1;
}

static double flops(const void *given)
{
	const struct mg_args *args = given;

	return 58.0 * classes[args->class].iterations *
	       pow((double)side_of(classes[args->class].top), 3);
}

/* The planes that a rank works on, on the two largest levels; the other levels,
 * a sixty-fourth of the work, are rank 0's. */
static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct mg_args *args = given;
	int top = classes[args->class].top;
	int count = 0;

	if (index == SUMS)
		return share_rows(1, bytes, rank, size, spans);
	for (int level = top; level > top - 2 && (level == top || index != V);
	     level--) {
		struct rig_span own = rig_strip(side_of(level), rank, size);
		size_t plane = plane_of(level) * sizeof(double);
		size_t offset = offset_of(top, level) * sizeof(double);

		if (own.begin < own.end)
			spans[count++] =
				(struct rig_span){ offset + own.begin * plane,
						   offset + own.end * plane };
	}
	if (rank == 0 && index != V)
		spans[count++] = (struct rig_span){
			offset_of(top, top - 2) * sizeof(double), bytes
		};
	return count;
}

/* In this process: a rank's view. */
struct mg {
	struct rig_team *team;
	int top;
	double *u, *v, *r; /* elements of all levels, the largest level first */
	double *sums, *norm;
	const double *smoother;
};

static struct mg view(struct rig_team *team)
{
	const struct mg_args *args = rig_team_args(team);
	int top = classes[args->class].top;
	double *sums = rig_team_data(team, SUMS);

	return (struct mg){
		.team = team,
		.top = top,
		.u = rig_team_data(team, U),
		.v = rig_team_data(team, V),
		.r = rig_team_data(team, R),
		.sums = sums,
		.norm = sums + side_of(top),
		.smoother =
			args->class <= CLASS_A ? smooth_small : smooth_large,
	};
}

/* The planes of a level that this rank computes. */
static struct rig_span own_planes(const struct mg *mg, int level)
{
	size_t side = side_of(level);

	if (level > COARSE)
		return rig_team_strip(mg->team, side);
	return (struct rig_span){ 0, rig_team_rank(mg->team) == 0 ? side : 0 };
}

/* After a step whose results other ranks may read. */
static void meet(const struct mg *mg, int level)
{
	if (level > COARSE)
		rig_team_barrier(mg->team);
}

static double *level_of(const struct mg *mg, double *grid, int level)
{
	return grid + offset_of(mg->top, level);
}

/* Row y of the planes before, at and after z: rows[dz][dy]. */
static void find_rows(const double *rows[3][3], const double *grid, int level,
		      size_t z, size_t y)
{
	size_t side = side_of(level), row = side + 2;
	size_t planes[3] = { (z + side - 1) % side, z, (z + 1) % side };

	for (int dz = 0; dz < 3; dz++)
		for (size_t dy = 0; dy < 3; dy++)
			rows[dz][dy] =
				grid + (planes[dz] * row + y + dy - 1) * row;
}

/* The rim of a plane repeats the other side. */
static void close_plane(double *plane, size_t side)
{
	size_t row = side + 2;

	for (size_t y = 1; y <= side; y++) {
		plane[y * row] = plane[y * row + side];
		plane[y * row + side + 1] = plane[y * row + 1];
	}
	memcpy(plane, plane + side * row, row * sizeof(*plane));
	memcpy(plane + (side + 1) * row, plane + row, row * sizeof(*plane));
}

/* At each point of a row and its rim: the sum of the four neighbours of the row
 * with another y or another z, and the sum of the four neighbours where both
 * differ. */
CLONES static void across(const double *rows[3][3], size_t row,
			  double *restrict one, double *restrict two)
{
	const double *a = rows[1][0], *b = rows[1][2];
	const double *c = rows[0][1], *d = rows[2][1];
	const double *e = rows[0][0], *f = rows[0][2];
	const double *g = rows[2][0], *h = rows[2][2];

	for (size_t x = 0; x < row; x++) {
		one[x] = a[x] + b[x] + c[x] + d[x];
		two[x] = e[x] + f[x] + g[x] + h[x];
	}
}

/* r = v - A u for a row; the Laplacian's second number is 0. */
CLONES static void residual_row(double *to, const double *v,
				const double *restrict u,
				const double *restrict one,
				const double *restrict two, size_t side)
{
	for (size_t x = 1; x <= side; x++)
		to[x] = v[x] - laplace[0] * u[x] -
			laplace[2] * (two[x] + one[x - 1] + one[x + 1]) -
			laplace[3] * (two[x - 1] + two[x + 1]);
}

/* r = v - A u on a level; r may be v. */
static void residual(const struct mg *mg, int level, double *r, const double *v)
{
	struct rig_span own = own_planes(mg, level);
	const double *u = level_of(mg, mg->u, level);
	size_t side = side_of(level), row = side + 2;
	double one[ROW_MAX], two[ROW_MAX];

	for (size_t z = own.begin; z < own.end; z++) {
		for (size_t y = 1; y <= side; y++) {
			size_t at = (z * row + y) * row;
			const double *rows[3][3];

			find_rows(rows, u, level, z, y);
			across(rows, row, one, two);
			residual_row(r + at, v + at, u + at, one, two, side);
		}
		close_plane(r + z * row * row, side);
	}
	meet(mg, level);
}

/* u += S r for a row; the smoother's last number is 0. */
CLONES static void smooth_row(double *restrict u, const double *restrict r,
			      const double *restrict one,
			      const double *restrict two, size_t side,
			      const double *c)
{
	double c0 = c[0], c1 = c[1], c2 = c[2];

	for (size_t x = 1; x <= side; x++)
		u[x] += c0 * r[x] + c1 * (r[x - 1] + r[x + 1] + one[x]) +
			c2 * (two[x] + one[x - 1] + one[x + 1]);
}

/* u += S r on a level. */
static void smooth(const struct mg *mg, int level)
{
	struct rig_span own = own_planes(mg, level);
	const double *r = level_of(mg, mg->r, level);
	double *u = level_of(mg, mg->u, level);
	size_t side = side_of(level), row = side + 2;
	double one[ROW_MAX], two[ROW_MAX];

	for (size_t z = own.begin; z < own.end; z++) {
		for (size_t y = 1; y <= side; y++) {
			size_t at = (z * row + y) * row;
			const double *rows[3][3];

			find_rows(rows, r, level, z, y);
			across(rows, row, one, two);
			smooth_row(u + at, r + at, one, two, side,
				   mg->smoother);
		}
		close_plane(u + z * row * row, side);
	}
	meet(mg, level);
}

/* r of the next coarser level, by full weighting: point x there is 2 x here. */
static void restrict_to(const struct mg *mg, int coarse)
{
	struct rig_span own = own_planes(mg, coarse);
	const double *fine = level_of(mg, mg->r, coarse + 1);
	double *r = level_of(mg, mg->r, coarse);
	size_t side = side_of(coarse), row = side + 2;
	double one[ROW_MAX], two[ROW_MAX];

	for (size_t z = own.begin; z < own.end; z++) {
		for (size_t y = 1; y <= side; y++) {
			double *to = r + (z * row + y) * row;
			const double *rows[3][3];
			const double *at;

			find_rows(rows, fine, coarse + 1, 2 * z + 1, 2 * y);
			across(rows, 2 * side + 2, one, two);
			at = rows[1][1];
			for (size_t x = 1; x <= side; x++) {
				size_t f = 2 * x;

				to[x] = 0.5 * at[f] +
					0.25 * (at[f - 1] + at[f + 1] +
						one[f]) +
					0.125 * (one[f - 1] + one[f + 1] +
						 two[f]) +
					0.0625 * (two[f - 1] + two[f + 1]);
			}
		}
		close_plane(r + z * row * row, side);
	}
	/* The coarse levels are rank 0's, which reads the values that all ranks
	 * have written. */
	meet(mg, coarse);
}

/* A row from up to four rows of the coarser level; a row that occurs twice
 * counts twice.  `add` adds to the old values; otherwise the new values replace
 * the old. */
CLONES static void interpolate_row(double *restrict to,
				   const double *const z[4], size_t side,
				   bool add)
{
	const double *a = z[0], *b = z[1], *c = z[2], *d = z[3];

	for (size_t x = 0; x <= side; x++) {
		double here = (a[x] + b[x]) + (c[x] + d[x]);
		double next = (a[x + 1] + b[x + 1]) + (c[x + 1] + d[x + 1]);
		double even = 0.25 * here, odd = 0.125 * (here + next);

		to[2 * x] = add ? to[2 * x] + even : even;
		to[2 * x + 1] = add ? to[2 * x + 1] + odd : odd;
	}
}

/* u of a level from u of the next coarser level; at the top, u += that
 * value. */
static void interpolate(const struct mg *mg, int level)
{
	struct rig_span own = own_planes(mg, level);
	const double *coarse = level_of(mg, mg->u, level - 1);
	double *u = level_of(mg, mg->u, level);
	size_t side = side_of(level), row = side + 2;
	size_t half = side / 2, from_row = half + 2;

	for (size_t z = own.begin; z < own.end; z++) {
		/* Plane z is point z + 1. */
		size_t high = z % 2 ? z / 2 : z / 2 & (half - 1);
		size_t low = z % 2 ? high : (high + half - 1) & (half - 1);

		for (size_t y = 0; y <= side + 1; y++) {
			size_t before = y / 2, after = (y + 1) / 2;
			const double *const four[4] = {
				coarse + (low * from_row + before) * from_row,
				coarse + (low * from_row + after) * from_row,
				coarse + (high * from_row + before) * from_row,
				coarse + (high * from_row + after) * from_row
			};

			interpolate_row(u + (z * row + y) * row, four, half,
					level == mg->top);
		}
	}
	meet(mg, level);
}

static void zero(const struct mg *mg, double *grid, int level)
{
	struct rig_span own = own_planes(mg, level);
	size_t plane = plane_of(level);

	memset(level_of(mg, grid, level) + own.begin * plane, 0,
	       (own.end - own.begin) * plane * sizeof(double));
}

/* A V-cycle: down to level 1, and up again. */
static void cycle(const struct mg *mg)
{
	for (int level = mg->top - 1; level >= 1; level--)
		restrict_to(mg, level);
	zero(mg, mg->u, 1);
	smooth(mg, 1);
	for (int level = 2; level <= mg->top; level++) {
		double *r = level_of(mg, mg->r, level);

		/* Rank 0 comes up from its own levels. */
		if (level == COARSE + 1)
			rig_team_barrier(mg->team);
		interpolate(mg, level);
		residual(mg, level, r, level == mg->top ? mg->v : r);
		smooth(mg, level);
	}
}

/* The Euclidean norm of the residual, per point. */
static void norm(const struct mg *mg)
{
	struct rig_span own = own_planes(mg, mg->top);
	size_t side = side_of(mg->top), row = side + 2;
	double all = 0;

	for (size_t z = own.begin; z < own.end; z++) {
		double sum = 0;

		for (size_t y = 1; y <= side; y++) {
			const double *r = mg->r + (z * row + y) * row;

			for (size_t x = 1; x <= side; x++)
				sum += r[x] * r[x];
		}
		mg->sums[z] = sum;
	}
	rig_team_barrier(mg->team);
	if (rig_team_rank(mg->team) > 0)
		return;
	for (size_t z = 0; z < side; z++)
		all += mg->sums[z];
	*mg->norm = sqrt(all / pow((double)side, 3));
}

/* Charge a point, and its repetitions on the rim, where this rank owns them. */
static void put_charge(const struct mg *mg, size_t point, double size)
{
	struct rig_span own = own_planes(mg, mg->top);
	size_t side = side_of(mg->top), row = side + 2;
	size_t z = point / (side * side);
	double *plane = mg->v + z * row * row;

	if (z < own.begin || z >= own.end)
		return;
	plane[(point / side % side + 1) * row + point % side + 1] = size;
	close_plane(plane, side);
}

static size_t private_bytes(const void *given, int size)
{
	(void)given;
	return mg_charges_bytes(size);
}

static int prepare(struct rig_team *team)
{
	struct mg mg = view(team);
	struct rig_span own = own_planes(&mg, mg.top);
	size_t points = side_of(mg.top) * side_of(mg.top);
	struct mg_charges charges;
	int r = mg_charges_find(team, own.begin * points, own.end * points,
				&charges);

	if (r < 0)
		return r;
	zero(&mg, mg.v, mg.top);
	for (int i = 0; i < CHARGES; i++) {
		put_charge(&mg, charges.positive[i], 1);
		put_charge(&mg, charges.negative[i], -1);
	}
	return rig_team_barrier(team);
}

static int run(struct rig_team *team)
{
	const struct mg_args *args = rig_team_args(team);
	size_t iterations = (size_t)classes[args->class].iterations;
	struct mg mg = view(team);

	zero(&mg, mg.u, mg.top);
	rig_team_barrier(team);
	residual(&mg, mg.top, mg.r, mg.v);
	for (size_t i = 0; i < iterations; i++) {
		cycle(&mg);
		residual(&mg, mg.top, mg.r, mg.v);
		share_done(team, i + 1, iterations);
	}
	norm(&mg);
	return rig_team_barrier(team);
}

static int verify(struct rig_team *team)
{
	const struct mg_args *args = rig_team_args(team);
	struct mg mg = view(team);
	double want = classes[args->class].norm;

	if (!(fabs(*mg.norm - want) <= EPSILON * want))
		return rig_team_fail(
			team, -EBADMSG,
			"mg: unsuccessful: the residual's norm is %.13e, "
			"expected %.13e",
			*mg.norm, want);
	return 0;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const double *sums = data[SUMS];

	snprintf(text, bytes, "norm = %.13e", sums[count_sums(given) - 1]);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "u",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_levels },
	{ .name = "v",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_top },
	{ .name = "r",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_levels },
	{ .name = "sums",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_sums },
	{ 0 },
};

const struct rig_kernel kernel_mg = {
	.version = RIG_KERNEL_VERSION,
	.name = "mg",
	.summary = "Poisson's equation in a cube, by multigrid (NPB MG)",
	.verified = "successful: NPB 3.4's norm of the residual to 1e-8 (own "
		    "implementation)",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct mg_args),
	.flops = flops,
	.owns = owns,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.run = run,
	.verify = verify,
	.result = result,
};
