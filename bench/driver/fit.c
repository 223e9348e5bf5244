/* SPDX-License-Identifier: MIT */
/*
 * fit.c - least squares with a single parameter and with two.
 */
#include "driver/fit.h"

#include <errno.h>
#include <stdbool.h>

/* How many different counts there are. */
static size_t different(const int *workers, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen |= workers[k] == workers[i];
		count += !seen;
	}
	return count;
}

/* y - 1/p = serial (1 - 1/p) */
int fit_amdahl(const int *workers, const double *times, size_t n,
	       struct fit_amdahl *out)
{
	double xy = 0;
	double xx = 0;

	if (different(workers, n) < FIT_AMDAHL_POINTS)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		double share = 1.0 / workers[i];

		xy += (1 - share) * (times[i] - share);
		xx += (1 - share) * (1 - share);
	}
	out->serial = xy / xx;
	return 0;
}

/* p y - 1 = contention u + coherency v; u = p - 1, v = p (p - 1) */
int fit_usl(const int *workers, const double *times, size_t n,
	    struct fit_usl *out)
{
	double uu = 0;
	double uv = 0;
	double vv = 0;
	double uy = 0;
	double vy = 0;
	double det;

	if (different(workers, n) < FIT_USL_POINTS)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		double p = workers[i];
		double u = p - 1;
		double v = p * u;
		double y = p * times[i] - 1;

		uu += u * u;
		uv += u * v;
		vv += v * v;
		uy += u * y;
		vy += v * y;
	}
	det = uu * vv - uv * uv;
	out->contention = (uy * vv - vy * uv) / det;
	out->coherency = (vy * uu - uy * uv) / det;
	return 0;
}

double fit_karp_flatt(int workers, double time)
{
	double share = 1.0 / workers;

	return (time - share) / (1 - share);
}
