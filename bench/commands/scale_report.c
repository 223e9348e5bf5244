/* SPDX-License-Identifier: MIT */
/*
 * scale_report.c - speed-ups within blocks, and the laws fitted to the
 * speed-ups once a launch.
 */
#include "commands/scale_report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "driver/fit.h"
#include "report/table.h"

static int workers_of(const struct cell *cell)
{
	return atoi(cell->what.axes[AXIS_WORKERS].value);
}

static bool on_own_cores(const struct cell *cell)
{
	return strcmp(cell->what.axes[AXIS_CORES].value, "own") == 0;
}

static bool strong(const struct cell *cell)
{
	return strcmp(cell->what.axes[AXIS_MODE].value, "strong") == 0;
}

/* Median of a launch's samples; NaN: the launch has no samples. */
static double launch_median(const struct cell *cell, uint32_t launch,
			    double *room)
{
	size_t n = 0;

	for (size_t i = 0; i < cell->n; i++)
		if (cell->launch[i] == launch)
			room[n++] = cell->values[i];
	return n ? stats_median(room, n) : NAN;
}

/* A law fitted to a contest: each parameter once a launch. */
struct fit {
	const char *contest;
	int points; /* measured counts with a core for each worker */
	size_t launches;
	double *serial, *contention, *coherency; /* a value a launch */
};

enum law { AMDAHL, USL };

static int fit_launch(const struct plan *plan, size_t begin, size_t end,
		      uint32_t launch, double *room, struct fit *fit)
{
	int workers[COUNTS_MAX];
	double times[COUNTS_MAX];
	struct fit_amdahl amdahl;
	struct fit_usl usl;
	double one = launch_median(&plan->cells[begin], launch, room);
	size_t n = 0;

	for (size_t i = begin; i < end && n < COUNTS_MAX; i++) {
		const struct cell *cell = &plan->cells[i];
		double time = launch_median(cell, launch, room) / one;

		if (cell->twin >= 0 || !on_own_cores(cell) || !(time > 0))
			continue;
		workers[n] = workers_of(cell);
		times[n++] = time;
	}
	if ((int)n > fit->points)
		fit->points = (int)n;
	if (fit_amdahl(workers, times, n, &amdahl) < 0)
		return -ENODATA;
	fit->serial[fit->launches] = amdahl.serial;
	fit->contention[fit->launches] = NAN;
	fit->coherency[fit->launches] = NAN;
	if (fit_usl(workers, times, n, &usl) == 0) {
		fit->contention[fit->launches] = usl.contention;
		fit->coherency[fit->launches] = usl.coherency;
	}
	fit->launches++;
	return 0;
}

/* 0, or -ENOMEM.  The caller calls fit_free(). */
static int fit_contest(const struct plan *plan, size_t begin, size_t end,
		       struct fit *fit)
{
	size_t launches = plan->launches;
	double *room =
		calloc(plan->cells[begin].n + plan->blocks + 1, sizeof(*room));

	*fit = (struct fit){ .contest = plan->cells[begin].what.contest };
	fit->serial = calloc(3 * launches + 1, sizeof(*fit->serial));
	if (!room || !fit->serial) {
		free(room);
		free(fit->serial);
		return -ENOMEM;
	}
	fit->contention = fit->serial + launches;
	fit->coherency = fit->contention + launches;
	for (uint32_t launch = 0; launch < launches; launch++)
		(void)fit_launch(plan, begin, end, launch, room, fit);
	free(room);
	return 0;
}

static void fit_free(struct fit *fit)
{
	free(fit->serial);
}

/* Median over the launches with a value, with its interval, from six launches
 * on; sorts. */
static struct stats_interval over_launches(double *x, size_t launches)
{
	struct stats_interval out = { NAN, NAN, NAN, false };
	size_t low;
	size_t high;
	size_t n = 0;

	for (size_t i = 0; i < launches; i++)
		if (isfinite(x[i]))
			x[n++] = x[i];
	if (!n)
		return out;
	out.estimate = stats_median(x, n);
	stats_sort(x, n);
	out.known = stats_quantile_ranks(n, 0.5, &low, &high);
	if (out.known) {
		out.low = x[low - 1];
		out.high = x[high - 1];
	}
	return out;
}

