/* SPDX-License-Identifier: MIT */
/*
 * bench_kernel.c - rigbench kernel: any registered kernel, and the loops that people
 * would write instead.
 *
 * A kernel under measurement is a pool, segments that the pool's ranks
 * populated and prepared, and a job that runs again and again.  The first run
 * after preparing is a separate contender.  Peers are in kernel_peers.c;
 * without a name all kernels are measured, into a single table
 * (kernel_table.c).
 *
 * Peers use malloc's memory, and segments are on the kind of pages that this
 * system gives to malloc: huge pages (`runrig run --huge`) where the system's
 * rule says always, else base pages.  The other kind of pages is a separate
 * contender.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <common/nearest.h>
#include <kernels/builtin.h>
#include <runner/kernel_run.h>
#include <runrig/runrig.h>

#include "commands/bench_kernel.h"
#include "commands/kernel_peers.h"
#include "commands/kernel_table.h"
#include "driver/pool_contender.h"
#include "commands/roof.h"

/* Seconds after which a run counts as hung. */
#define LIMIT_S 60

/* In this process: an open contender. */
struct contender {
	struct rig_pool *pool;
	struct kernel_run run;
	clockid_t clock;
};

int kernel_rig(struct kernel_run *run, const struct kernel_arg *arg)
{
	char *words[KERNEL_WORDS_MAX + 1] = { NULL };
	int r = kernel_run_init(run, arg->kernel);

	for (int i = 0; i < arg->word_count; i++)
		words[i] = (char *)(uintptr_t)arg->words[i];
	if (r == 0)
		r = kernel_run_set_all(run, words);
	if (r == 0 && arg->hybrid)
		r = kernel_run_set(run, "threads=0");
	run->pages = arg->huge ? RIG_PAGES_HUGE : RIG_PAGES_BASE;
	run->limit_ns = LIMIT_S * UINT64_C(1000000000);
	return r == 0 ? kernel_run_check(run) : r;
}

static void kernel_close(void *state)
{
	struct contender *k = state;

	kernel_run_finish(&k->run);
	rig_pool_destroy(k->pool);
	free(k);
}

static int kernel_open(const void *arg, clockid_t clock, void **state,
		       char *why)
{
	const struct kernel_arg *a = arg;
	struct contender *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->clock = clock;
	r = pool_contender_open(&k->pool,
				&(struct rig_pool_options){
					.workers = a->hybrid ? 0 : a->workers,
					.place = a->hybrid ? "numa" : NULL },
				why);
	if (r == 0) {
		r = kernel_rig(&k->run, a);
		if (r == 0)
			r = kernel_run_make(&k->run, k->pool);
		if (r == 0)
			r = kernel_run_prepare(&k->run);
		if (r < 0)
			snprintf(why, CASE_WHY_BYTES, "%.250s",
				 *k->run.why ? k->run.why : rig_why());
	}
	if (r < 0) {
		kernel_close(k);
		return r;
	}
	*state = k;
	return 0;
}

static int kernel_run(void *state, uint64_t count, struct timing *timing,
		      char *why)
{
	struct contender *k = state;
	int r = 0;

	(void)timing;
	for (uint64_t i = 0; i < count && r == 0; i++)
		r = kernel_run_run(&k->run);
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	return r;
}

/* Whether a run spends its input, so that another run needs new input. */
static bool spends(const struct rig_kernel *kernel)
{
	return strcmp(kernel->name, "sort") == 0;
}

/* The same for a kernel that spends its input: the input is made again before
 * each run, and only the run is timed. */
static int kernel_run_fresh(void *state, uint64_t count, struct timing *timing,
			    char *why)
{
	struct contender *k = state;
	uint64_t total = 0;
	int r = 0;

	for (uint64_t i = 0; i < count && r == 0; i++) {
		uint64_t begin;

		r = kernel_run_prepare(&k->run);
		begin = stopwatch_ns(k->clock);
		if (r == 0)
			r = kernel_run_run(&k->run);
		total += stopwatch_ns(k->clock) - begin;
	}
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	timing->measured = true;
	timing->value = (double)total / (double)count;
	return r;
}

/* From fresh input, once, and the kernel's own proof. */
static int kernel_verify(void *state, char *why)
{
	struct contender *k = state;
	int r = kernel_run_prepare(&k->run);

	if (r == 0)
		r = kernel_run_run(&k->run);
	if (r == 0)
		r = kernel_run_verify(&k->run);
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.250s", rig_why());
	return r;
}

static void kernel_bound(void *state, struct case_binding *binding)
{
	struct contender *k = state;

	pool_contender_bound(k->pool, binding);
	binding->pss_bytes = pool_contender_pss_bytes(k->pool);
}

