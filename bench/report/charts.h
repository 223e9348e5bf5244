/* SPDX-License-Identifier: MIT */
/*
 * charts.h - which figures a result gives.
 */
#ifndef RIGBENCH_CHARTS_H
#define RIGBENCH_CHARTS_H

#include <jansson.h>

#include "report/figure.h"

#define CHARTS_MAX 16

struct charts {
	int count;
	struct figure figures[CHARTS_MAX];
};

/*
 * The figures of a result, those without a point left out.  `roofs` is a result
 * of rigbench mem on the same CPU model, or NULL; both outlive the charts.
 * charts_free() them.
 */
void charts_collect(struct charts *charts, const json_t *result,
		    const json_t *roofs, struct palette *palette);
void charts_free(struct charts *charts);

/* GB/s that one core can read at best from a working set of so many bytes or
 * more; 0: not measured. */
double charts_read_roof(const json_t *roofs, double bytes);

/* Does the result come from rigbench mem? */
bool charts_is_roofs(const json_t *result);

#endif
