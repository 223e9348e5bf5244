/* SPDX-License-Identifier: MIT */
/*
 * bench_report.c - rigbench report: one page, its figures drawn by gnuplot, nothing
 * outside itself; or one of its figures alone; or the kernels as a table.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/answer.h"
#include "report/charts.h"
#include "commands/commands.h"
#include "report/markdown.h"
#include "report/result_read.h"

/* Above it a rate is more than measuring could be wrong by. */
#define ROOF_SLACK 1.05

/* Digits of a number in the table of cells. */
#define CELL_DIGITS 5

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>rigbench</title>\n<style>\n"
	":root{--paper:#fff;--ink:#1b1b1b;--faint:#767676}\n"
	"@media (prefers-color-scheme:dark){"
	":root{--paper:#16181c;--ink:#e6e6e6;--faint:#9a9a9a}}\n"
	"body{background:var(--paper);color:var(--ink);max-width:60rem;"
	"margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif}\n"
	"h2{margin-top:3rem}figure{margin:2rem 0}h3{margin:0}\n"
	".answer{font-size:1.25rem}.wide+h3{margin-top:1.5rem}\n"
	"svg{width:100%;height:auto;min-width:38rem}"
	".picture{overflow-x:auto}figcaption,summary{color:var(--faint)}\n"
	"@media(max-width:40rem){table{display:block;overflow-x:auto}"
	"td,th{white-space:nowrap}}"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums;"
	"font-size:.85rem}\n"
	"td,th{padding:.15rem .6rem;text-align:right;"
	"border-bottom:1px solid var(--faint)}\n"
	"td:first-child,th:first-child{text-align:left}\n"
	"td:last-child,th:last-child{text-align:left}\n"
	".wide{overflow-x:auto}code{font-size:.9em}\n";

static const char page_body[] = "</style>\n</head>\n<body>\n"
				"<h1>Sharing against copying</h1>\n";

static void put_cells(const json_t *cells, FILE *out)
{
	fprintf(out,
		"<details><summary>every cell</summary><div class=\"wide\">"
		"<table>\n<tr><th>cell</th><th>median</th><th>95 %% low</th>"
		"<th>high</th><th>unit</th><th>n</th><th>status</th></tr>\n");
	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		const json_t *s = json_object_get(cell, "summary");
		double low, high;

		(void)result_read_interval(s, &low, &high);
		fprintf(out, "<tr><td>");
		put_text(out, result_read_text(cell, "id"));
		fprintf(out, "</td>");
		put_number(out, result_read_number(s, "p50"), CELL_DIGITS);
		put_number(out, low, CELL_DIGITS);
		put_number(out, high, CELL_DIGITS);
		fprintf(out, "<td>");
		put_text(out, result_read_text(cell, "unit"));
		fprintf(out, "</td><td>%.0f</td><td>",
			result_read_number(cell, "n"));
		put_text(out, result_read_trusted(cell)
				      ? result_read_text(cell, "status")
				      : "not a result, A/A beyond 1.2");
		if (*result_read_text(cell, "reason")) {
			fprintf(out, ": ");
			put_text(out, result_read_text(cell, "reason"));
		}
		fprintf(out, "</td></tr>\n");
	}
	fprintf(out, "</table></div></details>\n");
}

