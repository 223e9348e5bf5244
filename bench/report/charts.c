/* SPDX-License-Identifier: MIT */
/*
 * charts.c - from cells to points.
 *
 * Each chart looks at one cell at a time and takes what it can use; a result
 * that has nothing for a chart has no such figure.
 */
#include "report/charts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/result_read.h"

/* The size whose tail is drawn. */
#define TAIL_BYTES "4096"

struct chart {
	struct figure blank;
	bool caches; /* marked on the x axis */
	void (*collect)(struct figure *f, const json_t *cell);
	/* After all cells; NULL: nothing is left to do. */
	void (*finish)(struct figure *f, const json_t *result,
		       const json_t *roofs);
};

/* A median with its interval, as a rate of `bytes` where that is not 0. */
static struct point median(const json_t *cell, double x, double unit,
			   double bytes)
{
	const json_t *summary = json_object_get(cell, "summary");
	struct point p = { .x = x,
			   .y = result_read_number(summary, "p50") / unit };

	(void)result_read_interval(summary, &p.low, &p.high);
	p.low /= unit;
	p.high /= unit;
	if (bytes > 0)
		return (struct point){ x, bytes / p.y, bytes / p.high,
				       bytes / p.low };
	return p;
}

static double axis_number(const json_t *cell, const char *axis)
{
	return atof(result_read_axis(cell, axis));
}

/* The repetition is for the noise floor, not for a picture. */
static bool again(const json_t *cell)
{
	return strstr(result_read_text(cell, "name"), "(again)") != NULL;
}

static bool is_pattern(const json_t *cell, const char *pattern)
{
	return strcmp(result_read_axis(cell, "pattern"), pattern) == 0 &&
	       *result_read_axis(cell, "transport") && !again(cell);
}

/* Controls move no message between processes. */
static enum series_style style_of(const char *transport)
{
	static const char *const controls[] = { "null",     "sync",
						"byref",    "memcpy",
						"memcpy-x", "serialise" };

	for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); i++)
		if (strcmp(transport, controls[i]) == 0)
			return SERIES_DASHED;
	return SERIES_LINE;
}

/* The way of waiting is in the name where it is not the default. */
static void add_transport(struct figure *f, const json_t *cell, struct point p)
{
	const char *transport = result_read_axis(cell, "transport");
	const char *wait = result_read_axis(cell, "wait");
	char name[FIGURE_NAME_BYTES];

	snprintf(name, sizeof(name), "%.30s", transport);
	if (*wait && strcmp(wait, "hybrid") != 0)
		snprintf(name, sizeof(name), "%.30s (%.12s)", transport, wait);
	figure_add(f, name, style_of(transport), p);
}

static void collect_latency(struct figure *f, const json_t *cell)
{
	if (is_pattern(cell, "pingpong"))
		add_transport(f, cell,
			      median(cell, axis_number(cell, "size"), 2e3, 0));
}

static void collect_bandwidth(struct figure *f, const json_t *cell)
{
	if (is_pattern(cell, "stream"))
		add_transport(f, cell,
			      median(cell, axis_number(cell, "size"), 1,
				     result_read_number(
					     cell, "bytes_per_operation")));
}

static void collect_setup(struct figure *f, const json_t *cell)
{
	if (is_pattern(cell, "setup"))
		add_transport(f, cell,
			      median(cell, axis_number(cell, "size"), 1e3, 0));
}

static void collect_cpu(struct figure *f, const json_t *cell,
			const char *pattern)
{
	const json_t *cost = json_object_get(cell, "resources");
	double bytes = result_read_number(cell, "bytes_per_operation");

	if (cost && bytes > 0 && is_pattern(cell, pattern))
		add_transport(
			f, cell,
			(struct point){ axis_number(cell, "size"),
					result_read_number(cost, "cpu_ns") /
						bytes,
					NAN, NAN });
}

static void collect_cpu_pingpong(struct figure *f, const json_t *cell)
{
	collect_cpu(f, cell, "pingpong");
}

static void collect_cpu_stream(struct figure *f, const json_t *cell)
{
	collect_cpu(f, cell, "stream");
}

