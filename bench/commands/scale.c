/* SPDX-License-Identifier: MIT */
/*
 * scale.c - rigbench scale: kernels by 1 worker, 2, ... to all.
 *
 * Strong: the same work for every count.  Weak: the kernel's first parameter
 * grows so that each worker's share of the work stays.  All counts of a kernel
 * are one contest, one worker its reference, so that every speed-up is a ratio
 * within blocks.  Counts beyond the cores are measured too on small machines,
 * and said to share; no law is fitted to them.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include <runrig/runrig.h>

#include "driver/fit.h"
#include "commands/bench_kernel.h"
#include "report/table.h"

#define COUNTS_MAX 32

/* With fewer cores than this, counts beyond them are measured as well. */
#define FEW 4

/* The places of a cell's axes. */
enum { AXIS_WORKERS, AXIS_MODE, AXIS_CORES, AXIS_PARAMETERS };

/* Every count to 8, then 12, 16, 24, 32, ...; all cores; siblings; and beyond,
 * where that is few.  Returns how many. */
static int choose_counts(const struct rig_plan *all, int counts[COUNTS_MAX])
{
	int cores = all->cpus < all->cores ? all->cpus : all->cores;
	int n = 0;

	for (int p = 1; p < cores && n < COUNTS_MAX - 4;
	     p += p < 8 ? 1 : 1 << (30 - __builtin_clz((unsigned int)p)))
		counts[n++] = p;
	counts[n++] = cores;
	if (all->cpus > cores)
		counts[n++] = all->cpus;
	if (cores < FEW) {
		counts[n++] = all->cpus + 1;
		if (cores > 1)
			counts[n++] = 2 * all->cpus;
	}
	return n;
}

/* How a team of that size lies on the cores: "own", "smt" or "shared". */
static const char *cores_of(int workers)
{
	struct rig_plan *plan;
	const char *word = "own";

	if (rig_place_plan(&plan, &(struct rig_place_options){
					  .workers = workers }) < 0)
		return "shared";
	for (int i = 0; i < plan->workers; i++)
		if (plan->spots[i].shared)
			word = "smt";
	if (plan->oversubscribed)
		word = "shared";
	rig_place_free(plan);
	return word;
}

/* How much a run is, in what the kernel knows of it: flop, bytes moved, or its
 * data. */
static double work_of(const struct kernel_run *run, const char **unit)
{
	const struct rig_kernel *kernel = run->kernel;
	double work = kernel->flops ? kernel->flops(run->args) : 0;

	*unit = "flop";
	if (!(work > 0) && kernel->bytes_moved) {
		work = kernel->bytes_moved(run->args);
		*unit = "bytes moved";
	}
	if (work > 0)
		return work;
	*unit = "data";
	for (int i = 0; i < run->count; i++)
		work += (double)run->arrays[i].bytes;
	return work;
}

/* The size that grows: the first parameter, where that is a number. */
static const struct rig_param *size_parameter(const struct rig_kernel *kernel)
{
	const struct rig_param *first = kernel->params;

	if (!first || !first->name ||
	    (first->kind != RIG_PARAM_SIZE && first->kind != RIG_PARAM_INT))
		return NULL;
	return first;
}

/* The size that a rigged kernel has. */
static uint64_t size_of(const struct kernel_run *run,
			const struct rig_param *param)
{
	const char *field = (const char *)run->args + param->offset;
	int64_t number;
	size_t size;

	if (param->kind == RIG_PARAM_SIZE) {
		memcpy(&size, field, sizeof(size));
		return size;
	}
	memcpy(&number, field, sizeof(number));
	return number > 0 ? (uint64_t)number : 1;
}

/* Set the size among the words; false: there is no room for one more. */
static bool set_size(struct kernel_arg *arg, const struct rig_param *param,
		     uint64_t size)
{
	size_t length = strlen(param->name);
	int at = 0;

	while (at < arg->word_count &&
	       (strncmp(arg->words[at], param->name, length) != 0 ||
		arg->words[at][length] != '='))
		at++;
	if (at == KERNEL_WORDS_MAX)
		return false;
	if (at == arg->word_count)
		arg->word_count++;
	snprintf(arg->words[at], KERNEL_WORD_BYTES, "%s=%llu", param->name,
		 (unsigned long long)size);
	return true;
}

