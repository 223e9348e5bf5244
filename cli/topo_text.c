/* SPDX-License-Identifier: MIT */
/*
 * topo_text.c - a plan in boxes for a terminal.
 *
 * A package is a box, a NUMA node a box within the package's box, and an L3
 * cache a row (or several) within the node's box: cells of a core's number and
 * the ranks on the core.
 *
 *	+ package 0 ----------------------------------+
 *	| + node 0 ---------------------------------+ |
 *	| | L3 0   0 r0   1 r1   2 .    3 x         | |
 *
 * "." is a core without a worker, "x" a core that is not usable (and dim, where
 * the terminal has colours); "e" stands behind the numbers of slower cores.
 * Nodes without cores are empty boxes.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd_topo.h"

/* The columns of all boxes together: WIDTH in a file; a terminal's width,
 * within WIDTH_MIN and WIDTH_MAX. */
#define WIDTH     78
#define WIDTH_MIN 40
#define WIDTH_MAX 200

struct pen {
	FILE *out;
	bool utf8, colour;
	int cell;  /* columns of a core */
	int width; /* columns of the outermost boxes */
};

static const char *glyph(const struct pen *pen, const char *utf8,
			 const char *ascii)
{
	return pen->utf8 ? utf8 : ascii;
}

static void repeat(const struct pen *pen, const char *utf8, const char *ascii,
		   int count)
{
	while (count-- > 0)
		fputs(glyph(pen, utf8, ascii), pen->out);
}

/* The upper edge of a box `width` wide, with the title; `depth` boxes are
 * around the box. */
