/* SPDX-License-Identifier: MIT */
/*
 * ipc_verdict.c - the sentences rigbench ipc comes to: where sharing overtakes
 * copying, and after how many messages a segment has paid for itself.
 */
#include <math.h>
#include <string.h>

#include "ipc/ipc.h"

/* Of one pattern, the cell of a transport at a size, measured; or NULL. */
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

/* From which size on sharing wins, with the sizes between which that turns. */
static void say_crossover(const struct plan *plan, const char *pattern,
			  const char *other, FILE *out)
{
	const char *lost = NULL;
	const char *won = NULL;
	struct comparison last = { 0 };

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *own = &plan->cells[i];
		struct comparison c = { 0 };

		if (strcmp(own->what.name, "seg-inplace") != 0 || !own->n ||
		    strcmp(own->what.axes[0].value, pattern) != 0)
			continue;
		if (against(plan, own, pattern, other, &c) !=
		    VERDICT_A_FASTER) {
			lost = own->what.axes[1].value;
			won = NULL;
			continue;
		}
		won = won ? won : own->what.axes[1].value;
		last = c;
	}
	if (!last.a)
		return;
	fprintf(out, "%s: at %s B in place is %.3gx [%.3g,%.3g] faster than %s",
		pattern, last.a->what.axes[1].value, last.ratio.estimate,
		last.ratio.low, last.ratio.high, other);
	if (last.a->cost_operations && last.b->cost_operations &&
	    last.b->cost.cpu_ns)
		fprintf(out, " and uses %.2gx the CPU",
			(double)last.a->cost.cpu_ns /
				(double)last.a->cost_operations /
				((double)last.b->cost.cpu_ns /
				 (double)last.b->cost_operations));
	if (won && lost)
		fprintf(out, "; it overtakes it between %s and %s B", lost,
			won);
	else if (won)
		fprintf(out, "; it is faster from the smallest size (%s B)",
			won);
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

	if (!seg || !pipe || !a || !b)
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
