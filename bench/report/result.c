/* SPDX-License-Identifier: MIT */
/*
 * result.c - the plan as JSON and CSV.
 */
#include "report/result.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/budget.h"
#include "report/targets.h"

static const char *const status_words[] = { "ok", "skipped", "failed",
					    "implausible" };
static const char *const verdict_words[] = { "not shown", "A faster",
					     "B faster" };

void cell_id(const struct cell *cell, char *text, size_t bytes)
{
	snprintf(text, bytes, "%s/%s", cell->what.contest, cell->what.name);
}

const struct cell *contest_reference(const struct plan *plan,
				     const struct cell *cell)
{
	for (size_t i = 0; i < plan->cell_count; i++)
		if (strcmp(plan->cells[i].what.contest, cell->what.contest) ==
		    0)
			return &plan->cells[i];
	return NULL;
}

/* A number JSON can hold: NaN is null. */
static json_t *number(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *interval_json(const struct stats_interval *x)
{
	return x->known ? json_pack("[o, o]", number(x->low), number(x->high))
			: json_null();
}

static json_t *binding_json(const struct case_binding *binding)
{
	json_t *list = json_array();

	for (int i = 0; i < binding->workers; i++)
		json_array_append_new(
			list, json_pack("{s:i, s:i, s:i, s:i}", "worker", i,
					"pid", binding->worker[i].pid, "cpu",
					binding->worker[i].cpu, "cpus",
					binding->worker[i].cpus));
	return list;
}

/* The kernel's account of the memory between the workers; null: the kernel was
 * not asked. */
static json_t *memory_json(const struct case_memory *memory)
{
	json_t *nodes;
	int count = CASE_NODES_MAX;

	if (!memory->page_bytes)
		return json_null();
	nodes = json_array();
	while (count > 0 && !memory->pages_on[count - 1])
		count--;
	for (int i = 0; i < count; i++)
		json_array_append_new(
			nodes, json_integer((json_int_t)memory->pages_on[i]));
	return json_pack("{s:I, s:o}", "page_bytes",
			 (json_int_t)memory->page_bytes, "pages_on_node",
			 nodes);
}

static json_t *axes_json(const struct cell *cell)
{
	json_t *axes = json_object();

	for (int i = 0; i < CASE_AXES_MAX && cell->what.axes[i].name; i++)
		json_object_set_new(axes, cell->what.axes[i].name,
				    json_string(cell->what.axes[i].value));
	return axes;
}

static json_t *samples_json(const struct cell *cell)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cell->n; i++)
		json_array_append_new(list, number(cell->values[i]));
	return list;
}

static json_t *launches_json(const struct cell *cell)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cell->n; i++)
		json_array_append_new(list, json_integer(cell->launch[i]));
	return list;
}

/* Which opening of its launch each sample was taken in. */
static json_t *openings_json(const struct cell *cell)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cell->n; i++)
		json_array_append_new(list,
				      json_integer(cell->origin[i].opening));
	return list;
}

static json_t *stragglers_json(const struct cell *cell)
{
	json_t *list = json_array();
	int ranks = TIMING_RANKS_MAX;

	while (ranks > 0 && !cell->last[ranks - 1])
		ranks--;
	for (int i = 0; i < ranks; i++)
		json_array_append_new(list, json_integer(cell->last[i]));
	return list;
}

static json_t *summary_json(const struct stats_summary *s)
{
	if (!s->n)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, "
			 "s:o}",
			 "min", number(s->min), "p50", number(s->p50.estimate),
			 "ci95", interval_json(&s->p50), "p90", number(s->p90),
			 "p99", number(s->p99), "p999", number(s->p999), "max",
			 number(s->max), "mad", number(s->mad), "outliers",
			 (json_int_t)s->outliers, "variance_between_launches",
			 number(s->between), "variance_within_launches",
			 number(s->within));
}

/* The cost of an operation to all sides, on average; null: the contender did
 * not look. */
