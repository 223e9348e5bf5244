/* SPDX-License-Identifier: MIT */
/*
 * chart_ipc.c - figures of messages between two processes.
 */
#include "report/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/charts.h"
#include "report/result_read.h"
#include "report/table.h"

/* The size whose tail is drawn. */
#define TAIL_BYTES "4096"

static bool is_pattern(const json_t *cell, const char *pattern)
{
	return strcmp(result_read_axis(cell, "pattern"), pattern) == 0 &&
	       *result_read_axis(cell, "transport") && !chart_again(cell);
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
		add_transport(
			f, cell,
			chart_median(cell, chart_axis(cell, "size"), 2e3, 0));
}

static void collect_bandwidth(struct figure *f, const json_t *cell)
{
	if (is_pattern(cell, "stream"))
		add_transport(
			f, cell,
			chart_median(cell, chart_axis(cell, "size"), 1,
				     result_read_number(
					     cell, "bytes_per_operation")));
}

static void collect_setup(struct figure *f, const json_t *cell)
{
	if (is_pattern(cell, "setup"))
		add_transport(
			f, cell,
			chart_median(cell, chart_axis(cell, "size"), 1e3, 0));
}

static void collect_cpu(struct figure *f, const json_t *cell,
			const char *pattern)
{
	const json_t *cost = json_object_get(cell, "resources");
	double bytes = result_read_number(cell, "bytes_per_operation");

	if (cost && bytes > 0 && is_pattern(cell, pattern))
		add_transport(
			f, cell,
			(struct point){ chart_axis(cell, "size"),
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

/* The energy that the machine used meanwhile, where the machine tells. */
static void collect_energy(struct figure *f, const json_t *cell)
{
	double bytes = result_read_number(cell, "bytes_per_operation");
	double joules = result_read_number(cell, "joules");

	if (bytes > 0 && joules > 0 && is_pattern(cell, "stream"))
		add_transport(f, cell,
			      (struct point){ chart_axis(cell, "size"),
					      joules * 1e9 / bytes, NAN, NAN });
}

/* Memory of all sides: each page is counted once, however many map it. */
static void collect_memory(struct figure *f, const json_t *cell)
{
	double pss = result_read_number(cell, "pss_bytes") / 1e6;

	if (is_pattern(cell, "pingpong") && pss > 0)
		add_transport(f, cell,
			      (struct point){ chart_axis(cell, "size"), pss,
					      NAN, NAN });
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

/* The rate at which a core reads, over the sizes of the figure. */
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
			double size = chart_axis(cell, "size");

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

/* The y of a series at a size; NaN: no point. */
static double y_at(const struct figure *f, const char *name, double x)
{
	for (int i = 0; i < f->count; i++)
		for (int k = 0; k < f->series[i].count; k++)
			if (strcmp(f->series[i].name, name) == 0 &&
			    f->series[i].points[k].x == x)
				return f->series[i].points[k].y;
	return NAN;
}

/* Says where the pool is slower than a pipe: nobody should find that out from
 * the curves alone. */
static void finish_latency(struct figure *f, const json_t *result,
			   const json_t *roofs)
{
	char *begin = f->note + strlen(f->note);
	char *at = begin;
	char *end = f->note + sizeof(f->note);

	(void)result;
	(void)roofs;
	for (int i = 0; i < f->count; i++) {
		const struct series *s = &f->series[i];

		for (int k = 0; strcmp(s->name, "pool") == 0 && k < s->count;
		     k++) {
			char size[24];

			if (!(s->points[k].y > y_at(f, "pipe", s->points[k].x)))
				continue;
			format_bytes(size, sizeof(size), s->points[k].x);
			if (end - at > 40)
				at += snprintf(at, (size_t)(end - at), "%s%s",
					       at > begin
						       ? ", "
						       : "The pool is slower "
							 "than a pipe at ",
					       size);
		}
	}
	if (at > begin)
		snprintf(at, (size_t)(end - at), ".");
}

const struct chart chart_ipc[] = {
	{ { .id = "latency",
	    .title = "One way, half a round trip",
	    .caption = "Median time of a message, with its 95 % interval over "
		       "launches; dashed: controls, which move no message "
		       "between processes.",
	    .xlabel = "message",
	    .ylabel = "microseconds",
	    .y_ns = 1e3,
	    .kind = FIGURE_SIZES },
	  true,
	  collect_latency,
	  finish_latency },
	{ { .id = "bandwidth",
	    .title = "A stream of messages",
	    .caption = "10^9 bytes a second, counted where they are consumed; "
		       "what lies above what one core can read is not to be "
		       "believed.",
	    .xlabel = "message",
	    .ylabel = "bandwidth",
	    .y_rate = true,
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
	{ { .id = "energy",
	    .title = "Energy of the machine, stream",
	    .caption = "Joules of all packages and their memory while 10^9 "
		       "bytes went by, what idle cores and other programs "
		       "used included.",
	    .xlabel = "message",
	    .ylabel = "joules per GB",
	    .kind = FIGURE_SIZES },
	  true,
	  collect_energy,
	  NULL },
	{ { .id = "setup",
	    .title = "Making and removing the link",
	    .caption = "Create, attach, touch for the first time, remove.",
	    .xlabel = "message",
	    .ylabel = "microseconds",
	    .y_ns = 1e3,
	    .kind = FIGURE_SIZES },
	  true,
	  collect_setup,
	  NULL },
	{ { .id = "memory",
	    .title = "Memory of both sides",
	    .caption = "The sum of the two processes' proportional set sizes "
		       "(Pss) after round trips: a page that both map counts "
		       "once, a buffer that each has counts twice.",
	    .xlabel = "message",
	    .ylabel = "MB",
	    .kind = FIGURE_SIZES },
	  false,
	  collect_memory,
	  NULL },
	{ { .id = "percentiles",
	    .title = "One way at 4 KiB, by percentile",
	    .caption = "Half of single round trips, in a closed loop: a stall "
		       "is counted once, however many messages it would have "
		       "held up.",
	    .xlabel = "share of messages that took no longer",
	    .ylabel = "microseconds",
	    .y_ns = 1e3,
	    .kind = FIGURE_SHARES },
	  false,
	  collect_tail,
	  NULL },
	{ .collect = NULL },
};
