/* SPDX-License-Identifier: MIT */
/*
 * mandelbrot.c - the Mandelbrot set, row by row: rows that take long lie beside
 * rows that do not.
 *
 *	share=static   a strip of the rows a rank: the middle ranks do the work
 *	share=dynamic  `chunk` rows at a time, from the own strip and then from
 *	               other ranks' strips
 *	share=guided   the same, but a part of the rest, at least `chunk`
 *
 * Each rank notes the number of its steps, which is its work, whatever the
 * time; the result tells how many times an equal share the busiest rank did.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <runrig/kernel.h>
#include <runrig/share.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

#define SIDE_MAX 1048576.0
#define STRIDE   (RIG_LINE / sizeof(uint64_t))
#define RANKS    (RIG_WORKERS_MAX * STRIDE) /* where `steps` says how many */

/* The part of the plane: all of the set. */
#define LEFT   (-2.0)
#define BOTTOM (-1.25)
#define WIDE   2.5

/* Thorsten Foerstemann's estimate of the area, by counting pixels. */
#define AREA 1.5065918849

/* Points handled together. */
#define LANES 8

/* Steps that a point outside goes on after leaving, for a shade without
 * bands. */
#define FURTHER 4

enum { COUNTS, STEPS, SHADES };
enum share { STATIC, DYNAMIC, GUIDED };

struct mandelbrot_args {
	struct rig_kernel_args header;
	size_t side;
	size_t iterations;
	size_t chunk;
	uint32_t share;
	uint32_t smooth;
};

static const struct rig_param params[] = {
	{ .name = "side",
	  .help = "points on a side of the picture",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct mandelbrot_args, side),
	  .fallback = "1000",
	  .max = SIDE_MAX },
	{ .name = "iterations",
	  .help = "steps after which a point counts as inside",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct mandelbrot_args, iterations),
	  .fallback = "1000",
	  .min = 1,
	  .max = 4294967295.0 },
	{ .name = "share",
	  .help = "who takes which rows, and when",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct mandelbrot_args, share),
	  .fallback = "dynamic",
	  .choices = "static dynamic guided" },
	{ .name = "chunk",
	  .help = "rows taken at a time, at least",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct mandelbrot_args, chunk),
	  .fallback = "4",
	  .min = 1,
	  .max = SIDE_MAX },
	{ .name = "smooth",
	  .help = "yes: shades too, steps that pass evenly from point to point",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct mandelbrot_args, smooth),
	  .fallback = "no",
	  .choices = "no yes" },
	{ 0 },
};

static uint64_t count(const void *given)
{
	const struct mandelbrot_args *args = given;

	return args->side * args->side;
}

/* Each rank's steps, on a separate line; then the number of ranks. */
static uint64_t count_steps(const void *given)
{
	(void)given;
	return (RIG_WORKERS_MAX + 1) * STRIDE;
}

INLINE double x_at(size_t side, size_t column)
{
	return LEFT + WIDE * ((double)column + 0.5) / (double)side;
}

INLINE double y_at(size_t side, size_t row)
{
	return BOTTOM + WIDE * ((double)row + 0.5) / (double)side;
}

/* The steps of LANES points.  A point that is out stays out: the point grows
 * until it is infinite, or a NaN, which is never less. */
CLONES static void steps_of(const double *restrict cx, double cy,
			    uint64_t iterations, int64_t *restrict steps)
{
	double x[LANES] = { 0 }, y[LANES] = { 0 };
	int64_t out[LANES] = { 0 };

	for (uint64_t i = 0; i < iterations; i++) {
		int64_t any = 0;

		for (int l = 0; l < LANES; l++) {
			double xx = x[l] * x[l], yy = y[l] * y[l];
			int64_t in = xx + yy <= 4 ? 1 : 0;

			out[l] += in;
			any |= in;
			y[l] = 2 * x[l] * y[l] + cy;
			x[l] = xx - yy + cx[l];
		}
		if (!any)
			break;
	}
	for (int l = 0; l < LANES; l++)
		steps[l] = out[l];
}