static void print_parameter(const char *name, struct stats_interval x,
			    FILE *out)
{
	fprintf(out, "%s %.3g", name, x.estimate);
	if (x.known)
		fprintf(out, " [%.3g, %.3g]", x.low, x.high);
}

static void print_fits(const struct plan *plan, size_t begin, size_t end,
		       FILE *out)
{
	struct stats_interval contention;
	struct stats_interval coherency;
	struct fit fit;

	if (fit_contest(plan, begin, end, &fit) < 0)
		return;
	if (fit.points < FIT_AMDAHL_POINTS) {
		fprintf(out,
			"  no fit: Amdahl's law needs %d counts of workers "
			"with a core each, USL %d; here %s %d\n",
			FIT_AMDAHL_POINTS, FIT_USL_POINTS,
			fit.points == 1 ? "is" : "are", fit.points);
		fit_free(&fit);
		return;
	}
	fprintf(out, "  Amdahl, %d counts: ", fit.points);
	print_parameter("serial share", over_launches(fit.serial, fit.launches),
			out);
	fprintf(out, "\n");
	if (fit.points < FIT_USL_POINTS) {
		fprintf(out, "  no fit of USL: it needs %d counts\n",
			FIT_USL_POINTS);
		fit_free(&fit);
		return;
	}
	contention = over_launches(fit.contention, fit.launches);
	coherency = over_launches(fit.coherency, fit.launches);
	fprintf(out, "  USL, %d counts: ", fit.points);
	print_parameter("contention", contention, out);
	print_parameter(", coherency", coherency, out);
	if (coherency.estimate > 0 && contention.estimate < 1)
		fprintf(out, "; fastest with %.0f workers",
			sqrt((1 - contention.estimate) / coherency.estimate));
	fprintf(out, "\n");
	fit_free(&fit);
}

/* The interval of a ratio; nothing where there were too few launches for an
 * interval. */
static void print_interval(double low, double high, const struct comparison *c,
			   FILE *out)
{
	if (c->ratio.known)
		fprintf(out, " [%.3g, %.3g]", low, high);
}

static void print_row(const struct plan *plan, const struct cell *one,
		      const struct cell *cell, FILE *out)
{
	const struct stats_interval *x = &cell->summary.p50;
	int p = workers_of(cell);
	double ideal = strong(cell) ? p : 1;
	struct comparison c;
	char time[3][24];

	fprintf(out, "  %-26.26s", cell->what.name);
	if (!cell->n) {
		fprintf(out, " n/a: %s\n",
			*cell->reason ? cell->reason : "not measured");
		return;
	}
	format_ns(time[0], sizeof(time[0]), x->estimate);
	format_ns(time[1], sizeof(time[1]), x->low);
	format_ns(time[2], sizeof(time[2]), x->high);
	fprintf(out, " %8s", time[0]);
	if (x->known)
		fprintf(out, " [%s, %s]", time[1], time[2]);
	if (cell != one && measure_compare(plan, one, cell, &c) == 0) {
		fprintf(out, "  %.3g", 1 / c.ratio.estimate);
		print_interval(1 / c.ratio.high, 1 / c.ratio.low, &c, out);
		fprintf(out, "  %.0f %%", 100 / c.ratio.estimate / ideal);
		if (strong(cell) && on_own_cores(cell))
			fprintf(out, "  serial %.3g",
				fit_karp_flatt(p, c.ratio.estimate));
	}
	if (cell->binding.pss_bytes > 0)
		fprintf(out, "  %.1f MB", cell->binding.pss_bytes / 1e6);
	if (cell->status != CELL_OK)
		fprintf(out, "  FAILED: %s", cell->reason);
	fprintf(out, "\n");
}

static const char *words(const struct cell *cell)
{
	return cell->what.axes[AXIS_PARAMETERS].value;
}