/* The work of that size; infinite where the kernel refuses it. */
static double work_at(struct kernel_arg arg, const struct rig_param *param,
		      uint64_t size)
{
	struct kernel_run run = { 0 };
	const char *unit;
	double work = INFINITY;

	if (!set_size(&arg, param, size))
		return INFINITY;
	if (kernel_rig(&run, &arg) == 0)
		work = work_of(&run, &unit);
	kernel_run_finish(&run);
	return work;
}

/* The least size from `low` on with that much work; 0: there is none. */
static uint64_t grow(const struct kernel_arg *base,
		     const struct rig_param *param, uint64_t low, double work)
{
	uint64_t high = low;

	work *= 1 - 1e-9;
	while (work_at(*base, param, high) < work && high < UINT64_MAX / 4)
		high *= 2;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (work_at(*base, param, middle) < work)
			low = middle + 1;
		else
			high = middle;
	}
	return isfinite(work_at(*base, param, low)) ? low : 0;
}

/* A row that cannot be. */
static int refuse(const void *arg, clockid_t clock, void **state, char *why)
{
	(void)arg;
	(void)clock;
	(void)state;
	snprintf(why, CASE_WHY_BYTES, "no size of it has that much work");
	return -ENOTSUP;
}

static const struct bench_ops refuse_ops = { .open = refuse };

/* Bytes of a kernel's arrays. */
static double array_bytes(const struct kernel_arg *arg)
{
	struct kernel_run run = { 0 };
	double bytes = 0;

	if (kernel_rig(&run, arg) == 0)
		for (int i = 0; i < run.count; i++)
			bytes += (double)run.arrays[i].bytes;
	kernel_run_finish(&run);
	return bytes;
}

/* `arg` with its words; no words of a row that is refused. */
static int add_count(struct plan *plan, const struct kernel_arg *arg,
		     const char *mode, double work, bool refused)
{
	const char *cores = cores_of(arg->workers);
	struct kernel_run run = { 0 };
	struct bench_case what = {
		.unit = "ns",
		.again = arg->workers == 1,
		.ops = refused ? &refuse_ops : kernel_ops_of(arg->kernel),
		.arg = arg,
		.arg_bytes = sizeof(*arg),
		.axes = { { .name = "workers" },
			  { .name = "mode" },
			  { .name = "cores" },
			  { .name = "parameters" } },
	};
	int n;

	if (!refused && kernel_rig(&run, arg) == 0) {
		const char *unit;
		double times = work_of(&run, &unit) / work;

		if (arg->kernel->bytes_moved)
			what.bytes = arg->kernel->bytes_moved(run.args);
		what.least =
			kernel_least_ns(&run, arg->workers, plan->watch.clock);
		kernel_words(arg, what.axes[AXIS_PARAMETERS].value,
			     sizeof(what.axes[0].value));
		snprintf(what.settings, sizeof(what.settings),
			 "%s%s%.3g times the %s of 1 worker's row",
			 what.axes[AXIS_PARAMETERS].value,
			 arg->word_count ? ", " : "", work > 0 ? times : 1,
			 unit);
	}
	kernel_run_finish(&run);
	snprintf(what.contest, sizeof(what.contest), "scale %.22s, %s",
		 arg->kernel->name, mode);
	n = snprintf(what.name, sizeof(what.name), "%d worker%s", arg->workers,
		     arg->workers == 1 ? "" : "s");
	if (strcmp(cores, "own") != 0)
		snprintf(what.name + n, sizeof(what.name) - (size_t)n, "%s",
			 strcmp(cores, "smt") == 0 ? ", on siblings"
						   : ", oversubscribed");
	snprintf(what.axes[AXIS_WORKERS].value, sizeof(what.axes[0].value),
		 "%d", arg->workers);
	snprintf(what.axes[AXIS_MODE].value, sizeof(what.axes[0].value), "%s",
		 mode);
	snprintf(what.axes[AXIS_CORES].value, sizeof(what.axes[0].value), "%s",
		 cores);
	return plan_add(plan, &what);
}

/* Adds up what the arrays take; the first count is there twice. */
static int add_strong(struct plan *plan, struct kernel_arg arg,
		      const int *counts, int n, double work, double *bytes)
{
	int r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		arg.workers = counts[i];
		*bytes += array_bytes(&arg) * (counts[i] == 1 ? 2 : 1);
		r = add_count(plan, &arg, "strong", work, false);
	}
	return r;
}

