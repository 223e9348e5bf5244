/* SPDX-License-Identifier: MIT */
/*
 * show.h - the results of a run, for people and for programs; and numbers as
 * people read numbers.
 */
#ifndef RUNRIG_SHOW_H
#define RUNRIG_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "verified_run.h"

/* Bytes of a number as text. */
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

/* Print words behind `column` columns of a line, and end the line: lines have
 * at most 80 columns, and further lines begin with `indent` spaces.  A word
 * that contains several spaces in a row, or is longer than a line, is not
 * broken. */
void show_wrapped(const char *words, int column, int indent);

/* "2 workers on cores 0, 1 of node 0", to be freed; NULL: no memory. */
char *show_workers(const struct rig_pool *pool);

/* [{ "rank": 0, "pid": ..., ...}, ...]; NULL: no memory. */
json_t *show_workers_json(const struct rig_pool *pool);

/* Warn where a launcher has left this process a single core of several. */
void warn_squeezed(const struct rig_plan *plan);

/* Print the results of the run on stdout. */
void show_run(const struct runner *runner);

/* A run's bytes moved, floating-point operations and items; 0: no figure. */
double show_bytes_moved(const struct runner *runner);
double show_flops(const struct runner *runner);
double show_items(const struct runner *runner);

/* The bytes of array `index` on huge pages; -1: unknown, or the command did not
 * make the segment. */
ssize_t show_huge_bytes(const struct runner *runner, int index);

#endif
