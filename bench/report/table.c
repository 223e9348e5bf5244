/* SPDX-License-Identifier: MIT */
/*
 * table.c - one block a contest: medians with intervals, ratios with verdicts.
 */
#include "report/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/targets.h"

void format_ns(char *text, size_t bytes, double ns)
{
	static const struct {
		double unit;
		const char *name;
	} units[] = { { 1, "ns" }, { 1e3, "us" }, { 1e6, "ms" }, { 1e9, "s" } };
	int i = 0;

	if (!isfinite(ns)) {
		snprintf(text, bytes, "-");
		return;
	}
	while (i < 3 && ns >= 999.5 * units[i].unit)
		i++;
	ns /= units[i].unit;
	snprintf(text, bytes,
		 ns < 10    ? "%.2f %s"
		 : ns < 100 ? "%.1f %s"
			    : "%.0f %s",
		 ns, units[i].name);
}

void format_bytes(char *text, size_t bytes, double n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	int i = 0;

	while (i < 4 && n >= 1024) {
		n /= 1024;
		i++;
	}
	snprintf(text, bytes, "%.4g %s", n, units[i]);
}

void format_rate(char *text, size_t bytes, double ns, double flops,
		 double moved, double items, const char *item)
{
	*text = '\0';
	if (flops > 0)
		snprintf(text, bytes, "%.3g Gflop/s", flops / ns);
	else if (moved > 0)
		snprintf(text, bytes, "%.3g GB/s", moved / ns);
	else if (items / ns >= 0.9995)
		snprintf(text, bytes, "%.3g G %s/s", items / ns, item);
	else if (items > 0)
		snprintf(text, bytes, "%.3g M %s/s", items / ns * 1e3, item);
}

void format_value(char *text, size_t bytes, const char *unit, double value)
{
	if (strcmp(unit, "ns") == 0)
		format_ns(text, bytes, value);
	else if (strcmp(unit, "bytes") == 0)
		snprintf(text, bytes, "%.0f kB", value / 1e3);
	else
		snprintf(text, bytes, "%.3g %s", value, unit);
}

/* "how much longer than the reference", or why there is no ratio. */
static void format_ratio(char *text, size_t bytes, const struct plan *plan,
			 const struct cell *reference, const struct cell *cell)
{
	struct comparison c;

	if (cell == reference) {
		snprintf(text, bytes, "1 (reference)");
	} else if (measure_compare(plan, reference, cell, &c) < 0) {
		snprintf(text, bytes, "-");
	} else if (!c.ratio.known) {
		snprintf(text, bytes, "%.3g", c.ratio.estimate);
	} else {
		snprintf(text, bytes, "%.3g [%.3g,%.3g]%s", c.ratio.estimate,
			 c.ratio.low, c.ratio.high,
			 c.verdict == VERDICT_NOT_SHOWN ? " not shown" : "");
	}
}

/* Bytes a nanosecond, in the unit that leaves digits before the point. */
static void format_bandwidth(char *text, size_t bytes, double rate)
{
	if (rate < 1)
		snprintf(text, bytes, " %5.0f MB/s", rate * 1e3);
	else
		snprintf(text, bytes, " %5.1f GB/s", rate);
}

/* The tail of operations timed singly, and the CPU time of both sides. */
static void print_tail(const struct cell *cell, FILE *out)
{
	const struct histogram *h = cell->histogram;
	char p99[24];
	char max[24];

	if (h && h->n) {
		format_ns(p99, sizeof(p99),
			  h->n >= 500 ? (double)histogram_quantile(h, 0.99)
				      : NAN);
		format_ns(max, sizeof(max), (double)h->max);
		fprintf(out, "  p99 %s max %s", p99, max);
	}
	if (cell->what.bytes > 0 && cell->cost.cpu_ns)
		fprintf(out, "  %.2g cpu-s/GB",
			(double)cell->cost.cpu_ns /
				((double)cell->cost_operations *
				 cell->what.bytes));
	if (cell->what.bytes > 0 && cell->joules > 0)
		fprintf(out, "  %.2g J/GB",
			cell->joules * 1e9 /
				((double)cell->cost_operations *
				 cell->what.bytes));
}

