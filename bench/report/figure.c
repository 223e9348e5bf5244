/* SPDX-License-Identifier: MIT */
/*
 * figure.c - points to gnuplot, its SVG into the page.
 */
#include "report/figure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A map of more columns has no numbers in it. */
#define NUMBERS_MAX 20

/* What a shell exits with where there is no such command. */
#define NO_COMMAND 127

/* Of a number in the table of points. */
#define POINT_DIGITS 12

const char figure_rules[] =
	"svg text{fill:var(--ink)}\n"
	"svg g[color=\"black\"],svg g[color=\"white\"]{color:var(--ink)}\n"
	"svg use[color=\"white\"]{color:var(--paper)}\n"
	"svg [stroke=\"black\"]{stroke:var(--ink)}\n"
	"svg g[color=\"gray\"]{color:var(--faint)}\n"
	"svg.map text{paint-order:stroke;stroke:var(--paper);stroke-width:3px;"
	"stroke-linejoin:round}\n";

/* Of a picture that stands alone. */
static const char own_rules[] =
	"svg{--paper:#fff;--ink:#1b1b1b;--faint:#767676;"
	"background:var(--paper)}\n"
	"@media (prefers-color-scheme:dark){"
	"svg{--paper:#16181c;--ink:#e6e6e6;--faint:#9a9a9a}}\n";

/* Colours told apart by those who see fewer, and on light and dark. */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73",
				       "#cc79a7", "#e69f00", "#56b4e9",
				       "#8b5fbf", "#7f7f3f", "#a0522d",
				       "#4d9221" };

#define COLOURS ((int)(sizeof(colours) / sizeof(*colours)))

/* Viridis, from 0 to 1. */
static const char viridis[] = "0 '#440154', 0.25 '#3b528b', 0.5 '#21918c', "
			      "0.75 '#5ec962', 1 '#fde725'";

void put_text(FILE *out, const char *text)
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

void put_number(FILE *out, double x, int digits)
{
	if (isfinite(x))
		fprintf(out, "<td>%.*g</td>", digits, x);
	else
		fprintf(out, "<td></td>");
}

/* The number of a name up to its comma, which has one from now on. */
static int colour_of(struct palette *p, const char *name)
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

static struct series *series_of(struct figure *f, const char *name,
				enum series_style style)
{
	struct series *series;

	for (int i = 0; i < f->count; i++)
		if (strcmp(f->series[i].name, name) == 0)
			return &f->series[i];
	if (f->count == FIGURE_SERIES_MAX && f->kind != FIGURE_MAP)
		return NULL;
	series =
		realloc(f->series, ((size_t)f->count + 1) * sizeof(*f->series));
	if (!series)
		return NULL;
	f->series = series;
	series += f->count++;
	*series = (struct series){ .style = style };
	snprintf(series->name, sizeof(series->name), "%s", name);
	return series;
}

static bool has_place(const struct figure *f, const struct point *p)
{
	switch (f->kind) {
	case FIGURE_SIZES:
	case FIGURE_SHARES:
	case FIGURE_RANKS:
		return p->x > 0 && p->y > 0;
	case FIGURE_WORKERS:
	case FIGURE_MAP:
		break;
	}
	return p->x >= 0 && p->y >= 0;
}

void figure_add(struct figure *f, const char *name, enum series_style style,
		struct point p)
{
	struct series *s;

	/* A series without a point would be one that gnuplot warns of. */
	if (!has_place(f, &p))
		return;
	s = series_of(f, name, style);
	if (!s)
		return;
	if (s->count == s->room) {
		int room = s->room ? 2 * s->room : 16;
		struct point *points =
			realloc(s->points, (size_t)room * sizeof(*points));

		if (!points)
			return;
		s->points = points;
		s->room = room;
	}
	s->points[s->count++] = p;
	if (f->kind != FIGURE_MAP && style != SERIES_LIMIT)
		(void)colour_of(f->palette, name);
}

void figure_mark(struct figure *f, double at, const char *label)
{
	if (f->mark_count == FIGURE_MARKS_MAX)
		return;
	f->marks[f->mark_count].at = at;
	snprintf(f->marks[f->mark_count++].label, sizeof(f->marks[0].label),
		 "%s", label);
}

void figure_free(struct figure *f)
{
	for (int i = 0; i < f->count; i++)
		free(f->series[i].points);
	free(f->series);
	f->series = NULL;
	f->count = f->mark_count = 0;
}