static const struct bench_ops kernel_ops = {
	.open = kernel_open,
	.run = kernel_run,
	.verify = kernel_verify,
	.bound = kernel_bound,
	.close = kernel_close,
};

static const struct bench_ops kernel_fresh_ops = {
	.open = kernel_open,
	.run = kernel_run_fresh,
	.verify = kernel_verify,
	.bound = kernel_bound,
	.close = kernel_close,
};

const struct bench_ops *kernel_ops_of(const struct rig_kernel *kernel)
{
	return spends(kernel) ? &kernel_fresh_ops : &kernel_ops;
}

void kernel_words(const struct kernel_arg *arg, char *text, size_t bytes)
{
	size_t n = 0;

	*text = '\0';
	for (int i = 0; i < arg->word_count && n < bytes; i++)
		n += (size_t)snprintf(text + n, bytes - n, "%s%s", i ? " " : "",
				      arg->words[i]);
}

double kernel_least_ns(const struct kernel_run *run, int workers,
		       clockid_t clock)
{
	const struct rig_kernel *kernel = run->kernel;
	double moved = kernel->bytes_moved ? kernel->bytes_moved(run->args) : 0;
	double held = 0;

	for (int i = 0; i < run->count; i++)
		held += (double)run->arrays[i].bytes;
	return moved > 0 ? roof_least_ns(moved, held, workers, clock) : 0;
}

/* A contender of the contest; `least` is the floor of its time. */
static int add_one(struct plan *plan, const struct kernel_arg *arg,
		   const struct kernel_run *run, struct bench_case what)
{
	struct bench_case all = kernel_contest(arg, run);

	all.once = what.once;
	all.again = what.again;
	if (!what.once)
		all.least =
			kernel_least_ns(run, arg->workers, plan->watch.clock);
	all.ops = kernel_ops_of(arg->kernel);
	all.arg = arg;
	all.arg_bytes = sizeof(*arg);
	memcpy(all.name, what.name, sizeof(all.name));
	memcpy(all.settings, what.settings, sizeof(all.settings));
	return plan_add(plan, &all);
}

/* Whether malloc gets huge pages without asking. */
static bool malloc_is_huge(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char rule[64] = "";

	if (!file)
		return false;
	if (!fgets(rule, sizeof(rule), file))
		*rule = '\0';
	fclose(file);
	return strstr(rule, "[always]") != NULL;
}

/* The contender with which peers are compared, on the peers' kind of pages. */
static int add_own(struct plan *plan, const struct kernel_arg *arg,
		   const struct kernel_run *run)
{
	struct kernel_arg own = *arg;
	struct bench_case what = { .name = "runrig", .again = true };

	own.huge = malloc_is_huge();
	snprintf(what.settings, sizeof(what.settings),
		 "rig_pool_run; segments populated by their owners, on %s, as "
		 "malloc's memory is here",
		 own.huge ? "huge pages (--huge)" : "base pages");
	return add_one(plan, &own, run, what);
}

/* The same on the other kind of pages. */
static int add_other(struct plan *plan, const struct kernel_arg *arg,
		     const struct kernel_run *run)
{
	struct kernel_arg other = *arg;
	struct bench_case what = { 0 };

	other.huge = !malloc_is_huge();
	snprintf(what.name, sizeof(what.name), "runrig, %s pages",
		 other.huge ? "huge" : "base");
	snprintf(what.settings, sizeof(what.settings), "%s",
		 other.huge ? "--huge: on huge pages, as far as the kernel "
			      "grants them"
			    : "on base pages, runrig's default");
	return add_one(plan, &other, run, what);
}

static int add_first(struct plan *plan, const struct kernel_arg *arg,
		     const struct kernel_run *run)
{
	struct kernel_arg first = *arg;

	first.huge = malloc_is_huge();
	return add_one(plan, &first, run,
		       (struct bench_case){
			       .name = "runrig, first run",
			       .settings = "the first after preparing, once a "
					   "launch",
			       .once = true });
}

static bool has_threads(const struct rig_kernel *kernel)
{
	for (const struct rig_param *p = kernel->params; p && p->name; p++)
		if (strcmp(p->name, "threads") == 0)
			return true;
	return false;
}

/* Processes between NUMA nodes, threads within a node. */
static int add_hybrid(struct plan *plan, const struct kernel_arg *arg,
		      const struct kernel_run *run)
{
	struct kernel_arg hybrid = *arg;

	hybrid.hybrid = true;
	hybrid.huge = malloc_is_huge();
	return add_one(plan, &hybrid, run,
		       (struct bench_case){
			       .name = "runrig, hybrid",
			       .settings = "place numa, threads=0: an OpenMP "
					   "team in each worker" });
}

