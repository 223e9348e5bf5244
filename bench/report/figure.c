/* SPDX-License-Identifier: MIT */
/*
 * figure.c - a figure's points, and the SVG that gnuplot makes of them.
 */
#include "report/figure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/figure_script.h"

/* The exit status of a shell where there is no such command. */
#define NO_COMMAND 127

/* Digits of a number in the table of points. */
#define POINT_DIGITS 12

const char figure_rules[] =
	"svg text{fill:var(--ink)}\n"
	"svg g[color=\"black\"],svg g[color=\"white\"]{color:var(--ink)}\n"
	"svg use[color=\"white\"]{color:var(--paper)}\n"
	"svg [stroke=\"black\"]{stroke:var(--ink)}\n"
	"svg g[color=\"gray\"]{color:var(--faint)}\n"
	"svg.map text{paint-order:stroke;stroke:var(--paper);stroke-width:3px;"
	"stroke-linejoin:round}\n";

/* The rules of a picture that stands alone. */
static const char own_rules[] =
	"svg{--paper:#fff;--ink:#1b1b1b;--faint:#767676;"
	"background:var(--paper)}\n"
	"@media (prefers-color-scheme:dark){"
	"svg{--paper:#16181c;--ink:#e6e6e6;--faint:#9a9a9a}}\n";

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

	/* gnuplot warns of a series without a point. */
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
		(void)figure_colour(f->palette, name);
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

/* Run gnuplot over a script; the picture goes to `out`. */
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
		figure_script(f, r, alone, gp);
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
	struct axis_range r = figure_range(f);
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
	fprintf(page, "<div class=\"picture\">\n");
	drawn = draw(f, &r, false, page);
	fprintf(page, "</div>\n");
	if (drawn < 0)
		fprintf(page, "<p>%s: no picture.</p>\n", figure_why(drawn));
	fprintf(page, "<figcaption>");
	put_text(page, f->caption);
	if (*f->note) {
		fprintf(page, " <strong>");
		put_text(page, f->note);
		fprintf(page, "</strong>");
	}
	fprintf(page, "</figcaption>\n");
	put_points(f, page);
	fprintf(page, "</figure>\n");
	return drawn;
}

int figure_svg(const struct figure *f, FILE *out)
{
	struct axis_range r = figure_range(f);

	fprintf(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
	return draw(f, &r, true, out);
}
