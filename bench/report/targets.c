/* SPDX-License-Identifier: MIT */
/*
 * targets.c - a table of promises: a cell, the cell to compare with, the limit.
 *
 * A target with several peers is compared with the best peer that ran; a target
 * whose peer was skipped counts as not judged, never as met.
 */
#include "report/targets.h"

#include <math.h>
#include <string.h>

#define AGAINST_MAX 4

enum held {
	HELD_TIME,
	HELD_RATE, /* against / cell >= limit instead */
	HELD_EVEN, /* the same for the 95 % interval, which must also reach 1 */
	HELD_CPU   /* CPU time, of all ranks together */
};

struct target {
	const char *says;
	const char *contest, *cell;
	/* Other cells of the contest, the fastest of which counts; or none, and
	 * `limit` is absolute. */
	const char *against[AGAINST_MAX];
	double limit; /* cell <= limit * against, or cell <= limit */
	enum held held;
};

#define US 1e3
#define MS 1e6

#define MPIS                                                                   \
	{                                                                      \
		"Open MPI", "Open MPI coll_sm", "MPICH"                        \
	}

/* A verb of two ranks against the best MPI, by the cell's name. */
#define COLL(verb, size, cell, limit)                                          \
	{                                                                      \
		verb ", " size ", " cell " <= " #limit " of MPI",              \
			verb ", " size ", 2 ranks", cell, MPIS, limit,         \
			HELD_TIME                                              \
	}

/* A kernel against its OpenMP form; and, where there is a form for MPI's shared
 * window, against that form. */
#define EVEN(kernel)                                                           \
	{                                                                      \
		kernel " >= 0.97 of OpenMP's rate, reaching 1",                \
			"kernel " kernel, "runrig", { "OpenMP libgomp" },      \
			0.97, HELD_EVEN                                        \
	}
#define WINDOW(kernel)                                                         \
	{                                                                      \
		kernel " >= 1.0 of MPI's shared window", "kernel " kernel,     \
			"runrig", { "Open MPI, shared window" }, 1, HELD_RATE  \
	}

/* A kernel's rate divided by a peer's rate. */
#define RATE(kernel, limit, words, peer)                                       \
	{                                                                      \
		kernel " >= " #limit " of " words, "kernel " kernel, "runrig", \
			{ peer }, limit, HELD_RATE                             \
	}

/* A policy's plan for a large machine, in itself. */
#define PLAN(place)                                                            \
	{                                                                      \
		"plan " place " for 8 nodes, 256 cores <= 5 ms",               \
			"plan for 8 nodes, 256 cores", place, { NULL },        \
			5 * MS, HELD_TIME                                      \
	}

/* The two short sizes, and the two long sizes. */
#define COLL_SHORT(verb, cell, limit)                                          \
	COLL(verb, "512 B", cell, limit), COLL(verb, "4 KiB", cell, limit)
#define COLL_LONG(verb, cell, limit)                                           \
	COLL(verb, "64 KiB", cell, limit), COLL(verb, "1 MiB", cell, limit)

