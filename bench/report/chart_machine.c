/* SPDX-License-Identifier: MIT */
/*
 * chart_machine.c - figures of the machine, of kernels and of barriers.
 */
#include "report/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/charts.h"
#include "report/result_read.h"

static void collect_roofs(struct figure *f, const json_t *cell)
{
	const char *roof = result_read_axis(cell, "roof");
	int workers = atoi(result_read_axis(cell, "workers"));
	char name[FIGURE_NAME_BYTES];

	if (!*roof || chart_again(cell))
		return;
	snprintf(name, sizeof(name), "%.16s, %d worker%s", roof, workers,
		 workers == 1 ? "" : "s");
	figure_add(
		f, name, workers == 1 ? SERIES_DASHED : SERIES_LINE,
		chart_median(cell, chart_axis(cell, "size"), 1,
			     result_read_number(cell, "bytes_per_operation")));
}

/* Rows and columns are in the order of cells: first met, first drawn. */
static void collect_map(struct figure *f, const json_t *cell)
{
	const char *from = result_read_axis(cell, "from");
	const char *to = result_read_axis(cell, "to");
	char name[FIGURE_NAME_BYTES];
	int column = 0;

	if (!*from || !*to || chart_again(cell) ||
	    !(result_read_number(json_object_get(cell, "summary"), "p50") > 0))
		return;
	snprintf(name, sizeof(name), "P#%.16s", from);
	if (!*f->corner)
		snprintf(f->corner, sizeof(f->corner), "%s", name);
	while (column < f->count && strcmp(name, f->corner) != 0 &&
	       strcmp(name, f->series[column].name) != 0)
		column++;
	if (strcmp(name, f->corner) != 0)
		column++;
	snprintf(name, sizeof(name), "P#%.16s", to);
	figure_add(f, name, SERIES_POINTS, chart_median(cell, column, 1, 0));
}

/* A boundary where neighbours share neither core nor L3. */
static void finish_map(struct figure *f, const json_t *result,
		       const json_t *roofs)
{
	const json_t *cells = json_object_get(result, "cells");

	(void)roofs;
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		const char *distance = result_read_axis(cell, "distance");

		for (int row = 0; row < f->count; row++) {
			const char *above =
				row ? f->series[row - 1].name : f->corner;

			if (chart_again(cell) || !*distance ||
			    strcmp(above + 2, result_read_axis(cell, "from")) !=
				    0 ||
			    strcmp(f->series[row].name + 2,
				   result_read_axis(cell, "to")) != 0 ||
			    strcmp(distance, "same core") == 0 ||
			    strcmp(distance, "same L3") == 0)
				continue;
			figure_mark(f, row + 0.5, "");
		}
	}
}

/* The ratio of the comparison with one worker, turned round: a speed-up. */
static struct point speedup(const json_t *result, const json_t *cell)
{
	const json_t *list = json_object_get(result, "comparisons");
	double workers = chart_axis(cell, "workers");
	struct point p = { workers, workers == 1 ? 1 : NAN, NAN, NAN };

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);
		double low, high;

		if (strcmp(result_read_text(c, "b"),
			   result_read_text(cell, "id")) != 0)
			continue;
		(void)result_read_interval(c, &low, &high);
		p.y = 1 / result_read_number(c, "estimate");
		p.low = 1 / high;
		p.high = 1 / low;
	}
	return p;
}

/* "reverse", from "scale reverse, strong"; with a mark where cores are shared:
 * such points belong to no line. */
static enum series_style kernel_name(const json_t *cell, char *name)
{
	const char *contest = result_read_text(cell, "contest");
	const char *cores = result_read_axis(cell, "cores");
	const char *begin = strchr(contest, ' ');
	bool own = strcmp(cores, "own") == 0;

	begin = begin ? begin + 1 : contest;
	snprintf(name, FIGURE_NAME_BYTES, "%.*s%s", (int)strcspn(begin, ","),
		 begin,
		 own                         ? ""
		 : strcmp(cores, "smt") == 0 ? ", on siblings"
					     : ", shared");
	return own ? SERIES_LINE : SERIES_POINTS;
}

static void finish_speedup(struct figure *f, const json_t *result,
			   const char *mode)
{
	const json_t *cells = json_object_get(result, "cells");
	bool weak = strcmp(mode, "weak") == 0;
	double most = 0;

	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		char name[FIGURE_NAME_BYTES];
		enum series_style style = kernel_name(cell, name);

		if (strcmp(result_read_axis(cell, "mode"), mode) != 0 ||
		    chart_again(cell) ||
		    !(result_read_number(json_object_get(cell, "summary"),
					 "p50") > 0))
			continue;
		if (style == SERIES_LINE)
			most = fmax(most, chart_axis(cell, "workers"));
		figure_add(f, name, style, speedup(result, cell));
	}
	if (figure_empty(f))
		return;
	figure_add(f, "ideal", SERIES_LIMIT, (struct point){ 1, 1, NAN, NAN });
	figure_add(f, "ideal", SERIES_LIMIT,
		   (struct point){ most, weak ? 1 : most, NAN, NAN });
}

