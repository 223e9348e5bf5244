/* SPDX-License-Identifier: MIT */
/*
 * show.h - what a run did, for people and for programs; and numbers as people
 * read them.
 */
#ifndef RUNRIG_SHOW_H
#define RUNRIG_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "verified_run.h"

/* Room for one number. */
#define SHOWN_BYTES 40

/* Bytes of the value of a parameter: an expression is the longest. */
#define VALUE_BYTES 2100

/* "40,000,000"; "320 MB"; "61.2 ms"; "10.5 GB/s"; "97.1 M keys/s".  Each
 * returns `text`. */
char *show_count(uint64_t count, char text[SHOWN_BYTES]);
char *show_bytes(double bytes, char text[SHOWN_BYTES]);
char *show_time(double ns, char text[SHOWN_BYTES]);
char *show_rate(double bytes, double ns, char text[SHOWN_BYTES]);
char *show_item_rate(double items, double ns, const char *item,
		     char text[SHOWN_BYTES]);

/* Print words behind `column` columns of a line, and end the line: lines are of at
 * most 80 columns, and the next lines begin with `indent` spaces.  A word with
 * spaces behind one another, or longer than a line, stays as it is. */
void show_wrapped(const char *words, int column, int indent);

/* "2 workers on cores 0, 1 of node 0", to be freed; NULL: no memory. */
char *show_workers(const struct rig_pool *pool);

/* [{ "rank": 0, "pid": ..., ...}, ...]; NULL: no memory. */
json_t *show_workers_json(const struct rig_pool *pool);

/* Say it where a launcher has left us one core of several. */
void warn_squeezed(const struct rig_plan *plan);

/* What the run did, to stdout. */
void show_run(const struct runner *runner);

/* A run's bytes moved, floating-point operations and items; 0: no figure. */
double show_bytes_moved(const struct runner *runner);
double show_flops(const struct runner *runner);
double show_items(const struct runner *runner);

/* How much of array `index` lies on huge pages; -1: unknown, or the segment is
 * not of this command's making. */
ssize_t show_huge_bytes(const struct runner *runner, int index);

#endif