bool figure_empty(const struct figure *f)
{
	return !f->count;
}

struct axis_range {
	double xmin, xmax, ymin, ymax;
};

/* The next power of a base beyond. */
static double beyond(double value, double base, bool up)
{
	double power = log(value) / log(base);

	return pow(base, up ? floor(power) + 1 : ceil(power) - 1);
}

/* What the points and their intervals span. */
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

static struct axis_range range_of(const struct figure *f)
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

/* "64 B", "1 KiB", ...: eight of them or so. */
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

static void script_axes(const struct figure *f, const struct axis_range *r,
			FILE *gp)
{
	fprintf(gp,
		"set xlabel \"%s\"\nset ylabel \"%s\"\n"
		"set xrange [%.17g:%.17g]\nset yrange [%.17g:%.17g]\n",
		f->xlabel, f->ylabel, r->xmin, r->xmax, r->ymin, r->ymax);
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
	/* Fainter than what is drawn on it. */
	if (f->kind != FIGURE_MAP)
		fprintf(gp, "set format y '%%g'\n"
			    "set grid lw 0.5 lc rgb 'gray'\n");
}

/* Lines across, with their names at the top. */
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
	/* How, which points, which dashes. */
	static const struct {
		const char *with, *dash;
		int point;
	} styles[] = { [SERIES_LINE] = { "yerrorlines", "1", 7 },
		       [SERIES_DASHED] = { "yerrorlines", "(4,4)", 7 },
		       [SERIES_LIMIT] = { "lines", "(10,5)", 0 },
		       [SERIES_POINTS] = { "yerrorbars", "1", 7 } };

	for (int i = 0; i < f->count; i++) {
		const struct series *s = &f->series[i];
		const char *colour = "gray";

		if (s->style != SERIES_LIMIT)
			colour = colours[colour_of(f->palette, s->name) %
					 COLOURS];
		fprintf(gp,
			"%s $s%d using 1:2%s with %s lw 1.5 dt %s lc rgb "
			"'%s'",
			i ? "," : "plot", i,
			styles[s->style].point ? ":3:4" : "",
			styles[s->style].with, styles[s->style].dash, colour);
		if (styles[s->style].point)
			fprintf(gp, " pt %d ps 0.5", styles[s->style].point);
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

/* Of a picture 900 wide. */
static int height_of(const struct figure *f)
{
	if (f->kind != FIGURE_MAP)
		return 520;
	return f->count < 12 ? 240 + 40 * f->count : 720;
}

static void write_script(const struct figure *f, const struct axis_range *r,
			 bool alone, FILE *gp)
{
	fprintf(gp,
		"set terminal svg size 900,%d dynamic font 'sans-serif,14' "
		"name '%s'\n"
		"set lmargin at screen %g\nset rmargin at screen %g\n"
		"set tmargin at screen %g\nset bmargin at screen %g\n"
		"set key outside right top vertical noenhanced samplen 2\n",
		height_of(f), f->id, FIGURE_LEFT, FIGURE_RIGHT,
		alone ? 0.92 : FIGURE_TOP, FIGURE_BOTTOM);
	if (alone)
		fprintf(gp, "set title \"%s\"\n", f->title);
	script_axes(f, r, gp);
	script_marks(f, r, gp);
	script_points(f, gp);
	if (f->kind == FIGURE_MAP)
		script_map(f, gp);
	else
		script_curves(f, gp);
}

/* A line of gnuplot's SVG.  Its ids are the same in every picture: a page has
 * them only once if the figure's name goes before. */
static void copy_line(const char *line, const char *id, FILE *out)
{
	static const char *const places[] = { "id='", "id=\"", "href='#" };

	while (*line) {
		size_t n = 0;

		for (int i = 0; i < 3 && !n; i++)
			if (strncmp(line, places[i], strlen(places[i])) == 0)
				n = strlen(places[i]);
		if (n)
			fprintf(out, "%.*s%s-", (int)n, line, id);
		else
			fputc(*line, out);
		line += n ? n : 1;
	}
}

static void full_id(const struct figure *f, char *id, size_t bytes)
{
	if (f->number > 1)
		snprintf(id, bytes, "%s-%d", f->id, f->number);
	else
		snprintf(id, bytes, "%s", f->id);
}

/* Copy gnuplot's SVG, without the XML declaration; false: there was none. */
static bool copy_svg(const struct figure *f, bool alone, FILE *svg, FILE *out)
{
	bool inside = false;
	char line[4096];
	char id[64];

	full_id(f, id, sizeof(id));
	while (fgets(line, sizeof(line), svg)) {
		if (strncmp(line, "<svg", 4) == 0) {
			inside = true;
			fprintf(out, "<svg%s",
				f->kind == FIGURE_MAP ? " class=\"map\"" : "");
			copy_line(line + 4, id, out);
			continue;
		}
		if (alone && strncmp(line, "<title", 6) == 0)
			fprintf(out, "<style>\n%s%s</style>\n", own_rules,
				figure_rules);
		if (inside)
			copy_line(line, id, out);
	}
	return inside;
}

/* Run gnuplot over a script; what it draws goes to `out`. */
static int run_gnuplot(const struct figure *f, bool alone, int script,
		       FILE *out)
{
	char command[120];
	bool drawn;
	FILE *svg;
	int status;

	/* The shell's own words about it are none of ours. */
	snprintf(command, sizeof(command),
		 "command -v gnuplot >/dev/null || exit %d;"
		 "exec gnuplot /proc/%d/fd/%d",
		 NO_COMMAND, (int)getpid(), script);
	svg = popen(command, "r");
	if (!svg)
		return -errno;
	drawn = copy_svg(f, alone, svg, out);
	status = pclose(svg);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_COMMAND)
		return -ENOENT;
	return status == 0 && drawn ? 0 : -EPROTO;
}

