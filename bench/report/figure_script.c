/* SPDX-License-Identifier: MIT */
/*
 * figure_script.c - axes in common units, marks, curves, maps.
 */
#include "report/figure_script.h"

#include <math.h>
#include <string.h>

/* A map of more columns has no numbers inside. */
#define NUMBERS_MAX 20

/* Colours that differ for people who see fewer colours, on light and dark
 * ground. */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73",
				       "#cc79a7", "#e69f00", "#56b4e9",
				       "#8b5fbf", "#7f7f3f", "#a0522d",
				       "#4d9221" };

#define COLOURS ((int)(sizeof(colours) / sizeof(*colours)))

/* Viridis, from 0 to 1. */
static const char viridis[] = "0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', "
			      "0.75 '#5ec962', 1 '#fde725'";

/* The number of the name up to its comma; a new name gets a number now. */
int figure_colour(struct palette *p, const char *name)
{
	int room = (int)(sizeof(p->name) / sizeof(*p->name));
	char stem[FIGURE_NAME_BYTES];
	int i = 0;

	snprintf(stem, sizeof(stem), "%.*s", (int)strcspn(name, ","), name);
	while (i < p->count && strcmp(p->name[i], stem) != 0)
		i++;
	if (i == p->count && i < room)
		snprintf(p->name[p->count++], sizeof(*p->name), "%s", stem);
	return i;
}

/* The next power of a base beyond. */
static double beyond(double value, double base, bool up)
{
	double power = log(value) / log(base);

	return pow(base, up ? floor(power) + 1 : ceil(power) - 1);
}

/* The ranges of the points and the points' intervals. */
static struct axis_range span_of(const struct figure *f)
{
	struct axis_range r = { INFINITY, -INFINITY, INFINITY, -INFINITY };

	for (int i = 0; i < f->count; i++) {
		for (int k = 0; k < f->series[i].count; k++) {
			const struct point *p = &f->series[i].points[k];

			r.xmin = fmin(r.xmin, p->x);
			r.xmax = fmax(r.xmax, p->x);
			r.ymin = fmin(r.ymin, p->low > 0 ? p->low : p->y);
			r.ymax = fmax(r.ymax, fmax(p->high, p->y));
		}
	}
	return r;
}

struct axis_range figure_range(const struct figure *f)
{
	struct axis_range r = span_of(f);

	switch (f->kind) {
	case FIGURE_SIZES:
		r.xmin = beyond(r.xmin, 2, false);
		r.xmax = beyond(r.xmax, 2, true);
		break;
	case FIGURE_SHARES:
		r.xmin = 1;
		r.xmax = beyond(r.xmax, 10, true);
		break;
	case FIGURE_WORKERS:
		return (struct axis_range){ 0, r.xmax + 0.5, 0, 1.1 * r.ymax };
	case FIGURE_RANKS:
		r.xmin = 0;
		r.xmax++;
		break;
	case FIGURE_MAP:
		/* Rows go downwards from the second to the last. */
		return (struct axis_range){ -0.5, r.xmax + 0.5, f->count - 0.5,
					    -0.5 };
	}
	r.ymin = beyond(r.ymin, 10, false);
	r.ymax = beyond(r.ymax, 10, true);
	return r;
}

/* "64 B", "1 KiB", ...: about eight labels. */
static void script_sizes(const struct axis_range *r, FILE *gp)
{
	static const char *const units[] = { "B",   "KiB", "MiB",
					     "GiB", "TiB", "PiB" };
	int first = (int)ceil(log2(r->xmin));
	int last = (int)floor(log2(r->xmax));
	int step = 1 + (last - first) / 9;

	fprintf(gp, "set xtics (");
	for (int k = first / step * step; k <= last && k < 60; k += step)
		fprintf(gp, "%s'%d %s' %.17g",
			k > first / step * step ? ", " : "", 1 << k % 10,
			units[k / 10], exp2(k));
	fprintf(gp, ")\n");
}

/* "100 ns", "1 us", "10 us", ...: a tic a decade. */
static void script_times(const struct figure *f, const struct axis_range *r,
			 FILE *gp)
{
	static const char *const units[] = { "ns", "\302\265s", "ms", "s" };
	int first = (int)ceil(log10(r->ymin * f->y_ns) - 1e-9);
	int last = (int)floor(log10(r->ymax * f->y_ns) + 1e-9);

	first = first < 0 ? 0 : first;
	last = last > 11 ? 11 : last;
	fprintf(gp, "set ytics (");
	for (int k = first; k <= last; k++)
		fprintf(gp, "%s'%g %s' %.17g", k > first ? ", " : "",
			pow(10, k % 3), units[k / 3], pow(10, k) / f->y_ns);
	fprintf(gp, ")\n");
}

