/* SPDX-License-Identifier: MIT */
/*
 * report.c - rigbench report: one page, its figures drawn by gnuplot, nothing
 * outside itself.
 *
 * A figure is data first: every point stands in a table under the picture, in
 * the digits that gnuplot was given.  Pictures have fixed ranges and margins,
 * told in attributes of the figure, so that a reader, or a test, can find each
 * point again.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command.h"
#include "past.h"

#define SERIES_MAX 24
#define POINTS_MAX 64
#define FIGURES    6

struct point {
	double x, y, low, high;
};

struct series {
	char name[48];
	int count;
	struct point points[POINTS_MAX];
};

struct figure {
	const char *id, *title, *xlabel, *ylabel;
	int count;
	struct series series[SERIES_MAX];
};

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>rigbench</title>\n<style>\n"
	":root{--paper:#fff;--ink:#1b1b1b;--faint:#767676}\n"
	"@media (prefers-color-scheme:dark){"
	":root{--paper:#16181c;--ink:#e6e6e6;--faint:#9a9a9a}}\n"
	"body{background:var(--paper);color:var(--ink);max-width:60rem;"
	"margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif}\n"
	"figure{margin:2rem 0}svg{width:100%;height:auto}\n"
	"svg text{fill:var(--ink)}\n"
	"svg g[color=\"black\"],svg g[color=\"white\"]{color:var(--ink)}\n"
	"svg [stroke=\"black\"]{stroke:var(--ink)}\n"
	"svg [fill=\"black\"]{fill:var(--ink)}\n"
	"svg g[color=\"gray\"]{color:var(--faint)}\n"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums;"
	"font-size:.85rem}\n"
	"td,th{padding:.15rem .6rem;text-align:right;"
	"border-bottom:1px solid var(--faint)}\n"
	"td:first-child,th:first-child{text-align:left}\n"
	".wide{overflow-x:auto}code{font-size:.9em}\n"
	"</style>\n</head>\n<body>\n";

/* Text of a file, as text of the page. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else
			fputc(*text, out);
	}
}

static struct series *series_of(struct figure *f, const char *name)
{
	for (int i = 0; i < f->count; i++)
		if (strcmp(f->series[i].name, name) == 0)
			return &f->series[i];
	if (f->count == SERIES_MAX)
		return NULL;
	snprintf(f->series[f->count].name, sizeof(f->series[0].name), "%s",
		 name);
	f->series[f->count].count = 0;
	return &f->series[f->count++];
}

static void add_point(struct figure *f, const char *name, struct point p)
{
	struct series *s = series_of(f, name);

	/* What is not positive has no place on a logarithmic axis. */
	if (s && s->count < POINTS_MAX && p.x > 0 && p.y > 0)
		s->points[s->count++] = p;
}

/* The next power of ten (or two, for sizes) beyond. */
static double beyond(double value, double base, bool up)
{
	double power = log(value) / log(base);

	return pow(base, up ? floor(power) + 1 : ceil(power) - 1);
}

struct range {
	double xmin, xmax, ymin, ymax;
};

static struct range range_of(const struct figure *f)
{
	struct range r = { INFINITY, 0, INFINITY, 0 };

	for (int i = 0; i < f->count; i++) {
		for (int k = 0; k < f->series[i].count; k++) {
			const struct point *p = &f->series[i].points[k];

			r.xmin = fmin(r.xmin, p->x);
			r.xmax = fmax(r.xmax, p->x);
			r.ymin = fmin(r.ymin, p->low > 0 ? p->low : p->y);
			r.ymax = fmax(r.ymax, fmax(p->high, p->y));
		}
	}
	r.xmin = beyond(r.xmin, 2, false);
	r.xmax = beyond(r.xmax, 2, true);
	r.ymin = beyond(r.ymin, 10, false);
	r.ymax = beyond(r.ymax, 10, true);
	return r;
}

/* Colours told apart by those who see fewer, and on light and dark. */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73",
				       "#cc79a7", "#e69f00", "#56b4e9",
				       "#8b5fbf", "#7f7f3f" };