static int add_weak(struct plan *plan, const struct kernel_arg *base,
		    const struct kernel_run *run, const int *counts, int n,
		    double *bytes)
{
	const struct rig_param *param = size_parameter(base->kernel);
	const char *unit;
	double work = work_of(run, &unit);
	int r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		struct kernel_arg arg = *base;
		uint64_t size = 0;

		arg.workers = counts[i];
		if (param && work > 0)
			size = grow(base, param, size_of(run, param),
				    work * counts[i]);
		if (size && set_size(&arg, param, size))
			*bytes += array_bytes(&arg) * (counts[i] == 1 ? 2 : 1);
		else
			size = 0;
		r = add_count(plan, &arg, "weak", work, !size);
	}
	return r;
}

/* All counts of a contest hold their arrays at once. */
static int check_room(const struct rig_kernel *kernel, double bytes, char *why)
{
	const struct rig_param *param = size_parameter(kernel);
	struct statvfs shm;
	double room;

	if (statvfs("/dev/shm", &shm) < 0)
		return 0;
	room = (double)shm.f_bavail * (double)shm.f_frsize;
	if (bytes < room)
		return 0;
	snprintf(why, CASE_WHY_BYTES,
		 "%s takes %.0f MB of /dev/shm for all its counts of workers, "
		 "and %.0f MB are free: choose a smaller %s=",
		 kernel->name, bytes / 1e6, room / 1e6,
		 param ? param->name : "size");
	return -ENOSPC;
}

static int add_kernel(struct plan *plan, const struct kernel_arg *arg,
		      const struct kernel_run *run, char *why)
{
	double strong_bytes = 0;
	double weak_bytes = 0;
	const char *unit;
	struct rig_plan *all;
	int counts[COUNTS_MAX];
	int n;
	int r = rig_place_plan(&all, &(struct rig_place_options){ 0 });

	if (r < 0) {
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
		return r;
	}
	n = choose_counts(all, counts);
	rig_place_free(all);
	r = add_strong(plan, *arg, counts, n, work_of(run, &unit),
		       &strong_bytes);
	if (r == 0)
		r = add_weak(plan, arg, run, counts, n, &weak_bytes);
	if (r == 0)
		r = check_room(arg->kernel,
			       strong_bytes > weak_bytes ? strong_bytes
							 : weak_bytes,
			       why);
	return r;
}

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

/* Median of one launch's samples; NaN: it has none. */
static double launch_median(const struct cell *cell, uint32_t launch,
			    double *room)
{
	size_t n = 0;

	for (size_t i = 0; i < cell->n; i++)
		if (cell->launch[i] == launch)
			room[n++] = cell->values[i];
	return n ? stats_median(room, n) : NAN;
}

/* What a law says of one contest: each parameter once a launch. */
struct fit {
	const char *contest;
	int points; /* counts with a core each that were measured */
	size_t launches;
	double *serial, *contention, *coherency; /* one a launch */
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

/* 0, or -ENOMEM.  fit_free() it. */
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

/* Median over the launches that have one, with its interval, from six launches
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

static size_t contest_end(const struct plan *plan, size_t begin)
{
	size_t end = begin;

	while (end < plan->cell_count &&
	       strcmp(plan->cells[end].what.contest,
		      plan->cells[begin].what.contest) == 0)
		end++;
	return end;
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

/* Of a ratio; nothing where there were too few launches for one. */
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

static void print_scaling(const struct plan *plan, const struct run_info *info,
			  FILE *out)
{
	(void)info;
	for (size_t i = 0, end; i < plan->cell_count; i = end) {
		const struct cell *one = &plan->cells[i];

		end = contest_end(plan, i);
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

/* The most workers with a core each, against one. */
static void print_verdict(const struct plan *plan, FILE *out)
{
	for (size_t i = 0, end; i < plan->cell_count; i = end) {
		const struct cell *one = &plan->cells[i];
		const struct cell *most = one;
		struct comparison c;

		end = contest_end(plan, i);
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

static int fits_json(const struct plan *plan, const struct run_info *info,
		     json_t *result)
{
	json_t *list = json_array();

	(void)info;
	for (size_t i = 0, end; i < plan->cell_count; i = end) {
		struct fit fit;

		end = contest_end(plan, i);
		if (!strong(&plan->cells[i]) ||
		    fit_contest(plan, i, end, &fit) < 0)
			continue;
		append_fit(list, &fit, AMDAHL);
		append_fit(list, &fit, USL);
		fit_free(&fit);
	}
	return json_object_set_new(result, "fits", list);
}

int command_scale(struct command *c)
{
	int status;

	status = kernel_each(c, add_kernel);
	if (status)
		return status;
	command_warmup(c, 50000000);
	c->verdict = print_verdict;
	c->tables = print_scaling;
	c->more = fits_json;
	return command_measure(c);
}