/* The tail of one size: latency against 1 / (1 - share). */
static void collect_tail(struct figure *f, const json_t *cell)
{
	const json_t *tail = json_object_get(cell, "tail");
	const json_t *bins = json_object_get(tail, "histogram");
	double n = result_read_number(tail, "n");
	double seen = 0;
	double next = 1.2;

	if (!json_is_array(bins) || !is_pattern(cell, "pingpong") ||
	    strcmp(result_read_axis(cell, "size"), TAIL_BYTES) != 0)
		return;
	for (size_t i = 0; i < json_array_size(bins); i++) {
		const json_t *bin = json_array_get(bins, i);
		double ns = json_number_value(json_array_get(bin, 0));
		double rest;

		seen += json_number_value(json_array_get(bin, 1));
		rest = n / fmax(n - seen, 0.5);
		if (rest < next)
			continue;
		next = rest * 1.3;
		add_transport(f, cell,
			      (struct point){ rest, ns / 2e3, NAN, NAN });
	}
}

/* A roof is a best, as a capacity is. */
static double best_rate(const json_t *cell)
{
	return result_read_number(cell, "bytes_per_operation") /
	       result_read_number(json_object_get(cell, "summary"), "min");
}

bool charts_is_roofs(const json_t *result)
{
	return strcmp(result_read_text(json_object_get(result, "tool"),
				       "command"),
		      "mem") == 0;
}

static bool is_read_of_one(const json_t *cell)
{
	return strcmp(result_read_axis(cell, "roof"), "read") == 0 &&
	       strcmp(result_read_axis(cell, "workers"), "1") == 0 &&
	       !again(cell);
}

double charts_read_roof(const json_t *roofs, double bytes)
{
	const json_t *cells = json_object_get(roofs, "cells");
	double from = 0;
	double roof = 0;

	/* The largest working set that is not larger than that... */
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		double size = axis_number(cell, "size");

		if (is_read_of_one(cell) && size <= bytes && size > from)
			from = size;
	}
	/* ... and the best from there on. */
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);

		if (is_read_of_one(cell) && axis_number(cell, "size") >= from)
			roof = fmax(roof, best_rate(cell));
	}
	return roof;
}

/* What one core can read, over the sizes that the figure has. */
static void finish_bandwidth(struct figure *f, const json_t *result,
			     const json_t *roofs)
{
	const json_t *cells = json_object_get(result, "cells");
	double last = 0;

	if (!roofs || figure_empty(f))
		return;
	for (;;) {
		double next = INFINITY;

		for (size_t i = 0; i < json_array_size(cells); i++) {
			const json_t *cell = json_array_get(cells, i);
			double size = axis_number(cell, "size");

			if (is_pattern(cell, "stream") && size > last)
				next = fmin(next, size);
		}
		if (!isfinite(next))
			return;
		last = next;
		figure_add(f, "one core reads", SERIES_LIMIT,
			   (struct point){ last, charts_read_roof(roofs, last),
					   NAN, NAN });
	}
}

static void collect_roofs(struct figure *f, const json_t *cell)
{
	const char *roof = result_read_axis(cell, "roof");
	int workers = atoi(result_read_axis(cell, "workers"));
	char name[FIGURE_NAME_BYTES];

	if (!*roof || again(cell))
		return;
	snprintf(name, sizeof(name), "%.16s, %d worker%s", roof, workers,
		 workers == 1 ? "" : "s");
	figure_add(f, name, workers == 1 ? SERIES_DASHED : SERIES_LINE,
		   median(cell, axis_number(cell, "size"), 1,
			  result_read_number(cell, "bytes_per_operation")));
}

/* Rows and columns are in the order of cells: first met, first drawn. */
static void collect_map(struct figure *f, const json_t *cell)
{
	const char *from = result_read_axis(cell, "from");
	const char *to = result_read_axis(cell, "to");
	char name[FIGURE_NAME_BYTES];
	int column = 0;

	if (!*from || !*to || again(cell) ||
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
	figure_add(f, name, SERIES_POINTS, median(cell, column, 1, 0));
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

			if (again(cell) || !*distance ||
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
	double workers = axis_number(cell, "workers");
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

/* "reverse", of "scale reverse, strong"; with a mark where cores are shared:
 * those points belong to no line. */
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
		    again(cell) ||
		    !(result_read_number(json_object_get(cell, "summary"),
					 "p50") > 0))
			continue;
		if (style == SERIES_LINE)
			most = fmax(most, axis_number(cell, "workers"));
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
	double workers = axis_number(cell, "workers");
	char name[FIGURE_NAME_BYTES];

	if (!(pss > 0) ||
	    strcmp(result_read_axis(cell, "mode"), "strong") != 0 ||
	    again(cell))
		return;
	/* Memory does not mind who shares a core. */
	(void)kernel_name(cell, name);
	name[strcspn(name, ",")] = '\0';
	figure_add(f, name, SERIES_LINE,
		   (struct point){ workers, pss, NAN, NAN });
}

/* Beside each kernel what a copy for each worker would take. */
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
	    !again(cell))
		figure_add(f, result_read_text(cell, "name"),
			   *result_read_text(cell, "peer") ? SERIES_DASHED
							   : SERIES_LINE,
			   median(cell, axis_number(cell, "ranks"), 1, 0));
}

