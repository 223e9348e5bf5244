/* SPDX-License-Identifier: MIT */
/*
 * heat.c - the heat of a plate at rest: Jacobi's sweeps until no point moves.
 *
 * The rim is held at x^2 - y^2, a harmonic function, which the five-point star
 * solves without an error: the answer is x^2 - y^2 at every point, but for the
 * error that is left when the sweeps end.  If the last sweep changed no point
 * by more than d, this error is at most n d / (1 - rho) at any point: rho =
 * cos(pi / (n - 1)) is the part of an error that a sweep leaves, in the
 * Euclidean norm, and the factor n turns d into a bound of the norm.
 *
 * A sweep has a single barrier: the largest changes are kept for two sweeps,
 * and no rank overwrites a change that a slower rank still reads.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>

#define N_MAX  1048576.0
#define STRIDE (RIG_LINE / sizeof(double))

/* Sweeps after which a rank reports its progress. */
#define ROUND 64

enum { U, OTHER, CHANGES };

struct heat_args {
	struct rig_kernel_args header;
	size_t n;
	size_t sweeps;
	double tolerance;
};

static const struct rig_param params[] = {
	{ .name = "n",
	  .help = "points on a side of the plate",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct heat_args, n),
	  .fallback = "129",
	  .max = N_MAX },
	{ .name = "tolerance",
	  .help = "the largest change of a sweep that is the last",
	  .kind = RIG_PARAM_REAL,
	  .offset = offsetof(struct heat_args, tolerance),
	  .fallback = "1e-6",
	  .min = 0,
	  .max = 1 },
	{ .name = "sweeps",
	  .help = "after so many it is the last in any case",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct heat_args, sweeps),
	  .fallback = "1000000",
	  .min = 1,
	  .max = 1e12 },
	{ 0 },
};

static uint64_t count(const void *given)
{
	const struct heat_args *args = given;

	return args->n * args->n;
}

/* The changes of two sweeps, each rank's change on a separate line; then the
 * number of sweeps, and the largest change of the last sweep. */
static uint64_t count_changes(const void *given)
{
	(void)given;
	return (2 * RIG_WORKERS_MAX + 1) * STRIDE;
}

static double *summary_of(void *changes)
{
	return (double *)changes + 2 * RIG_WORKERS_MAX * STRIDE;
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct heat_args *args = given;

	if (index == CHANGES)
		return share_rows(1, bytes, rank, size, spans);
	return share_rows(args->n, args->n * sizeof(double), rank, size, spans);
}

static double exact(size_t n, size_t i, size_t j)
{
	double x = (double)j / (double)(n - 1);
	double y = (double)i / (double)(n - 1);

	return x * x - y * y;
}

static bool on_rim(size_t n, size_t i, size_t j)
{
	return i == 0 || j == 0 || i == n - 1 || j == n - 1;
}

/* The rim with its values, and zero within.  A run begins by laying out the
 * plate, for a run leaves no state from which the next run could begin. */
static int lay_out(struct rig_team *team)
{
	const struct heat_args *args = rig_team_args(team);
	struct rig_span rows = world_strip(team, args->n);
	double *u = rig_team_data(team, U);
	double *other = rig_team_data(team, OTHER);
	size_t n = args->n;

	for (size_t at = rows.begin * n; at < rows.end * n; at++) {
		bool rim = n > 1 && on_rim(n, at / n, at % n);

		u[at] = rim ? exact(n, at / n, at % n) : 0;
		other[at] = u[at];
	}
	if (rig_team_hosts(team, NULL) > 1) {
		int r = world_edges(team, u, n, n * sizeof(*u));

		if (r < 0)
			return r;
	}
	return rig_team_barrier(team);
}

/* The inner points of a row; returns the largest change. */
CLONES static double relax(double *restrict to, const double *restrict up,
			   const double *restrict at,
			   const double *restrict down, size_t n)
{
	double change = 0;

	for (size_t j = 1; j + 1 < n; j++) {
		double mean =
			0.25 * ((up[j] + down[j]) + (at[j - 1] + at[j + 1]));
		double by = fabs(mean - at[j]);

		to[j] = mean;
		change = by > change ? by : change;
	}
	return change;
}

static double sweep(double *to, const double *from, size_t n,
		    struct rig_span rows)
{
	double change = 0;

	for (size_t i = rows.begin; i < rows.end; i++) {
		const double *at = from + i * n;
		double by;

		if (i == 0 || i + 1 >= n)
			continue;
		by = relax(to + i * n, at - n, at, at + n, n);
		change = by > change ? by : change;
	}
	return change;
}

/* The team's largest change; every rank has stored its own change. */
static double largest(const struct rig_team *team, const double *changes)
{
	double change = 0;

	for (size_t r = 0; r < (size_t)rig_team_size(team); r++)
		if (changes[r * STRIDE] > change)
			change = changes[r * STRIDE];
	return change;
}

