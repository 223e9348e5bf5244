/* SPDX-License-Identifier: MIT */
/*
 * targets.c - a table of promises: a cell, what it is held against, how much.
 *
 * Against peers a target is held against the best of them that ran; one whose
 * peer was skipped counts as not judged, never as met.
 */
#include "targets.h"

#include <math.h>
#include <string.h>

#define AGAINST_MAX 4

struct target {
	const char *says;
	const char *contest, *cell;
	/* Other cells of the contest, the fastest of which counts; or none, and
	 * `limit` is absolute. */
	const char *against[AGAINST_MAX];
	double limit; /* cell <= limit * against, or cell <= limit */
	bool rate;    /* against / cell >= limit instead */
};

#define US 1e3
#define MS 1e6

static const struct target targets[] = {
	{ "reverse, steady >= 0.97 of OpenMP's rate",
	  "kernel reverse",
	  "runrig",
	  { "OpenMP libgomp", "OpenMP libomp" },
	  0.97,
	  true },
	{ "reverse, steady >= 4 times NumPy over Pool",
	  "kernel reverse",
	  "runrig",
	  { "Python Pool, views", "Python Pool, blocks" },
	  4,
	  true },
	{ "triad, steady >= 0.97 of OpenMP's rate",
	  "kernel triad",
	  "runrig",
	  { "OpenMP libgomp", "OpenMP libomp" },
	  0.97,
	  true },
	{ "barrier of 2 <= 0.3 of libgomp's",
	  "barrier, 2 ranks",
	  "runrig",
	  { "libgomp", "libgomp active", "libgomp passive" },
	  0.3,
	  false },
	{ "barrier of 2 <= 1.5 hand-overs",
	  "barrier, 2 ranks",
	  "runrig",
	  { "cache line, one way" },
	  1.5,
	  false },
	{ "barrier, 8 on 2 cores <= 0.35 of bare pthread",
	  "barrier, 8 ranks",
	  "runrig",
	  { "bare pthread" },
	  0.35,
	  false },
	{ "empty run, 1 worker <= 0.35 of libgomp's region",
	  "dispatch",
	  "runrig, 1 worker",
	  { "libgomp active", "libgomp passive" },
	  0.35,
	  false },
	{ "empty run, 2 workers <= 10 us",
	  "dispatch",
	  "runrig, 2 workers",
	  { NULL },
	  10 * US,
	  false },
	{ "empty run, 2 workers <= 0.25 of passive libgomp",
	  "dispatch",
	  "runrig, 2 workers",
	  { "libgomp passive" },
	  0.25,
	  false },
	{ "pool of 2, first in a process <= 6 ms",
	  "pool, create and destroy",
	  "2 workers, first in a process",
	  { NULL },
	  6 * MS,
	  false },
	{ "pool of 2, later <= 1.5 ms",
	  "pool, create and destroy",
	  "2 workers, second in a process",
	  { NULL },
	  1.5 * MS,
	  false },
	{ "pool of 64 <= 20 ms",
	  "pool, create and destroy",
	  "64 workers",
	  { NULL },
	  20 * MS,
	  false },
	{ "list get >= 100 times CPython's",
	  "list get, 1000",
	  "runrig",
	  { "CPython, loop", "CPython, map" },
	  100,
	  true },
	{ "list set >= 100 times CPython's",
	  "list set, 1000",
	  "runrig",
	  { "CPython, loop", "CPython, map" },
	  100,
	  true },
	{ "list of 1 M created >= 20 times CPython's",
	  "list create, 1000000",
	  "runrig",
	  { "CPython" },
	  20,
	  true },
	{ "list of 1 M reversed >= 500 times article's",
	  "list reverse, 1000000",
	  "runrig, pool",
	  { "CPython, article's loop" },
	  500,
	  true },
	{ "attach, read, detach >= 3 times: segment",
	  "attach segment, 64",
	  "runrig",
	  { "CPython" },
	  3,
	  true },
	{ "attach, read, detach >= 3 times: list of 10",
	  "attach list, 10",
	  "runrig",
	  { "CPython" },
	  3,
	  true },
	{ "attach, read, detach >= 3 times: list of 1 M",
	  "attach list, 1000000",
	  "runrig",
	  { "CPython" },
	  3,
	  true },
	{ "map, empty items <= 20 ns each",
	  "map, default chunks",
	  "runrig",
	  { NULL },
	  20,
	  false },
	{ "map, empty items <= 0.2 of Python's",
	  "map, default chunks",
	  "runrig",
	  { "Python Pool.map" },
	  0.2,
	  false },
	{ "map, chunks of 1 <= 300 ns an item",
	  "map, chunks of 1",
	  "runrig",
	  { NULL },
	  300,
	  false },
	{ "map, chunks of 1 <= 0.01 of Python's",
	  "map, chunks of 1",
	  "runrig",
	  { "Python Pool.map" },
	  0.01,
	  false },
	{ "idle worker's private memory <= 1 MB",
	  "memory, caller holds 1 GiB",
	  "idle worker",
	  { NULL },
	  1e6,
	  false },
	{ "warden's private memory <= 1 MB",
	  "memory, caller holds 1 GiB",
	  "warden",
	  { NULL },
	  1e6,
	  false },
};

