/* SPDX-License-Identifier: MIT */
/*
 * bench_selftest.c - rigbench selftest: is the driver to be believed here?
 *
 * Some transports are measured like any other: two of them twice, once taking
 * 10 % longer; one that flips a bit of a message in a thousand; and one that
 * claims to have consumed what it never looked at.
 */
#include <stdio.h>
#include <string.h>

#include "commands/commands.h"
#include "ipc/ipc.h"

struct expectation {
	int cells, caught;
};

static const size_t sizes[] = { 64, 4096, 65536, 1 << 20 };

/* Those that are slowed, under their own names and as slow ones. */
static const struct {
	const struct transport *transport;
	const char *name, *slow;
} honest[] = {
	{ &transport_pipe, "pipe", "pipe, slow" },
	{ &transport_unix_stream, "unix-stream", "unix-stream, slow" },
};

#define HONEST (sizeof(honest) / sizeof(*honest))

static int add_sabotaged(struct plan *plan, struct pair_arg arg,
			 const struct transport *transport,
			 enum sabotage sabotage, const char *name)
{
	arg.transport = transport;
	arg.sabotage = sabotage;
	return ipc_add(plan, &arg, DISTANCE_CORES, name);
}

static int add_contest(struct plan *plan, const struct pair_arg *arg)
{
	int r = 0;

	for (size_t i = 0; i < HONEST && r == 0; i++) {
		r = add_sabotaged(plan, *arg, honest[i].transport,
				  SABOTAGE_NONE, honest[i].name);
		if (r == 0)
			r = add_sabotaged(plan, *arg, honest[i].transport,
					  SABOTAGE_SLOW, honest[i].slow);
	}
	if (r == 0)
		r = add_sabotaged(plan, *arg, &transport_pipe, SABOTAGE_CORRUPT,
				  "corrupt");
	/* Nothing is produced or consumed, and all is claimed: a pointer
	 * passed for a megabyte. */
	if (r == 0 && arg->bytes >= 4096)
		r = add_sabotaged(plan, *arg, &transport_null, SABOTAGE_LIE,
				  "liar");
	return r;
}

static int add_all(struct plan *plan)
{
	static const enum pair_pattern patterns[] = { PATTERN_PINGPONG,
						      PATTERN_STREAM };
	struct pair_arg arg = { .waiting = WAITING_HYBRID, .pairs = 1 };
	int r = 0;

	(void)distance_place(DISTANCE_CORES, 1, arg.cpu, &arg.crowded,
			     &arg.nodes);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		arg.bytes = sizes[i];
		for (size_t p = 0; p < 2 && r == 0; p++) {
			arg.pattern = patterns[p];
			r = add_contest(plan, &arg);
		}
	}
	return r;
}

/* Is it shown to be slower than what it is a slow one of? */
static bool shown_slower(const struct plan *plan, const struct cell *slow,
			 const char *name)
{
	const struct cell *cell = plan_find(plan, slow->what.contest, name);
	struct comparison c;

	return cell && measure_compare(plan, cell, slow, &c) == 0 &&
	       c.verdict == VERDICT_A_FASTER;
}

static void count(const struct plan *plan, struct expectation *slow,
		  struct expectation *corrupt, struct expectation *liar)
{
	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];
		const char *name = cell->what.name;

		for (size_t k = 0; k < HONEST; k++) {
			if (strcmp(name, honest[k].slow) != 0)
				continue;
			slow->cells++;
			slow->caught +=
				shown_slower(plan, cell, honest[k].name);
		}
		if (strcmp(name, "corrupt") == 0) {
			corrupt->cells++;
			corrupt->caught += cell->unverified;
		} else if (strcmp(name, "liar") == 0) {
			liar->cells++;
			liar->caught += cell->status == CELL_IMPLAUSIBLE;
		}
	}
}

static int command_selftest(struct command *c)
{
	struct expectation slow = { 0 };
	struct expectation corrupt = { 0 };
	struct expectation liar = { 0 };
	bool good;
	int r;

	if (add_all(&c->plan) < 0)
		return 5;
	/* Enough launches that one or two disturbed ones do not decide. */
	c->plan.launches = 10;
	/* Many short samples: fewer of them are disturbed than of few long. */
	c->plan.batch_ns = 500000;
	c->plan.blocks = 31;
	c->plan.warmup_ns = 10000000;
	c->plan.warmup_max_ns = 30000000;
	/* 2 is as it should be: one transport corrupts. */
	r = command_measure(c);
	if (r == 1 || r == 5)
		return r;
	if (c->plan.interrupted)
		return 130;
	count(&c->plan, &slow, &corrupt, &liar);
	good = slow.caught * 10 >= slow.cells * 9 &&
	       corrupt.caught == corrupt.cells && liar.caught == liar.cells;
	printf("selftest: 10 %% slower shown in %d of %d cells, corruption "
	       "caught in %d of %d, a lie in %d of %d: %s\n",
	       slow.caught, slow.cells, corrupt.caught, corrupt.cells,
	       liar.caught, liar.cells,
	       good ? "the driver is to be believed here" : "NOT trustworthy");
	return good ? 0 : 4;
}

const struct bench_command bench_selftest = {
	.name = "selftest",
	.words = "",
	.summary = "Show that slow, lying, corrupting transports are caught.",
	.run = command_selftest,
};
