/* SPDX-License-Identifier: MIT */
/*
 * charts.c - from cells to points.
 *
 * Each chart looks at one cell at a time and takes what the chart can use; a
 * result that has nothing for a chart has no such figure.
 */
#include "report/charts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/chart.h"
#include "report/result_read.h"

/* A median with the interval, as a rate of `bytes` where `bytes` is not 0. */
struct point chart_median(const json_t *cell, double x, double unit,
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

double chart_axis(const json_t *cell, const char *axis)
{
	return atof(result_read_axis(cell, axis));
}

/* The repetition is for the noise floor, not for a picture. */
bool chart_again(const json_t *cell)
{
	return strstr(result_read_text(cell, "name"), "(again)") != NULL;
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
	       !chart_again(cell);
}

double charts_read_roof(const json_t *roofs, double bytes)
{
	const json_t *cells = json_object_get(roofs, "cells");
	double from = 0;
	double roof = 0;

	/* The largest working set up to the limit... */
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		double size = chart_axis(cell, "size");

		if (is_read_of_one(cell) && size <= bytes && size > from)
			from = size;
	}
	/* ... and the best from there on. */
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);

		if (is_read_of_one(cell) && chart_axis(cell, "size") >= from)
			roof = fmax(roof, best_rate(cell));
	}
	return roof;
}

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

/* A figure of a loaded machine says so. */
static void note_load(struct figure *f, const json_t *result)
{
	const json_t *noise =
		json_object_get(json_object_get(result, "env"), "noise");
	size_t used = strlen(f->note);

	if (strcmp(result_read_text(noise, "grade"), "C") == 0)
		snprintf(f->note + used, sizeof(f->note) - used,
			 "%sMeasured on a loaded machine (grade C).",
			 used ? " " : "");
}

static int points_of(const struct figure *f)
{
	int count = 0;

	for (int i = 0; i < f->count; i++)
		count += f->series[i].count;
	return count;
}

/* A contest whose A/A is beyond the bound is named under each figure that has its
 * points. */
static void note_untrusted(struct figure *f, const json_t *cell)
{
	static const char words[] = "Not a result, A/A beyond 1.2: ";
	const char *name = result_read_text(cell, "contest");
	size_t used = strlen(f->note);
	bool first = !strstr(f->note, words);

	if (strstr(f->note, name))
		return;
	if (used + strlen(name) + sizeof(words) + 4 < sizeof(f->note))
		snprintf(f->note + used, sizeof(f->note) - used, "%s%s",
			 first ? words : "; ", name);
}

static void end_sentence(struct figure *f)
{
	size_t used = strlen(f->note);

	snprintf(f->note + used, sizeof(f->note) - used, ". ");
}

/* Add the figure of a chart, where the result has points. */
static void collect(struct charts *out, const struct chart *chart,
		    const json_t *result, const json_t *roofs,
		    struct palette *palette)
{
	const json_t *cells = json_object_get(result, "cells");
	struct figure *f = &out->figures[out->count];

	*f = chart->blank;
	f->palette = palette;
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		int before = points_of(f);

		chart->collect(f, cell);
		if (points_of(f) > before && !result_read_trusted(cell))
			note_untrusted(f, cell);
	}
	if (*f->note)
		end_sentence(f);
	if (chart->finish)
		chart->finish(f, result, roofs);
	note_load(f, result);
	if (chart->caches)
		mark_caches(f, result, roofs);
	if (figure_empty(f))
		figure_free(f);
	else
		out->count++;
}

void charts_collect(struct charts *out, const json_t *result,
		    const json_t *roofs, struct palette *palette)
{
	static const struct chart *const lists[] = { chart_ipc, chart_machine };

	out->count = 0;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (const struct chart *c = lists[i]; c->collect; c++)
			collect(out, c, result, roofs, palette);
}

void charts_free(struct charts *c)
{
	while (c->count > 0)
		figure_free(&c->figures[--c->count]);
}