static const struct target targets[] = {
	{ "reverse, steady >= 0.97 of OpenMP's rate",
	  "kernel reverse",
	  "runrig",
	  { "OpenMP libgomp", "OpenMP libomp" },
	  0.97,
	  HELD_RATE },
	{ "reverse, steady >= 4 times NumPy over Pool",
	  "kernel reverse",
	  "runrig",
	  { "Python Pool, views", "Python Pool, blocks" },
	  4,
	  HELD_RATE },
	{ "triad, steady >= 0.97 of OpenMP's rate",
	  "kernel triad",
	  "runrig",
	  { "OpenMP libgomp", "OpenMP libomp" },
	  0.97,
	  HELD_RATE },
	{ "triad, hybrid >= 0.97 of OpenMP's rate",
	  "kernel triad",
	  "runrig, hybrid",
	  { "OpenMP libgomp", "OpenMP libomp" },
	  0.97,
	  HELD_RATE },
	EVEN("nstream"),
	EVEN("stencil"),
	EVEN("transpose"),
	EVEN("synch-p2p"),
	EVEN("reduce"),
	EVEN("random"),
	EVEN("sparse"),
	EVEN("dgemm"),
	EVEN("global"),
	WINDOW("stencil"),
	WINDOW("transpose"),
	WINDOW("synch-p2p"),
	RATE("dgemm", 0.95, "OpenBLAS's own threads", "OpenBLAS, its threads"),
	RATE("sort", 1.6, "NumPy's", "numpy.sort"),
	RATE("sort", 0.9, "libstdc++'s parallel sort", "__gnu_parallel::sort"),
	RATE("cg", 1.0, "OpenMP's rate, class A", "OpenMP libgomp"),
	RATE("is", 1.0, "OpenMP's rate, class A", "OpenMP libgomp"),
	{ "barrier of 2 <= 0.3 of libgomp's",
	  "barrier, 2 ranks",
	  "runrig",
	  { "libgomp", "libgomp active", "libgomp passive" },
	  0.3,
	  HELD_TIME },
	{ "barrier of 2 <= 1.5 hand-overs",
	  "barrier, 2 ranks",
	  "runrig",
	  { "cache line, one way" },
	  1.5,
	  HELD_TIME },
	{ "barrier, 8 on 2 cores <= 0.35 of bare pthread",
	  "barrier, 8 ranks",
	  "runrig",
	  { "bare pthread" },
	  0.35,
	  HELD_TIME },
	{ "empty run, 1 worker <= 0.35 of libgomp's region",
	  "dispatch",
	  "runrig, 1 worker",
	  { "libgomp active", "libgomp passive" },
	  0.35,
	  HELD_TIME },
	{ "empty run, 2 workers <= 10 us",
	  "dispatch",
	  "runrig, 2 workers",
	  { NULL },
	  10 * US,
	  HELD_TIME },
	{ "empty run, 2 workers <= 0.25 of passive libgomp",
	  "dispatch",
	  "runrig, 2 workers",
	  { "libgomp passive" },
	  0.25,
	  HELD_TIME },
	{ "10 us of work and a barrier, traced <= 1.02",
	  "10 us of work and a barrier",
	  "traced",
	  { "not traced" },
	  1.02,
	  HELD_TIME },
	{ "pool of 2, first in a process <= 6 ms",
	  "pool, create and destroy",
	  "2 workers, first in a process",
	  { NULL },
	  6 * MS,
	  HELD_TIME },
	{ "pool of 2, later <= 1.5 ms",
	  "pool, create and destroy",
	  "2 workers, second in a process",
	  { NULL },
	  1.5 * MS,
	  HELD_TIME },
	{ "pool of 64 <= 20 ms",
	  "pool, create and destroy",
	  "64 workers",
	  { NULL },
	  20 * MS,
	  HELD_TIME },
	{ "list get >= 100 times CPython's",
	  "list get, 1000",
	  "runrig",
	  { "CPython, loop", "CPython, map" },
	  100,
	  HELD_RATE },
	{ "list set >= 100 times CPython's",
	  "list set, 1000",
	  "runrig",
	  { "CPython, loop", "CPython, map" },
	  100,
	  HELD_RATE },
	{ "list of 1 M created >= 20 times CPython's",
	  "list create, 1000000",
	  "runrig",
	  { "CPython" },
	  20,
	  HELD_RATE },
	{ "list of 1 M reversed >= 500 times article's",
	  "list reverse, 1000000",
	  "runrig, pool",
	  { "CPython, article's loop" },
	  500,
	  HELD_RATE },
	{ "attach, read, detach >= 3 times: segment",
	  "attach segment, 64",
	  "runrig",
	  { "CPython" },
	  3,
	  HELD_RATE },
	{ "attach, read, detach >= 3 times: list of 10",
	  "attach list, 10",
	  "runrig",
	  { "CPython" },
	  3,
	  HELD_RATE },
	{ "attach, read, detach >= 3 times: list of 1 M",
	  "attach list, 1000000",
	  "runrig",
	  { "CPython" },
	  3,
	  HELD_RATE },
	{ "map, empty items <= 20 ns each",
	  "map, default chunks",
	  "runrig",
	  { NULL },
	  20,
	  HELD_TIME },
	{ "map, empty items <= 0.2 of Python's",
	  "map, default chunks",
	  "runrig",
	  { "Python Pool.map" },
	  0.2,
	  HELD_TIME },
	{ "map, chunks of 1 <= 300 ns an item",
	  "map, chunks of 1",
	  "runrig",
	  { NULL },
	  300,
	  HELD_TIME },
	{ "map, chunks of 1 <= 0.01 of Python's",
	  "map, chunks of 1",
	  "runrig",
	  { "Python Pool.map" },
	  0.01,
	  HELD_TIME },
	{ "1 GiB by 2 workers <= 0.65 of one process",
	  "1 GiB made and populated",
	  "2 workers",
	  { "one process" },
	  0.65,
	  HELD_TIME },
	PLAN("core"),
	PLAN("pu"),
	PLAN("l3"),
	PLAN("numa"),
	PLAN("spread"),
	PLAN("compact"),
	{ "idle worker's private memory <= 1 MB",
	  "memory, caller holds 1 GiB",
	  "idle worker",
	  { NULL },
	  1e6,
	  HELD_TIME },
	{ "warden's private memory <= 1 MB",
	  "memory, caller holds 1 GiB",
	  "warden",
	  { NULL },
	  1e6,
	  HELD_TIME },
	{ "barrier of 2 <= 0.4 of MPI", "barrier, 2 ranks", "runrig", MPIS, 0.4,
	  HELD_TIME },
	{ "barrier, 8 on 2 cores <= 0.5 of MPI", "barrier, 8 ranks", "runrig",
	  MPIS, 0.5, HELD_TIME },
	{ "barrier, 8 on 2 cores <= 0.5 of MPI's CPU time", "barrier, 8 ranks",
	  "runrig", MPIS, 0.5, HELD_CPU },
	{ "allreduce, 8 B, 8 on 2 cores <= 0.5 of MPI",
	  "allreduce, 8 B, 8 ranks", "runrig", MPIS, 0.5, HELD_TIME },
	{ "allreduce, 8 B, 8 on 2 cores <= 0.5 of CPU time",
	  "allreduce, 8 B, 8 ranks", "runrig", MPIS, 0.5, HELD_CPU },
	COLL("allreduce", "8 B", "runrig", 0.35),
	COLL_SHORT("allreduce", "runrig", 0.5),
	COLL_LONG("allreduce", "runrig", 0.5),
	COLL("allreduce", "4 MiB", "runrig", 0.7),
	COLL_LONG("allreduce", "runrig, segment", 0.2),
	COLL("allreduce", "4 MiB", "runrig, segment", 0.2),
	COLL("reduce", "8 B", "runrig", 0.35),
	COLL_SHORT("reduce", "runrig", 0.5),
	COLL_LONG("reduce", "runrig", 0.5),
	COLL("reduce", "4 MiB", "runrig", 0.7),
	COLL("bcast", "8 B", "runrig", 0.65),
	COLL_SHORT("bcast", "runrig", 1.0),
	COLL_LONG("bcast", "runrig", 0.75),
	COLL("bcast", "4 MiB", "runrig", 0.75),
	COLL_LONG("bcast", "runrig, segment", 0.6),
	COLL("bcast", "4 MiB", "runrig, segment", 0.6),
	COLL_LONG("bcast", "runrig, lent", 0.05),
	COLL("bcast", "4 MiB", "runrig, lent", 0.05),
	COLL("allgather", "8 B", "runrig", 0.4),
	COLL_SHORT("allgather", "runrig", 1.0),
	COLL_LONG("allgather", "runrig", 0.75),
	COLL("allgather", "4 MiB", "runrig", 0.75),
	COLL("alltoall", "8 B", "runrig", 0.4),
	COLL_SHORT("alltoall", "runrig", 1.0),
	COLL_LONG("alltoall", "runrig", 0.75),
	COLL("alltoall", "4 MiB", "runrig", 0.75),
	COLL("send", "8 B", "runrig", 0.45),
	COLL("send", "64 KiB", "runrig", 0.45),
	COLL("send", "1 MiB", "runrig", 0.5),
	COLL("send", "1 MiB", "runrig, lent", 0.005),
};

