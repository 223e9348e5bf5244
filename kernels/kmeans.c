/* SPDX-License-Identifier: MIT */
/*
 * kmeans.c - points parted among k centres, each of which is the mean of its
 * own: Lloyd's algorithm (1957), until no point changes sides.
 *
 * A point's coordinates are whole numbers of a unit small enough to lose
 * nothing that counts and large enough for all points to be added up in 64
 * bits.  Their sums do not depend on who adds what, so that centres and labels
 * have the same bits for any number of workers.
 *
 * Centres begin as points: the first of every k-th part of them.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/kernel.h>

#include "builtin.h"
#include "share.h"
#include "sum.h"
#include "widen.h"

#define POINTS_MAX 9007199254740992.0 /* 2^53 */
#define K_MAX      4096.0
#define DIMS_MAX   1024.0

/* Generated points lie this far from their centre at most, in each direction;
 * centres are 1 apart. */
#define SPREAD 0.125

/* Bits of a sum. */
#define SUM_BITS 62

enum { POINTS, LABELS, CENTRES, SUMMARY };

/* The array `summary`. */
enum { ITERATIONS, CHANGED, INERTIA, UNIT, SUMMARY_COUNT };

/* Sums of squares of less are no infinity. */
#define COORDINATE_MAX 1e140

struct kmeans_args {
	struct rig_kernel_args header;
	size_t points;
	size_t dims;
	size_t k;
	size_t iterations;
};

static const struct rig_param params[] = {
	{ .name = "points",
	  .help = "how many are generated",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct kmeans_args, points),
	  .fallback = "1M",
	  .max = POINTS_MAX },
	{ .name = "dims",
	  .help = "coordinates of a point: an array is that many wide",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct kmeans_args, dims),
	  .fallback = "2",
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

static uint64_t count_generated(const void *given)
{
	const struct kmeans_args *args = given;

	return args->points * args->dims;
}

static uint64_t count_labels(const void *given)
{
	const struct kmeans_args *args = given;

	return args->header.arrays[POINTS].count / args->dims;
}

static uint64_t count_centres(const void *given)
{
	const struct kmeans_args *args = given;

	return args->k * args->dims;
}

static uint64_t count_summary(const void *given)
{
	(void)given;
	return SUMMARY_COUNT;
}

static int check(void *given, char *why, size_t why_bytes)
{
	struct kmeans_args *args = given;
	const struct rig_array *points = &args->header.arrays[POINTS];
	int r = widen_check(points, "kmeans", why, why_bytes);

	if (r < 0)
		return r;
	if (points->dims > 1 &&
	    (points->dims > 2 || points->columns != args->dims)) {
		snprintf(why, why_bytes,
			 "points has %u dimensions, the last of %zu elements: "
			 "it is to have 2, the last of dims=%zu",
			 points->dims, (size_t)points->columns, args->dims);
		return -EINVAL;
	}
	if (points->count % args->dims) {
		snprintf(why, why_bytes,
			 "%zu numbers are no whole number of points of %zu: "
			 "say dims=",
			 (size_t)points->count, args->dims);
		return -EINVAL;
	}
	args->points = points->count / args->dims;
	if (args->k > args->points) {
		snprintf(why, why_bytes, "k=%zu, but there are %zu points",
			 args->k, args->points);
		return -EINVAL;
	}
	return 0;
}

static double flops(const void *given)
{
	const struct kmeans_args *args = given;

	/* Of one iteration: how many there are is not known before. */
	return 3 * (double)args->points * (double)args->dims * (double)args->k;
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct kmeans_args *args = given;

	if (index > LABELS)
		return share_rows(1, bytes, rank, size, spans);
	return share_rows(args->points, bytes / args->points, rank, size,
			  spans);
}

/* Sums and counts of the own points, then of all; and a chunk as doubles. */
static size_t memory_of(const struct kmeans_args *args)
{
	return (args->k * (args->dims + 1) + 1) * 2 * sizeof(int64_t) +
	       args->dims * sizeof(double);
}

static size_t private_bytes(const void *given, int size)
{
	(void)size;
	return memory_of(given);
}

/* Uniform in -1 to 1. */
static double scatter(uint64_t at)
{
	return (double)(int64_t)share_scatter(at) * 0x1p-63;
}

/* The centre that generated point i lies at. */
static size_t home(const struct kmeans_args *args, size_t i)
{
	size_t part = args->points / args->k;

	return i / part < args->k ? i / part : args->k - 1;
}

static int prepare(struct rig_team *team)
{
	const struct kmeans_args *args = rig_team_args(team);
	struct rig_span strip = rig_team_strip(team, args->points);
	double *x = rig_team_data(team, POINTS);

	for (size_t i = strip.begin; i < strip.end; i++)
		for (size_t d = 0; d < args->dims; d++)
			x[i * args->dims + d] =
				(double)home(args, i) +
				SPREAD * scatter(i * args->dims + d);
	return rig_team_barrier(team);
}

