/* SPDX-License-Identifier: MIT */
/*
 * answer.c - sentences, break-evens and tables of transports, out of a result.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report/answer.h"
#include "report/chart.h"
#include "report/result_read.h"
#include "report/table.h"

#define SIZES_MAX 32
#define NAMES_MAX 80

static void put_bytes(FILE *out, const char *bytes)
{
	char text[24];

	format_bytes(text, sizeof(text), atof(bytes));
	fprintf(out, "%s", text);
}

static void put_trips(const json_t *list, FILE *page)
{
	if (!json_array_size(list))
		return;
	fprintf(page, "<h3>After how many round trips a segment has paid for "
		      "its set-up</h3>\n<div class=\"wide\"><table>\n"
		      "<tr><th>against</th><th>message</th><th>round trips</th>"
		      "<th>95 %% low</th><th>high</th></tr>\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);

		fprintf(page, "<tr><td>");
		put_text(page, result_read_text(e, "transport"));
		fprintf(page, "</td><td>");
		put_bytes(page, result_read_text(e, "bytes"));
		fprintf(page, "</td>");
		put_number(page, result_read_number(e, "round_trips"), 6);
		put_number(page, result_read_number(e, "low"), 6);
		put_number(page, result_read_number(e, "high"), 6);
		fprintf(page, "</tr>\n");
	}
	fprintf(page, "</table></div>\n");
}

/* "3.2 [3.1, 3.3] at 1 MiB", as a cell. */
static void put_times(const json_t *ratio, FILE *page)
{
	double low = result_read_number(ratio, "low");
	double high = result_read_number(ratio, "high");

	fprintf(page, "<td>");
	if (result_read_number(ratio, "ratio") > 0) {
		fprintf(page, "%.3g", result_read_number(ratio, "ratio"));
		if (isfinite(low) && isfinite(high))
			fprintf(page, " [%.3g, %.3g]", low, high);
		fprintf(page, " at ");
		put_bytes(page, result_read_text(ratio, "bytes"));
	}
	fprintf(page, "</td>");
}

static void put_bytes_cell(const char *bytes, FILE *page)
{
	fprintf(page, "<td>");
	if (*bytes)
		put_bytes(page, bytes);
	fprintf(page, "</td>");
}

/* Where each transport breaks even with sharing. */
static void put_crossovers(const json_t *list, FILE *page)
{
	fprintf(page, "<h3>Break-even by transport</h3>\n"
		      "<div class=\"wide\"><table>\n<tr><th>pattern</th>"
		      "<th>copied through</th><th>as good up to</th>"
		      "<th>sharing cheaper from</th><th>times, at least</th>"
		      "<th>times, at the largest</th></tr>\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);

		fprintf(page, "<tr><td>");
		put_text(page, result_read_text(c, "pattern"));
		fprintf(page, "</td><td>");
		put_text(page, result_read_text(c, "transport"));
		fprintf(page, "</td>");
		put_bytes_cell(result_read_text(c, "same_bytes"), page);
		put_bytes_cell(result_read_text(c, "from_bytes"), page);
		put_times(json_object_get(c, "least"), page);
		put_times(json_object_get(c, "last"), page);
		fprintf(page, "</tr>\n");
	}
	fprintf(page, "</table></div>\n");
}

bool answer_put(const json_t *result, FILE *page)
{
	const json_t *answer = json_object_get(result, "answer");
	const json_t *sentences = json_object_get(answer, "sentences");
	const json_t *list = json_object_get(answer, "crossovers");
	size_t count = json_array_size(sentences);

	/* In words the pipe, in a table all of them. */
	for (size_t i = 0; i < count; i++) {
		const json_t *text = json_array_get(sentences, i);
		const char *other =
			result_read_text(json_array_get(list, i), "transport");

		if (!json_is_string(text) || (i && strcmp(other, "pipe") != 0))
			continue;
		fprintf(page, i ? "<p>" : "<p class=\"answer\"><strong>");
		put_text(page, json_string_value(text));
		fprintf(page, i ? "</p>\n" : "</strong></p>\n");
	}
	if (count > 1)
		put_crossovers(list, page);
	put_trips(json_object_get(answer, "break_even"), page);
	return count > 0;
}