static void write_script(const struct figure *f, const struct range *r,
			 const double *caches, int cache_count, FILE *gp)
{
	fprintf(gp,
		"set terminal svg size 900,520 dynamic font 'sans-serif,13' "
		"name '%s'\n"
		"set title \"%s\"\nset xlabel \"%s\"\nset ylabel \"%s\"\n"
		"set logscale x 2\nset logscale y\n"
		"set format x '%%.0b%%B'\nset format y '%%g'\n"
		"set xrange [%.17g:%.17g]\nset yrange [%.17g:%.17g]\n"
		"set lmargin at screen 0.1\nset rmargin at screen 0.78\n"
		"set tmargin at screen 0.92\nset bmargin at screen 0.13\n"
		"set key outside right top vertical noenhanced\n"
		"set grid lc rgb 'gray'\n",
		f->id, f->title, f->xlabel, f->ylabel, r->xmin, r->xmax,
		r->ymin, r->ymax);
	for (int i = 0; i < cache_count; i++)
		if (caches[i] > r->xmin && caches[i] < r->xmax)
			fprintf(gp,
				"set arrow from %.17g, graph 0 to %.17g, "
				"graph 1 nohead dt 2 lc rgb 'gray'\n",
				caches[i], caches[i]);
	for (int i = 0; i < f->count; i++) {
		fprintf(gp, "$s%d << EOD\n", i);
		for (int k = 0; k < f->series[i].count; k++) {
			const struct point *p = &f->series[i].points[k];

			fprintf(gp, "%.17g %.17g %.17g %.17g\n", p->x, p->y,
				isfinite(p->low) ? p->low : p->y,
				isfinite(p->high) ? p->high : p->y);
		}
		fprintf(gp, "EOD\n");
	}
	fprintf(gp, "plot");
	for (int i = 0; i < f->count; i++)
		fprintf(gp,
			"%s $s%d using 1:2:3:4 with yerrorlines lw 1.5 pt 7 "
			"ps 0.4 dt %d lc rgb '%s' title '%s'",
			i ? "," : "", i, 1 + i / 8, colours[i % 8],
			f->series[i].name);
	fprintf(gp, "\n");
}

/* Run gnuplot over a script and copy its SVG into the page, without the XML
 * declaration.  0 or -errno. */
static int draw(const struct figure *f, const struct range *r,
		const double *caches, int cache_count, FILE *out)
{
	int fd = memfd_create("gnuplot", 0);
	char command[80];
	char line[4096];
	bool inside = false;
	FILE *gp;
	FILE *svg;

	gp = fd < 0 ? NULL : fdopen(fd, "w");
	if (!gp)
		return -errno;
	write_script(f, r, caches, cache_count, gp);
	fflush(gp);
	snprintf(command, sizeof(command), "gnuplot /proc/%d/fd/%d",
		 (int)getpid(), fd);
	svg = popen(command, "r");
	while (svg && fgets(line, sizeof(line), svg)) {
		inside |= strncmp(line, "<svg", 4) == 0;
		if (inside)
			fputs(line, out);
	}
	fclose(gp);
	return svg && pclose(svg) == 0 && inside ? 0 : -ENOENT;
}

static void put_points(const struct figure *f, FILE *out)
{
	fprintf(out,
		"<details><summary>the points</summary><div class=\"wide\">"
		"<table>\n<tr><th>series</th><th>x</th><th>y</th>"
		"<th>low</th><th>high</th></tr>\n");
	for (int i = 0; i < f->count; i++) {
		for (int k = 0; k < f->series[i].count; k++) {
			const struct point *p = &f->series[i].points[k];

			fprintf(out, "<tr><td>");
			put_text(out, f->series[i].name);
			fprintf(out,
				"</td><td>%.12g</td><td>%.12g</td>"
				"<td>%.12g</td><td>%.12g</td></tr>\n",
				p->x, p->y, p->low, p->high);
		}
	}
	fprintf(out, "</table></div></details>\n");
}

static int put_figure(const struct figure *f, const double *caches,
		      int cache_count, FILE *out)
{
	struct range r;
	int points = 0;
	int drawn;

	for (int i = 0; i < f->count; i++)
		points += f->series[i].count;
	if (!points)
		return 0;
	r = range_of(f);
	fprintf(out,
		"<figure id=\"%s\" data-xmin=\"%.17g\" data-xmax=\"%.17g\" "
		"data-ymin=\"%.17g\" data-ymax=\"%.17g\">\n",
		f->id, r.xmin, r.xmax, r.ymin, r.ymax);
	drawn = draw(f, &r, caches, cache_count, out);
	if (drawn < 0)
		fprintf(out, "<p>gnuplot is not installed: no picture.</p>\n");
	fprintf(out, "<figcaption>%s</figcaption>\n", f->title);
	put_points(f, out);
	fprintf(out, "</figure>\n");
	return drawn;
}

