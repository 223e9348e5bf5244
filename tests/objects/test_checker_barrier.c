/* SPDX-License-Identifier: MIT */
/*
 * test_checker_barrier.c - barrier.c, compiled, in every interleaving.
 *
 * Each party writes a cell before the barrier and reads everybody's cell afterwards.
 * Two sets of cells take turns: a cell read in an epoch is written again two epochs
 * later, so the barrier between must order the two.
 */
#include "checker.h"

#include <stddef.h>
#include <string.h>

#include "objects/barrier.h"

static struct rig_barrier barrier;
static int parties;
static int epochs = 3;
static const struct patience finite = { 0 };
static const struct patience endless = { .yields = CHECKER_ENDLESS };
/* Ranks 0 to endless - 1 poll without end. */
static int endless_parties;

static void party(int self)
{
	for (int epoch = 0; epoch < epochs; epoch++) {
		int cells = epoch % 2 * parties;

		checker_write(cells + self, (uint32_t)epoch + 1);
		checker_arrive(epoch);
		barrier_wait(&barrier,
			     self < endless_parties ? &endless : &finite, NULL);
		for (int i = 0; i < parties; i++)
			if (!checker_arrived(i, epoch))
				checker_fail(CHECKER_EARLY,
					     "rank %d left epoch %d, rank %d "
					     "has not arrived",
					     self, epoch, i);
		for (int i = 0; i < parties; i++)
			if (checker_read(cells + i) != (uint32_t)epoch + 1)
				checker_fail(CHECKER_WRONG, "stale data");
	}
}

/* At rest the word tells the arrivals, and has no BLOCKING; epochs block only
 * where a party asked for blocking. */
static const char *at_end(bool stuck)
{
	uint64_t word = checker_last(&barrier.word);
	uint64_t blocked = checker_last(&barrier.blocked);
	uint64_t arrivals = (uint64_t)epochs * (uint64_t)parties;

	if (stuck)
		return "nobody can go on";
	if (barrier.kind == RIG_BARRIER_PTHREAD)
		return checker_rounds() == epochs && word == 2 * arrivals + 1
			       ? NULL
			       : "not every epoch blocked";
	if (blocked != (uint64_t)checker_rounds())
		return "an epoch blocked for nobody, or was not counted";
	return word == 2 * arrivals ? NULL : "the word is not at rest";
}

static void lay_out(int n, int without_end, enum rig_barrier_kind kind)
{
	parties = n;
	endless_parties = without_end;
	checker_location(&barrier.word, "word");
	checker_location(&barrier.blocked, "blocked");
	rig_barrier_init(&barrier, n, kind);
}

static void two(void)
{
	lay_out(2, 0, RIG_BARRIER_ADAPTIVE);
}

static void two_one_patient(void)
{
	lay_out(2, 1, RIG_BARRIER_ADAPTIVE);
}

static void two_patient(void)
{
	lay_out(2, 2, RIG_BARRIER_ADAPTIVE);
}

static void two_pthread(void)
{
	lay_out(2, 0, RIG_BARRIER_PTHREAD);
}

static void three(void)
{
	lay_out(3, 0, RIG_BARRIER_ADAPTIVE);
}

static void three_one_patient(void)
{
	lay_out(3, 1, RIG_BARRIER_ADAPTIVE);
}

static void three_patient(void)
{
	lay_out(3, 3, RIG_BARRIER_ADAPTIVE);
}

static void three_pthread(void)
{
	lay_out(3, 0, RIG_BARRIER_PTHREAD);
}

static const char *const names[] = { "rank 0", "rank 1", "rank 2" };

#define SCENARIO(n, f)                                                         \
	{                                                                      \
		.name = #f, .threads = (n), .names = names, .set_up = (f),     \
		.thread = party, .end = at_end                                 \
	}

int main(int argc, char **argv)
{
	static const struct checker_scenario scenarios[] = {
		SCENARIO(2, two),           SCENARIO(2, two_one_patient),
		SCENARIO(2, two_patient),   SCENARIO(2, two_pthread),
		SCENARIO(3, three),         SCENARIO(3, three_one_patient),
		SCENARIO(3, three_patient), SCENARIO(3, three_pthread),
	};

	int count = (int)(sizeof(scenarios) / sizeof(*scenarios));

	if (argc != 2 || strcmp(argv[1], "thorough") != 0)
		return checker_main(scenarios, count, argc, argv);
	epochs = 5;
	return checker_main(scenarios, count, 1, argv);
}