/* All contenders of a kernel; `run` knows the kernel's sizes. */
static int add_contest(struct plan *plan, const struct kernel_arg *arg,
		       const struct kernel_run *run, char *why)
{
	int r = add_own(plan, arg, run);

	(void)why;
	if (r == 0)
		r = add_other(plan, arg, run);
	if (r == 0)
		r = add_first(plan, arg, run);
	if (r == 0 && has_threads(arg->kernel))
		r = add_hybrid(plan, arg, run);
	return r == 0 ? kernel_peers_add(plan, arg, run) : r;
}

/* The same for a table of all kernels: the other contenders would be too many
 * rows. */
static int add_row(struct plan *plan, const struct kernel_arg *arg,
		   const struct kernel_run *run, char *why)
{
	int r = add_own(plan, arg, run);

	(void)why;
	return r == 0 ? kernel_peers_add(plan, arg, run) : r;
}

static int bad(const char *words)
{
	fprintf(stderr, "rigbench: %s\n", words);
	return 1;
}

void help_kernel(FILE *out)
{
	fprintf(out, "Kernels, each with PARAM=VALUE words behind it "
		     "(`runrig kernels' lists them):");
	for (size_t i = 0; rig_kernels_register() == 0 && rig_kernel_at(i); i++)
		fprintf(out, " %s", rig_kernel_at(i)->name);
	fprintf(out, "\n");
}

/* The NAME=VALUE words from words[*at] on; moves *at past these words. */
static bool take_words(struct kernel_arg *arg, const struct command *c, int *at)
{
	for (; *at < c->word_count && strchr(c->words[*at], '='); ++*at) {
		if (arg->word_count == KERNEL_WORDS_MAX ||
		    strlen(c->words[*at]) >= KERNEL_WORD_BYTES)
			return false;
		snprintf(arg->words[arg->word_count++], KERNEL_WORD_BYTES, "%s",
			 c->words[*at]);
	}
	return true;
}

static void say_kernel(const char *wrong, char *why, size_t bytes)
{
	struct nearest nearest = { .word = wrong };
	const struct rig_kernel *kernel;

	for (size_t i = 0; (kernel = rig_kernel_at(i)); i++)
		nearest_look(&nearest, kernel->name);
	if (nearest.name)
		snprintf(why, bytes, "no kernel \"%.60s\": did you mean %s?",
			 wrong, nearest.name);
	else
		snprintf(why, bytes,
			 "no kernel \"%.60s\"; `runrig kernels' lists them",
			 wrong);
}

/* A kernel's name and the words behind the name; moves *at past both. */
static int one_kernel(struct command *c, int *at, int workers,
		      kernel_add_fn *add)
{
	struct kernel_arg arg = { .workers = workers };
	struct kernel_run run = { 0 };
	char why[CASE_WHY_BYTES];
	int r;

	arg.kernel = rig_kernel_find(c->words[*at]);
	if (!arg.kernel) {
		say_kernel(c->words[*at], why, sizeof(why));
		return bad(why);
	}
	++*at;
	if (!take_words(&arg, c, at))
		return bad("too many parameters, or one too long");
	r = kernel_rig(&run, &arg);
	if (r < 0) {
		(void)bad(run.why);
	} else {
		*why = '\0';
		r = add(&c->plan, &arg, &run, why);
		if (r < 0)
			(void)bad(*why ? why : "out of memory");
	}
	kernel_run_finish(&run);
	return r < 0;
}

int kernel_each(struct command *c, kernel_add_fn *add)
{
	struct rig_plan *place;
	int workers;
	int status = 0;
	int at = 1;

	if (rig_kernels_register() < 0)
		return bad(rig_why());
	if (c->word_count < 2)
		return bad("which kernel? `runrig kernels` lists them");
	/* As many threads for the peers as workers for us. */
	if (rig_place_plan(&place, &(struct rig_place_options){ 0 }) < 0)
		return bad(rig_why());
	workers = place->workers;
	rig_place_free(place);
	while (at < c->word_count && status == 0)
		status = one_kernel(c, &at, workers, add);
	return status;
}

static int command_kernel(struct command *c)
{
	kernel_add_fn *add = add_contest;
	int status;

	if (rig_kernels_register() < 0)
		return bad(rig_why());
	if (c->word_count < 2) {
		if (!kernel_table(c))
			return bad("there are too many kernels for one table");
		add = add_row;
	}
	status = kernel_each(c, add);
	return status ? status : command_measure(c);
}

const struct bench_command bench_kernel = {
	.name = "kernel",
	.words = "[KERNEL [PARAM=VALUE...]]...",
	.summary = "Time kernels against OpenMP, MPI and libraries.",
	.run = command_kernel,
	.help = help_kernel,
};
