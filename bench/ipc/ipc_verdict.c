/* SPDX-License-Identifier: MIT */
/*
 * ipc_verdict.c - the findings of rigbench ipc, in sentences and as numbers: where
 * sharing overtakes copying, and after how many messages a segment has paid for
 * itself.
 */
#include <errno.h>
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

/* Sharing and another transport, over the sizes of one pattern. */
struct crossover {
	const char *same; /* the largest size with no difference shown */
	const char *from; /* sharing is faster from this size on */
	size_t refused;   /* sizes that are no result */
	size_t open;      /* sizes with too few launches for an interval */
	struct comparison least,
		last; /* the least and the last one from there */
};

/* One size, `own` the segment in place there. */
static void look_at(const struct plan *plan, const struct cell *own,
		    const char *pattern, const char *other, struct crossover *x)
{
	const char *size = own->what.axes[1].value;
	const struct cell *cell = cell_at(plan, pattern, other, size);
	struct comparison c = { 0 };

	if (!cell || measure_compare(plan, own, cell, &c) < 0)
		return;
	if (!cell_trusted(own)) {
		x->refused++;
	} else if (!c.ratio.known) {
		x->open++;
	} else if (c.verdict != VERDICT_A_FASTER) {
		x->same = size;
		x->from = NULL;
	} else {
		if (!x->from || c.ratio.estimate < x->least.ratio.estimate)
			x->least = c;
		x->from = x->from ? x->from : size;
		x->last = c;
	}
}

static struct crossover find_crossover(const struct plan *plan,
				       const char *pattern, const char *other)
{
	struct crossover x = { .same = NULL };

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *own = &plan->cells[i];

		if (strcmp(own->what.name, "seg-inplace") == 0 && own->n &&
		    strcmp(own->what.axes[0].value, pattern) == 0)
			look_at(plan, own, pattern, other, &x);
	}
	return x;
}

/* Was the other measured beside the segment at all? */
static bool has_crossover(const struct crossover *x)
{
	return x->from || x->same || x->refused || x->open;
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

/* CPU time of sharing by the other transport's CPU time; NaN: nobody measured. */
static double cpu_ratio(const struct comparison *c)
{
	if (!c->a->cost_operations || !c->b->cost_operations ||
	    !c->b->cost.cpu_ns)
		return NAN;
	return (double)c->a->cost.cpu_ns / (double)c->a->cost_operations /
	       ((double)c->b->cost.cpu_ns / (double)c->b->cost_operations);
}

/* Patterns with a crossover, and the begin of the sentence of each. */
static const struct {
	const char *pattern, *words;
} crossing[] = {
	{ "pingpong", "Round trips" },
	{ "stream", "A stream" },
	{ "map", "An array turned round" },
};

/* A transport that is compared with sharing, and the name in a sentence. */
static const struct {
	const char *transport, *words;
} others[] = {
	{ "pipe", "a pipe" },
	{ "unix-stream", "a Unix socket" },
	{ "tcp", "TCP" },
	{ "seg-copyboth", "a segment" },
	{ "cma-read", "process_vm_readv" },
	{ "zeromq-ipc", "ZeroMQ" },
	{ "nng-ipc", "nng" },
	{ "boost-queue", "Boost's message_queue" },
	{ "redis", "Redis" },
	{ "python-queue", "Python's Queue" },
	{ "grpc-unix", "gRPC" },
};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* The answer in a sentence: up to which size copying is as good as sharing, and
 * from which size on sharing is how many times cheaper. */
static void put_crossover(FILE *out, const char *words, const char *other,
			  const struct crossover *x)
{
	fprintf(out, "%s: ", words);
	if (x->same) {
		fprintf(out, "up to ");
		put_size(out, x->same);
		fprintf(out,
			" copying through %s is as good as sharing on this "
			"machine; ",
			other);
	}
	if (x->from) {
		fprintf(out, "from ");
		put_size(out, x->from);
		fprintf(out, " on sharing in place is ");
		put_ratio(out, &x->least);
		fprintf(out, " times cheaper%s than copying through %s",
			x->last.a == x->least.a ? "" : ", or more,", other);
		if (x->last.a != x->least.a) {
			fprintf(out, ", and ");
			put_ratio(out, &x->last);
			fprintf(out, " times at ");
			put_size(out, x->last.a->what.axes[1].value);
		}
		if (isfinite(cpu_ratio(&x->last)))
			fprintf(out, ", with %.2g of the CPU time",
				cpu_ratio(&x->last));
	} else {
		fprintf(out,
			"at no size is sharing shown to be cheaper than "
			"copying through %s",
			other);
	}
	if (x->refused)
		fprintf(out,
			" (sizes that are not a result, A/A beyond %.1f: "
			"%zu)",
			AGAIN_MAX, x->refused);
	if (x->open)
		fprintf(out, " (sizes with too few launches to tell: %zu)",
			x->open);
	fprintf(out, ".");
}

/* A range of whole round trips; `high` is NaN where there is no end. */
struct break_even {
	double trips, low, high;
};

static double trips_of(double setup, double other, double cost, double saved)
{
	return cost > saved ? fmax(1, ceil((setup - other) / (cost - saved)))
			    : NAN;
}

/* After how many round trips a segment's dearer set-up has paid; false: never,
 * or nobody measured. */
static bool find_break_even(const struct plan *plan, const char *other,
			    const char *size, struct break_even *e)
{
	const struct cell *seg = cell_at(plan, "setup", "seg-inplace", size);
	const struct cell *set = cell_at(plan, "setup", other, size);
	const struct cell *a = cell_at(plan, "pingpong", "seg-inplace", size);
	const struct cell *b = cell_at(plan, "pingpong", other, size);
	const struct stats_interval *s, *o, *x, *y;

	if (!seg || !set || !a || !b || !cell_trusted(a))
		return false;
	s = &seg->summary.p50;
	o = &set->summary.p50;
	x = &a->summary.p50;
	y = &b->summary.p50;
	e->trips = trips_of(s->estimate, o->estimate, y->estimate, x->estimate);
	e->low = e->high = NAN;
	if (s->known && o->known && x->known && y->known) {
		e->low = trips_of(s->low, o->high, y->high, x->low);
		e->high = trips_of(s->high, o->low, y->low, x->high);
	}
	return isfinite(e->trips);
}

/* Calls say() for each transport and size that have a break-even. */
static void each_break_even(const struct plan *plan,
			    void (*say)(void *arg, const char *other,
					const char *size,
					const struct break_even *e),
			    void *arg)
{
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];
		const char *size = cell->what.axes[1].value;
		struct break_even e;

		if (strcmp(cell->what.axes[0].value, "setup") == 0 &&
		    strcmp(cell->what.name, "seg-inplace") != 0 &&
		    find_break_even(plan, cell->what.name, size, &e))
			say(arg, cell->what.name, size, &e);
	}
}