static void print_row(const struct plan *plan, const struct cell *reference,
		      const struct cell *cell, FILE *out)
{
	const struct stats_summary *s = &cell->summary;
	char median[24];
	char low[24];
	char high[24];
	char rate[16] = "";
	char ratio[64];

	fprintf(out, "  %-30.30s", cell->what.name);
	if (cell->status != CELL_OK && !cell->n) {
		fprintf(out, " n/a: %s\n", cell->reason);
		return;
	}
	format_value(median, sizeof(median), cell->what.unit, s->p50.estimate);
	format_value(low, sizeof(low), cell->what.unit, s->p50.low);
	format_value(high, sizeof(high), cell->what.unit, s->p50.high);
	if (!s->p50.known)
		snprintf(low, sizeof(low), "CI needs n>=6");
	format_ratio(ratio, sizeof(ratio), plan, reference, cell);
	if (cell->what.bytes > 0)
		format_bandwidth(rate, sizeof(rate),
				 cell->what.bytes / s->p50.estimate);
	fprintf(out, " %8s [%s%s%s]%s  %s", median, low,
		s->p50.known ? ", " : "", s->p50.known ? high : "", rate,
		ratio);
	print_tail(cell, out);
	if (cell->status != CELL_OK)
		fprintf(out, "  %s: %s",
			cell->status == CELL_IMPLAUSIBLE ? "IMPLAUSIBLE"
							 : "FAILED",
			cell->reason);
	fprintf(out, "\n");
}

static void print_settings(const struct plan *plan, size_t begin, size_t end,
			   FILE *out)
{
	for (size_t i = begin; i < end; i++) {
		const struct bench_case *what = &plan->cells[i].what;

		if (*what->settings && plan->cells[i].twin < 0)
			fprintf(out, "    %s: %s\n", what->name,
				what->settings);
	}
}

static bool same_opening(const struct sample_origin *a,
			 const struct sample_origin *b)
{
	return a->launch == b->launch && a->opening == b->opening;
}

/* How far the pages and processes that a contender is given each time matter: the
 * least and the greatest median of an opening. */
static void print_openings(const struct cell *cell, FILE *out)
{
	/* A copy: a median sorts the values. */
	double *values = malloc((cell->n + 1) * sizeof(*values));
	double least = INFINITY;
	double most = 0;
	char low[24];
	char high[24];
	size_t count = 0;

	if (values)
		memcpy(values, cell->values, cell->n * sizeof(*values));
	for (size_t i = 0, end; values && i < cell->n; i = end) {
		double median;

		end = i;
		while (end < cell->n &&
		       same_opening(&cell->origin[i], &cell->origin[end]))
			end++;
		median = stats_median(values + i, end - i);
		least = fmin(least, median);
		most = fmax(most, median);
		count++;
	}
	free(values);
	if (count < 2 || !(cell->again > 0))
		return;
	format_value(low, sizeof(low), cell->what.unit, least);
	format_value(high, sizeof(high), cell->what.unit, most);
	fprintf(out,
		"    A/A %.3f; %zu openings of %s had medians of %s to %s\n",
		cell->again, count, cell->what.name, low, high);
}

static size_t print_contest(const struct plan *plan, size_t begin, FILE *out)
{
	const struct cell *reference = &plan->cells[begin];
	size_t end = begin;

	while (end < plan->cell_count && strcmp(plan->cells[end].what.contest,
						reference->what.contest) == 0)
		end++;
	fprintf(out, "%-32s %8s [95%% CI]%s  times the reference\n",
		reference->what.contest, "median",
		reference->what.bytes > 0 ? "       rate" : "");
	if (!cell_trusted(reference))
		fprintf(out,
			"  NOT A RESULT: the same contender measured twice "
			"differs by a factor of %.2f, more than %.1f\n",
			reference->again, AGAIN_MAX);
	for (size_t i = begin; i < end; i++)
		print_row(plan, reference, &plan->cells[i], out);
	print_openings(reference, out);
	print_settings(plan, begin, end, out);
	fprintf(out, "\n");
	return end;
}