/* A table shows one pattern of a result: sizes and transports. */
struct answer_table {
	const json_t *cells;
	const char *pattern;
	int sizes, names;
	const char *size[SIZES_MAX];
	const char *name[NAMES_MAX];
};

static bool is_transport(const json_t *cell)
{
	return *result_read_axis(cell, "transport") &&
	       *result_read_axis(cell, "pattern") && !chart_again(cell);
}

static void note(const char **list, int *count, int max, const char *text)
{
	int i = 0;

	while (i < *count && strcmp(list[i], text) != 0)
		i++;
	if (i == *count && i < max)
		list[(*count)++] = text;
}

static void collect(struct answer_table *t, const json_t *cells,
		    const char *pattern)
{
	*t = (struct answer_table){ .cells = cells, .pattern = pattern };
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);

		if (!is_transport(cell) ||
		    strcmp(result_read_axis(cell, "pattern"), pattern) != 0)
			continue;
		note(t->size, &t->sizes, SIZES_MAX,
		     result_read_axis(cell, "size"));
		note(t->name, &t->names, NAMES_MAX,
		     result_read_text(cell, "name"));
	}
}

/* The first of the name and the size; NULL: none. */
static const json_t *find(const struct answer_table *t, const char *name,
			  const char *size)
{
	for (size_t i = 0; i < json_array_size(t->cells); i++) {
		const json_t *cell = json_array_get(t->cells, i);

		if (strcmp(result_read_text(cell, "name"), name) == 0 &&
		    strcmp(result_read_axis(cell, "size"), size) == 0 &&
		    strcmp(result_read_axis(cell, "pattern"), t->pattern) == 0)
			return cell;
	}
	return NULL;
}

/* "us" as a reader writes it. */
static void put_time(FILE *out, double ns, bool latex)
{
	char text[24];
	char *unit;

	format_ns(text, sizeof(text), ns);
	unit = strstr(text, " us");
	if (unit)
		fprintf(out, "%.*s%s", (int)(unit - text), text,
			latex ? "~$\\mu$s" : " µs");
	else if (latex && (unit = strchr(text, ' ')))
		fprintf(out, "%.*s~%s", (int)(unit - text), text, unit + 1);
	else
		fprintf(out, "%s", text);
}

/* "1.23 µs [1.20 µs, 1.26 µs]"; a star: not a result; a dash: not measured. */
static void put_cell(FILE *out, const json_t *cell, bool latex)
{
	const json_t *s = json_object_get(cell, "summary");
	double median = result_read_number(s, "p50");
	double low, high;

	if (!(median > 0)) {
		fprintf(out, latex ? "--" : "–");
		return;
	}
	put_time(out, median, latex);
	if (result_read_interval(s, &low, &high)) {
		fprintf(out, " [");
		put_time(out, low, latex);
		fprintf(out, ", ");
		put_time(out, high, latex);
		fprintf(out, "]");
	}
	if (!result_read_trusted(cell))
		fprintf(out, latex ? "$^*$" : " \\*");
}