void scale_tables(const struct plan *plan, const struct run_info *info,
		  FILE *out)
{
	(void)info;
	for (size_t i = 0, end; i < plan->cell_count; i = end) {
		const struct cell *one = &plan->cells[i];

		end = plan_contest_end(plan, i);
		fprintf(out,
			"%s%s%s\n  %-26s %8s [95%% CI]  %s [95%% CI]  "
			"efficiency  sum of Pss\n",
			one->what.contest,
			strong(one) && *words(one) ? ", " : "",
			strong(one) ? words(one) : "", "", "time",
			strong(one) ? "speed-up" : "times as fast");
		for (size_t k = i; k < end; k++)
			if (plan->cells[k].twin < 0)
				print_row(plan, one, &plan->cells[k], out);
		for (size_t k = i; k < end && !strong(one); k++)
			if (plan->cells[k].twin < 0 && plan->cells[k].n)
				fprintf(out, "    %s: %s\n",
					plan->cells[k].what.name,
					plan->cells[k].what.settings);
		if (strong(one))
			print_fits(plan, i, end, out);
		fprintf(out, "\n");
	}
	fprintf(out, "Sum of Pss: memory of all workers, each shared page "
		     "counted once.  Oversubscribed:\nmore workers than CPUs, "
		     "for the behaviour, not for the law.\n\n");
}

/* The most workers with a core each, against a single worker. */
void scale_verdict(const struct plan *plan, FILE *out)
{
	for (size_t i = 0, end; i < plan->cell_count; i = end) {
		const struct cell *one = &plan->cells[i];
		const struct cell *most = one;
		struct comparison c;

		end = plan_contest_end(plan, i);
		for (size_t k = i; k < end; k++)
			if (on_own_cores(&plan->cells[k]) &&
			    workers_of(&plan->cells[k]) > workers_of(most))
				most = &plan->cells[k];
		if (most == one || measure_compare(plan, one, most, &c) < 0)
			continue;
		fprintf(out, "%s: %d workers ", one->what.contest,
			workers_of(most));
		if (c.verdict == VERDICT_NOT_SHOWN && strong(one)) {
			fprintf(out, "are not shown to be faster than 1.\n");
		} else if (strong(one)) {
			fprintf(out, "are %.3g", 1 / c.ratio.estimate);
			print_interval(1 / c.ratio.high, 1 / c.ratio.low, &c,
				       out);
			fprintf(out, " times as fast as 1.\n");
		} else {
			fprintf(out, "with a share each take %.3g",
				c.ratio.estimate);
			print_interval(c.ratio.low, c.ratio.high, &c, out);
			fprintf(out, " times as long as 1 with one.\n");
		}
	}
	fprintf(out, "\n");
}

static json_t *parameter_json(const char *name, double *x, size_t n)
{
	struct stats_interval i = over_launches(x, n);

	return json_pack(
		"{s:s, s:f, s:o}", "name", name, "estimate", i.estimate, "ci95",
		i.known ? json_pack("[f, f]", i.low, i.high) : json_null());
}

static void append_fit(json_t *list, struct fit *fit, enum law law)
{
	int needed = law == AMDAHL ? FIT_AMDAHL_POINTS : FIT_USL_POINTS;
	json_t *parameters = json_array();
	json_t *reason = json_null();

	if (fit->points < needed) {
		reason = json_sprintf("needs %d counts of workers with a core "
				      "each, here are %d",
				      needed, fit->points);
	} else if (law == AMDAHL) {
		json_array_append_new(
			parameters,
			parameter_json("serial", fit->serial, fit->launches));
	} else {
		json_array_append_new(parameters,
				      parameter_json("contention",
						     fit->contention,
						     fit->launches));
		json_array_append_new(
			parameters, parameter_json("coherency", fit->coherency,
						   fit->launches));
	}
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:i, s:o, s:o}", "contest",
					fit->contest, "law",
					law == AMDAHL ? "amdahl" : "usl",
					"points", fit->points, "parameters",
					parameters, "reason", reason));
}

int scale_json(const struct plan *plan, const struct run_info *info,
	       json_t *result)
{
	json_t *list = json_array();

	(void)info;
	for (size_t i = 0, end; i < plan->cell_count; i = end) {
		struct fit fit;

		end = plan_contest_end(plan, i);
		if (!strong(&plan->cells[i]) ||
		    fit_contest(plan, i, end, &fit) < 0)
			continue;
		append_fit(list, &fit, AMDAHL);
		append_fit(list, &fit, USL);
		fit_free(&fit);
	}
	return json_object_set_new(result, "fits", list);
}
