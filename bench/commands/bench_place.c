/* SPDX-License-Identifier: MIT */
/*
 * bench_place.c - rigbench place: the cost of having memory where it is used,
 * and of planning the places of workers.
 *
 * Populating: from no segment to a segment of which each page is there and has
 * been written to; by a pool's workers, each its own part, or by a single
 * process that reserves the segment (fallocate) and touches every page.
 * Removing the segment is not timed.  Planning: the time that rig_place_plan()
 * reports, with the topology loaded.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/place.h>
#include <runrig/segment.h>

#include "commands/commands.h"
#include "driver/pool_contender.h"
#include "driver/stopwatch.h"

#define PAGE ((size_t)4096)

/* An 8-node machine of 256 cores. */
#define MACHINE "package:8 numa:1 l3:4 l2:8 core:1 pu:2"

/* ---- populating ---- */

struct populate_arg {
	size_t bytes;
	int workers; /* 0: a single process by itself */
	enum rig_pages pages;
};

/* In this process. */
struct populate {
	struct populate_arg arg;
	clockid_t clock;
	struct rig_pool *pool; /* NULL: by itself */
};

static int populate_open(const void *arg, clockid_t clock, void **state,
			 char *why)
{
	struct populate *p = calloc(1, sizeof(*p));
	int r = 0;

	if (!p)
		return -ENOMEM;
	p->arg = *(const struct populate_arg *)arg;
	p->clock = clock;
	if (p->arg.workers)
		r = pool_contender_open(
			&p->pool,
			&(struct rig_pool_options){ .workers = p->arg.workers },
			why);
	if (r < 0) {
		free(p);
		return r;
	}
	*state = p;
	return 0;
}

static int populate_once(const struct populate *p, double *ns, char *why)
{
	const struct rig_segment_options options = { .pool = p->pool,
						     .pages = p->arg.pages };
	struct rig_segment *segment = NULL;
	uint64_t begin_ns = stopwatch_ns(p->clock);
	int r = rig_segment_create(&segment, NULL, p->arg.bytes, &options);

	if (r < 0) {
		snprintf(why, CASE_WHY_BYTES, "%s", rig_why());
		return r;
	}
	if (!p->pool) {
		volatile char *data = rig_segment_data(segment);

		for (size_t at = 0; at < p->arg.bytes; at += PAGE)
			data[at] = 0;
	}
	*ns += (double)(stopwatch_ns(p->clock) - begin_ns);
	rig_segment_destroy(segment);
	return 0;
}

static int populate_run(void *state, uint64_t count, struct timing *timing,
			char *why)
{
	double ns = 0;
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < count; i++)
		r = populate_once(state, &ns, why);
	timing->measured = true;
	timing->value = ns / (double)count;
	return r;
}

static void populate_bound(void *state, struct case_binding *binding)
{
	struct populate *p = state;

	if (p->pool)
		pool_contender_bound(p->pool, binding);
}

static void populate_close(void *state)
{
	struct populate *p = state;

	rig_pool_destroy(p->pool);
	free(p);
}

static const struct bench_ops populate_ops = {
	.open = populate_open,
	.run = populate_run,
	.bound = populate_bound,
	.close = populate_close,
};

static int add_populate(struct plan *plan, const char *name,
			const char *settings, struct populate_arg arg)
{
	struct bench_case what = {
		.contest = "1 GiB made and populated",
		.unit = "ns",
		.bytes = (double)arg.bytes,
		.count_max = 1,
		.again = arg.workers == 0,
		.ops = &populate_ops,
		.arg = &arg,
		.arg_bytes = sizeof(arg),
	};

	snprintf(what.name, sizeof(what.name), "%s", name);
	snprintf(what.settings, sizeof(what.settings), "%s", settings);
	return plan_add(plan, &what);
}

/* ---- planning ---- */

/* In this process: the place in words. */
struct decide {
	char place[16];
};

static int decide_open(const void *arg, clockid_t clock, void **state,
		       char *why)
{
	struct decide *d = malloc(sizeof(*d));

	(void)clock;
	(void)why;
	if (!d)
		return -ENOMEM;
	*d = *(const struct decide *)arg;
	*state = d;
	return 0;
}

static int decide_run(void *state, uint64_t count, struct timing *timing,
		      char *why)
{
	const struct decide *d = state;
	const struct rig_place_options options = { .place = d->place,
						   .topology = MACHINE };
	double ns = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct rig_plan *plan = NULL;
		int r = rig_place_plan(&plan, &options);

		if (r < 0) {
			snprintf(why, CASE_WHY_BYTES, "%s", rig_why());
			return r;
		}
		ns += (double)plan->planned_ns;
		rig_place_free(plan);
	}
	timing->measured = true;
	timing->value = ns / (double)count;
	return 0;
}

static void decide_close(void *state)
{
	free(state);
}

static const struct bench_ops decide_ops = {
	.open = decide_open,
	.run = decide_run,
	.close = decide_close,
};

static int add_decide(struct plan *plan, const char *place)
{
	struct decide arg = { { 0 } };
	struct bench_case what = {
		.contest = "plan for 8 nodes, 256 cores",
		.unit = "ns",
		.count_max = 1,
		.again = strcmp(place, "core") == 0,
		.ops = &decide_ops,
		.arg = &arg,
		.arg_bytes = sizeof(arg),
	};

	snprintf(arg.place, sizeof(arg.place), "%s", place);
	snprintf(what.name, sizeof(what.name), "%s", place);
	snprintf(what.settings, sizeof(what.settings),
		 "rig_place_plan on \"%s\", as many workers as it gives",
		 MACHINE);
	return plan_add(plan, &what);
}

/* ---- the command ---- */

static int command_place(struct command *c)
{
	static const char *const places[] = { "core", "pu",     "l3",
					      "numa", "spread", "compact" };
	const size_t bytes = (size_t)1 << 30;
	int r;

	r = add_populate(&c->plan, "one process",
			 "fallocate, then a touch a page",
			 (struct populate_arg){ .bytes = bytes });
	if (r == 0)
		r = add_populate(
			&c->plan, "2 workers",
			"each what it owns (MADV_POPULATE_WRITE)",
			(struct populate_arg){ .bytes = bytes, .workers = 2 });
	if (r == 0)
		r = add_populate(
			&c->plan, "2 workers, huge pages",
			"the same, RIG_PAGES_HUGE",
			(struct populate_arg){ .bytes = bytes,
					       .workers = 2,
					       .pages = RIG_PAGES_HUGE });
	for (size_t i = 0; r == 0 && i < sizeof(places) / sizeof(*places); i++)
		r = add_decide(&c->plan, places[i]);
	if (r < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return 5;
	}
	return command_measure(c);
}

const struct bench_command bench_place = {
	.name = "place",
	.words = "",
	.summary = "Time placing, and memory populated by its owners.",
	.run = command_place,
};