static void print_break_even(void *arg, const char *other, const char *size,
			     const struct break_even *e)
{
	FILE *out = arg;

	fprintf(out, "break-even at ");
	put_size(out, size);
	fprintf(out,
		": a segment has paid for its set-up after %.0f round trip%s",
		e->trips, e->trips < 1.5 ? "" : "s");
	if (isfinite(e->low) && isfinite(e->high))
		fprintf(out, " [%.0f, %.0f]", e->low, e->high);
	fprintf(out, " against %s.\n", other);
}

void ipc_verdict(const struct plan *plan, FILE *out)
{
	for (size_t p = 0; p < COUNT(crossing); p++)
		for (size_t k = 0; k < 2; k++) {
			struct crossover x = find_crossover(
				plan, crossing[p].pattern, others[k].transport);

			if (!has_crossover(&x))
				continue;
			put_crossover(out, crossing[p].words, others[k].words,
				      &x);
			fprintf(out, "\n");
		}
	each_break_even(plan, print_break_even, out);
	fprintf(out, "\n");
}

static json_t *real(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *ratio_json(const struct comparison *c)
{
	if (!c->a)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "bytes",
			 c->a->what.axes[1].value, "ratio",
			 real(c->ratio.estimate), "low",
			 real(c->ratio.known ? c->ratio.low : NAN), "high",
			 real(c->ratio.known ? c->ratio.high : NAN), "cpu",
			 real(cpu_ratio(c)));
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static void append_crossover(json_t *sentences, json_t *list, size_t p,
			     size_t k, const struct crossover *x)
{
	char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	if (!file)
		return;
	put_crossover(file, crossing[p].words, others[k].words, x);
	if (fclose(file) == 0)
		json_array_append_new(sentences, json_string(text));
	free(text);
	json_array_append_new(
		list,
		json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:I}", "pattern",
			  crossing[p].pattern, "transport", others[k].transport,
			  "same_bytes", text_or_null(x->same), "from_bytes",
			  text_or_null(x->from), "least", ratio_json(&x->least),
			  "last", ratio_json(&x->last), "not_a_result",
			  (json_int_t)x->refused));
}

static void append_break_even(void *arg, const char *other, const char *size,
			      const struct break_even *e)
{
	json_array_append_new(
		arg, json_pack("{s:s, s:s, s:f, s:o, s:o}", "transport", other,
			       "bytes", size, "round_trips", e->trips, "low",
			       real(e->low), "high", real(e->high)));
}

int ipc_answer(const struct plan *plan, const struct run_info *info,
	       json_t *result)
{
	json_t *sentences = json_array();
	json_t *list = json_array();
	json_t *trips = json_array();

	(void)info;
	for (size_t p = 0; p < COUNT(crossing); p++)
		for (size_t k = 0; k < COUNT(others); k++) {
			struct crossover x = find_crossover(
				plan, crossing[p].pattern, others[k].transport);

			if (has_crossover(&x))
				append_crossover(sentences, list, p, k, &x);
		}
	each_break_even(plan, append_break_even, trips);
	return json_object_set_new(result, "answer",
				   json_pack("{s:o, s:o, s:o}", "sentences",
					     sentences, "crossovers", list,
					     "break_even", trips)) < 0
		       ? -ENOMEM
		       : 0;
}