/* Draw it, whole or not at all. */
static int draw(const struct figure *f, const struct axis_range *r, bool alone,
		FILE *out)
{
	int fd = memfd_create("gnuplot", 0);
	FILE *gp = fd < 0 ? NULL : fdopen(fd, "w");
	char *picture = NULL;
	size_t bytes;
	FILE *memory = gp ? open_memstream(&picture, &bytes) : NULL;
	int result = -ENOMEM;

	if (memory) {
		write_script(f, r, alone, gp);
		fflush(gp);
		result = run_gnuplot(f, alone, fd, memory);
		if (fclose(memory) != 0)
			result = -ENOMEM;
	}
	if (result == 0)
		fputs(picture, out);
	free(picture);
	if (gp)
		fclose(gp);
	return result;
}

const char *figure_why(int r)
{
	switch (r) {
	case -ENOENT:
		return "gnuplot is not installed";
	case -EPROTO:
		return "gnuplot failed";
	default:
		return strerror(-r);
	}
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
			fprintf(out, "</td>");
			put_number(out, p->x, POINT_DIGITS);
			put_number(out, p->y, POINT_DIGITS);
			put_number(out, p->low, POINT_DIGITS);
			put_number(out, p->high, POINT_DIGITS);
			fprintf(out, "</tr>\n");
		}
	}
	fprintf(out, "</table></div></details>\n");
}

static const char *scale_word(enum figure_kind kind, bool x)
{
	if (kind == FIGURE_SIZES || kind == FIGURE_SHARES)
		return "log";
	return kind == FIGURE_RANKS && !x ? "log" : "linear";
}

int figure_put(const struct figure *f, FILE *page)
{
	struct axis_range r = range_of(f);
	char id[64];
	int drawn;

	full_id(f, id, sizeof(id));
	fprintf(page,
		"<figure id=\"%s\" data-xmin=\"%.17g\" data-xmax=\"%.17g\" "
		"data-ymin=\"%.17g\" data-ymax=\"%.17g\" data-xscale=\"%s\" "
		"data-yscale=\"%s\">\n<h3>",
		id, r.xmin, r.xmax, r.ymin, r.ymax, scale_word(f->kind, true),
		scale_word(f->kind, false));
	put_text(page, f->title);
	fprintf(page, "</h3>\n");
	drawn = draw(f, &r, false, page);
	if (drawn < 0)
		fprintf(page, "<p>%s: no picture.</p>\n", figure_why(drawn));
	fprintf(page, "<figcaption>");
	put_text(page, f->caption);
	fprintf(page, "</figcaption>\n");
	put_points(f, page);
	fprintf(page, "</figure>\n");
	return drawn;
}

int figure_svg(const struct figure *f, FILE *out)
{
	struct axis_range r = range_of(f);

	fprintf(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
	return draw(f, &r, true, out);
}