enum judged { JUDGED_ABSENT, JUDGED_OPEN, JUDGED_MET, JUDGED_MISSED };

struct judgement {
	enum judged judged;
	double measured;
	const char *against; /* which peer counted; NULL: none needed */
};

/* The ratio against one peer: paired where it can be, of medians else. */
static bool ratio_to(const struct plan *plan, const struct cell *cell,
		     const struct cell *peer, bool rate, double *ratio)
{
	struct comparison c;

	if (peer->status != CELL_OK || !peer->n ||
	    measure_compare(plan, peer, cell, &c) < 0)
		return false;
	*ratio = rate ? 1 / c.ratio.estimate : c.ratio.estimate;
	return true;
}

static struct judgement judge(const struct plan *plan, const struct target *t)
{
	const struct cell *cell = plan_find(plan, t->contest, t->cell);
	struct judgement j = { JUDGED_ABSENT, NAN, NULL };
	bool met;

	if (!cell)
		return j;
	j.judged = JUDGED_OPEN;
	if (cell->status != CELL_OK || !cell->n)
		return j;
	if (!t->against[0])
		j.measured = cell->summary.p50.estimate;
	for (int i = 0; i < AGAINST_MAX && t->against[i]; i++) {
		const struct cell *peer =
			plan_find(plan, t->contest, t->against[i]);
		double ratio;

		if (!peer || !ratio_to(plan, cell, peer, t->rate, &ratio))
			continue;
		/* The best peer is the one we look worst against. */
		if (isnan(j.measured) ||
		    (t->rate ? ratio < j.measured : ratio > j.measured)) {
			j.measured = ratio;
			j.against = t->against[i];
		}
	}
	if (isnan(j.measured))
		return j;
	met = t->rate ? j.measured >= t->limit : j.measured <= t->limit;
	j.judged = met ? JUDGED_MET : JUDGED_MISSED;
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

int targets_print(const struct plan *plan, FILE *out)
{
	int missed = 0;
	int shown = 0;

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		struct judgement j = judge(plan, &targets[i]);
		char measured[24];

		if (j.judged == JUDGED_ABSENT)
			continue;
		if (!shown++)
			fprintf(out, "targets%45s%12s  %s\n", "", "measured",
				"verdict");
		figure(measured, sizeof(measured), &targets[i], j.measured);
		fprintf(out, "  %-50s%12s  %s%s%s\n", targets[i].says, measured,
			judged_words[j.judged], j.against ? ", vs " : "",
			j.against ? j.against : "");
		missed += j.judged == JUDGED_MISSED;
	}
	if (shown)
		fprintf(out, "\n");
	return missed;
}

json_t *targets_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		struct judgement j = judge(plan, &targets[i]);

		if (j.judged == JUDGED_ABSENT)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:s, s:f, s:o, s:s, s:o}", "target",
				  targets[i].says, "limit", targets[i].limit,
				  "measured",
				  isnan(j.measured) ? json_null()
						    : json_real(j.measured),
				  "verdict", judged_words[j.judged], "against",
				  j.against ? json_string(j.against)
					    : json_null()));
	}
	return list;
}
