/* SPDX-License-Identifier: MIT */
/*
 * fit.h - laws of scaling, fitted to times.
 *
 * Both laws take the times of p workers as multiples of a single worker's time,
 * for worker counts with a core for each worker, and are least squares in the
 * form in which the law is linear.  Parameters may have senseless values: a
 * negative parameter shows that the law does not fit (where more cores have
 * more caches, for example).
 */
#ifndef RIGBENCH_FIT_H
#define RIGBENCH_FIT_H

#include <stddef.h>

/* The least number of worker counts for a fit, 1 among them: the count 1, and
 * one more count than the law has parameters. */
#define FIT_AMDAHL_POINTS 3
#define FIT_USL_POINTS    4

/* Amdahl (1967): T(p) / T(1) = serial + (1 - serial) / p. */
struct fit_amdahl {
	double serial;
};

/* Gunther's Universal Scalability Law (1993):
 * p T(p) / T(1) = 1 + contention (p - 1) + coherency p (p - 1). */
struct fit_usl {
	double contention, coherency;
};

/* workers[i] workers take times[i] times as long as a single worker. 0, or
 * -EINVAL for fewer different counts than the law needs. */
int fit_amdahl(const int *workers, const double *times, size_t n,
	       struct fit_amdahl *out);
int fit_usl(const int *workers, const double *times, size_t n,
	    struct fit_usl *out);

/* Karp and Flatt (1990): the serial share that follows from a measured time of
 * p > 1 workers. */
double fit_karp_flatt(int workers, double time);

#endif
