/* SPDX-License-Identifier: MIT */
/*
 * comparison.c - two cells of a run, paired within blocks; and the claims that
 * a ratio allows.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "driver/measure.h"

enum verdict verdict_of(const struct stats_interval *ratio, double min_effect)
{
	if (!ratio->known || fabs(log(ratio->estimate)) < log1p(min_effect))
		return VERDICT_NOT_SHOWN;
	if (ratio->low > 1)
		return VERDICT_A_FASTER;
	return ratio->high < 1 ? VERDICT_B_FASTER : VERDICT_NOT_SHOWN;
}

/* Samples of both taken in the same launch and block, side by side. */
static size_t match(const struct cell *a, const struct cell *b, double *x,
		    double *y, uint32_t *launch)
{
	size_t n = 0;

	for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
		const struct sample_origin *p = &a->origin[i];
		const struct sample_origin *q = &b->origin[j];

		if (p->launch != q->launch ? p->launch < q->launch
					   : p->block < q->block) {
			i++;
		} else if (p->launch != q->launch || p->block != q->block) {
			j++;
		} else {
			x[n] = a->values[i++];
			y[n] = b->values[j++];
			launch[n++] = p->launch;
		}
	}
	return n;
}

int measure_compare(const struct plan *plan, const struct cell *a,
		    const struct cell *b, struct comparison *out)
{
	size_t room = a->n < b->n ? a->n : b->n;
	struct stats_interval ratio;
	uint32_t *launch;
	double *x;
	size_t n;
	int r;

	if (!room)
		return -ENODATA;
	x = malloc(3 * room * sizeof(*x));
	launch = malloc(room * sizeof(*launch));
	r = x && launch ? 0 : -ENOMEM;
	if (r == 0) {
		n = match(a, b, x, x + room, launch);
		n = stats_log_ratios(x, x + room, launch, n, x + 2 * room);
		r = stats_paired(x + 2 * room, n, &ratio);
		if (r == 0 && !n)
			r = -ENODATA;
	}
	if (r == 0) {
		out->a = a;
		out->b = b;
		out->ratio =
			(struct stats_interval){ exp(ratio.estimate),
						 exp(ratio.low),
						 exp(ratio.high), ratio.known };
		out->verdict =
			cell_trusted(a) && cell_trusted(b)
				? verdict_of(&out->ratio, plan->min_effect)
				: VERDICT_NOT_SHOWN;
	}
	free(x);
	free(launch);
	return r;
}
