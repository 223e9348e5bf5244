/* SPDX-License-Identifier: MIT */
/*
 * bench_scale.c - rigbench scale: kernels by 1 worker, 2, ... to all.
 *
 * Strong: the same work for every count.  Weak: the kernel's first parameter
 * grows so that each worker's share of the work stays the same.  All counts of
 * a kernel are a single contest, with a single worker as the reference: every
 * speed-up is a ratio within blocks.  Small machines also measure counts beyond
 * the cores, marked as sharing; no law is fitted to these counts.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include <runrig/runrig.h>

#include "commands/bench_kernel.h"
#include "commands/scale_report.h"

/* With fewer cores than this, counts beyond the cores are measured as well. */
#define FEW 4

/* Every count to 8, then 12, 16, 24, 32, ...; all cores; siblings; and counts
 * beyond, where these are few.  Returns the number of counts. */
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

/* How a team of the size lies on the cores: "own", "smt" or "shared". */
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

/* The work of a run, in the kernel's own measure: flop, bytes moved, or
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

/* The growing size: the first parameter, where this is a number. */
static const struct rig_param *size_parameter(const struct rig_kernel *kernel)
{
	const struct rig_param *first = kernel->params;

	if (!first || !first->name ||
	    (first->kind != RIG_PARAM_SIZE && first->kind != RIG_PARAM_INT))
		return NULL;
	return first;
}

/* The size of a kernel that is made ready. */
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

/* Set the size among the words; false: there is no room for another word. */
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

/* The work with the size; infinite where the kernel refuses the size. */
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

/* The least size from `low` on with as much work; 0: there is none. */
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

/* A row that cannot be measured. */
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

/* `arg` with its words; a refused row has no words. */
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

/* Add up the bytes of the arrays; the first count occurs twice. */
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

/* All counts of a contest hold their arrays at the same time. */
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

static int command_scale(struct command *c)
{
	int status;

	status = kernel_each(c, add_kernel);
	if (status)
		return status;
	command_warmup(c, 50000000);
	c->verdict = scale_verdict;
	c->tables = scale_tables;
	c->more = scale_json;
	return command_measure(c);
}

const struct bench_command bench_scale = {
	.name = "scale",
	.words = "KERNEL [PARAM=VALUE...]...",
	.summary = "Run kernels by 1 worker, 2, ... to all.",
	.run = command_scale,
	.help = help_kernel,
};
