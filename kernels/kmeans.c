/* SPDX-License-Identifier: MIT */
/*
 * kmeans.c - points parted among k centres; each centre is the mean of its own
 * points: Lloyd's algorithm (1957), until no point changes its centre.
 *
 * All coordinates are multiplied by the same power of two, after which the
 * greatest is about 1: squares of distances neither overflow nor vanish.
 *
 * For the sums, coordinates are rounded to multiples of a unit, the smallest
 * unit with which the sum of all points fits into 64 bits.  Sums of whole
 * numbers do not depend on the ranks that add: centres and labels have the same
 * bits for any number of workers.
 *
 * Points are cut into k equal parts, and a centre begins at the first point of
 * each part.  Where there are no points there are no labels, and the
 * coordinates of centres are NaNs.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/kmeans_means.h>
#include <kernels/lib/shapes.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/order_sum.h>
#include <runner/convert.h>

#define POINTS_DEFAULT 1000000
#define POINTS_MAX     9007199254740992.0 /* 2^53 */
#define K_MAX          4096.0
#define DIMS_MAX       1024.0
#define DIMS_DEFAULT   2

/* The largest distance of a generated point from its centre, in each direction;
 * centres are 1 apart. */
#define SPREAD 0.125

/* Bits of a sum. */
#define SUM_BITS 62

/* Coordinates are multiplied by at most 2 to the power SCALE_BITS_MAX, for a
 * double does not reach much further.  Denormal coordinates stay far below 1,
 * but their squares do not vanish. */
#define SCALE_BITS_MAX 1000

static const struct rig_param params[] = {
	{ .name = "points",
	  .help = "how many are generated",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct kmeans_args, points),
	  .fallback = "1M",
	  .max = POINTS_MAX },
	{ .name = "dims",
	  .help = "coordinates of a point; auto: as many as the array has "
		  "columns, and 2 of generated data",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct kmeans_args, dims),
	  .fallback = "auto",
	  .min = 1,
	  .max = DIMS_MAX },
	{ .name = "k",
	  .help = "centres",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct kmeans_args, k),
	  .fallback = "8",
	  .min = 1,
	  .max = K_MAX },
	{ .name = "iterations",
	  .help = "at most",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct kmeans_args, iterations),
	  .fallback = "100",
	  .max = 1e9 },
	{ 0 },
};

/* Before check, dims= may still hold the word of its default. */
static size_t dims_of(const struct kmeans_args *args)
{
	return args->dims == SIZE_MAX ? DIMS_DEFAULT : args->dims;
}

static uint64_t count_generated(const void *given)
{
	const struct kmeans_args *args = given;

	return args->points * dims_of(args);
}

static uint64_t count_labels(const void *given)
{
	const struct kmeans_args *args = given;

	return args->header.arrays[POINTS].count / dims_of(args);
}

static uint64_t count_centres(const void *given)
{
	const struct kmeans_args *args = given;

	return args->k * dims_of(args);
}

static uint64_t count_summary(const void *given)
{
	(void)given;
	return SUMMARY_COUNT;
}

/* A set of points is a matrix, of a point a row; or, with dims=, numbers. */
static int find_dims(struct kmeans_args *args, char *why, size_t why_bytes)
{
	const struct rig_array *points = &args->header.arrays[POINTS];
	bool given = args->header.given, is_auto = args->dims == SIZE_MAX;
	size_t columns = shape_columns(points);

	if (given && is_auto && points->dims == 2 && columns > 0 &&
	    (double)columns <= DIMS_MAX)
		args->dims = columns;
	if (!given)
		args->dims = dims_of(args);
	if (args->dims == SIZE_MAX) {
		snprintf(why, why_bytes,
			 "points has %u dimension%s, the last of %zu elements: "
			 "a set of points has 2, the last of 1 to %.0f; or say "
			 "dims=",
			 points->dims, points->dims == 1 ? "" : "s", columns,
			 DIMS_MAX);
		return -EINVAL;
	}
	if (points->dims > 1 && (points->dims > 2 || columns != args->dims)) {
		snprintf(why, why_bytes,
			 "points has %u dimensions, the last of %zu elements: "
			 "it is to have 2, the last of dims=%zu",
			 points->dims, columns, args->dims);
		return -EINVAL;
	}
	if (points->count % args->dims == 0)
		return 0;
	snprintf(why, why_bytes,
		 "%zu numbers are no whole number of points of %zu: say dims=",
		 (size_t)points->count, args->dims);
	return -EINVAL;
}