/* "1 MB/s", "10 MB/s", ...: a tic a decade. */
static void script_rates(const struct axis_range *r, FILE *gp)
{
	static const char *const units[] = { "B/s",  "kB/s", "MB/s",
					     "GB/s", "TB/s", "PB/s" };
	int first = (int)ceil(log10(r->ymin) + 9 - 1e-9);
	int last = (int)floor(log10(r->ymax) + 9 + 1e-9);

	first = first < 0 ? 0 : first;
	last = last > 17 ? 17 : last;
	fprintf(gp, "set ytics (");
	for (int k = first; k <= last; k++)
		fprintf(gp, "%s'%g %s' %.17g", k > first ? ", " : "",
			pow(10, k % 3), units[k / 3], pow(10, k - 9));
	fprintf(gp, ")\n");
}

static void script_axes(const struct figure *f, const struct axis_range *r,
			FILE *gp)
{
	fprintf(gp,
		"set xlabel \"%s\"\nset ylabel \"%s\"\n"
		"set xrange [%.17g:%.17g]\nset yrange [%.17g:%.17g]\n",
		f->xlabel, f->y_ns > 0 ? "time" : f->ylabel, r->xmin, r->xmax,
		r->ymin, r->ymax);
	switch (f->kind) {
	case FIGURE_SIZES:
		fprintf(gp, "set logscale x 2\nset logscale y\n");
		script_sizes(r, gp);
		break;
	case FIGURE_SHARES:
		fprintf(gp, "set logscale x\nset logscale y\n"
			    "set xtics ('least' 1, '50 %%%%' 2, '90 %%%%' 10, "
			    "'99 %%%%' 100, '99.9 %%%%' 1e3, '99.99 %%%%' 1e4, "
			    "'99.999 %%%%' 1e5)\n");
		break;
	case FIGURE_WORKERS:
		fprintf(gp, "set xtics %d\n", 1 + (int)(r->xmax / 16));
		break;
	case FIGURE_RANKS:
		fprintf(gp, "set logscale y\nset xtics 1\n");
		break;
	case FIGURE_MAP:
		break;
	}
	/* Fainter than the marks on the grid. */
	if (f->kind != FIGURE_MAP)
		fprintf(gp, "set format y '%%g'\n"
			    "set grid lw 0.5 lc rgb 'gray'\n");
	if (f->y_ns > 0 && f->kind != FIGURE_MAP)
		script_times(f, r, gp);
	if (f->y_rate && f->kind == FIGURE_SIZES)
		script_rates(r, gp);
}

/* Lines across, with names at the top. */
static void script_marks(const struct figure *f, const struct axis_range *r,
			 FILE *gp)
{
	for (int i = 0; i < f->mark_count; i++) {
		double at = f->marks[i].at;

		if (f->kind == FIGURE_MAP) {
			fprintf(gp,
				"set arrow from %.17g, graph 0 to %.17g, "
				"graph 1 nohead front lw 2 lc rgb 'black'\n"
				"set arrow from graph 0, first %.17g to graph "
				"1, first %.17g nohead front lw 2 lc rgb "
				"'black'\n",
				at, at, at - 1, at - 1);
			continue;
		}
		if (at <= r->xmin || at >= r->xmax)
			continue;
		fprintf(gp,
			"set arrow from %.17g, graph 0 to %.17g, graph 1 "
			"nohead dt 2 lw 1.5 lc rgb 'gray'\n"
			"set label '%s' at %.17g, graph 0.97 right offset "
			"-0.5,0 font ',11'\n",
			at, at, f->marks[i].label, at);
	}
}

static void script_points(const struct figure *f, FILE *gp)
{
	for (int i = 0; i < f->count; i++) {
		fprintf(gp, "$s%d << EOD\n", i);
		for (int k = 0; k < f->series[i].count; k++) {
			const struct point *p = &f->series[i].points[k];

			fprintf(gp, "%.17g %.17g %.17g %.17g %d\n", p->x, p->y,
				isfinite(p->low) ? p->low : p->y,
				isfinite(p->high) ? p->high : p->y, i);
		}
		fprintf(gp, "EOD\n");
	}
}

