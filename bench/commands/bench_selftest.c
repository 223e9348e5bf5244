/* SPDX-License-Identifier: MIT */
/*
 * bench_selftest.c - rigbench selftest: is the driver to be believed here?
 *
 * Some transports are measured like any other: two transports twice, once taking
 * 10 % longer; a transport that flips a bit of a message in a thousand; a transport
 * that claims to have consumed a message without a look; and contenders of
 * contender.h that copy half of a message, read nothing, or send nothing, beside an
 * honest contender of the same make.
 */
#include <stdio.h>
#include <string.h>

#include "commands/commands.h"
#include "ipc/ipc.h"
#include "ipc/liars.h"
#include "ipc/transport_own.h"

/* A fault that has to be caught, and the summary's words for the fault. */
enum sabotage_kind {
	FAULT_SLOW,
	FAULT_CORRUPT,
	FAULT_LIE,
	FAULT_LESS,
	FAULT_NOTHING,
	FAULT_CLAIM,
	FAULTS
};

static const char *const fault_words[FAULTS] = { "10 % slower shown",
						 "corruption caught",
						 "a lie caught",
						 "half a message caught",
						 "a message not read caught",
						 "a message not sent caught" };

struct expectation {
	int cells, caught;
};

static const size_t sizes[] = { 64, 4096, 65536, 1 << 20 };

/* The transports that are slowed, with the names of both forms. */
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

/* The honest contender first: no fault may be found there. */
static const struct rigbench_contender *const liars[] = {
	&liar_honest, &liar_less, &liar_nothing, &liar_claims
};

#define LIARS (sizeof(liars) / sizeof(*liars))

static const struct transport *liar_transports[LIARS];

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
	for (size_t i = 0; i < LIARS && r == 0; i++)
		r = add_sabotaged(plan, *arg, liar_transports[i], SABOTAGE_NONE,
				  liars[i]->name);
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
	for (size_t i = 0; i < LIARS; i++)
		liar_transports[i] = transport_own_add(liars[i]);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		arg.bytes = sizes[i];
		for (size_t p = 0; p < 2 && r == 0; p++) {
			arg.pattern = patterns[p];
			r = add_contest(plan, &arg);
		}
	}
	return r;
}

/* Is the slow form shown to be slower than the honest form? */
static bool shown_slower(const struct plan *plan, const struct cell *slow,
			 const char *name)
{
	const struct cell *cell = plan_find(plan, slow->what.contest, name);
	struct comparison c;

	return cell && measure_compare(plan, cell, slow, &c) == 0 &&
	       c.verdict == VERDICT_A_FASTER;
}

static void expect(struct expectation *e, bool caught)
{
	e->cells++;
	e->caught += caught;
}

/* The cell of a name; -1: an honest contender has not done the work. */
static int judge(const struct plan *plan, const struct cell *cell,
		 struct expectation *faults)
{
	const char *name = cell->what.name;

	/* Nothing was asked of a cell that the budget left out. */
	if (cell->status == CELL_SKIPPED)
		return 0;
	for (size_t k = 0; k < HONEST; k++)
		if (strcmp(name, honest[k].slow) == 0)
			expect(&faults[FAULT_SLOW],
			       shown_slower(plan, cell, honest[k].name));
	if (strcmp(name, "corrupt") == 0)
		expect(&faults[FAULT_CORRUPT], cell->unverified);
	else if (strcmp(name, "liar") == 0)
		expect(&faults[FAULT_LIE], cell->status == CELL_IMPLAUSIBLE);
	for (size_t k = 1; k < LIARS; k++)
		if (strcmp(name, liars[k]->name) == 0)
			expect(&faults[FAULT_LESS + k - 1], cell->unverified);
	return strcmp(name, liar_honest.name) == 0 && cell->status != CELL_OK
		       ? -1
		       : 0;
}

/* A line of the summary; true: nothing is wrong. */
static bool summarise(const struct plan *plan)
{
	struct expectation faults[FAULTS] = { { 0, 0 } };
	bool good = true;

	for (size_t i = 0; i < plan->cell_count; i++)
		if (judge(plan, &plan->cells[i], faults) < 0) {
			printf("selftest: %s, which does its work, is %s\n",
			       plan->cells[i].what.name, plan->cells[i].reason);
			good = false;
		}
	printf("selftest:");
	for (int f = 0; f < FAULTS; f++) {
		const struct expectation *e = &faults[f];

		printf("%s %s in %d of %d%s", f ? "," : "", fault_words[f],
		       e->caught, e->cells, f ? "" : " cells");
		/* Noise hides a tenth now and then, and nothing else. */
		good &= e->cells > 0 &&
			(f == FAULT_SLOW ? e->caught * 10 >= e->cells * 9
					 : e->caught == e->cells);
	}
	printf(": %s\n",
	       good ? "the driver is to be believed here" : "NOT trustworthy");
	return good;
}

static int command_selftest(struct command *c)
{
	int r;

	if (add_all(&c->plan) < 0)
		return EXIT_SYSTEM;
	/* Enough launches that a few disturbed launches do not decide. */
	c->plan.launches = 10;
	/* Many short samples: fewer of them are disturbed than of few long. */
	c->plan.batch_ns = 500000;
	c->plan.blocks = 31;
	c->plan.warmup_ns = 10000000;
	c->plan.warmup_max_ns = 30000000;
	/* 2 is right: a transport corrupts messages. */
	r = command_measure(c);
	if (r == EXIT_USAGE || r == EXIT_SYSTEM)
		return r;
	if (c->plan.interrupted)
		return EXIT_INTERRUPTED;
	return summarise(&c->plan) ? EXIT_DONE : EXIT_UNTRUSTED;
}

const struct bench_command bench_selftest = {
	.name = "selftest",
	.words = "",
	.summary = "Show that slow, lying, corrupting transports are caught.",
	.run = command_selftest,
};