static json_t *cost_json(const struct cell *cell)
{
	double n = (double)cell->cost_operations;
	const struct timing_cost *c = &cell->cost;

	if (!c->cpu_ns)
		return json_null();
	return json_pack(
		"{s:f, s:[f, f], s:[f, f]}", "cpu_ns", (double)c->cpu_ns / n,
		"ctxsw", (double)c->switches[0] / n, (double)c->switches[1] / n,
		"faults", (double)c->faults[0] / n, (double)c->faults[1] / n);
}

/* The joules of an operation, on average. */
static json_t *energy_json(const struct cell *cell)
{
	return cell->joules > 0
		       ? json_real(cell->joules / (double)cell->cost_operations)
		       : json_null();
}

/* A quantile of operations timed singly, where enough were timed. */
static json_t *tail_quantile(const struct histogram *h, double q, uint64_t n)
{
	return h->n >= n ? json_integer((json_int_t)histogram_quantile(h, q))
			 : json_null();
}

/* Operations timed one by one: [floor of the bin in ns, how many].  A reading
 * of the clock is in each. */
static json_t *tail_json(const struct cell *cell)
{
	const struct histogram *h = cell->histogram;
	json_t *bins;

	if (!h || !h->n)
		return json_null();
	bins = json_array();
	for (size_t i = 0; i < HISTOGRAM_BINS; i++)
		if (h->bin[i])
			json_array_append_new(
				bins, json_pack("[I, I]",
						(json_int_t)histogram_floor(i),
						(json_int_t)h->bin[i]));
	return json_pack("{s:I, s:o, s:o, s:I, s:o}", "n", (json_int_t)h->n,
			 "p99", tail_quantile(h, 0.99, 500), "p999",
			 tail_quantile(h, 0.999, 5000), "max",
			 (json_int_t)h->max, "histogram", bins);
}

static json_t *cell_json(const struct cell *cell)
{
	char id[sizeof(cell->what.contest) + sizeof(cell->what.name) + 2];

	cell_id(cell, id, sizeof(id));
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:I, s:s,"
		" s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:{s:i, s:i}, s:o, s:o,"
		" s:o, s:o, s:o}",
		"id", id, "contest", cell->what.contest, "name",
		cell->what.name, "settings", cell->what.settings, "peer",
		cell->what.peer ? json_string(cell->what.peer) : json_null(),
		"axes", axes_json(cell), "status", status_words[cell->status],
		"reason",
		cell->status == CELL_OK ? json_null()
					: json_string(cell->reason),
		"binding", binding_json(&cell->binding), "memory",
		memory_json(&cell->binding.memory), "n", (json_int_t)cell->n,
		"unit", cell->what.unit, "samples", samples_json(cell),
		"launch", launches_json(cell), "opening", openings_json(cell),
		"summary", summary_json(&cell->summary), "bytes_per_operation",
		number(cell->what.bytes), "last_to_end", stragglers_json(cell),
		"operations_per_sample", (json_int_t)cell->count,
		"warmup_operations", (json_int_t)cell->dropped, "verify",
		"passes", (int)cell->verified, "errors", cell->unverified,
		"resources", cost_json(cell), "joules", energy_json(cell),
		"tail", tail_json(cell), "pss_bytes",
		cell->binding.pss_bytes > 0 ? json_real(cell->binding.pss_bytes)
					    : json_null(),
		"again",
		cell->again > 0 ? json_real(cell->again) : json_null());
}

static json_t *comparisons_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *b = &plan->cells[i];
		const struct cell *a = contest_reference(plan, b);
		struct comparison c;
		char ids[2][sizeof(b->what.contest) + sizeof(b->what.name) + 2];

		if (a == b || measure_compare(plan, a, b, &c) < 0)
			continue;
		cell_id(a, ids[0], sizeof(ids[0]));
		cell_id(b, ids[1], sizeof(ids[1]));
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:s}", "a",
				  ids[0], "b", ids[1], "stat",
				  "hodges_lehmann_of_paired_ratios_b_over_a",
				  "estimate", number(c.ratio.estimate), "ci95",
				  interval_json(&c.ratio), "aa", b->twin >= 0,
				  "verdict", verdict_words[c.verdict]));
	}
	return list;
}

