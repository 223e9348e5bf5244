/* SPDX-License-Identifier: MIT */
/*
 * ipc_verdict.c - the sentences rigbench ipc comes to: where sharing overtakes
 * copying, and after how many messages a segment has paid for itself.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ipc.h"
#include "report/table.h"

/* The measured cell of a transport at a size in one pattern, or NULL. */
static const struct cell *cell_at(const struct plan *plan, const char *pattern,
				  const char *transport, const char *size)
{
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (cell->n && cell->twin < 0 && cell->status == CELL_OK &&
		    strcmp(cell->what.axes[0].value, pattern) == 0 &&
		    strcmp(cell->what.axes[1].value, size) == 0 &&
		    strcmp(cell->what.name, transport) == 0)
			return cell;
	}
	return NULL;
}

/* How the segment in place stands to the pipe at one size. */
static enum verdict against(const struct plan *plan, const struct cell *own,
			    const char *pattern, const char *other,
			    struct comparison *c)
{
	const struct cell *cell =
		cell_at(plan, pattern, other, own->what.axes[1].value);

	if (!cell || measure_compare(plan, own, cell, c) < 0)
		return VERDICT_NOT_SHOWN;
	return c->verdict;
}

/* Sharing and another transport, over the sizes of one pattern. */
struct crossover {
	const char *same; /* the largest size with no difference shown */
	const char
		*from;  /* from this size on sharing is faster at every size */
	size_t refused; /* sizes that are no result */
	struct comparison least,
		last; /* the least and the last one from there */
};

static struct crossover find_crossover(const struct plan *plan,
				       const char *pattern, const char *other)
{
	struct crossover x = { .same = NULL };

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *own = &plan->cells[i];
		struct comparison c = { 0 };

		if (strcmp(own->what.name, "seg-inplace") != 0 || !own->n ||
		    strcmp(own->what.axes[0].value, pattern) != 0)
			continue;
		if (!cell_trusted(own)) {
			x.refused++;
			continue;
		}
		if (against(plan, own, pattern, other, &c) !=
		    VERDICT_A_FASTER) {
			x.same = own->what.axes[1].value;
			x.from = NULL;
			continue;
		}
		if (!x.from || c.ratio.estimate < x.least.ratio.estimate)
			x.least = c;
		x.from = x.from ? x.from : own->what.axes[1].value;
		x.last = c;
	}
	return x;
}

static void put_size(FILE *out, const char *bytes)
{
	char text[24];

	format_bytes(text, sizeof(text), atof(bytes));
	fprintf(out, "%s", text);
}

static void put_ratio(FILE *out, const struct comparison *c)
{
	fprintf(out, "%.3g", c->ratio.estimate);
	if (c->ratio.known)
		fprintf(out, " [%.3g, %.3g]", c->ratio.low, c->ratio.high);
}

/* CPU time of sharing by that of the other. */
static void put_cpu(FILE *out, const struct comparison *c)
{
	if (c->a->cost_operations && c->b->cost_operations && c->b->cost.cpu_ns)
		fprintf(out, ", with %.2g of the CPU time",
			(double)c->a->cost.cpu_ns /
				(double)c->a->cost_operations /
				((double)c->b->cost.cpu_ns /
				 (double)c->b->cost_operations));
}

/* The answer in a sentence: up to which size copying is as good as sharing, and
 * from which size on sharing is how many times cheaper. */
static void say_crossover(const struct plan *plan, const char *pattern,
			  const char *other, FILE *out)
{
	struct crossover x = find_crossover(plan, pattern, other);

	if (!x.from && !x.same)
		return;
	fprintf(out, "%s: ", pattern);
	if (x.same) {
		fprintf(out, "up to ");
		put_size(out, x.same);
		fprintf(out, " copying through %s is as good as sharing%s",
			other, x.from ? "; " : "");
	}
	if (x.from) {
		fprintf(out, "from ");
		put_size(out, x.from);
		fprintf(out, " on sharing in place is ");
		put_ratio(out, &x.least);
		fprintf(out, " times cheaper or more than %s", other);
		fprintf(out, ", at ");
		put_size(out, x.last.a->what.axes[1].value);
		fprintf(out, " ");
		put_ratio(out, &x.last);
		put_cpu(out, &x.last);
	}
	if (x.refused)
		fprintf(out, "; sizes left out, for they are not a result: %zu",
			x.refused);
	fprintf(out, ".\n");
}

/* After how many messages a segment's dearer set-up has paid. */
static void say_break_even(const struct plan *plan, const char *size, FILE *out)
{
	const struct cell *seg = cell_at(plan, "setup", "seg-inplace", size);
	const struct cell *pipe = cell_at(plan, "setup", "pipe", size);
	const struct cell *a = cell_at(plan, "pingpong", "seg-inplace", size);
	const struct cell *b = cell_at(plan, "pingpong", "pipe", size);
	double saved;

	if (!seg || !pipe || !a || !b || !cell_trusted(a))
		return;
	saved = b->summary.p50.estimate - a->summary.p50.estimate;
	if (saved <= 0)
		return;
	fprintf(out,
		"break-even at %s B: a segment has paid for its set-up after "
		"%.0f round trips against a pipe.\n",
		size,
		fmax(1, ceil((seg->summary.p50.estimate -
			      pipe->summary.p50.estimate) /
			     saved)));
}

void ipc_verdict(const struct plan *plan, FILE *out)
{
	const char *size = "";

	say_crossover(plan, "pingpong", "pipe", out);
	say_crossover(plan, "stream", "pipe", out);
	say_crossover(plan, "pingpong", "unix-stream", out);
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (strcmp(cell->what.axes[0].value, "setup") != 0 ||
		    strcmp(cell->what.axes[1].value, size) == 0)
			continue;
		size = cell->what.axes[1].value;
		say_break_even(plan, size, out);
	}
	fprintf(out, "\n");
}