static void open_box(const struct pen *pen, int depth, int width,
		     const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void walls(const struct pen *pen, int depth)
{
	for (int i = 0; i < depth; i++)
		fprintf(pen->out, "%s ", glyph(pen, "│", "|"));
}

static void walls_right(const struct pen *pen, int depth)
{
	for (int i = 0; i < depth; i++)
		fprintf(pen->out, " %s", glyph(pen, "│", "|"));
	fputc('\n', pen->out);
}

static void open_box(const struct pen *pen, int depth, int width,
		     const char *format, ...)
{
	char title[64];
	va_list list;

	va_start(list, format);
	vsnprintf(title, sizeof(title), format, list);
	va_end(list);
	walls(pen, depth);
	fprintf(pen->out, "%s %s ", glyph(pen, "┌", "+"), title);
	repeat(pen, "─", "-", width - 4 - (int)strlen(title));
	fputs(glyph(pen, "┐", "+"), pen->out);
	walls_right(pen, depth);
}

static void close_box(const struct pen *pen, int depth, int width)
{
	walls(pen, depth);
	fputs(glyph(pen, "└", "+"), pen->out);
	repeat(pen, "─", "-", width - 2);
	fputs(glyph(pen, "┘", "+"), pen->out);
	walls_right(pen, depth);
}

static void cell_text(const struct rig_plan *plan, const struct rig_core *core,
		      char *text, size_t bytes)
{
	const char *kind = topo_kind(plan, core);
	char ranks[20];

	topo_ranks(plan, core->number, ranks, sizeof(ranks));
	if (!core->usable)
		snprintf(text, bytes, "%d%s x", core->number, kind);
	else if (ranks[0])
		snprintf(text, bytes, "%d%s r%s", core->number, kind, ranks);
	else
		snprintf(text, bytes, "%d%s .", core->number, kind);
}

static void put_cell(const struct pen *pen, const struct rig_plan *plan,
		     const struct rig_core *core)
{
	bool dim = pen->colour && !core->usable;
	char text[40];

	cell_text(plan, core, text, sizeof(text));
	fprintf(pen->out, "%s%-*s%s", dim ? "\033[2m" : "", pen->cell, text,
		dim ? "\033[0m" : "");
}

/* A row of the innermost box: the label, then cells from plan->machine[at] on
 * that share the cache.  Returns where the next row begins. */
static int put_row(const struct pen *pen, const struct rig_plan *plan, int at,
		   bool first)
{
	const struct rig_core *core = &plan->machine[at];
	int l3 = core->l3, package = core->package, node = core->node;
	char label[16] = "";
	int column;

	if (first && l3 >= 0)
		snprintf(label, sizeof(label), "L3 %d", l3);
	walls(pen, 2);
	column = fprintf(pen->out, "%-8s", label);
	while (at < plan->machine_cores &&
	       column + pen->cell <= pen->width - 8) {
		core = &plan->machine[at];
		if (core->l3 != l3 || core->package != package ||
		    core->node != node)
			break;
		put_cell(pen, plan, core);
		column += pen->cell;
		at++;
	}
	fprintf(pen->out, "%*s", pen->width - 8 - column, "");
	walls_right(pen, 2);
	return at;
}

/* The nodes of a package (-1: in no package) that have no cores; `depth` boxes
 * are around the nodes. */
static void put_memory(const struct pen *pen, const struct rig_plan *plan,
		       int package, int depth)
{
	char title[64];

	for (int n = 0; n < plan->machine_nodes; n++) {
		if (plan->memory[n].cores || plan->memory[n].package != package)
			continue;
		topo_node(plan, n, title, sizeof(title));
		open_box(pen, depth, pen->width - 4 * depth, "%s", title);
		close_box(pen, depth, pen->width - 4 * depth);
	}
}

static void close_package(const struct pen *pen, const struct rig_plan *plan,
			  int package)
{
	put_memory(pen, plan, package, 1);
	close_box(pen, 0, pen->width);
}

static void put_machine(const struct pen *pen, const struct rig_plan *plan)
{
	const struct rig_core *last = NULL;
	char title[64];

	for (int at = 0; at < plan->machine_cores;) {
		const struct rig_core *core = &plan->machine[at];
		bool package = !last || last->package != core->package;
		bool node = package || last->node != core->node;

		if (last && node)
			close_box(pen, 1, pen->width - 4);
		if (last && package)
			close_package(pen, plan, last->package);
		if (package)
			open_box(pen, 0, pen->width, "package %d",
				 core->package);
		topo_node(plan, core->node, title, sizeof(title));
		if (node)
			open_box(pen, 1, pen->width - 4, "%s", title);
		at = put_row(pen, plan, at, node || last->l3 != core->l3);
		last = core;
	}
	if (last) {
		close_box(pen, 1, pen->width - 4);
		close_package(pen, plan, last->package);
	}
	put_memory(pen, plan, -1, 0);
}

/* How wide `out` is. */
static int width_of(FILE *out)
{
	struct winsize size;
	int width = WIDTH;

	if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 &&
	    size.ws_col > 0)
		width = size.ws_col;
	return width < WIDTH_MIN   ? WIDTH_MIN
	       : width > WIDTH_MAX ? WIDTH_MAX
				   : width;
}

static const char *plural(int count)
{
	return count == 1 ? "" : "s";
}

void topo_text(const struct rig_plan *plan, FILE *out)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct pen pen = { .out = out };
	int pus = 0;

	pen.width = width_of(out);
	(void)setlocale(LC_CTYPE, "");
	pen.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	pen.colour = isatty(fileno(out)) && !(no_colour && *no_colour) &&
		     term && strcmp(term, "dumb") != 0;
	for (int i = 0; i < plan->machine_cores; i++) {
		char text[40];
		int width;

		cell_text(plan, &plan->machine[i], text, sizeof(text));
		width = (int)strlen(text) + 2;
		if (width > pen.cell)
			pen.cell = width;
		pus += plan->machine[i].pus;
	}
	fprintf(out, "%s: %d package%s, %d NUMA node%s, %d core%s, %d CPU%s; ",
		plan->described ? "described" : "this machine",
		plan->machine_packages, plural(plan->machine_packages),
		plan->machine_nodes, plural(plan->machine_nodes),
		plan->machine_cores, plural(plan->machine_cores), pus,
		plural(pus));
	fprintf(out, "%d core%s usable", plan->cores, plural(plan->cores));
	if (plan->quota)
		fprintf(out, ", a quota worth %d CPU%s", plan->quota,
			plural(plan->quota));
	fprintf(out, "\n");
	put_machine(&pen, plan);
	fprintf(out, "core r rank  . no worker  x not ours%s\n",
		plan->kinds > 1 ? "  e slower" : "");
}
