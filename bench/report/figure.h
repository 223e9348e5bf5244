/* SPDX-License-Identifier: MIT */
/*
 * figure.h - a figure: points first, then a picture of them drawn by gnuplot.
 *
 * Pictures have fixed ranges and margins, told in attributes of the figure, and
 * every point stands in a table under the picture in the digits that gnuplot
 * was given: a reader, or a test, can find each point again.  Colours go with
 * names up to their first comma, the same in all figures of a page.
 */
#ifndef RIGBENCH_FIGURE_H
#define RIGBENCH_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Where the axes lie in a picture, as shares of it from its lower left corner.
 */
#define FIGURE_LEFT   0.1
#define FIGURE_RIGHT  0.74
#define FIGURE_BOTTOM 0.13
#define FIGURE_TOP    0.95

#define FIGURE_SERIES_MAX 32
#define FIGURE_MARKS_MAX  64
#define FIGURE_NAME_BYTES 48

/* Names that have a colour. */
struct palette {
	int count;
	char name[64][FIGURE_NAME_BYTES];
};

struct point {
	double x, y;
	double low, high; /* NaN: no interval */
};

enum series_style {
	SERIES_LINE,   /* measured, joined */
	SERIES_DASHED, /* a control, a peer, the same for other workers */
	SERIES_LIMIT,  /* a roof, an ideal: not measured, or not in contest */
	SERIES_POINTS  /* measured, but no line belongs between */
};

struct series {
	char name[FIGURE_NAME_BYTES];
	enum series_style style;
	int count, room;
	struct point *points;
};

enum figure_kind {
	FIGURE_SIZES,   /* both axes logarithmic, x in bytes */
	FIGURE_SHARES,  /* the same, x as 1 / (1 - share) */
	FIGURE_WORKERS, /* both linear, from nought */
	FIGURE_RANKS,   /* x linear, y logarithmic */
	FIGURE_MAP      /* a series is a row, x its column, y the colour */
};

struct figure {
	const char *id, *title, *caption, *xlabel, *ylabel;
	/* How many nanoseconds one of y is, where y is a time: the axis has ns,
	 * us, ms. 0: y is no time. */
	double y_ns;
	/* y is in 10^9 bytes a second: a logarithmic axis has kB/s, MB/s, GB/s. */
	bool y_rate;
	char note[400]; /* sentences more than the caption, or "" */
	int number;     /* from 2 on it is part of the id */
	enum figure_kind kind;
	struct palette *palette;
	int count;
	struct series *series; /* FIGURE_SERIES_MAX at most, a map's as many
				* as it has rows */
	/* The first column of a map; every other column has the name of the row
	 * of the same PU. */
	char corner[FIGURE_NAME_BYTES];
	/* Lines across: cache sizes; of a map, a boundary before the column
	 * and the row of the same name. */
	int mark_count;
	struct {
		double at;
		char label[24];
	} marks[FIGURE_MARKS_MAX];
};

/* Out of memory, or beyond the maximum, it is left out.  So is what has no place
 * on the axes. */
void figure_add(struct figure *f, const char *name, enum series_style style,
		struct point p);
void figure_mark(struct figure *f, double at, const char *label);
void figure_free(struct figure *f);

bool figure_empty(const struct figure *f);

/* Both: 0, -ENOENT where gnuplot is not installed, -EPROTO where it failed (and
 * said why on stderr), or -errno. */
int figure_put(const struct figure *f, FILE *page);

/* The picture alone, as a file. */
int figure_svg(const struct figure *f, FILE *out);

/* "gnuplot is not installed", or what else kept a figure from being drawn. */
const char *figure_why(int r);

/* Rules for pictures, light and dark; for a page's <style>. */
extern const char figure_rules[];

/* Text, as text of the page; a number, as a cell of a table that is empty where
 * it is none. */
void put_text(FILE *out, const char *text);
void put_number(FILE *out, double x, int digits);

#endif