/*
 * Report the progress after `k` sweeps; the last sweep changed a point by
 * `change`.  A sweep leaves less of the change than the part rho, most of all
 * in the beginning: the sweeps to come are rather fewer than the estimate.
 */
static void say(struct rig_team *team, const struct heat_args *args, size_t k,
		double change)
{
	double rho = args->n > 2 ? cos(M_PI / (double)(args->n - 1)) : 0;
	double left = log(change / args->tolerance) / -log(rho);
	double most = (double)(args->sweeps - k);

	rig_team_progress(
		team, (double)k / ((double)k + (left < most ? left : most)));
}

/* This rank has swept `grid`, and changed a point by `own` at most.  Afterwards
 * all ranks have swept, and *change is the largest change of all ranks.  `now`
 * has a line for each rank. */
static int meet(struct rig_team *team, const struct heat_args *args,
		double *grid, double *now, double own, double *change)
{
	int r;

	if (rig_team_hosts(team, NULL) == 1) {
		now[(size_t)rig_team_rank(team) * STRIDE] = own;
		r = rig_team_barrier(team);
		*change = largest(team, now);
		return r;
	}
	r = world_edges(team, grid, args->n, args->n * sizeof(*grid));
	return r < 0 ? r
		     : rig_team_allreduce(rig_team_world(team), &own, change, 1,
					  RIG_FLOAT64, RIG_MAX);
}

static int run(struct rig_team *team)
{
	const struct heat_args *args = rig_team_args(team);
	struct rig_span rows = world_strip(team, args->n);
	size_t k = 0;
	double *grids[] = { rig_team_data(team, U),
			    rig_team_data(team, OTHER) };
	double *changes = rig_team_data(team, CHANGES);
	double change = INFINITY;
	int r = lay_out(team);

	if (r < 0)
		return r;
	for (; r == 0 && k < args->sweeps && change > args->tolerance; k++) {
		double *now = changes + k % 2 * RIG_WORKERS_MAX * STRIDE;

		double *next = grids[(k + 1) % 2];
		const double own = sweep(next, grids[k % 2], args->n, rows);

		r = meet(team, args, next, now, own, &change);
		if (k % ROUND == 0)
			say(team, args, k + 1, change);
	}
	/* The answer is in u. */
	for (size_t i = rows.begin * args->n; k % 2 && i < rows.end * args->n;
	     i++)
		grids[0][i] = grids[1][i];
	if (rig_team_rank(team) == 0) {
		summary_of(changes)[0] = (double)k;
		summary_of(changes)[1] = change;
	}
	return r < 0 ? r
		     : world_rows(team, grids[0], args->n,
				  args->n * sizeof(*grids[0]));
}

static int verify(struct rig_team *team)
{
	const struct heat_args *args = rig_team_args(team);
	struct rig_span rows = share_next(team, args->n);
	const double *u = rig_team_data(team, U);
	const double *summary = summary_of(rig_team_data(team, CHANGES));
	size_t n = args->n;
	double rho = n > 2 ? cos(M_PI / (double)(n - 1)) : 0;
	double left = (double)n * summary[1] / (1 - rho) + 1e-12;

	if (summary[1] > args->tolerance)
		return rig_team_fail(team, -EBADMSG,
				     "heat: not at rest after %.0f sweeps: "
				     "the last changed %.3g",
				     summary[0], summary[1]);
	for (size_t at = rows.begin * n; at < rows.end * n; at++) {
		double want = n > 1 ? exact(n, at / n, at % n) : 0;

		if (!(fabs(u[at] - want) <= left))
			return rig_team_fail(team, -EBADMSG,
					     "heat: point (%zu, %zu) is %.17g, "
					     "expected %.17g within %.3g",
					     at / n, at % n, u[at], want, left);
	}
	return 0;
}

/* The points that all sweeps have set; the number of sweeps is known after the
 * run. */
static double items(const void *given, void *const data[])
{
	const struct heat_args *args = given;
	double side = args->n > 2 ? (double)(args->n - 2) : 0;

	return data ? summary_of(data[CHANGES])[0] * side * side : 0;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const double *summary = summary_of(data[CHANGES]);

	(void)given;
	snprintf(text, bytes, "sweeps = %.0f, change = %.3g", summary[0],
		 summary[1]);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "u",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ .name = "other",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ .name = "changes",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_changes },
	{ 0 },
};

const struct rig_kernel kernel_heat = {
	.version = RIG_KERNEL_VERSION,
	.name = "heat",
	.summary = "the heat of a plate at rest, by Jacobi's sweeps",
	.verified = "the exact solution x^2 - y^2, within the error left",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct heat_args),
	.items = items,
	.item = "points",
	.owns = owns,
	.run = run,
	.verify = verify,
	.result = result,
	.hosts = 1,
};