/* A row; returns the steps made. */
static uint64_t row(const struct mandelbrot_args *args, size_t at,
		    uint32_t *counts)
{
	uint64_t made = 0;

	for (size_t j = 0; j < args->side; j += LANES) {
		double cx[LANES];
		int64_t steps[LANES];

		for (size_t l = 0; l < LANES; l++)
			cx[l] = x_at(args->side, j + l);
		steps_of(cx, y_at(args->side, at), args->iterations, steps);
		for (size_t l = 0; l < LANES && j + l < args->side; l++) {
			counts[at * args->side + j + l] = (uint32_t)steps[l];
			made += (uint64_t)steps[l];
		}
	}
	return made;
}

/* The steps of a point with a fraction: n + 1 - log2(log2 |z|), which hardly
 * depends on the number n of steps; 0 inside. */
static float shade(double cx, double cy, uint32_t steps, size_t iterations)
{
	double x = 0, y = 0;

	if (steps == iterations)
		return 0;
	for (uint32_t i = 0; i < steps + FURTHER; i++) {
		double t = x * x - y * y + cx;

		y = 2 * x * y + cy;
		x = t;
	}
	return (float)(steps + FURTHER + 1 - log2(log2(hypot(x, y))));
}

static void shade_row(const struct mandelbrot_args *args, size_t at,
		      const uint32_t *counts, float *shades)
{
	size_t first = at * args->side;

	for (size_t j = 0; args->smooth && j < args->side; j++)
		shades[first + j] =
			shade(x_at(args->side, j), y_at(args->side, at),
			      counts[first + j], args->iterations);
}

static int run(struct rig_team *team)
{
	static const enum rig_schedule schedules[] = {
		[STATIC] = RIG_SHARE_STATIC,
		[DYNAMIC] = RIG_SHARE_DYNAMIC,
		[GUIDED] = RIG_SHARE_GUIDED,
	};
	const struct mandelbrot_args *args = rig_team_args(team);
	size_t rank = (size_t)rig_team_rank(team);
	uint32_t *counts = rig_team_data(team, COUNTS);
	uint64_t *made = rig_team_data(team, STEPS);
	struct rig_share share;
	struct rig_span rows;
	size_t size = (size_t)rig_team_size(team), done = 0;
	uint64_t mine = 0;
	int r;

	/* Static without a chunk is a strip. */
	r = rig_share_begin(&share, team, args->side, schedules[args->share],
			    args->share == STATIC ? 0 : args->chunk);
	if (r < 0)
		return r;
	while (rig_share_next(&share, &rows))
		for (size_t i = rows.begin; i < rows.end; i++) {
			mine += row(args, i, counts);
			shade_row(args, i, counts,
				  args->smooth ? rig_team_data(team, SHADES)
					       : NULL);
			share_done(team, ++done * size, args->side);
		}
	made[rank * STRIDE] = mine;
	if (rank == 0)
		made[RANKS] = (uint64_t)rig_team_size(team);
	return rig_team_barrier(team);
}

/* A single point, by the formula as it is written in books. */
static uint32_t point(double cx, double cy, size_t iterations)
{
	double x = 0, y = 0;
	uint32_t steps = 0;

	while (steps < iterations && x * x + y * y <= 4) {
		double t = x * x - y * y + cx;

		y = 2 * x * y + cy;
		x = t;
		steps++;
	}
	return steps;
}

/* The area, where points and steps are enough for an estimate. */
static int verify_area(struct rig_team *team,
		       const struct mandelbrot_args *args)
{
	const uint32_t *counts = rig_team_data(team, COUNTS);
	double cell = WIDE / (double)args->side;
	double area = 0;

	if (args->side < 100 || args->iterations < 100)
		return 0;
	for (size_t i = 0; i < count(args); i++)
		area += counts[i] == args->iterations;
	area *= cell * cell;
	if (fabs(area - AREA) > 5 * cell + 10 / (double)args->iterations)
		return rig_team_fail(team, -EBADMSG,
				     "mandelbrot: the area is %.6f, expected "
				     "about %.6f",
				     area, AREA);
	return 0;
}

/* All steps were made by somebody, and noted. */
static int verify_steps(struct rig_team *team,
			const struct mandelbrot_args *args)
{
	const uint32_t *counts = rig_team_data(team, COUNTS);
	const uint64_t *made = rig_team_data(team, STEPS);
	uint64_t noted = 0, want = 0;

	for (size_t i = 0; i < count(args); i++)
		want += counts[i];
	for (uint64_t r = 0; r < made[RANKS]; r++)
		noted += made[r * STRIDE];
	if (noted != want)
		return rig_team_fail(team, -EBADMSG,
				     "mandelbrot: ranks noted %" PRIu64
				     " steps, and points took %" PRIu64,
				     noted, want);
	return 0;
}

