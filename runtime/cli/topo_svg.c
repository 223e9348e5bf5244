/* SPDX-License-Identifier: MIT */
/*
 * topo_svg.c - a plan as SVG: packages, nodes and cores as boxes, workers in
 * them.
 *
 * Colours are chosen to be read on a light and on a dark ground, and never say
 * anything that the text in the box does not say too.
 */
#include <string.h>

#include "topo.h"

#define CELL_W  64
#define CELL_H  40
#define GAP     6
#define HEAD    22
#define PER_ROW 8
#define MARGIN  10

/* Cores from `at` on that `same` says belong together. */
static int run_of(const struct rig_plan *plan, int at, int same_node)
{
	const struct rig_core *first = &plan->machine[at];
	int end = at;

	while (end < plan->machine_cores &&
	       plan->machine[end].package == first->package &&
	       (!same_node || plan->machine[end].node == first->node))
		end++;
	return end;
}

static int node_height(int cores)
{
	int rows = (cores + PER_ROW - 1) / PER_ROW;

	return HEAD + rows * (CELL_H + GAP) + GAP;
}

static int package_height(const struct rig_plan *plan, int at, int end)
{
	int height = HEAD + GAP;

	while (at < end) {
		int next = run_of(plan, at, 1);

		height += node_height(next - at) + GAP;
		at = next;
	}
	return height;
}

static void box(FILE *out, int x, int y, int width, int height,
		const char *class)
{
	fprintf(out,
		"<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" "
		"height=\"%d\" rx=\"4\"/>\n",
		class, x, y, width, height);
}

static void put_core(const struct rig_plan *plan, const struct rig_core *core,
		     FILE *out, int x, int y)
{
	char ranks[12];

	topo_ranks(plan, core->number, ranks, sizeof(ranks));
	box(out, x, y, CELL_W, CELL_H,
	    !core->usable ? "off"
	    : ranks[0]    ? "busy"
			  : "idle");
	fprintf(out, "<text x=\"%d\" y=\"%d\">core %d</text>\n", x + 5, y + 15,
		core->number);
	fprintf(out, "<text x=\"%d\" y=\"%d\">%s%s</text>\n", x + 5, y + 32,
		!core->usable ? "not ours"
		: ranks[0]    ? "rank "
			      : "",
		core->usable ? ranks : "");
}

static int put_node(const struct rig_plan *plan, FILE *out, int at, int x,
		    int y)
{
	int end = run_of(plan, at, 1);

	box(out, x, y, PER_ROW * (CELL_W + GAP) + GAP, node_height(end - at),
	    "node");
	fprintf(out, "<text x=\"%d\" y=\"%d\">NUMA node %d</text>\n", x + GAP,
		y + 16, plan->machine[at].node);
	for (int i = at; i < end; i++)
		put_core(plan, &plan->machine[i], out,
			 x + GAP + (i - at) % PER_ROW * (CELL_W + GAP),
			 y + HEAD + (i - at) / PER_ROW * (CELL_H + GAP));
	return end;
}

static void put_package(const struct rig_plan *plan, FILE *out, int at, int end,
			int y)
{
	int width = PER_ROW * (CELL_W + GAP) + 3 * GAP;

	box(out, MARGIN, y, width, package_height(plan, at, end), "package");
	fprintf(out, "<text x=\"%d\" y=\"%d\">package %d</text>\n",
		MARGIN + GAP, y + 16, plan->machine[at].package);
	y += HEAD;
	while (at < end) {
		int next = put_node(plan, out, at, MARGIN + GAP, y);

		y += node_height(next - at) + GAP;
		at = next;
	}
}

void topo_svg(const struct rig_plan *plan, FILE *out)
{
	int width = PER_ROW * (CELL_W + GAP) + 3 * GAP + 2 * MARGIN;
	int height = MARGIN;

	for (int at = 0, end; at < plan->machine_cores; at = end) {
		end = run_of(plan, at, 0);
		height += package_height(plan, at, end) + MARGIN;
	}
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\">\n"
		"<title>%d workers on %d cores</title>\n"
		"<style>text{font:12px sans-serif;fill:#111}"
		"rect{stroke:#555}.package{fill:#d8dde3}.node{fill:#eef1f4}"
		".busy{fill:#9fd3a8}.idle{fill:#fff}"
		".off{fill:#c4c4c4;stroke-dasharray:4 3}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\" "
		"stroke=\"none\"/>\n",
		width, height, width, height, plan->workers, plan->cores);
	height = MARGIN;
	for (int at = 0, end; at < plan->machine_cores; at = end) {
		end = run_of(plan, at, 0);
		put_package(plan, out, at, end, height);
		height += package_height(plan, at, end) + MARGIN;
	}
	fprintf(out, "</svg>\n");
}