static json_t *plan_json(const struct plan *plan, const struct run_info *info)
{
	json_t *argv = json_array();

	for (int i = 0; i < info->argc; i++) {
		/* The program's own folder is nobody's business. */
		const char *word = info->argv[i];
		const char *slash = i ? NULL : strrchr(word, '/');

		json_array_append_new(argv,
				      json_string(slash ? slash + 1 : word));
	}
	return json_pack(
		"{s:I, s:s, s:I, s:I, s:I, s:o, s:I, s:I, s:f, s:o,"
		" s:I, s:b, s:I, s:I}",
		"seed", (json_int_t)plan->seed, "design",
		"randomised-complete-blocks", "launches",
		(json_int_t)plan->launches, "blocks", (json_int_t)plan->blocks,
		"blocks_cut", (json_int_t)plan->blocks_cut, "budget_s",
		plan->budget_ns ? json_real((double)plan->budget_ns / 1e9)
				: json_null(),
		"batch_ns", (json_int_t)plan->batch_ns, "warmup_ns",
		(json_int_t)plan->warmup_ns, "min_effect", plan->min_effect,
		"argv", argv, "elapsed_ns", (json_int_t)plan->elapsed_ns,
		"interrupted", plan->interrupted, "cells",
		(json_int_t)plan->cell_count, "openings",
		(json_int_t)plan->openings);
}

static void append_warning(void *arg, const char *text)
{
	json_array_append_new(arg, json_string(text));
}

json_t *result_json(const struct plan *plan, const struct run_info *info)
{
	json_t *cells = json_array();
	json_t *warnings = json_array();

	for (size_t i = 0; i < plan->cell_count; i++)
		json_array_append_new(cells, cell_json(&plan->cells[i]));
	result_warnings(plan, info, append_warning, warnings);
	return json_pack(
		"{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s, s:s}}, s:o, s:o, s:o,"
		" s:o, s:o, s:o}",
		"schema", "runrig-bench/1", "tool", "name", "rigbench",
		"version", RIGBENCH_VERSION, "command", info->command, "build",
		"cc", __VERSION__, "flags", RIGBENCH_FLAGS, "type",
		RIGBENCH_BUILDTYPE, "env",
		machine_json(&plan->watch, &info->noise), "plan",
		plan_json(plan, info), "cells", cells, "comparisons",
		comparisons_json(plan), "targets", targets_json(plan),
		"warnings", warnings);
}

/* A budget that is too short for the table: how long would do. */
static void warn_rows(const struct plan *plan,
		      void (*say)(void *arg, const char *text), void *arg)
{
	char needed[32];
	char text[160];
	size_t missed = budget_missed(plan);

	if (!missed || missed == plan->cell_count)
		return;
	budget_format(needed, sizeof(needed),
		      plan->elapsed_ns / (plan->cell_count - missed) *
			      plan->cell_count);
	snprintf(text, sizeof(text),
		 "the budget ended before %zu of %zu rows had their turn: all "
		 "take about %s",
		 missed, plan->cell_count, needed);
	say(arg, text);
}

/* A line for each contest that is not a result. */
static void warn_untrusted(const struct plan *plan,
			   void (*say)(void *arg, const char *text), void *arg)
{
	char text[200];

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (cell_trusted(cell) ||
		    (i && strcmp(cell->what.contest,
				 plan->cells[i - 1].what.contest) == 0))
			continue;
		snprintf(text, sizeof(text),
			 "not a result: %s: the same contender measured twice "
			 "differs by a factor of %.2f",
			 cell->what.contest, cell->again);
		say(arg, text);
	}
}