/* In this process: one rank's view of a run. */
struct means {
	struct rig_team *team;
	const struct kmeans_args *args;
	const void *points;
	uint32_t *labels;
	double *centres, *summary;
	struct rig_span own; /* points */
	size_t words;        /* of one set of sums: coordinates, counts */
	int64_t *sums, *all; /* and how many points changed sides */
	double *point;
};

static const double *point_at(const struct means *m, size_t i)
{
	const struct rig_array *array = &m->args->header.arrays[POINTS];
	size_t dims = m->args->dims;

	widen_to_double(array->dtype, m->points, i * dims, (i + 1) * dims,
			m->point);
	return m->point;
}

static double distance(const double *a, const double *b, size_t dims)
{
	double sum = 0;

	for (size_t d = 0; d < dims; d++)
		sum += (a[d] - b[d]) * (a[d] - b[d]);
	return sum;
}

/* The first of the nearest centres. */
static uint32_t nearest(const struct means *m, const double *point)
{
	size_t dims = m->args->dims;
	double least = INFINITY;
	size_t best = 0;

	for (size_t c = 0; c < m->args->k; c++) {
		double far = distance(point, m->centres + c * dims, dims);

		if (far < least) {
			least = far;
			best = c;
		}
	}
	return (uint32_t)best;
}

/* The unit that coordinates are counted in: a power of two.  0: a coordinate
 * is infinite, or no number. */
static double find_unit(const struct means *m)
{
	double most = 0, all = 0;
	int r, bits;

	for (size_t i = m->own.begin; i < m->own.end; i++) {
		const double *point = point_at(m, i);

		for (size_t d = 0; d < m->args->dims; d++)
			if (!(fabs(point[d]) <= most))
				most = isfinite(point[d]) ? fabs(point[d])
							  : INFINITY;
	}
	r = rig_team_allreduce(m->team, &most, &all, 1, RIG_FLOAT64, RIG_MAX);
	if (r < 0 || all > COORDINATE_MAX)
		return 0;
	frexp(all, &bits);
	frexp((double)m->args->points, &r);
	return ldexp(1, bits + r - SUM_BITS);
}

/* Label the own points and add them up; everybody then has all sums. */
static int assign(struct means *m, double unit)
{
	size_t dims = m->args->dims;
	int64_t *counts = m->sums + m->args->k * dims;
	int64_t *changed = counts + m->args->k;

	memset(m->sums, 0, m->words * sizeof(*m->sums));
	for (size_t i = m->own.begin; i < m->own.end; i++) {
		const double *point = point_at(m, i);
		uint32_t label = nearest(m, point);
		int64_t *sums = m->sums + label * dims;

		*changed += label != m->labels[i];
		m->labels[i] = label;
		counts[label]++;
		for (size_t d = 0; d < dims; d++)
			sums[d] += (int64_t)rint(point[d] / unit);
	}
	return rig_team_allreduce(m->team, m->sums, m->all, m->words, RIG_INT64,
				  RIG_SUM);
}

/* A centre is the mean of its points; one that has none stays. */
static void move(struct means *m, double unit)
{
	struct rig_span own = rig_team_strip(m->team, m->args->k);
	size_t dims = m->args->dims;
	const int64_t *counts = m->all + m->args->k * dims;

	for (size_t c = own.begin; c < own.end; c++)
		for (size_t d = 0; d < dims && counts[c] > 0; d++)
			m->centres[c * dims + d] =
				(double)m->all[c * dims + d] * unit /
				(double)counts[c];
	rig_team_barrier(m->team);
}

/* The sum of all points' squared distances, in units of its own. */
static double inertia(const struct means *m)
{
	size_t dims = m->args->dims;
	struct rig_span chunks =
		rig_team_strip(m->team, share_chunks(m->args->points));
	double sum = 0, all = 0;

	for (size_t i = chunks.begin * SHARE_CHUNK;
	     i < chunks.end * SHARE_CHUNK && i < m->args->points; i++)
		sum += distance(point_at(m, i),
				m->centres + m->labels[i] * dims, dims);
	/* For people: the bits of this one may differ between teams. */
	(void)rig_team_reduce(m->team, &sum, &all, 1, RIG_FLOAT64, RIG_SUM, 0);
	return all;
}

static int begin(struct means *m)
{
	size_t dims = m->args->dims, part = m->args->points / m->args->k;
	struct rig_span own = rig_team_strip(m->team, m->args->k);

	for (size_t c = own.begin; c < own.end; c++)
		memcpy(m->centres + c * dims, point_at(m, c * part),
		       dims * sizeof(double));
	for (size_t i = m->own.begin; i < m->own.end; i++)
		m->labels[i] = UINT32_MAX;
	return rig_team_barrier(m->team);
}

