/* SPDX-License-Identifier: MIT */
/*
 * fit.h - laws of scaling, fitted to times.
 *
 * Both take the times of p workers as multiples of one worker's, for worker
 * counts that have a core each, and are least squares in the form in which the
 * law is linear.  Parameters are not held to be sensible: a negative one says
 * that the law does not fit (more caches with more cores, for one).
 */
#ifndef RIGBENCH_FIT_H
#define RIGBENCH_FIT_H

#include <stddef.h>

/* Counts of workers, 1 among them, that a fit needs: one more than it has
 * parameters to find, and 1 itself. */
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

/* workers[i] workers take times[i] times what one takes.  0, or -EINVAL for
 * fewer different counts than the law needs. */
int fit_amdahl(const int *workers, const double *times, size_t n,
	       struct fit_amdahl *out);
int fit_usl(const int *workers, const double *times, size_t n,
	    struct fit_usl *out);

/* Karp and Flatt (1990): the serial share that one measured time of p > 1
 * workers implies. */
double fit_karp_flatt(int workers, double time);

#endif
