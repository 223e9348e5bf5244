/* SPDX-License-Identifier: MIT */
/*
 * kmeans_proof.c - the proof of k-means: each point is with the nearest centre, and
 * each centre is the mean of its points.
 */
#include <kernels/lib/kmeans_means.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include <runrig/collective.h>

#include <kernels/lib/strips.h>

/* Each centre has, for verify, the sums of its points' coordinates and of their
 * absolute values, and the number of the points. */
static size_t plain_sums(const struct kmeans_args *args)
{
	return 2 * args->dims + 1;
}

/* The same of all centres, and the inertia: more than a run has. */
size_t kmeans_proof_sums(const struct kmeans_args *args)
{
	return args->k * plain_sums(args) + 1;
}

static void add_plainly(double *sums, const double *point, size_t dims)
{
	for (size_t d = 0; d < dims; d++) {
		sums[d] += point[d];
		sums[dims + d] += fabs(point[d]);
	}
	sums[2 * dims]++;
}

/* Check that each point has the label of the nearest centre.  On the way all
 * points are added up again, as doubles; the last sum is the sum of squared
 * distances. */
static int verify_labels(struct means *m)
{
	struct rig_span strip = share_next(m->team, m->args->points);
	size_t dims = m->args->dims;
	double *sums = m->sums;

	for (size_t i = strip.begin; i < strip.end; i++) {
		const double *point = kmeans_point(m, i);
		uint32_t want = kmeans_nearest(m, point);

		if (m->labels[i] != want)
			return rig_team_fail(m->team, -EBADMSG,
					     "kmeans: point %zu is with centre "
					     "%u, and %u is nearer",
					     i, m->labels[i], want);
		if (!m->args->header.given && want != kmeans_home(m->args, i))
			return rig_team_fail(m->team, -EBADMSG,
					     "kmeans: point %zu is with centre "
					     "%u, expected %zu",
					     i, want, kmeans_home(m->args, i));
		add_plainly(sums + want * plain_sums(m->args), point, dims);
		sums[m->words - 1] +=
			kmeans_distance(point, m->scaled + want * dims, dims);
	}
	return rig_team_allreduce(m->team, m->sums, m->all, m->words,
				  RIG_FLOAT64, RIG_SUM);
}

/* The error of each addition is at most 2^-53 of the sum of absolute values;
 * the run's rounding of a coordinate has an error of at most half a unit; and a
 * centre may be rounded to a denormal. */
static bool is_mean(const struct means *m, const double *centre,
		    const double *sums)
{
	size_t dims = m->args->dims;
	double count = sums[2 * dims], nu = (count + 4) * 0x1p-53;
	double rounding = count * (m->unit / 2 + m->scale * DBL_TRUE_MIN);

	for (size_t d = 0; d < dims && count > 0; d++)
		if (!(fabs(centre[d] * count - sums[d]) <=
		      sums[dims + d] * nu / (1 - nu) + rounding))
			return false;
	return true;
}

/* At rest each centre is the mean of its points. */
static int verify_centres(struct means *m)
{
	struct rig_span own = share_next(m->team, m->args->k);
	const double *sums = m->all;

	for (size_t c = own.begin; c < own.end; c++)
		if (!is_mean(m, m->scaled + c * m->args->dims,
			     sums + c * plain_sums(m->args)))
			return rig_team_fail(m->team, -EBADMSG,
					     "kmeans: centre %zu is not the "
					     "mean of its points",
					     c);
	return 0;
}

static int verify_summary(struct means *m)
{
	double points = (double)m->args->points;
	double nu = 2 * (points + (double)m->args->dims + 4) * 0x1p-53;
	double want = ((double *)m->all)[m->words - 1];

	if (m->summary[CHANGED] != 0 &&
	    m->summary[ITERATIONS] != (double)m->args->iterations)
		return rig_team_fail(m->team, -EBADMSG,
				     "kmeans: it has stopped too early");
	want = want / m->scale / m->scale;
	if (m->summary[INERTIA] == want ||
	    fabs(m->summary[INERTIA] - want) <= want * nu + DBL_TRUE_MIN)
		return 0;
	return rig_team_fail(m->team, -EBADMSG,
			     "kmeans: inertia is %.17g, expected %.17g",
			     m->summary[INERTIA], want);
}

static int verify_all(struct means *m)
{
	int r = kmeans_find_scale(m);

	if (r < 0)
		return r;
	kmeans_scale_centres(m);
	r = verify_labels(m);
	if (r == 0 && m->summary[CHANGED] == 0)
		r = verify_centres(m);
	return r == 0 ? verify_summary(m) : r;
}

int kmeans_verify(struct rig_team *team)
{
	const struct kmeans_args *args = rig_team_args(team);

	if (args->header.given &&
	    args->header.digest[0] != args->header.found[0])
		return rig_team_fail(team, -EBADMSG,
				     "kmeans: the points were changed");
	return kmeans_with_memory(team, kmeans_proof_sums(args), verify_all);
}