/* A cell's median, or what is made of it, at its size. */
static void collect(struct figure f[FIGURES], const json_t *cell)
{
	const json_t *summary = json_object_get(cell, "summary");
	const json_t *ci = json_object_get(summary, "ci95");
	const json_t *cost = json_object_get(cell, "resources");
	const char *pattern = past_axis(cell, "pattern");
	const char *name = past_axis(cell, "transport");
	double size = atof(past_axis(cell, "size"));
	double bytes = past_number(cell, "bytes_per_operation");
	double p50 = past_number(summary, "p50");
	double low = json_number_value(json_array_get(ci, 0));
	double high = json_number_value(json_array_get(ci, 1));
	bool stream = strcmp(pattern, "stream") == 0;

	/* The repetition is for the noise floor, not for the picture. */
	if (!*name || strcmp(name, past_text(cell, "name")) != 0 || !(p50 > 0))
		return;
	if (strcmp(pattern, "setup") == 0) {
		add_point(&f[4], name,
			  (struct point){ size, p50 / 1e3, low / 1e3,
					  high / 1e3 });
		return;
	}
	if (!stream)
		add_point(&f[0], name,
			  (struct point){ size, p50 / 2e3, low / 2e3,
					  high / 2e3 });
	else
		add_point(&f[1], name,
			  (struct point){ size, bytes / p50, bytes / high,
					  bytes / low });
	if (cost && bytes > 0) {
		double cpu = past_number(cost, "cpu_ns") / bytes;

		add_point(&f[stream ? 3 : 2], name,
			  (struct point){ size, cpu, cpu, cpu });
	}
}

/* The percentile curve of one size: latency against 1 / (1 - share). */
static void collect_tail(struct figure *f, const json_t *cell)
{
	const json_t *tail = json_object_get(cell, "tail");
	const json_t *bins = json_object_get(tail, "histogram");
	double n = past_number(tail, "n");
	double seen = 0;
	double next = 1.2;

	if (!json_is_array(bins) ||
	    strcmp(past_axis(cell, "size"), "4096") != 0 ||
	    strcmp(past_axis(cell, "transport"), past_text(cell, "name")) != 0)
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
		add_point(f, past_axis(cell, "transport"),
			  (struct point){ rest, ns / 2e3, ns / 2e3, ns / 2e3 });
	}
}

static void put_cells(const json_t *cells, FILE *out)
{
	fprintf(out, "<h2>Every cell</h2>\n<div class=\"wide\"><table>\n"
		     "<tr><th>cell</th><th>median, ns</th><th>95 %% low</th>"
		     "<th>high</th><th>n</th><th>status</th></tr>\n");
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		const json_t *s = json_object_get(cell, "summary");
		const json_t *ci = json_object_get(s, "ci95");

		fprintf(out, "<tr><td>");
		put_text(out, past_text(cell, "id"));
		if (json_is_object(s))
			fprintf(out,
				"</td><td>%.5g</td><td>%.5g</td><td>%.5g</td>",
				past_number(s, "p50"),
				json_number_value(json_array_get(ci, 0)),
				json_number_value(json_array_get(ci, 1)));
		else
			fprintf(out, "</td><td></td><td></td><td></td>");
		fprintf(out, "<td>%.0f</td><td>", past_number(cell, "n"));
		put_text(out, past_text(cell, "status"));
		if (*past_text(cell, "reason")) {
			fprintf(out, ": ");
			put_text(out, past_text(cell, "reason"));
		}
		fprintf(out, "</td></tr>\n");
	}
	fprintf(out, "</table></div>\n");
}

static void put_facts(const json_t *result, FILE *out)
{
	const json_t *env = json_object_get(result, "env");
	const json_t *plan = json_object_get(result, "plan");
	const json_t *argv = json_object_get(plan, "argv");
	const json_t *warnings = json_object_get(result, "warnings");

	fprintf(out, "<p>");
	put_text(out, past_text(json_object_get(env, "cpu"), "model"));
	fprintf(out, ", %.0f PUs; ",
		past_number(json_object_get(env, "cpu"), "pus"));
	put_text(out, past_text(json_object_get(env, "host"), "kernel"));
	fprintf(out,
		"; machine grade %s; %.0f launches of %.0f blocks; "
		"again: <code>",
		past_text(json_object_get(env, "noise"), "grade"),
		past_number(plan, "launches"), past_number(plan, "blocks"));
	for (size_t i = 0; i < json_array_size(argv); i++) {
		put_text(out, i ? " " : "");
		put_text(out, json_string_value(json_array_get(argv, i)));
	}
	fprintf(out, " --seed %.0f</code></p>\n", past_number(plan, "seed"));
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		fprintf(out, "<p><strong>caution:</strong> ");
		put_text(out, json_string_value(json_array_get(warnings, i)));
		fprintf(out, "</p>\n");
	}
}