static void put_facts(const json_t *result, FILE *out)
{
	const json_t *env = json_object_get(result, "env");
	const json_t *plan = json_object_get(result, "plan");
	const json_t *argv = json_object_get(plan, "argv");
	const json_t *warnings = json_object_get(result, "warnings");
	bool seeded = false;

	fprintf(out, "<p>");
	put_text(out, result_read_text(json_object_get(env, "cpu"), "model"));
	fprintf(out, ", %.0f PUs; ",
		result_read_number(json_object_get(env, "cpu"), "pus"));
	put_text(out, result_read_text(json_object_get(env, "host"), "kernel"));
	fprintf(out, "; machine grade ");
	put_text(out, result_read_text(json_object_get(env, "noise"), "grade"));
	fprintf(out, "; %.0f launches of %.0f blocks; again: <code>",
		result_read_number(plan, "launches"),
		result_read_number(plan, "blocks"));
	for (size_t i = 0; i < json_array_size(argv); i++) {
		const char *word = json_string_value(json_array_get(argv, i));

		word = word ? word : "";
		put_text(out, i ? " " : "");
		put_text(out, word);
		seeded |= strncmp(word, "--seed", 6) == 0;
	}
	if (!seeded)
		fprintf(out, " --seed %.0f", result_read_number(plan, "seed"));
	fprintf(out, "</code></p>\n");
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const json_t *warning = json_array_get(warnings, i);

		if (!json_is_string(warning))
			continue;
		fprintf(out, "<p><strong>caution:</strong> ");
		put_text(out, json_string_value(warning));
		fprintf(out, "</p>\n");
	}
}

/* A heading for a run, by the run's command. */
static const char *heading(const json_t *result)
{
	static const struct {
		const char *command, *heading;
	} headings[] = {
		{ "suite", "Messages between two processes" },
		{ "ipc", "Messages between two processes" },
		{ "sync", "Barriers, hand-over, dispatch" },
		{ "coll", "Collectives" },
		{ "kernel", "Kernels" },
		{ "c2c", "Core to core" },
		{ "mem", "The roofs" },
		{ "scale", "Scaling" },
		{ "doctor", "This machine" },
	};
	const char *command =
		result_read_text(json_object_get(result, "tool"), "command");

	for (size_t i = 0; i < sizeof(headings) / sizeof(*headings); i++)
		if (strcmp(command, headings[i].command) == 0)
			return headings[i].heading;
	return command;
}

/* The verdict in one sentence, from the largest size that both have. */
static void put_verdict(const json_t *result, FILE *out)
{
	const json_t *list = json_object_get(result, "comparisons");
	const json_t *best = NULL;
	double low, high;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);
		const char *b = result_read_text(c, "b");

		if (!result_read_trusted(result_read_cell(result, b)))
			continue;
		if (strncmp(b, "pingpong", 8) == 0 && strstr(b, "/pipe"))
			best = c;
	}
	if (!best)
		return;
	fprintf(out, "<p><strong>");
	put_text(out, result_read_text(best, "b"));
	fprintf(out,
		": a message costs %.3g times as much through a pipe as in "
		"place",
		result_read_number(best, "estimate"));
	if (result_read_interval(best, &low, &high))
		fprintf(out, " [%.3g, %.3g]", low, high);
	fprintf(out, ".</strong></p>\n");
}

/* Streams that are faster than one core can read. */
static void put_implausible(const json_t *result, const json_t *roofs,
			    FILE *out)
{
	const json_t *cells = json_object_get(result, "cells");

	for (size_t i = 0; roofs && i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		const char *touch = result_read_axis(cell, "touch");
		double rate = result_read_number(cell, "bytes_per_operation") /
			      result_read_number(
				      json_object_get(cell, "summary"), "p50");
		double roof = charts_read_roof(
			roofs, atof(result_read_axis(cell, "size")));

		if (strcmp(result_read_axis(cell, "pattern"), "stream") != 0 ||
		    strcmp(touch, "full") != 0 || !(roof > 0) ||
		    !(rate > ROOF_SLACK * roof))
			continue;
		fprintf(out, "<p><strong>implausible:</strong> ");
		put_text(out, result_read_text(cell, "id"));
		fprintf(out,
			": %.3g GB/s, where one core reads at most %.3g</p>\n",
			rate, roof);
	}
}