enum judged { JUDGED_ABSENT, JUDGED_OPEN, JUDGED_MET, JUDGED_MISSED };

struct judgement {
	enum judged judged;
	struct stats_interval measured;
	const char *against; /* which peer counted; NULL: none needed */
};

static double cpu_of(const struct cell *cell)
{
	return (double)cell->cost.cpu_ns / (double)cell->cost_operations;
}

static bool is_rate(const struct target *t)
{
	return t->held == HELD_RATE || t->held == HELD_EVEN;
}

/* The ratio against a peer: paired where possible, else of medians. */
static bool ratio_to(const struct plan *plan, const struct target *t,
		     const struct cell *cell, const struct cell *peer,
		     struct stats_interval *ratio)
{
	struct comparison c;

	if (peer->status != CELL_OK || !peer->n ||
	    measure_compare(plan, peer, cell, &c) < 0)
		return false;
	*ratio = c.ratio;
	if (t->held == HELD_CPU) {
		ratio->estimate = cpu_of(cell) / cpu_of(peer);
		return isfinite(ratio->estimate);
	}
	if (is_rate(t)) {
		ratio->estimate = 1 / c.ratio.estimate;
		ratio->low = 1 / c.ratio.high;
		ratio->high = 1 / c.ratio.low;
	}
	return true;
}