static const struct chart charts[] = {
	{ { .id = "latency",
	    .title = "One way, half a round trip",
	    .caption = "Median time of a message, with its 95 % interval over "
		       "launches; dashed: controls, which move no message "
		       "between processes.",
	    .xlabel = "message",
	    .ylabel = "microseconds",
	    .kind = FIGURE_SIZES },
	  true,
	  collect_latency,
	  NULL },
	{ { .id = "bandwidth",
	    .title = "A stream of messages",
	    .caption = "10^9 bytes a second, counted where they are consumed; "
		       "what lies above what one core can read is not to be "
		       "believed.",
	    .xlabel = "message",
	    .ylabel = "GB/s",
	    .kind = FIGURE_SIZES },
	  true,
	  collect_bandwidth,
	  finish_bandwidth },
	{ { .id = "cpu_pingpong",
	    .title = "CPU time of both sides, round trips",
	    .caption = "Seconds of CPU time that 10^9 bytes cost the two "
		       "processes together.",
	    .xlabel = "message",
	    .ylabel = "CPU-seconds per GB",
	    .kind = FIGURE_SIZES },
	  true,
	  collect_cpu_pingpong,
	  NULL },
	{ { .id = "cpu_stream",
	    .title = "CPU time of both sides, stream",
	    .caption = "Seconds of CPU time that 10^9 bytes cost the two "
		       "processes together.",
	    .xlabel = "message",
	    .ylabel = "CPU-seconds per GB",
	    .kind = FIGURE_SIZES },
	  true,
	  collect_cpu_stream,
	  NULL },
	{ { .id = "setup",
	    .title = "Making and removing the link",
	    .caption = "Create, attach, touch for the first time, remove.",
	    .xlabel = "message",
	    .ylabel = "microseconds",
	    .kind = FIGURE_SIZES },
	  true,
	  collect_setup,
	  NULL },
	{ { .id = "percentiles",
	    .title = "One way at 4 KiB, by percentile",
	    .caption = "Half of single round trips, in a closed loop: a stall "
		       "is counted once, however many messages it would have "
		       "held up.",
	    .xlabel = "share of messages that took no longer",
	    .ylabel = "microseconds",
	    .kind = FIGURE_SHARES },
	  false,
	  collect_tail,
	  NULL },
	{ { .id = "roofs",
	    .title = "What caches and memory can do",
	    .caption = "Bytes that the program reads or writes, medians; a "
		       "plain store makes memory move its line twice.",
	    .xlabel = "working set of one worker",
	    .ylabel = "GB/s, all workers together",
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
	    .kind = FIGURE_RANKS },
	  false,
	  collect_barrier,
	  NULL },
};

static const json_t *caches_of(const json_t *result)
{
	return json_object_get(
		json_object_get(json_object_get(result, "env"), "cpu"),
		"caches");
}

/* The caches of the machine that the result is of; an older result does not
 * tell, but one of its CPU model may. */
static void mark_caches(struct figure *f, const json_t *result,
			const json_t *roofs)
{
	const json_t *own = caches_of(result);
	const json_t *caches = own ? own : caches_of(roofs);

	for (size_t i = 0; i < json_array_size(caches); i++) {
		const json_t *cache = json_array_get(caches, i);
		char label[8];

		snprintf(label, sizeof(label), "L%.0f",
			 result_read_number(cache, "level"));
		figure_mark(f, result_read_number(cache, "bytes"), label);
	}
}

void charts_collect(struct charts *out, const json_t *result,
		    const json_t *roofs, struct palette *palette)
{
	const json_t *cells = json_object_get(result, "cells");

	out->count = 0;
	for (size_t i = 0; i < sizeof(charts) / sizeof(*charts); i++) {
		struct figure *f = &out->figures[out->count];

		*f = charts[i].blank;
		f->palette = palette;
		for (size_t k = 0; k < json_array_size(cells); k++)
			charts[i].collect(f, json_array_get(cells, k));
		if (charts[i].finish)
			charts[i].finish(f, result, roofs);
		if (charts[i].caches)
			mark_caches(f, result, roofs);
		if (figure_empty(f))
			figure_free(f);
		else
			out->count++;
	}
}

void charts_free(struct charts *c)
{
	while (c->count > 0)
		figure_free(&c->figures[--c->count]);
}