/* How a contender stands to the nearest other of its contest. */
static const struct cell *best_other(const struct plan *plan,
				     const struct cell *reference)
{
	const struct cell *best = NULL;

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (strcmp(cell->what.contest, reference->what.contest) != 0 ||
		    !cell->what.peer || !cell->n || cell->status != CELL_OK)
			continue;
		if (!best ||
		    cell->summary.p50.estimate < best->summary.p50.estimate)
			best = cell;
	}
	return best;
}

/* A clause for each contest with a peer: the verdict. */
static void print_verdict(const struct plan *plan, FILE *out)
{
	const char *last = "";
	int said = 0;

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];
		const struct cell *other;
		struct comparison c;

		if (strcmp(cell->what.contest, last) == 0)
			continue;
		last = cell->what.contest;
		other = best_other(plan, cell);
		if (!other || measure_compare(plan, cell, other, &c) < 0)
			continue;
		fprintf(out, "%s%s: ", said++ ? "; " : "", cell->what.contest);
		if (c.verdict == VERDICT_NOT_SHOWN)
			fprintf(out, "no difference shown between %s and %s",
				cell->what.name, other->what.name);
		else if (c.verdict == VERDICT_A_FASTER)
			fprintf(out,
				"%s takes 1/%.3g the time of %s [%.3g,%.3g]",
				cell->what.name, c.ratio.estimate,
				other->what.name, c.ratio.low, c.ratio.high);
		else
			fprintf(out,
				"%s takes %.3g times as long as %s "
				"[%.3g,%.3g]",
				cell->what.name, 1 / c.ratio.estimate,
				other->what.name, 1 / c.ratio.high,
				1 / c.ratio.low);
	}
	if (said)
		fprintf(out, ".\n\n");
}

/* The noise floor, by the same cell measured twice: smaller differences are
 * noise. */
static double noise_floor(const struct plan *plan)
{
	double floor = 0;

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *again = &plan->cells[i];
		struct comparison c;
		double off;

		if (again->twin < 0 ||
		    measure_compare(plan, &plan->cells[again->twin], again,
				    &c) < 0)
			continue;
		off = fabs(log(c.ratio.estimate));
		if (c.ratio.known)
			off = fmax(fabs(log(c.ratio.low)),
				   fabs(log(c.ratio.high)));
		floor = fmax(floor, off);
	}
	return expm1(floor);
}

static void print_warning(void *arg, const char *text)
{
	fprintf(arg, "caution: %s\n", text);
}

void table_print(const struct plan *plan, const struct run_info *info,
		 void (*verdict)(const struct plan *plan, FILE *out),
		 void (*tables)(const struct plan *plan,
				const struct run_info *info, FILE *out),
		 const char *json, FILE *out)
{
	char machine[256];
	bool seeded = false;

	if (verdict)
		verdict(plan, out);
	else
		print_verdict(plan, out);
	if (tables)
		tables(plan, info, out);
	else
		for (size_t i = 0; i < plan->cell_count;)
			i = print_contest(plan, i, out);
	(void)targets_print(plan, out);
	result_warnings(plan, info, print_warning, out);
	machine_line(machine, sizeof(machine));
	fprintf(out,
		"machine: %s; grade %c (p99.9/min of a quantum %.2f); A/A "
		"within %.1f %%\n",
		machine, info->noise.grade, info->noise.worst,
		100 * noise_floor(plan));
	fprintf(out,
		"clock: %s, %" PRIu64 " ns a reading, step %" PRIu64 " ns; "
		"%u launches of %u blocks in %u openings, seed %" PRIu64
		", %.1f s\n",
		plan->watch.name, plan->watch.cost_ns,
		plan->watch.resolution_ns, plan->launches, plan->blocks,
		plan->openings, plan->seed, (double)plan->elapsed_ns / 1e9);
	fprintf(out, "again: rigbench");
	for (int i = 1; i < info->argc; i++) {
		fprintf(out, " %s", info->argv[i]);
		seeded |= strncmp(info->argv[i], "--seed", 6) == 0;
	}
	if (!seeded)
		fprintf(out, " --seed %" PRIu64, plan->seed);
	fprintf(out, "\n");
	if (json)
		fprintf(out, "numbers: %s\n", json);
}