/* The table of the doctor's checks. */
static void put_checks(const json_t *checks, FILE *out)
{
	if (!json_array_size(checks))
		return;
	fprintf(out, "<div class=\"wide\"><table>\n<tr><th>check</th><th>state"
		     "</th><th>found</th></tr>\n");
	for (size_t i = 0; i < json_array_size(checks); i++) {
		const json_t *check = json_array_get(checks, i);

		fprintf(out, "<tr><td>");
		put_text(out, result_read_text(check, "name"));
		fprintf(out, "</td><td>");
		put_text(out, result_read_text(check, "state"));
		fprintf(out, "</td><td>");
		put_text(out, result_read_text(check, "found"));
		fprintf(out, "</td></tr>\n");
	}
	fprintf(out, "</table></div>\n");
}

/* The roofs among the results that are of this one's CPU model. */
static const json_t *roofs_for(const json_t *result, json_t *const *results,
			       int count)
{
	const char *model = result_read_text(
		json_object_get(json_object_get(result, "env"), "cpu"),
		"model");

	for (int i = 0; i < count; i++) {
		const json_t *cpu = json_object_get(
			json_object_get(results[i], "env"), "cpu");

		if (charts_is_roofs(results[i]) &&
		    strcmp(result_read_text(cpu, "model"), model) == 0)
			return results[i];
	}
	return NULL;
}

/* `number`: of how many results alike it is which. */
static int put_result(const json_t *result, const json_t *roofs, int number,
		      struct palette *palette, FILE *out)
{
	static struct charts charts;
	int r = 0;

	fprintf(out, "<section>\n<h2>");
	put_text(out, heading(result));
	fprintf(out, "</h2>\n");
	if (!answer_put(result, out))
		put_verdict(result, out);
	put_facts(result, out);
	put_implausible(result, roofs, out);
	put_checks(json_object_get(result, "checks"), out);
	charts_collect(&charts, result, roofs, palette);
	for (int i = 0; i < charts.count; i++) {
		int drawn;

		charts.figures[i].number = number;
		drawn = figure_put(&charts.figures[i], out);
		r = r ? r : drawn;
	}
	charts_free(&charts);
	if (json_array_size(json_object_get(result, "cells")))
		put_cells(json_object_get(result, "cells"), out);
	fprintf(out, "</section>\n");
	return r;
}

static int write_page(json_t *const *results, int count, FILE *out)
{
	static struct palette palette;
	int r = 0;

	fprintf(out, "%s%s%s", page_head, figure_rules, page_body);
	for (int i = 0; i < count; i++) {
		int number = 1, drawn;

		for (int k = 0; k < i; k++)
			number += strcmp(heading(results[k]),
					 heading(results[i])) == 0;
		drawn = put_result(results[i],
				   roofs_for(results[i], results, count),
				   number, &palette, out);
		r = r ? r : drawn;
	}
	fprintf(out, "</body>\n</html>\n");
	return r;
}

static bool ends_in(const char *path, const char *end)
{
	size_t length = strlen(path), tail = strlen(end);

	return length > tail && strcmp(path + length - tail, end) == 0;
}

/* "latency", of docs/latency.svg; false: no picture is meant. */
static bool picture_id(const char *path, char *id, size_t bytes)
{
	const char *slash = strrchr(path, '/');
	const char *stem = slash ? slash + 1 : path;

	if (!ends_in(stem, ".svg"))
		return false;
	snprintf(id, bytes, "%.*s", (int)strlen(stem) - 4, stem);
	return true;
}

/* The first figure of that name.  -ENODATA: none has it. */
static int write_picture(json_t *const *results, int count, const char *id,
			 FILE *out)
{
	static struct palette palette;
	static struct charts charts;
	int r = -ENODATA;

	for (int i = 0; i < count && r == -ENODATA; i++) {
		charts_collect(&charts, results[i],
			       roofs_for(results[i], results, count), &palette);
		for (int k = 0; k < charts.count && r == -ENODATA; k++)
			if (strcmp(charts.figures[k].id, id) == 0)
				r = figure_svg(&charts.figures[k], out);
		charts_free(&charts);
	}
	return r;
}

