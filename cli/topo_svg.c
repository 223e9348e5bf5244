/* SPDX-License-Identifier: MIT */
/*
 * topo_svg.c - a plan as SVG: packages, NUMA nodes, L3 caches and cores as
 * boxes in each other, workers in the cores, and a square for each hardware
 * thread.
 *
 * Each put_...() draws its box at a place and returns the box's height; without
 * a file the function only measures.  Colours follow the reader's scheme, light
 * or dark, and never tell more than the text in the box.
 */
#include <string.h>

#include "cmd_topo.h"

#define CELL_W  64
#define CELL_H  40
#define GAP     6
#define HEAD    22
#define PER_ROW 8
#define MARGIN  10
#define SQUARE  6 /* side of a hardware thread's square */

/* Inside of a NUMA node, of a package, of all. */
#define NODE_W    (PER_ROW * (CELL_W + GAP) + 3 * GAP)
#define PACKAGE_W (NODE_W + 2 * GAP)
#define ALL_W     (PACKAGE_W + 2 * MARGIN)

struct pen {
	const struct rig_plan *plan;
	FILE *out; /* NULL: only measure */
};

static const char style[] =
	"text{font:12px sans-serif;fill:#111}rect{stroke:#555}"
	".ground{fill:#fff;stroke:none}"
	".package{fill:#d8dde3}.node{fill:#eef1f4}.l3{fill:#fff}"
	".memory{fill:#e8e0f0}.busy{fill:#9fd3a8}.idle{fill:#fff}"
	".off{fill:#c4c4c4;stroke-dasharray:4 3}"
	".off+text,.off+text+text{fill:#555}"
	".has{fill:#1d6b2c;stroke:none}.free{fill:none;stroke:#888}"
	"@media(prefers-color-scheme:dark){text{fill:#eee}rect{stroke:#999}"
	".ground{fill:#14171a;stroke:none}.package{fill:#2b3138}.node{fill:#20252a}"
	".l3{fill:#171b1f}.memory{fill:#3a2f4a}.busy{fill:#24612f}"
	".idle{fill:#171b1f}.off{fill:#3a3a3a}"
	".off+text,.off+text+text{fill:#aaa}.has{fill:#8fe0a0}}";

/* Cores from `at` on that stand together: in a package; in a node of the
 * package; in an L3 cache of the node. */
enum level { IN_PACKAGE, IN_NODE, IN_L3 };

static int end_of(const struct rig_plan *plan, int at, enum level level)
{
	const struct rig_core *first = &plan->machine[at];
	int end = at;

	while (end < plan->machine_cores &&
	       plan->machine[end].package == first->package &&
	       (level < IN_NODE || plan->machine[end].node == first->node) &&
	       (level < IN_L3 || plan->machine[end].l3 == first->l3))
		end++;
	return end;
}

static void box(const struct pen *pen, int x, int y, int width, int height,
		const char *class)
{
	if (pen->out)
		fprintf(pen->out,
			"<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" "
			"height=\"%d\" rx=\"4\"/>\n",
			class, x, y, width, height);
}

static void label(const struct pen *pen, int x, int y, const char *text)
{
	if (pen->out)
		fprintf(pen->out, "<text x=\"%d\" y=\"%d\">%s</text>\n", x, y,
			text);
}

/* A square for each hardware thread of a core, full where a rank has it. */
static void put_threads(const struct pen *pen, const struct rig_core *core,
			int x, int y)
{
	int shown = 0;

	for (int pu = 0; pen->out && pu < RIG_PUS_MAX && shown < 4; pu++) {
		bool has = false;

		if (!(core->set[pu / 64] >> (pu % 64) & 1))
			continue;
		for (int i = 0; pen->plan->pinned && i < pen->plan->workers;
		     i++)
			has |= pen->plan->spots[i].set[pu / 64] >> (pu % 64) &
			       1;
		fprintf(pen->out,
			"<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" "
			"height=\"%d\"/>\n",
			has ? "has" : "free",
			x + CELL_W - 4 - ++shown * (SQUARE + 2), y + 6, SQUARE,
			SQUARE);
	}
}

static void put_core(const struct pen *pen, const struct rig_core *core, int x,
		     int y)
{
	char ranks[12], text[40];

	topo_ranks(pen->plan, core->number, ranks, sizeof(ranks));
	box(pen, x, y, CELL_W, CELL_H,
	    !core->usable ? "off"
	    : ranks[0]    ? "busy"
			  : "idle");
	snprintf(text, sizeof(text), "%d%s", core->number,
		 topo_kind(pen->plan, core));
	label(pen, x + 5, y + 15, text);
	snprintf(text, sizeof(text), "%s%s",
		 !core->usable ? "not ours"
		 : ranks[0]    ? "rank "
			       : "",
		 core->usable ? ranks : "");
	label(pen, x + 5, y + 32, text);
	put_threads(pen, core, x, y);
}

