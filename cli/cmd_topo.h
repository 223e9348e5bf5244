/* SPDX-License-Identifier: MIT */
/*
 * cmd_topo.h - a plan as a picture.
 */
#ifndef RUNRIG_CMD_TOPO_H
#define RUNRIG_CMD_TOPO_H

#include <stdio.h>

#include <runrig/place.h>

/* Ranks on core `number`, "0,2", cut with ".." where there are many; "" where
 * there are none. */
void topo_ranks(const struct rig_plan *plan, int number, char *text,
		size_t bytes);

/* "NUMA node 1, memory only, 16.0 GB" */
void topo_node(const struct rig_plan *plan, int node, char *text, size_t bytes);

/* The mark behind the number of a core: "e" where the machine also has faster
 * cores, else "". */
const char *topo_kind(const struct rig_plan *plan, const struct rig_core *core);

/* The machine in boxes, as wide as the terminal, or 78 columns, with the ranks
 * on the cores. */
void topo_text(const struct rig_plan *plan, FILE *out);

/* The same as an SVG document, readable on light and dark grounds. */
void topo_svg(const struct rig_plan *plan, FILE *out);

#endif
