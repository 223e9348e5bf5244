/* SPDX-License-Identifier: MIT */
/*
 * answer.h - the answer of a run of rigbench ipc, on a page and as tables.
 */
#ifndef RIGBENCH_ANSWER_H
#define RIGBENCH_ANSWER_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/* The sentences of a result and its break-evens, as a part of a page.  False: the
 * result has none. */
bool answer_put(const json_t *result, FILE *page);

enum table_form { TABLE_MARKDOWN, TABLE_LATEX, TABLE_CSV };

/*
 * The transports of the first result that has some: in Markdown and LaTeX a table a
 * pattern, transports down and sizes across, medians with their intervals; as CSV a
 * line a cell, in plain numbers.  0, or -ENODATA: none of the results has any.
 */
int answer_tables(json_t *const *results, int count, enum table_form form,
		  FILE *out);

#endif