/* A row a centre. */
static void shape_centres(struct kmeans_args *args)
{
	struct rig_array *centres = &args->header.arrays[CENTRES];

	if (centres->dims)
		return;
	centres->dims = 2;
	centres->shape[0] = (int64_t)args->k;
	centres->shape[1] = (int64_t)args->dims;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct kmeans_args *args = given;
	const struct rig_array *points = &args->header.arrays[POINTS];
	int r = convert_check(points, "kmeans", why, why_bytes);

	if (r == 0)
		r = find_dims(args, why, why_bytes);
	if (r < 0)
		return r;
	if (args->header.given && args->points != POINTS_DEFAULT &&
	    args->points != points->count / args->dims) {
		snprintf(why, why_bytes,
			 "points=%zu, but the array given has %zu",
			 args->points, (size_t)points->count / args->dims);
		return -EINVAL;
	}
	args->points = points->count / args->dims;
	if (args->k > args->points && args->points > 0) {
		snprintf(why, why_bytes, "k=%zu, but there are %zu points",
			 args->k, args->points);
		return -EINVAL;
	}
	shape_centres(args);
	return 0;
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct kmeans_args *args = given;

	if (index > LABELS)
		return share_rows(1, bytes, rank, size, spans);
	return share_rows(args->points, args->points ? bytes / args->points : 0,
			  rank, size, spans);
}

/* The number of sums in a run: for each centre the coordinates of its points;
 * for each centre the number of its points; and the number of points that
 * changed. */
static size_t count_sums(const struct kmeans_args *args)
{
	return args->k * (args->dims + 1) + 1;
}

/* Memory for all centres, a point, and `sums` sums twice: of this rank's
 * points, and of all points. */
static size_t memory_of(const struct kmeans_args *args, size_t sums)
{
	return ((args->k + 1) * args->dims + 2 * sums) * sizeof(double);
}

static size_t private_bytes(const void *given, int size)
{
	(void)size;
	return memory_of(given, kmeans_proof_sums(given));
}

/* Uniform in -1 to 1. */
static double scatter(uint64_t at)
{
	return (double)(int64_t)share_scatter(at) * 0x1p-63;
}

static int prepare(struct rig_team *team)
{
	const struct kmeans_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->points);
	double *x = rig_team_data(team, POINTS);

	for (size_t i = strip.begin; i < strip.end; i++)
		for (size_t d = 0; d < args->dims; d++)
			x[i * args->dims + d] =
				(double)kmeans_home(args, i) +
				SPREAD * scatter(i * args->dims + d);
	return rig_team_barrier(team);
}

const double *kmeans_point(const struct means *m, size_t i)
{
	const struct rig_array *array = &m->args->header.arrays[POINTS];
	size_t dims = m->args->dims;

	convert_to_double(array->dtype, m->points, i * dims, (i + 1) * dims,
			  m->point);
	for (size_t d = 0; d < dims; d++)
		m->point[d] *= m->scale;
	return m->point;
}

/* The first of the nearest centres. */
uint32_t kmeans_nearest(const struct means *m, const double *point)
{
	size_t dims = m->args->dims;
	double least = INFINITY;
	size_t best = 0;

	for (size_t c = 0; c < m->args->k; c++) {
		double far = kmeans_distance(point, m->scaled + c * dims, dims);

		if (far < least) {
			least = far;
			best = c;
		}
	}
	return (uint32_t)best;
}

