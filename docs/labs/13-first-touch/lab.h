/* SPDX-License-Identifier: MIT */
/*
 * lab.h - a matrix whose pages are to lie where the matrix is used.
 *
 * A row has LAB_BLOCKS pages.  Whoever computes with the matrix goes down columns:
 * rank r of a team uses the blocks of rig_strip(LAB_BLOCKS, r, size), in every row.
 * A page lies on the node of the rank that touches the page first.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

#define LAB_PAGE    ((size_t)4096)
#define LAB_BLOCKS  8
#define LAB_COLUMNS (LAB_BLOCKS * LAB_PAGE / sizeof(double))

/* Yours, in start.c: fill the matrix, segment 0, so that each page lies on the
 * node of the rank that uses the page.  A number is lab_value(row, column). */
int fill(struct rig_team *team);

/* The lab's, in check.c. */
double lab_value(size_t row, size_t column);

/* A rank has read from or written to a page. */
struct lab_touch {
	int rank;
	bool wrote;
	size_t page;
};

/* Yours: on which node is each page after these touches, in the order of time?
 * The pages are those of a segment, so a read is a touch.  -1: nowhere yet. */
void homes(const struct rig_plan *plan, const struct lab_touch *touches,
	   size_t count, int *nodes, size_t pages);

/* Yours: how many pages of the matrix are far from their user?  nodes[] has the
 * node of each page, row after row.  A page that is nowhere yet is not far. */
size_t far_pages(const struct rig_plan *plan, const int *nodes, size_t rows);

#endif
