/* SPDX-License-Identifier: MIT */
/*
 * kernel_table.c - all kernels in a single table.
 *
 * A row is a contest: the kernel's time and rate, and for each peer the ratio
 * of the kernel's rate to the peer's rate: `x peer`, above 1 where the kernel
 * is faster.
 */
#include "commands/kernel_table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "commands/kernel_peers.h"
#include "report/table.h"

/* The budget of the whole table where the user gives none. */
#define BUDGET_S 300

/* Parameters for kernels whose defaults take too long or too little. */
static const struct {
	const char *kernel, *words[4];
} sizes[] = {
	{ "cg", { "class=A" } },
	{ "dgemm", { "n=1000", "iterations=4" } },
	{ "dot", { "length=4M" } },
	{ "evaluate", { "expr=2*x+sin(y)" } },
	{ "ft", { "class=W" } },
	{ "global", { "length=1M" } },
	{ "heat", { "n=65" } },
	{ "histogram", { "low=0", "high=1" } },
	{ "is", { "class=A" } },
	{ "kmeans", { "points=200K" } },
	{ "mandelbrot", { "side=500" } },
	{ "max", { "length=4M" } },
	{ "mg", { "class=W" } },
	{ "min", { "length=4M" } },
	{ "nbody", { "bodies=2048", "steps=4" } },
	{ "norm", { "length=4M" } },
	{ "pi", { "points=4Mi" } },
	{ "random", { "log=20", "ratio=4" } },
	{ "scan", { "length=4M" } },
	{ "sparse", { "log=9" } },
	{ "stencil", { "n=1000" } },
	{ "sum", { "length=4M" } },
	{ "synch-p2p", { "m=2000", "n=1000" } },
	{ "transpose", { "n=2000" } },
};

static bool add_words(struct command *c, const char *const *words, size_t most)
{
	for (size_t i = 0; i < most && words[i]; i++) {
		if (c->word_count == COMMAND_WORDS_MAX)
			return false;
		c->words[c->word_count++] = words[i];
	}
	return true;
}

/* The name of a row's kernel with the kernel's words: "kernel stencil". */
static const char *kernel_of(const struct cell *cell)
{
	return cell->what.contest + strlen("kernel ");
}

static bool is_own(const struct cell *cell)
{
	return !cell->what.peer && cell->twin < 0;
}

/* The work of a run, beside the bytes that the run moves. */
struct table_work {
	double flops, items; /* 0: the figure means nothing */
	const char *item;
};

/* "" where no rate means anything. */
static void work_rate(const struct cell *cell, const struct table_work *work,
		      char *text, size_t bytes)
{
	format_rate(text, bytes, cell->summary.p50.estimate, work->flops,
		    cell->what.bytes, work->items, work->item);
}

/* The work of the kernel with the words of the cell's axis. */
static struct table_work work_of(const struct cell *cell)
{
	const struct kernel_arg *arg = cell->what.arg;
	const struct rig_kernel *kernel = arg->kernel;
	struct table_work work = { .item = kernel->item };
	struct kernel_run run;

	if (kernel_rig(&run, arg) == 0) {
		if (kernel->flops)
			work.flops = kernel->flops(run.args);
		if (kernel->items)
			work.items = kernel->items(run.args, NULL);
	}
	kernel_run_finish(&run);
	return work;
}

static const char *verified(const struct cell *cell)
{
	return cell->status == CELL_OK && cell->verified ? "yes"
	       : cell->unverified                        ? "NO"
							 : "-";
}

/* "1.07 [1.05, 1.09]": how often the peer's rate the kernel's is. */
static bool ratio_to(const struct plan *plan, const struct cell *own,
		     const struct cell *peer, struct comparison *c)
{
	return peer->n && peer->status == CELL_OK && own->n &&
	       measure_compare(plan, own, peer, c) == 0;
}

static void print_peer(const struct plan *plan, const struct cell *own,
		       const struct cell *peer, FILE *out)
{
	struct table_work work = work_of(own);
	struct comparison c;
	char rate[40], time[24];

	if (!ratio_to(plan, own, peer, &c)) {
		fprintf(out, "%70s%-26s n/a: %s\n", "", peer->what.name,
			*peer->reason ? peer->reason : "not measured");
		return;
	}
	format_ns(time, sizeof(time), peer->summary.p50.estimate);
	work_rate(peer, &work, rate, sizeof(rate));
	fprintf(out, "%35s%-8s %9s %14s  ", "", verified(peer), time, rate);
	fprintf(out, "%-26s %.2f", peer->what.name, c.ratio.estimate);
	if (c.ratio.known)
		fprintf(out, " [%.2f, %.2f]%s", c.ratio.low, c.ratio.high,
			c.verdict == VERDICT_NOT_SHOWN ? " not shown" : "");
	fprintf(out, "\n");
}