void kmeans_scale_centres(struct means *m)
{
	for (size_t i = 0; i < m->args->k * m->args->dims; i++)
		m->scaled[i] = m->centres[i] * m->scale;
}

/* Sets m->scale and m->unit. */
int kmeans_find_scale(struct means *m)
{
	double most = 0, all = 0;
	int r, bits = 0;

	m->scale = 1;
	for (size_t i = m->own.begin; i < m->own.end; i++) {
		const double *point = kmeans_point(m, i);

		for (size_t d = 0; d < m->args->dims; d++)
			if (!(fabs(point[d]) <= most))
				most = isfinite(point[d]) ? fabs(point[d])
							  : INFINITY;
	}
	r = rig_team_allreduce(m->team, &most, &all, 1, RIG_FLOAT64, RIG_MAX);
	if (r < 0)
		return r;
	if (isinf(all))
		return rig_team_fail(m->team, -EINVAL,
				     "kmeans: a coordinate is infinite, or not "
				     "a number");
	frexp(all, &bits);
	m->scale = ldexp(1, -bits < SCALE_BITS_MAX ? -bits : SCALE_BITS_MAX);
	frexp(all * m->scale, &bits);
	frexp((double)m->args->points, &r);
	m->unit = ldexp(1, bits + r - SUM_BITS);
	return 0;
}

/* Label this rank's points and add the points up; then every rank has all
 * sums. */
static int assign(struct means *m)
{
	size_t dims = m->args->dims;
	int64_t *all_sums = m->sums;
	int64_t *counts = all_sums + m->args->k * dims;
	int64_t *changed = counts + m->args->k;

	kmeans_scale_centres(m);
	memset(all_sums, 0, m->words * sizeof(*all_sums));
	for (size_t i = m->own.begin; i < m->own.end; i++) {
		const double *point = kmeans_point(m, i);
		uint32_t label = kmeans_nearest(m, point);
		int64_t *sums = all_sums + label * dims;

		*changed += label != m->labels[i];
		m->labels[i] = label;
		counts[label]++;
		for (size_t d = 0; d < dims; d++)
			sums[d] += (int64_t)rint(point[d] / m->unit);
	}
	return rig_team_allreduce(m->team, m->sums, m->all, m->words, RIG_INT64,
				  RIG_SUM);
}

/* A centre becomes the mean of its points; a centre without points stays. */
static void move(struct means *m)
{
	struct rig_span own = rig_team_strip(m->team, m->args->k);
	size_t dims = m->args->dims;
	const int64_t *sums = m->all, *counts = sums + m->args->k * dims;

	for (size_t c = own.begin; c < own.end; c++) {
		for (size_t d = 0; d < dims && counts[c] > 0; d++) {
			double mean = (double)sums[c * dims + d] * m->unit /
				      (double)counts[c] / m->scale;

			/* The mean of the greatest doubles may be rounded up
			 * to infinity. */
			m->centres[c * dims + d] =
				isinf(mean) ? copysign(DBL_MAX, mean) : mean;
		}
	}
	rig_team_barrier(m->team);
}

/* The sum of all points' squared distances. */
static double inertia(const struct means *m)
{
	size_t dims = m->args->dims;
	struct rig_span chunks =
		rig_team_strip(m->team, share_chunks(m->args->points));
	double sum = 0, all = 0;

	for (size_t i = chunks.begin * SHARE_CHUNK;
	     i < chunks.end * SHARE_CHUNK && i < m->args->points; i++)
		sum += kmeans_distance(kmeans_point(m, i),
				       m->scaled + m->labels[i] * dims, dims);
	/* Teams may differ in the last bits of the number: no decision depends
	 * on it. */
	(void)rig_team_reduce(m->team, &sum, &all, 1, RIG_FLOAT64, RIG_SUM, 0);
	return all / m->scale / m->scale;
}

