/* SPDX-License-Identifier: MIT */
/*
 * markdown.c - rigbench report FILE.json -o TABLE.md: the kernels, how each is
 * checked, the rate, and the ratio to the rates of the peers.
 *
 * A column shows the peer against which the kernel is worst: among OpenMP's
 * runtimes the faster counts.  The last column has all peers without a column,
 * each by name.
 */
#include "report/markdown.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "report/result_read.h"
#include "report/table.h"

/* The peers of a column: peers whose name begins with the prefix; "" means all
 * peers that no other column has. */
static const struct {
	const char *heading, *begins;
} columns[] = {
	{ "× OpenMP", "OpenMP" },
	{ "× MPI's window", "Open MPI" },
	{ "× others", "" },
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

static size_t column_of(const char *peer)
{
	size_t c = 0;

	while (strncmp(peer, columns[c].begins, strlen(columns[c].begins)) != 0)
		c++;
	return c;
}

static void put_rate(const json_t *row, FILE *out)
{
	double ns = result_read_number(row, "ns");
	char rate[64] = "not measured";

	if (ns > 0)
		format_rate(rate, sizeof(rate), ns,
			    result_read_number(row, "flops"),
			    result_read_number(row, "bytes_moved"),
			    result_read_number(row, "items"),
			    result_read_text(row, "item"));
	if (*rate)
		fprintf(out, "%s", rate);
	else
		fprintf(out, "%.3g ms", ns / 1e6);
	if (!json_is_true(json_object_get(row, "verified")))
		fprintf(out, ", **not verified**");
}

/* The column's peer with the least ratio; NULL: there is none. */
static const json_t *worst(const json_t *peers, size_t column)
{
	const json_t *found = NULL, *peer;
	size_t i;

	json_array_foreach(peers, i, peer)
	{
		double ratio = result_read_number(peer, "ratio");

		if (column_of(result_read_text(peer, "name")) == column &&
		    ratio > 0 &&
		    (!found || ratio < result_read_number(found, "ratio")))
			found = peer;
	}
	return found;
}

/* "1.04 [1.01, 1.06]" */
static void put_ratio(const json_t *peer, FILE *out)
{
	double low = result_read_number(peer, "low");
	double high = result_read_number(peer, "high");

	fprintf(out, "%.2f", result_read_number(peer, "ratio"));
	if (isfinite(low) && isfinite(high))
		fprintf(out, " [%.2f, %.2f]", low, high);
}

/* "4.25 [4.14, 4.36] __gnu_parallel::sort; 7.95 [7.63, 8.12] numpy.sort" */
static void put_named(const json_t *peers, size_t column, FILE *out)
{
	const char *between = "";
	const json_t *peer;
	size_t i;

	json_array_foreach(peers, i, peer)
	{
		const char *name = result_read_text(peer, "name");

		if (column_of(name) != column ||
		    !(result_read_number(peer, "ratio") > 0))
			continue;
		fprintf(out, "%s", between);
		put_ratio(peer, out);
		fprintf(out, " %s", name);
		between = "; ";
	}
}

static void put_row(const json_t *row, FILE *out)
{
	const char *params = result_read_text(row, "parameters");
	const char *against = result_read_text(row, "against");
	const json_t *peers = json_object_get(row, "peers");

	fprintf(out, "| `%s%s%s` | %.*s | ", result_read_text(row, "kernel"),
		*params ? " " : "", params, (int)strcspn(against, ";"),
		against);
	put_rate(row, out);
	for (size_t c = 0; c < COLUMNS; c++) {
		const json_t *peer = worst(peers, c);

		fprintf(out, " | ");
		if (!*columns[c].begins)
			put_named(peers, c, out);
		else if (peer)
			put_ratio(peer, out);
	}
	fprintf(out, " |\n");
}

int markdown_kernels(json_t *const *results, int count, FILE *out)
{
	bool any = false;

	for (int i = 0; i < count; i++) {
		const json_t *rows = json_object_get(results[i], "kernels");
		const json_t *row;
		size_t k;

		json_array_foreach(rows, k, row)
		{
			if (!any) {
				fprintf(out, "| kernel | checked against "
					     "| rate |");
				for (size_t c = 0; c < COLUMNS; c++)
					fprintf(out, " %s |",
						columns[c].heading);
				fprintf(out, "\n|---|---|---|---|---|---|\n");
			}
			any = true;
			put_row(row, out);
		}
	}
	return any ? 0 : -ENODATA;
}