static int verify_shades(struct rig_team *team,
			 const struct mandelbrot_args *args,
			 struct rig_span rows)
{
	const uint32_t *counts = rig_team_data(team, COUNTS);
	const float *shades = rig_team_data(team, SHADES);

	for (size_t i = rows.begin * args->side; i < rows.end * args->side; i++)
		if (shades[i] != shade(x_at(args->side, i % args->side),
				       y_at(args->side, i / args->side),
				       counts[i], args->iterations))
			return rig_team_fail(team, -EBADMSG,
					     "mandelbrot: point %zu has a "
					     "shade of %g",
					     i, (double)shades[i]);
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct mandelbrot_args *args = rig_team_args(team);
	struct rig_span rows = share_next(team, args->side);
	const uint32_t *counts = rig_team_data(team, COUNTS);
	int r;

	for (size_t i = rows.begin; i < rows.end; i++) {
		for (size_t j = 0; j < args->side; j++) {
			uint32_t want =
				point(x_at(args->side, j), y_at(args->side, i),
				      args->iterations);

			if (counts[i * args->side + j] != want)
				return rig_team_fail(
					team, -EBADMSG,
					"mandelbrot: point (%zu, %zu) takes "
					"%" PRIu32 " steps, expected %" PRIu32,
					i, j, counts[i * args->side + j], want);
		}
	}
	r = args->smooth ? verify_shades(team, args, rows) : 0;
	if (r < 0 || rig_team_rank(team) > 0)
		return r;
	r = verify_steps(team, args);
	return r < 0 ? r : verify_area(team, args);
}

static double items(const void *given, void *const data[])
{
	(void)data;
	return (double)count(given);
}

/* The steps of the busiest rank, divided by the mean of all ranks. */
static double busiest(const uint64_t *made)
{
	uint64_t ranks = made[RANKS], most = 0, all = 0;

	for (uint64_t r = 0; r < ranks; r++) {
		all += made[r * STRIDE];
		if (made[r * STRIDE] > most)
			most = made[r * STRIDE];
	}
	return all ? (double)most * (double)ranks / (double)all : 1;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const struct mandelbrot_args *args = given;
	const uint32_t *counts = data[COUNTS];
	uint64_t inside = 0;

	for (size_t i = 0; i < count(args); i++)
		inside += counts[i] == args->iterations;
	snprintf(text, bytes,
		 "area = %.6g, inside = %" PRIu64 ", busiest = %.3g",
		 args->side ? WIDE * WIDE * (double)inside / (double)count(args)
			    : 0.0,
		 inside, busiest(data[STEPS]));
}

static const struct rig_array_spec arrays[] = {
	{ .name = "counts",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_UINT32,
	  .count = count },
	{ .name = "steps",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_steps },
	{ 0 },
};

/* The same, and shades where the user asks for shades. */
static int declare(const void *given, struct rig_declared *declared, char *why,
		   size_t why_bytes)
{
	const struct mandelbrot_args *args = given;

	(void)why;
	(void)why_bytes;
	for (int i = 0; arrays[i].name; i++) {
		declared->specs[i] = arrays[i];
		snprintf(declared->names[i], RIG_DECLARED_BYTES, "%s",
			 arrays[i].name);
	}
	if (!args->smooth)
		return 0;
	declared->specs[SHADES] = (struct rig_array_spec){ .role = RIG_OUTPUT,
							   .dtype = RIG_FLOAT32,
							   .count = count };
	snprintf(declared->names[SHADES], RIG_DECLARED_BYTES, "shades");
	return 0;
}

const struct rig_kernel kernel_mandelbrot = {
	.version = RIG_KERNEL_VERSION,
	.name = "mandelbrot",
	.summary = "the Mandelbrot set, by static, dynamic or guided shares",
	.verified = "each point computed again by another rank; the area "
		    "against Foerstemann's 1.50659",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct mandelbrot_args),
	.items = items,
	.item = "points",
	.declare = declare,
	.run = run,
	.verify = verify,
	.result = result,
};