/* Whether the measured cell is the promised cell. */
static enum judged hold(const struct target *t,
			const struct stats_interval *measured)
{
	bool met = is_rate(t) ? measured->estimate >= t->limit
			      : measured->estimate <= t->limit;

	if (t->held == HELD_EVEN) {
		if (!measured->known)
			return JUDGED_OPEN;
		met = measured->low >= t->limit && measured->high >= 1;
	}
	return met ? JUDGED_MET : JUDGED_MISSED;
}

static struct judgement judge(const struct plan *plan, const struct target *t)
{
	const struct cell *cell = plan_find(plan, t->contest, t->cell);
	struct judgement j = { JUDGED_ABSENT, { .estimate = NAN }, NULL };

	if (!cell)
		return j;
	j.judged = JUDGED_OPEN;
	if (cell->status != CELL_OK || !cell->n)
		return j;
	if (!t->against[0])
		j.measured.estimate = cell->summary.p50.estimate;
	for (int i = 0; i < AGAINST_MAX && t->against[i]; i++) {
		const struct cell *peer =
			plan_find(plan, t->contest, t->against[i]);
		struct stats_interval ratio;

		if (!peer || !ratio_to(plan, t, cell, peer, &ratio))
			continue;
		/* The best peer is the peer against which we look worst. */
		if (isnan(j.measured.estimate) ||
		    (is_rate(t) ? ratio.estimate < j.measured.estimate
				: ratio.estimate > j.measured.estimate)) {
			j.measured = ratio;
			j.against = t->against[i];
		}
	}
	if (!isnan(j.measured.estimate))
		j.judged = hold(t, &j.measured);
	return j;
}

static void figure(char *text, size_t bytes, const struct target *t,
		   double value)
{
	if (isnan(value))
		snprintf(text, bytes, "-");
	else if (t->against[0])
		snprintf(text, bytes, "%.3g x", value);
	else if (t->limit >= MS && strstr(t->says, "memory"))
		snprintf(text, bytes, "%.3g MB", value / 1e6);
	else if (t->limit >= MS)
		snprintf(text, bytes, "%.3g ms", value / MS);
	else
		snprintf(text, bytes, "%.3g us", value / US);
}

static const char *const judged_words[] = { "absent", "not judged", "met",
					    "MISSED" };

static void print_judgement(const struct target *t, const struct judgement *j,
			    FILE *out)
{
	char measured[24];

	figure(measured, sizeof(measured), t, j->measured.estimate);
	fprintf(out, "  %-50s%12s  %s", t->says, measured,
		judged_words[j->judged]);
	if (j->against)
		fprintf(out, ", vs %s", j->against);
	if (t->held == HELD_EVEN && j->measured.known)
		fprintf(out, " [%.3g, %.3g]", j->measured.low,
			j->measured.high);
	fprintf(out, "\n");
}

int targets_print(const struct plan *plan, FILE *out)
{
	int missed = 0;
	int shown = 0;

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		struct judgement j = judge(plan, &targets[i]);

		if (j.judged == JUDGED_ABSENT)
			continue;
		if (!shown++)
			fprintf(out, "targets%45s%12s  %s\n", "", "measured",
				"verdict");
		print_judgement(&targets[i], &j, out);
		missed += j.judged == JUDGED_MISSED;
	}
	if (shown)
		fprintf(out, "\n");
	return missed;
}

static json_t *number_or_null(bool known, double number)
{
	return known ? json_real(number) : json_null();
}

json_t *targets_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		const struct target *t = &targets[i];
		struct judgement j = judge(plan, t);
		bool interval = t->held == HELD_EVEN && j.measured.known;

		if (j.judged == JUDGED_ABSENT)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:s, s:f, s:o, s:o, s:o, s:s, s:s?}",
				  "target", t->says, "limit", t->limit,
				  "measured",
				  number_or_null(!isnan(j.measured.estimate),
						 j.measured.estimate),
				  "low",
				  number_or_null(interval, j.measured.low),
				  "high",
				  number_or_null(interval, j.measured.high),
				  "verdict", judged_words[j.judged], "against",
				  j.against));
	}
	return list;
}
