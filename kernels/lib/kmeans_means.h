/* SPDX-License-Identifier: MIT */
/*
 * kmeans_means.h - points, labels and centres as a rank sees them: shared by the
 * kernel (kmeans.c) and the kernel's proof (kmeans_proof.c).
 */
#ifndef KERNELS_KMEANS_MEANS_H
#define KERNELS_KMEANS_MEANS_H

#include <stddef.h>
#include <stdint.h>

#include <runrig/kernel.h>

enum { POINTS, LABELS, CENTRES, SUMMARY };

/* The array `summary`. */
enum { ITERATIONS, CHANGED, INERTIA, SUMMARY_COUNT };

struct kmeans_args {
	struct rig_kernel_args header;
	size_t points;
	size_t dims;
	size_t k;
	size_t iterations;
};

/* The centre near which generated point i lies. */
static inline size_t kmeans_home(const struct kmeans_args *args, size_t i)
{
	size_t part = args->points / args->k;

	return i / part < args->k ? i / part : args->k - 1;
}

/* In this process: a rank's view of a run. */
struct means {
	struct rig_team *team;
	const struct kmeans_args *args;
	const void *points;
	uint32_t *labels;
	double *centres, *summary;
	struct rig_span own; /* the points of this rank */
	double scale;        /* the factor of the coordinates */
	double unit;         /* the unit of the rounding after that */
	double *scaled;      /* all centres, multiplied */
	double *point;
	size_t words;     /* length of `sums` and of `all` */
	void *sums, *all; /* over this rank's points, and all points */
};

/* Point i, multiplied; until the next call. */
const double *kmeans_point(const struct means *m, size_t i);

/* The square of the distance. */
static inline double kmeans_distance(const double *a, const double *b,
				     size_t dims)
{
	double sum = 0;

	for (size_t d = 0; d < dims; d++)
		sum += (a[d] - b[d]) * (a[d] - b[d]);
	return sum;
}

/* The first of the nearest centres. */
uint32_t kmeans_nearest(const struct means *m, const double *point);

/* Multiply all centres. */
void kmeans_scale_centres(struct means *m);

/* Find m->scale and m->unit.  Every rank calls. */
int kmeans_find_scale(struct means *m);

/* Call `work` with a view that has memory for `words` sums; ends with a barrier. */
int kmeans_with_memory(struct rig_team *team, size_t words,
		       int (*work)(struct means *));

/* The number of the sums that the proof needs. */
size_t kmeans_proof_sums(const struct kmeans_args *args);

/* As rig_kernel.verify. */
int kmeans_verify(struct rig_team *team);

#endif