/* The verdict in one sentence, from the largest size that both have. */
static void put_verdict(const json_t *result, FILE *out)
{
	const json_t *list = json_object_get(result, "comparisons");
	const json_t *best = NULL;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);
		const char *b = past_text(c, "b");

		if (strncmp(b, "pingpong", 8) == 0 && strstr(b, "/pipe"))
			best = c;
	}
	fprintf(out, "<h1>Sharing against copying</h1>\n");
	if (!best)
		return;
	fprintf(out,
		"<p><strong>%s: a message costs %.3g times as much "
		"through a pipe as in place",
		past_text(best, "b"), past_number(best, "estimate"));
	if (json_is_array(json_object_get(best, "ci95")))
		fprintf(out, " [%.3g, %.3g]",
			json_number_value(json_array_get(
				json_object_get(best, "ci95"), 0)),
			json_number_value(json_array_get(
				json_object_get(best, "ci95"), 1)));
	fprintf(out, ".</strong></p>\n");
}

/* Sizes of this machine's caches, as the system tells them. */
static int cache_sizes(double *sizes, int room)
{
	char path[80];
	int n = 0;

	for (int i = 0; i < 8 && n < room; i++) {
		double kib;
		FILE *file;

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
		file = fopen(path, "r");
		if (!file)
			break;
		if (fscanf(file, "%lfK", &kib) == 1)
			sizes[n++] = kib * 1024;
		fclose(file);
	}
	return n;
}

static int write_page(json_t *const *results, int count, FILE *out)
{
	static struct figure figures[FIGURES] = {
		{ .id = "latency",
		  .title = "One way, half a round trip",
		  .xlabel = "message, bytes",
		  .ylabel = "microseconds" },
		{ .id = "bandwidth",
		  .title = "A stream of messages",
		  .xlabel = "message, bytes",
		  .ylabel = "GB/s" },
		{ .id = "cpu_pingpong",
		  .title = "CPU time of both sides, round trips",
		  .xlabel = "message, bytes",
		  .ylabel = "CPU-seconds per GB" },
		{ .id = "cpu_stream",
		  .title = "CPU time of both sides, stream",
		  .xlabel = "message, bytes",
		  .ylabel = "CPU-seconds per GB" },
		{ .id = "setup",
		  .title = "Making and removing the link",
		  .xlabel = "message, bytes",
		  .ylabel = "microseconds" },
		{ .id = "percentiles",
		  .title = "One way at 4 KiB, by percentile",
		  .xlabel = "1 / (1 - share of messages)",
		  .ylabel = "microseconds" },
	};
	double caches[8];
	int cache_count = cache_sizes(caches, 8);
	int r = 0;

	fputs(page_head, out);
	for (int k = 0; k < count; k++) {
		const json_t *cells = json_object_get(results[k], "cells");

		put_verdict(results[k], out);
		for (int i = 0; i < FIGURES; i++)
			figures[i].count = 0;
		for (size_t i = 0; i < json_array_size(cells); i++) {
			collect(figures, json_array_get(cells, i));
			collect_tail(&figures[5], json_array_get(cells, i));
		}
		for (int i = 0; i < FIGURES; i++)
			if (put_figure(&figures[i], caches,
				       i == 5 ? 0 : cache_count, out) < 0)
				r = -ENOENT;
		put_facts(results[k], out);
		put_cells(cells, out);
	}
	fprintf(out, "</body>\n</html>\n");
	return r;
}

int command_report(struct command *c)
{
	const char *path = c->folder ? c->folder : "rigbench.html";
	json_t *results[COMMAND_WORDS_MAX];
	int count = 0;
	int status = 0;
	FILE *out;

	for (int i = 1; i < c->word_count || i == 1; i++) {
		results[count] =
			past_load(i < c->word_count ? c->words[i]
						    : "rigbench-quick.json");
		if (!results[count])
			status = 5;
		else
			count++;
	}
	out = status ? NULL : fopen(path, "w");
	if (!status && !out) {
		fprintf(stderr, "rigbench: %s: %s\n", path, strerror(errno));
		status = 5;
	}
	if (out) {
		if (write_page(results, count, out) < 0)
			fprintf(stderr, "rigbench: gnuplot is not installed: "
					"a page without pictures\n");
		if (fclose(out) != 0)
			status = 5;
		else
			printf("%s\n", path);
	}
	while (count > 0)
		json_decref(results[--count]);
	return status;
}
