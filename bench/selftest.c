/* SPDX-License-Identifier: MIT */
/*
 * selftest.c - rigbench selftest: is the driver to be believed here?
 *
 * Four transports are measured like any other: the pipe twice, once taking 10 %
 * longer; one that flips a bit of a message in a thousand; and one
 * that claims to have consumed what it never looked at.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "ipc.h"

struct expectation {
	int cells, caught;
};

static const size_t sizes[] = { 64, 4096, 65536, 1 << 20 };

static int add_sabotaged(struct plan *plan, struct pair_arg arg,
			 enum sabotage sabotage, const char *name)
{
	arg.sabotage = sabotage;
	return ipc_add(plan, &arg, APART_CORES, name);
}

static int add_all(struct plan *plan)
{
	struct pair_arg arg = { .waiting = WAITING_HYBRID, .pairs = 1 };
	int r = 0;

	(void)apart_place(APART_CORES, 1, arg.cpu, &arg.crowded, &arg.nodes);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes) && r == 0; i++) {
		arg.bytes = sizes[i];
		for (int p = 0; p < 2 && r == 0; p++) {
			arg.pattern = p ? PATTERN_STREAM : PATTERN_PINGPONG;
			arg.transport = &transport_pipe;
			r = add_sabotaged(plan, arg, SABOTAGE_NONE, "pipe");
			if (r == 0)
				r = add_sabotaged(plan, arg, SABOTAGE_SLOW,
						  "slow");
			if (r == 0)
				r = add_sabotaged(plan, arg, SABOTAGE_CORRUPT,
						  "corrupt");
			/* Nothing is produced or consumed, and all is
			 * claimed: a pointer passed for a megabyte. */
			arg.transport = &transport_null;
			if (r == 0 && arg.bytes >= 4096)
				r = add_sabotaged(plan, arg, SABOTAGE_LIE,
						  "liar");
		}
	}
	return r;
}

/* Which of the cells called `name` show what they are. */
static struct expectation count(const struct plan *plan, const char *name)
{
	struct expectation e = { 0 };

	for (size_t i = 0; i < plan->cell_count; i++) {
		const struct cell *cell = &plan->cells[i];
		const struct cell *honest;
		struct comparison c;

		if (strcmp(cell->what.name, name) != 0)
			continue;
		e.cells++;
		if (strcmp(name, "corrupt") == 0) {
			e.caught += cell->unverified;
			continue;
		}
		if (strcmp(name, "liar") == 0) {
			e.caught += cell->status == CELL_IMPLAUSIBLE;
			continue;
		}
		honest = plan_find(plan, cell->what.contest, "pipe");
		e.caught += honest &&
			    measure_compare(plan, honest, cell, &c) == 0 &&
			    c.verdict == VERDICT_A_FASTER;
	}
	return e;
}

int command_selftest(struct command *c)
{
	struct expectation slow;
	struct expectation corrupt;
	struct expectation liar;
	bool good;

	if (add_all(&c->plan) < 0)
		return 5;
	/* Enough launches that one or two disturbed ones do not decide. */
	c->plan.launches = 10;
	c->plan.warmup_ns = 10000000;
	c->plan.warmup_max_ns = 30000000;
	(void)command_measure(c);
	if (c->plan.interrupted)
		return 130;
	slow = count(&c->plan, "slow");
	corrupt = count(&c->plan, "corrupt");
	liar = count(&c->plan, "liar");
	good = slow.caught * 10 >= slow.cells * 9 &&
	       corrupt.caught == corrupt.cells && liar.caught == liar.cells;
	printf("selftest: 10 %% slower shown in %d of %d cells, corruption "
	       "caught in %d of %d, a lie in %d of %d: %s\n",
	       slow.caught, slow.cells, corrupt.caught, corrupt.cells,
	       liar.caught, liar.cells,
	       good ? "the driver is to be believed here" : "NOT trustworthy");
	return good ? 0 : 4;
}