static int iterate(struct means *m)
{
	size_t changed_at = m->args->k * (m->args->dims + 1);
	double unit = find_unit(m);
	double far;
	size_t i = 0;
	int r;

	if (unit == 0)
		return rig_team_fail(
			m->team, -EINVAL,
			"kmeans: a coordinate is beyond 1e140, whose "
			"square is to be had, or not a number");
	r = begin(m);
	for (; r == 0; i++) {
		r = assign(m, unit);
		if (r < 0 || m->all[changed_at] == 0 ||
		    i == m->args->iterations)
			break;
		move(m, unit);
	}
	far = inertia(m);
	if (rig_team_rank(m->team) == 0) {
		m->summary[ITERATIONS] = (double)i;
		m->summary[CHANGED] = (double)m->all[changed_at];
		m->summary[INERTIA] = far;
		m->summary[UNIT] = unit;
	}
	return r;
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
		.words = args->k * (args->dims + 1) + 1,
	};
}

static int with_memory(struct rig_team *team, int (*work)(struct means *))
{
	struct means m = view(team);
	int r;

	m.sums = malloc(memory_of(m.args));
	if (!m.sums)
		return rig_team_fail(team, -ENOMEM, "kmeans: no memory");
	m.all = m.sums + m.words;
	m.point = (double *)(m.all + m.words);
	r = work(&m);
	free(m.sums);
	return r < 0 ? r : rig_team_barrier(team);
}

static int run(struct rig_team *team)
{
	return with_memory(team, iterate);
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

/* No other centre is nearer to a point, whoever labelled it. */
static int verify_labels(struct means *m)
{
	struct rig_span strip = share_next(m->team, m->args->points);

	for (size_t i = strip.begin; i < strip.end; i++) {
		uint32_t want = nearest(m, point_at(m, i));

		if (m->labels[i] != want)
			return rig_team_fail(m->team, -EBADMSG,
					     "kmeans: point %zu is with centre "
					     "%u, and %u is nearer",
					     i, m->labels[i], want);
		if (!m->args->header.given && want != home(m->args, i))
			return rig_team_fail(m->team, -EBADMSG,
					     "kmeans: point %zu is with centre "
					     "%u, expected %zu",
					     i, want, home(m->args, i));
	}
	return 0;
}

/* At rest each centre is the mean of its points: added up anew, plainly. */
static int verify_centres(struct means *m)
{
	struct rig_span own = share_next(m->team, m->args->k);
	size_t dims = m->args->dims;

	for (size_t c = own.begin; c < own.end; c++) {
		for (size_t d = 0; d < dims; d++) {
			double sum = 0, size = 0, count = 0;
			double off;

			for (size_t i = 0; i < m->args->points; i++) {
				if (m->labels[i] != c)
					continue;
				sum += point_at(m, i)[d];
				size += fabs(m->point[d]);
				count++;
			}
			off = fabs(m->centres[c * dims + d] * count - sum);
			if (!(off <= size * count * 0x1p-50 +
					     count * m->summary[UNIT]))
				return rig_team_fail(
					m->team, -EBADMSG,
					"kmeans: centre %zu is not the mean of "
					"its points",
					c);
		}
	}
	return 0;
}

static int verify_all(struct means *m)
{
	int r = verify_labels(m);

	if (r == 0 && m->summary[CHANGED] == 0)
		r = verify_centres(m);
	return r;
}

static int verify(struct rig_team *team)
{
	const struct kmeans_args *args = rig_team_args(team);

	if (args->header.given &&
	    args->header.digest[0] != args->header.found[0])
		return rig_team_fail(team, -EBADMSG,
				     "kmeans: the points were changed");
	return with_memory(team, verify_all);
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

const struct rig_kernel kernel_kmeans = {
	.name = "kmeans",
	.summary = "points parted among k centres, by Lloyd's algorithm",
	.verified = "no centre nearer, each point; centres the means of their "
		    "own; generated ones where they were put",
	.params = params,
	.arrays = { { .name = "points",
		      .dtype = RIG_FLOAT64,
		      .any_dtype = true,
		      .input = true,
		      .count = count_generated },
		    { .name = "labels",
		      .dtype = RIG_UINT32,
		      .output = true,
		      .count = count_labels },
		    { .name = "centres",
		      .dtype = RIG_FLOAT64,
		      .output = true,
		      .count = count_centres },
		    { .name = "summary",
		      .dtype = RIG_FLOAT64,
		      .output = true,
		      .count = count_summary } },
	.args_bytes = sizeof(struct kmeans_args),
	.check = check,
	.flops = flops,
	.owns = owns,
	.private_bytes = private_bytes,
	.prepare = prepare,
	.digest = digest,
	.run = run,
	.verify = verify,
	.result = result,
};