/* The cores of an L3 cache, or, without a box, the cores of no known cache. */
static int put_l3(const struct pen *pen, int at, int end, int x, int y)
{
	int count = end - at, l3 = pen->plan->machine[at].l3;
	int columns = count < PER_ROW ? count : PER_ROW;
	int rows = (count + PER_ROW - 1) / PER_ROW;
	int head = l3 < 0 ? 0 : HEAD;
	char text[24];

	if (l3 >= 0) {
		box(pen, x, y, columns * (CELL_W + GAP) + GAP,
		    head + rows * (CELL_H + GAP), "l3");
		snprintf(text, sizeof(text), "L3 %d", l3);
		label(pen, x + GAP, y + 16, text);
	}
	for (int i = 0; i < count; i++)
		put_core(pen, &pen->plan->machine[at + i],
			 x + GAP + i % PER_ROW * (CELL_W + GAP),
			 y + head + i / PER_ROW * (CELL_H + GAP));
	return head + rows * (CELL_H + GAP);
}

static int put_node(const struct pen *pen, int at, int end, int x, int y)
{
	int row = y + HEAD, row_height = 0, column = 0;
	char text[64];

	topo_node(pen->plan, pen->plan->machine[at].node, text, sizeof(text));
	label(pen, x + GAP, y + 16, text);
	while (at < end) {
		int next = end_of(pen->plan, at, IN_L3);
		int count = next - at;
		int width =
			(count < PER_ROW ? count : PER_ROW) * (CELL_W + GAP) +
			2 * GAP;
		int height;

		/* Beside the last, or below. */
		if (column && column + width > NODE_W) {
			row += row_height + GAP;
			row_height = column = 0;
		}
		height = put_l3(pen, at, next, x + GAP + column, row);
		row_height = height > row_height ? height : row_height;
		column += width;
		at = next;
	}
	return row + row_height + GAP - y;
}

/* The nodes of a package (-1: in no package) that have no cores. */
static int put_memory(const struct pen *pen, int package, int x, int y)
{
	int height = 0;
	char text[64];

	for (int n = 0; n < pen->plan->machine_nodes; n++) {
		const struct rig_node *node = &pen->plan->memory[n];

		if (node->cores || node->package != package)
			continue;
		box(pen, x, y + height, NODE_W, HEAD + 4, "memory");
		topo_node(pen->plan, n, text, sizeof(text));
		label(pen, x + GAP, y + height + 17, text);
		height += HEAD + 4 + GAP;
	}
	return height;
}

static int put_package(const struct pen *pen, int at, int end, int x, int y)
{
	const struct pen measure = { .plan = pen->plan };
	int package = pen->plan->machine[at].package;
	int height = HEAD;
	char text[24];

	snprintf(text, sizeof(text), "package %d", package);
	label(pen, x + GAP, y + 16, text);
	while (at < end) {
		int next = end_of(pen->plan, at, IN_NODE);
		int node = put_node(&measure, at, next, 0, 0);

		box(pen, x + GAP, y + height, NODE_W, node, "node");
		put_node(pen, at, next, x + GAP, y + height);
		height += node + GAP;
		at = next;
	}
	return height + put_memory(pen, package, x + GAP, y + height);
}

/* Everything; returns how high. */
static int put_machine(const struct pen *pen)
{
	const struct pen measure = { .plan = pen->plan };
	int y = MARGIN;

	for (int at = 0, end; at < pen->plan->machine_cores; at = end) {
		int height;

		end = end_of(pen->plan, at, IN_PACKAGE);
		height = put_package(&measure, at, end, 0, 0);
		box(pen, MARGIN, y, PACKAGE_W, height, "package");
		put_package(pen, at, end, MARGIN, y);
		y += height + MARGIN;
	}
	return y + put_memory(pen, -1, MARGIN + GAP, y);
}

void topo_svg(const struct rig_plan *plan, FILE *out)
{
	struct pen pen = { .plan = plan };
	int height = put_machine(&pen);

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\">\n"
		"<title>%d workers on %d cores</title>\n"
		"<style>%s</style>\n"
		"<rect class=\"ground\" width=\"100%%\" height=\"100%%\" "
		"rx=\"0\"/>\n",
		ALL_W, height, ALL_W, height, plan->workers, plan->cores,
		style);
	pen.out = out;
	(void)put_machine(&pen);
	fprintf(out, "</svg>\n");
}
