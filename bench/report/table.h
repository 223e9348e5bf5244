/* SPDX-License-Identifier: MIT */
/*
 * table.h - the report of a run for a person: verdict, tables, caveats.
 */
#ifndef RIGBENCH_TABLE_H
#define RIGBENCH_TABLE_H

#include <stdio.h>

#include "driver/measure.h"
#include "report/result.h"

/* Print the whole report; `verdict` and `tables` as in struct command, `json`
 * the path of the file with the numbers, or NULL. */
void table_print(const struct plan *plan, const struct run_info *info,
		 void (*verdict)(const struct plan *plan, FILE *out),
		 void (*tables)(const struct plan *plan,
				const struct run_info *info, FILE *out),
		 const char *json, FILE *out);

/* A time, with its unit, in at most 8 characters: "1.23 us". */
void format_ns(char *text, size_t bytes, double ns);

/* A size, with its unit: "64 B", "1.5 MiB". */
void format_bytes(char *text, size_t bytes, double n);

/* The rate of a run of `ns` > 0: operations, or else bytes, or items, a second:
 * "1.51 Gflop/s". "" where none of the three is known. */
void format_rate(char *text, size_t bytes, double ns, double flops,
		 double moved, double items, const char *item);

/* A sample of any unit. */
void format_value(char *text, size_t bytes, const char *unit, double value);

#endif