static void finish_strong(struct figure *f, const json_t *result,
			  const json_t *roofs)
{
	(void)roofs;
	finish_speedup(f, result, "strong");
}

static void finish_weak(struct figure *f, const json_t *result,
			const json_t *roofs)
{
	(void)roofs;
	finish_speedup(f, result, "weak");
}

static void collect_nothing(struct figure *f, const json_t *cell)
{
	(void)f;
	(void)cell;
}

static void collect_pss(struct figure *f, const json_t *cell)
{
	double pss = result_read_number(cell, "pss_bytes") / 1e6;
	double workers = chart_axis(cell, "workers");
	char name[FIGURE_NAME_BYTES];

	if (!(pss > 0) ||
	    strcmp(result_read_axis(cell, "mode"), "strong") != 0 ||
	    chart_again(cell))
		return;
	/* Memory does not depend on shared cores. */
	(void)kernel_name(cell, name);
	name[strcspn(name, ",")] = '\0';
	figure_add(f, name, SERIES_LINE,
		   (struct point){ workers, pss, NAN, NAN });
}

/* Beside each kernel the time of a copy for each worker. */
static void finish_pss(struct figure *f, const json_t *result,
		       const json_t *roofs)
{
	int count = f->count;

	(void)result;
	(void)roofs;
	for (int i = 0; i < count; i++) {
		char name[FIGURE_NAME_BYTES];

		snprintf(name, sizeof(name), "%.24s, copies",
			 f->series[i].name);
		for (int k = 0; k < f->series[i].count; k++) {
			struct point p = f->series[i].points[k];

			p.y = f->series[i].points[0].y * p.x;
			figure_add(f, name, SERIES_DASHED, p);
		}
	}
}

static void collect_barrier(struct figure *f, const json_t *cell)
{
	if (strncmp(result_read_text(cell, "contest"), "barrier", 7) == 0 &&
	    !chart_again(cell))
		figure_add(f, result_read_text(cell, "name"),
			   *result_read_text(cell, "peer") ? SERIES_DASHED
							   : SERIES_LINE,
			   chart_median(cell, chart_axis(cell, "ranks"), 1, 0));
}

const struct chart chart_machine[] = {
	{ { .id = "roofs",
	    .title = "What caches and memory can do",
	    .caption = "Bytes that the program reads or writes, medians; a "
		       "plain store makes memory move its line twice.",
	    .xlabel = "working set of one worker",
	    .ylabel = "bandwidth, all workers together",
	    .y_rate = true,
	    .kind = FIGURE_SIZES },
	  true,
	  collect_roofs,
	  NULL },
	{ { .id = "c2c",
	    .title = "A cache line from PU to PU",
	    .caption = "Nanoseconds one way, half a round trip; lines part PUs "
		       "that share no L3.",
	    .xlabel = "",
	    .ylabel = "ns",
	    .kind = FIGURE_MAP },
	  false,
	  collect_map,
	  finish_map },
	{ { .id = "speedup",
	    .title = "The same work for more workers",
	    .caption = "How many times as fast as one worker, with the 95 % "
		       "interval; points that no line leads to share their "
		       "cores.",
	    .xlabel = "workers",
	    .ylabel = "speed-up",
	    .kind = FIGURE_WORKERS },
	  false,
	  collect_nothing,
	  finish_strong },
	{ { .id = "weak",
	    .title = "As much work for each worker",
	    .caption = "One worker's time over that of all, each with a share "
		       "as large as its; points that no line leads to share "
		       "their cores.",
	    .xlabel = "workers",
	    .ylabel = "efficiency",
	    .kind = FIGURE_WORKERS },
	  false,
	  collect_nothing,
	  finish_weak },
	{ { .id = "pss",
	    .title = "Memory of all workers",
	    .caption = "Sum of proportional set sizes: a page that many share "
		       "counts once. Dashed: if each had a copy of all.",
	    .xlabel = "workers",
	    .ylabel = "MB",
	    .kind = FIGURE_WORKERS },
	  false,
	  collect_pss,
	  finish_pss },
	{ { .id = "barrier",
	    .title = "Barriers",
	    .caption = "Time of one barrier; dashed: peers. Ranks beyond the "
		       "cores share them.",
	    .xlabel = "ranks",
	    .ylabel = "nanoseconds",
	    .y_ns = 1,
	    .kind = FIGURE_RANKS },
	  false,
	  collect_barrier,
	  NULL },
	{ .collect = NULL },
};