static int begin(struct means *m)
{
	size_t dims = m->args->dims, part = m->args->points / m->args->k;
	struct rig_span own = rig_team_strip(m->team, m->args->k);

	for (size_t c = own.begin; c < own.end; c++) {
		const double *point =
			m->args->points ? kmeans_point(m, c * part) : NULL;

		for (size_t d = 0; d < dims; d++)
			m->centres[c * dims + d] =
				point ? point[d] / m->scale : NAN;
	}
	for (size_t i = m->own.begin; i < m->own.end; i++)
		m->labels[i] = UINT32_MAX;
	return rig_team_barrier(m->team);
}

static int iterate(struct means *m)
{
	const int64_t *changed = (int64_t *)m->all + m->words - 1;
	double far;
	size_t i = 0;
	int r = kmeans_find_scale(m);

	if (r == 0)
		r = begin(m);
	for (; r == 0; i++) {
		r = assign(m);
		if (r < 0 || *changed == 0 || i == m->args->iterations)
			break;
		move(m);
	}
	if (r < 0)
		return r;
	far = inertia(m);
	if (rig_team_rank(m->team) == 0) {
		m->summary[ITERATIONS] = (double)i;
		m->summary[CHANGED] = (double)*changed;
		m->summary[INERTIA] = far;
	}
	return 0;
}

static struct means view(struct rig_team *team)
{
	const struct kmeans_args *args = rig_team_args(team);

	return (struct means){
		.team = team,
		.args = args,
		.points = rig_team_data(team, POINTS),
		.labels = rig_team_data(team, LABELS),
		.centres = rig_team_data(team, CENTRES),
		.summary = rig_team_data(team, SUMMARY),
		.own = rig_team_strip(team, args->points),
	};
}

int kmeans_with_memory(struct rig_team *team, size_t words,
		       int (*work)(struct means *))
{
	struct means m = view(team);
	int r;

	m.scaled = calloc(1, memory_of(m.args, words));
	if (!m.scaled)
		return rig_team_fail(team, -ENOMEM, "kmeans: no memory");
	m.point = m.scaled + m.args->k * m.args->dims;
	m.words = words;
	m.sums = m.point + m.args->dims;
	m.all = (double *)m.sums + words;
	r = work(&m);
	free(m.scaled);
	return r < 0 ? r : rig_team_barrier(team);
}

static int run(struct rig_team *team)
{
	return kmeans_with_memory(team, count_sums(rig_team_args(team)),
				  iterate);
}

static int digest(struct rig_team *team)
{
	const struct kmeans_args *args = rig_team_args(team);
	struct rig_span strip = share_next(team, args->points);
	size_t bytes = args->header.arrays[POINTS].item_bytes;
	const char *x = rig_team_data(team, POINTS);
	uint64_t *sums = rig_team_result(team);

	for (size_t i = strip.begin; i < strip.end; i++)
		sums[0] += sum_items(x + i * args->dims * bytes, args->dims,
				     bytes, i * args->dims, 1);
	return 0;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const double *summary = data[SUMMARY];

	(void)given;
	snprintf(text, bytes, "inertia = %.12g, iterations = %.0f%s",
		 summary[INERTIA], summary[ITERATIONS],
		 summary[CHANGED] > 0 ? ", changed = 1" : "");
}

static const struct rig_array_spec arrays[] = {
	{ .name = "points",
	  .role = RIG_INPUT,
	  .dtype = RIG_FLOAT64,
	  .any_dtype = true,
	  .any_byte = true,
	  .count = count_generated },
	{ .name = "labels",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_UINT32,
	  .count = count_labels },
	{ .name = "centres",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_centres },
	{ .name = "summary",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_summary },
	{ 0 },
};

const struct rig_kernel kernel_kmeans = {
	.version = RIG_KERNEL_VERSION,
	.name = "kmeans",
	.summary = "points parted among k centres, by Lloyd's algorithm",
	.verified = "no centre nearer, each point; centres at rest the means "
		    "of their own; generated points where they were put",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct kmeans_args),
	.check = check,
	.owns = owns,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = kmeans_verify,
	.result = result,
};