void result_warnings(const struct plan *plan, const struct run_info *info,
		     void (*say)(void *arg, const char *text), void *arg)
{
	char text[200];

	if (info->noise.grade == 'C')
		say(arg, "machine grade C: other work disturbs this machine, "
			 "intervals are wide for a reason");
	if (info->steal > 1) {
		snprintf(text, sizeof(text),
			 "the hypervisor took %.1f %% of the CPU time",
			 info->steal);
		say(arg, text);
	}
	if (plan->launches < STATS_CI_MIN) {
		snprintf(text, sizeof(text),
			 "fewer than %d launches: intervals hold within a "
			 "launch only",
			 STATS_CI_MIN);
		say(arg, text);
	}
	if (plan->launches_cut) {
		snprintf(text, sizeof(text),
			 "the budget left time for %u launches of %u",
			 plan->launches, plan->launches + plan->launches_cut);
		say(arg, text);
	}
	warn_rows(plan, say, arg);
	warn_untrusted(plan, say, arg);
	if (plan->blocks_cut) {
		snprintf(text, sizeof(text), "the budget cut %u blocks",
			 plan->blocks_cut);
		say(arg, text);
	}
	if (plan->interrupted)
		say(arg, "interrupted: what had been measured by then");
#ifndef __OPTIMIZE__
	say(arg, "built without optimisation");
#endif
}

static void csv_sample(FILE *file, const struct plan *plan,
		       const struct cell *cell, size_t i)
{
	const struct sample_origin *at = &cell->origin[i];

	fprintf(file, "%" PRIu64 ",%u,%u,%u,\"%s\",\"%s\",", plan->seed,
		at->block, at->launch, at->seq, cell->what.contest,
		cell->what.name);
	for (int k = 0; k < CASE_AXES_MAX && cell->what.axes[k].name; k++)
		fprintf(file, "%s%s=%s", k ? ";" : "", cell->what.axes[k].name,
			cell->what.axes[k].value);
	fprintf(file, ",sample,%.17g,%s,%s\n", cell->values[i], cell->what.unit,
		cell->verified ? "yes" : "no");
}

static void csv_summary(FILE *file, const struct plan *plan,
			const struct cell *cell)
{
	const struct stats_summary *s = &cell->summary;

	fprintf(file, "%" PRIu64 ",\"%s\",\"%s\",%s,%zu,%s", plan->seed,
		cell->what.contest, cell->what.name, status_words[cell->status],
		cell->n, cell->what.unit);
	if (cell->n)
		fprintf(file, ",%.17g,%.17g,%.17g,%.17g,%.17g\n", s->min,
			s->p50.estimate, s->p50.low, s->p50.high, s->max);
	else
		fprintf(file, ",,,,,\n");
}

static int csv_close(FILE *file)
{
	bool bad = ferror(file);

	return fclose(file) != 0 || bad ? -EIO : 0;
}

int result_csv(const struct plan *plan, const char *path)
{
	char summary[4096];
	size_t stem = strlen(path);
	FILE *file = fopen(path, "w");

	if (!file)
		return -errno;
	fprintf(file, "run_id,block,launch,seq,contest,contender,axes,metric,"
		      "value,unit,verified\n");
	for (size_t i = 0; i < plan->cell_count; i++)
		for (size_t k = 0; k < plan->cells[i].n; k++)
			csv_sample(file, plan, &plan->cells[i], k);
	if (csv_close(file) < 0)
		return -EIO;
	if (stem > 4 && strcmp(path + stem - 4, ".csv") == 0)
		stem -= 4;
	if (snprintf(summary, sizeof(summary), "%.*s-summary.csv", (int)stem,
		     path) >= (int)sizeof(summary))
		return -ENAMETOOLONG;
	file = fopen(summary, "w");
	if (!file)
		return -errno;
	fprintf(file,
		"run_id,contest,contender,status,n,unit,min,p50,low,high,max\n");
	for (size_t i = 0; i < plan->cell_count; i++)
		csv_summary(file, plan, &plan->cells[i]);
	return csv_close(file);
}