static void print_own(const struct cell *own, FILE *out)
{
	struct table_work work = work_of(own);
	char rate[40], time[24];

	fprintf(out, "%-12s %-21.21s", kernel_of(own), own->what.axes[1].value);
	if (!own->n) {
		fprintf(out, " n/a: %s\n",
			*own->reason ? own->reason : "not measured");
		return;
	}
	format_ns(time, sizeof(time), own->summary.p50.estimate);
	work_rate(own, &work, rate, sizeof(rate));
	fprintf(out, " %-8s %9s %14s\n", verified(own), time, rate);
}

static bool same_contest(const struct cell *a, const struct cell *b)
{
	return strcmp(a->what.contest, b->what.contest) == 0;
}

static void print_table(const struct plan *plan, const struct run_info *info,
			FILE *out)
{
	(void)info;
	fprintf(out, "%-12s %-21s %-8s %9s %14s  %-26s %s\n", "kernel",
		"parameters", "verified", "time", "rate", "peer",
		"kernel's rate / peer's [95% CI]");
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *own = &plan->cells[i];

		if (!is_own(own))
			continue;
		print_own(own, out);
		for (size_t k = 0; k < plan->cell_count; k++)
			if (plan->cells[k].what.peer &&
			    same_contest(own, &plan->cells[k]))
				print_peer(plan, own, &plan->cells[k], out);
	}
	fprintf(out, "\n");
}

/* The table shows the kernel. */
static void print_nothing(const struct plan *plan, FILE *out)
{
	(void)plan;
	(void)out;
}

static json_t *peer_json(const struct plan *plan, const struct cell *own,
			 const struct cell *peer)
{
	struct comparison c;

	if (!ratio_to(plan, own, peer, &c))
		return json_pack("{s:s, s:s}", "name", peer->what.name,
				 "reason", peer->reason);
	return json_pack(
		"{s:s, s:b, s:f, s:f, s:o, s:o}", "name", peer->what.name,
		"verified", strcmp(verified(peer), "yes") == 0, "ns",
		peer->summary.p50.estimate, "ratio", c.ratio.estimate, "low",
		c.ratio.known ? json_real(c.ratio.low) : json_null(), "high",
		c.ratio.known ? json_real(c.ratio.high) : json_null());
}

static json_t *row_json(const struct plan *plan, const struct cell *own)
{
	const struct kernel_arg *arg = own->what.arg;
	struct table_work work = work_of(own);
	json_t *peers = json_array();

	for (size_t k = 0; k < plan->cell_count; k++)
		if (plan->cells[k].what.peer &&
		    same_contest(own, &plan->cells[k]))
			json_array_append_new(
				peers, peer_json(plan, own, &plan->cells[k]));
	return json_pack(
		"{s:s, s:s, s:b, s:s?, s:f, s:f, s:f, s:f, s:s?, s:o}",
		"kernel", kernel_of(own), "parameters", own->what.axes[1].value,
		"verified", strcmp(verified(own), "yes") == 0, "against",
		arg->kernel->verified, "ns",
		own->n ? own->summary.p50.estimate : 0.0, "bytes_moved",
		own->what.bytes, "flops", work.flops, "items", work.items,
		"item", work.item, "peers", peers);
}

static int add_json(const struct plan *plan, const struct run_info *info,
		    json_t *result)
{
	json_t *rows = json_array();

	(void)info;
	for (size_t i = 0; i < plan->cell_count; i++)
		if (is_own(&plan->cells[i]))
			json_array_append_new(rows,
					      row_json(plan, &plan->cells[i]));
	return json_object_set_new(result, "kernels", rows) < 0 ? -ENOMEM : 0;
}

bool kernel_table(struct command *c)
{
	if (c->plan.budget_ns == 0)
		c->plan.budget_ns = BUDGET_S * UINT64_C(1000000000);
	c->tables = print_table;
	c->verdict = print_nothing;
	c->more = add_json;
	for (size_t i = 0; rig_kernel_at(i); i++) {
		const char *name = rig_kernel_at(i)->name;

		if (!add_words(c, &name, 1))
			return false;
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
			if (strcmp(sizes[s].kernel, name) == 0 &&
			    !add_words(c, sizes[s].words, 4))
				return false;
	}
	return true;
}