static void script_curves(const struct figure *f, FILE *gp)
{
	/* How, with which dashes, and with points or not. */
	static const struct {
		const char *with, *dash;
		bool point;
	} styles[] = { [SERIES_LINE] = { "yerrorlines", "1", true },
		       [SERIES_DASHED] = { "yerrorlines", "(4,4)", true },
		       [SERIES_LIMIT] = { "lines", "(10,5)", false },
		       [SERIES_POINTS] = { "yerrorbars", "1", true } };

	/* A colour that comes again comes with another shape. */
	static const int shapes[4] = { 7, 5, 9, 13 };

	for (int i = 0; i < f->count; i++) {
		const struct series *s = &f->series[i];
		const char *colour = "gray";
		int number = 0;

		if (s->style != SERIES_LIMIT) {
			number = figure_colour(f->palette, s->name);
			colour = colours[number % COLOURS];
		}
		fprintf(gp,
			"%s $s%d using 1:2%s with %s lw 1.5 dt %s lc rgb "
			"'%s'",
			i ? "," : "plot", i,
			styles[s->style].point ? ":3:4" : "",
			styles[s->style].with, styles[s->style].dash, colour);
		if (styles[s->style].point)
			fprintf(gp, " pt %d ps %g",
				shapes[number / COLOURS % 4],
				number < COLOURS ? 0.5 : 0.8);
		fprintf(gp, " title '%s'", s->name);
	}
	fprintf(gp, "\n");
}

static void script_map(const struct figure *f, FILE *gp)
{
	const struct series *last = &f->series[f->count - 1];

	fprintf(gp,
		"set palette defined (%s)\nset cblabel '%s'\n"
		"set cbrange [0:%.17g]\nset ylabel ''\n"
		"set style fill solid noborder\n"
		"set tics nomirror\nset ytics (",
		viridis, f->ylabel, span_of(f).ymax);
	for (int i = 0; i < f->count; i++)
		fprintf(gp, "%s'%s' %d", i ? ", " : "", f->series[i].name, i);
	fprintf(gp, ")\nset xtics rotate by -45 (");
	for (int k = 0; k < last->count; k++)
		fprintf(gp, "%s'%s' %d", k ? ", " : "",
			k ? f->series[k - 1].name : f->corner, k);
	fprintf(gp, ")\nplot");
	for (int i = 0; i < f->count; i++) {
		fprintf(gp,
			"%s $s%d using 1:5:(0.49):(0.49):2 with boxxyerror "
			"fc palette notitle",
			i ? "," : "", i);
		if (last->count <= NUMBERS_MAX)
			fprintf(gp,
				", $s%d using 1:5:(sprintf('%%.0f', $2)) with "
				"labels notitle",
				i);
	}
	fprintf(gp, "\n");
}

/* The names of curves stand one below the other beside the axes: in a second column
 * they would lie on the curves. */
#define NAME_HEIGHT 22
#define NAMES_MAX   18

/* The height of a picture 900 wide. */
static int height_of(const struct figure *f)
{
	if (f->kind != FIGURE_MAP)
		return 520 + (f->count > NAMES_MAX ? (f->count - NAMES_MAX) *
							     NAME_HEIGHT * 5 / 4
						   : 0);
	return f->count < 12 ? 240 + 40 * f->count : 720;
}

void figure_script(const struct figure *f, const struct axis_range *r,
		   bool alone, FILE *gp)
{
	fprintf(gp,
		"set terminal svg size 900,%d dynamic font 'sans-serif,14' "
		"name '%s'\n"
		"set lmargin at screen %g\nset rmargin at screen %g\n"
		"set tmargin at screen %g\nset bmargin at screen %g\n"
		"set key outside right top vertical maxcols 1 noenhanced "
		"samplen 1.5 font ',12'\n",
		height_of(f), f->id, FIGURE_LEFT, FIGURE_RIGHT,
		alone ? 0.92 : FIGURE_TOP, FIGURE_BOTTOM);
	if (alone)
		fprintf(gp, "set title \"%s%s%s\"\n", f->title,
			*f->note ? "\\n" : "", f->note);
	script_axes(f, r, gp);
	script_marks(f, r, gp);
	script_points(f, gp);
	if (f->kind == FIGURE_MAP)
		script_map(f, gp);
	else
		script_curves(f, gp);
}
