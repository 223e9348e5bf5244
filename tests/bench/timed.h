/* SPDX-License-Identifier: MIT */
/*
 * timed.h - a contender whose times a test chooses, for test_budget.c and test_equal.c.
 *
 * The clock is a counter that each run of a contender moves on: no test depends on a
 * real time.
 */
#ifndef RUNRIG_TEST_TIMED_H
#define RUNRIG_TEST_TIMED_H

#include <driver/measure.h>

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

struct timed_arg {
	uint64_t open_ns, run_ns;
	bool absent;           /* the machine lacks the contender */
	uint64_t operation_ns; /* beside run_ns, of each operation */
	double value;
	/* Every second contender that is opened is twice as slow. */
	bool lucky;
	/* The first runs, of this number, are disturbed. */
	int disturbed;
	/* The first open() of a launch takes so much longer, for all. */
	uint64_t helper_ns;
};

extern const struct bench_ops timed_ops;

/* The clock. */
extern uint64_t timed_now_ns;

/* The number of contenders that were opened since timed_plan(). */
extern uint32_t timed_opened;

/* Add a contender to a contest; `again`: as the contest's A, which has a second A. */
void timed_add(struct plan *plan, int contest, const char *name, bool again,
	       struct timed_arg arg);

/* Make a plan of `contests` contests of two contenders each. */
void timed_plan(struct plan *plan, uint64_t budget_ns, int contests,
		struct timed_arg arg);

/* The time that the plan has used. */
uint64_t timed_spent(const struct plan *plan);

#endif