/* Text of LaTeX, with LaTeX's characters escaped. */
static void put_latex(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("&%$#_{}", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void put_markdown(const struct answer_table *t, FILE *out)
{
	fprintf(out, "| %s |", t->pattern);
	for (int s = 0; s < t->sizes; s++) {
		fprintf(out, " ");
		put_bytes(out, t->size[s]);
		fprintf(out, " |");
	}
	fprintf(out, "\n|---|");
	for (int s = 0; s < t->sizes; s++)
		fprintf(out, "---:|");
	for (int n = 0; n < t->names; n++) {
		fprintf(out, "\n| %s |", t->name[n]);
		for (int s = 0; s < t->sizes; s++) {
			fprintf(out, " ");
			put_cell(out, find(t, t->name[n], t->size[s]), false);
			fprintf(out, " |");
		}
	}
	fprintf(out, "\n\n");
}

static void put_tabular(const struct answer_table *t, FILE *out)
{
	fprintf(out, "\\begin{tabular}{l");
	for (int s = 0; s < t->sizes; s++)
		fprintf(out, "r");
	fprintf(out, "}\n\\hline\n");
	put_latex(out, t->pattern);
	for (int s = 0; s < t->sizes; s++) {
		fprintf(out, " & ");
		put_bytes(out, t->size[s]);
	}
	fprintf(out, " \\\\\n\\hline\n");
	for (int n = 0; n < t->names; n++) {
		put_latex(out, t->name[n]);
		for (int s = 0; s < t->sizes; s++) {
			fprintf(out, " & ");
			put_cell(out, find(t, t->name[n], t->size[s]), true);
		}
		fprintf(out, " \\\\\n");
	}
	fprintf(out, "\\hline\n\\end{tabular}\n\n");
}

static void put_plain(FILE *out, double x)
{
	fprintf(out, ",");
	if (isfinite(x))
		fprintf(out, "%.9g", x);
}

/* The sentence under the tables, on what was measured. */
static void put_note(const json_t *result, enum table_form form, FILE *out)
{
	const json_t *env = json_object_get(result, "env");
	const char *model =
		result_read_text(json_object_get(env, "cpu"), "model");

	if (form == TABLE_LATEX)
		fprintf(out, "%% ");
	fprintf(out, "Medians and their 95 %% intervals over launches; ");
	fprintf(out, form == TABLE_LATEX ? "$^*$" : "\\*");
	fprintf(out, ": not a result, A/A beyond 1.2. ");
	fprintf(out, "%s, %s, machine grade %s.\n", model,
		result_read_text(json_object_get(env, "host"), "kernel"),
		result_read_text(json_object_get(env, "noise"), "grade"));
}

static void put_csv(const json_t *cells, FILE *out)
{
	fprintf(out, "pattern,size_bytes,wait,transport,status,median_ns,"
		     "low_ns,high_ns,bytes_per_operation,cpu_ns,again,n\n");
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		const json_t *s = json_object_get(cell, "summary");
		double low, high;

		if (!is_transport(cell))
			continue;
		(void)result_read_interval(s, &low, &high);
		fprintf(out, "%s,%s,%s,\"%s\",%s",
			result_read_axis(cell, "pattern"),
			result_read_axis(cell, "size"),
			result_read_axis(cell, "wait"),
			result_read_text(cell, "name"),
			result_read_trusted(cell)
				? result_read_text(cell, "status")
				: "not a result");
		put_plain(out, result_read_number(s, "p50"));
		put_plain(out, low);
		put_plain(out, high);
		put_plain(out, result_read_number(cell, "bytes_per_operation"));
		put_plain(out,
			  result_read_number(json_object_get(cell, "resources"),
					     "cpu_ns"));
		put_plain(out, result_read_number(cell, "again"));
		put_plain(out, result_read_number(cell, "n"));
		fprintf(out, "\n");
	}
}

static void put_tables(const json_t *result, enum table_form form, FILE *out)
{
	const json_t *cells = json_object_get(result, "cells");
	const char *patterns[NAMES_MAX];
	int count = 0;

	if (form == TABLE_CSV) {
		put_csv(cells, out);
		return;
	}
	for (size_t i = 0; i < json_array_size(cells); i++)
		if (is_transport(json_array_get(cells, i)))
			note(patterns, &count, NAMES_MAX,
			     result_read_axis(json_array_get(cells, i),
					      "pattern"));
	for (int p = 0; p < count; p++) {
		struct answer_table t;

		collect(&t, cells, patterns[p]);
		(form == TABLE_LATEX ? put_tabular : put_markdown)(&t, out);
	}
	put_note(result, form, out);
}

int answer_tables(json_t *const *results, int count, enum table_form form,
		  FILE *out)
{
	for (int i = 0; i < count; i++) {
		const json_t *cells = json_object_get(results[i], "cells");

		for (size_t k = 0; k < json_array_size(cells); k++)
			if (is_transport(json_array_get(cells, k))) {
				put_tables(results[i], form, out);
				return 0;
			}
	}
	return -ENODATA;
}