/* Say why a report was not written; return the exit status. `id`: of the
 * picture it was to be, or "". */
static int explain(const char *path, const char *id, int r)
{
	if (r == -ENODATA && *id)
		fprintf(stderr,
			"rigbench: %s: these results have no figure %s\n", path,
			id);
	else if (r == -ENODATA)
		fprintf(stderr,
			"rigbench: %s: these results have no table of kernels "
			"or transports; rigbench kernel --json=FILE, without a "
			"kernel's name, makes one, and rigbench ipc "
			"--json=FILE\n",
			path);
	if (r == -ENODATA)
		return 1;
	if (r == -EIO)
		fprintf(stderr, "rigbench: %s: not all of it was written\n",
			path);
	else if (r < 0)
		fprintf(stderr, "rigbench: %s: %s\n", figure_why(r),
			*id            ? "no picture"
			: r == -ENOENT ? "a page without pictures"
				       : "a page without all its pictures");
	return r == -EIO || (*id && r < 0) ? 5 : 0;
}

/* Markdown is the kernels' where there are some, else the transports'. */
static int write_table(json_t *const *results, int count, const char *path,
		       FILE *out)
{
	enum table_form form = ends_in(path, ".tex")   ? TABLE_LATEX
			       : ends_in(path, ".csv") ? TABLE_CSV
						       : TABLE_MARKDOWN;
	int r = form == TABLE_MARKDOWN ? markdown_kernels(results, count, out)
				       : -ENODATA;

	return r == -ENODATA ? answer_tables(results, count, form, out) : r;
}

/* Write what the path's name asks for.  Returns the exit status. */
static int write_report(json_t *const *results, int count, const char *path)
{
	char id[64] = "";
	bool picture = picture_id(path, id, sizeof(id));
	bool table = ends_in(path, ".md") || ends_in(path, ".tex") ||
		     ends_in(path, ".csv");
	FILE *out = fopen(path, "w");
	int status, r;

	if (!out) {
		fprintf(stderr, "rigbench: %s: %s\n", path, strerror(errno));
		return 5;
	}
	if (picture)
		r = write_picture(results, count, id, out);
	else if (table)
		r = write_table(results, count, path, out);
	else
		r = write_page(results, count, out);
	if (fclose(out) != 0)
		r = -EIO;
	if ((picture || table) && r < 0)
		(void)remove(path);
	status = explain(path, id, r);
	if (!status)
		printf("%s\n", path);
	return status;
}

/* The results that are reported where no file is named. */
#define USUAL_RESULT "rigbench-quick.json"

static int command_report(struct command *c)
{
	const char *path = c->folder ? c->folder : "rigbench.html";
	json_t *results[COMMAND_WORDS_MAX];
	int count = 0;
	int status = 0;

	if (c->word_count == 1 && access(USUAL_RESULT, R_OK) < 0) {
		fprintf(stderr,
			"rigbench: report: no " USUAL_RESULT " here: name a "
			"file, or run `rigbench suite quick' first\n");
		return EXIT_SYSTEM;
	}
	for (int i = 1; i < c->word_count || i == 1; i++) {
		results[count] = result_read_load(
			i < c->word_count ? c->words[i] : USUAL_RESULT);
		if (!results[count])
			status = 5;
		else
			count++;
	}
	if (!status)
		status = write_report(results, count, path);
	while (count > 0)
		json_decref(results[--count]);
	return status;
}

const struct bench_command bench_report = {
	.name = "report",
	.words = "[FILE.json...]",
	.summary = "Make one page, figure or table of results.",
	.run = command_report,
	.about =
		"Each is what --json=FILE wrote (rigbench-quick.json).  -o PAGE.html "
		"is the page (rigbench.html), -o latency.svg its figure latency, "
		"-o TABLE.md, .tex or .csv the table of transports, or in Markdown "
		"of kernels.",
};
