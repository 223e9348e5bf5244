/* SPDX-License-Identifier: MIT */
/*
 * timed.c - the contender of timed.h, and the clock that the contender moves on.
 */
#include <errno.h>
#include <stdio.h>

#include "bench/timed.h"
#include "lib/harness.h"

uint64_t timed_now_ns;

static uint64_t fake_now(void)
{
	return timed_now_ns;
}

/* The helper runs, until the launch ends. */
static bool helper_runs;
static uint64_t helper_took_ns;

static double luck;

uint32_t timed_opened;

static int timed_open(const void *arg, clockid_t clock, void **state, char *why)
{
	static struct timed_arg args[64];
	static size_t next;
	struct timed_arg *a = &args[next++ % 64];

	*a = *(const struct timed_arg *)arg;
	timed_opened++;
	if (a->lucky) {
		a->value *= luck;
		luck = 3 - luck;
	}
	timed_now_ns += a->open_ns;
	helper_took_ns = helper_runs ? 0 : a->helper_ns;
	timed_now_ns += helper_took_ns;
	if (a->absent)
		return -ENOTSUP;
	helper_runs = true;
	*state = a;
	return 0;
}

static int timed_run(void *state, uint64_t count, struct timing *timing,
		     char *why)
{
	struct timed_arg *a = state;

	timed_now_ns += a->run_ns + count * a->operation_ns;
	timing->measured = true;
	timing->value = a->value;
	if (a->disturbed > 0) {
		a->disturbed--;
		timing->value = 20 * MS / (double)count;
	}
	return 0;
}

static void timed_close(void *state)
{
}

static uint64_t timed_kept(void *state)
{
	return helper_took_ns;
}

static void timed_end_launch(void)
{
	helper_runs = false;
}

const struct bench_ops timed_ops = {
	.open = timed_open,
	.run = timed_run,
	.close = timed_close,
	.kept_ns = timed_kept,
	.end_launch = timed_end_launch,
};

void timed_add(struct plan *plan, int contest, const char *name, bool again,
	       struct timed_arg arg)
{
	struct bench_case what = { .unit = "ns",
				   .again = again,
				   .count_max = 1,
				   .ops = &timed_ops,
				   .arg = &arg,
				   .arg_bytes = sizeof(arg) };

	snprintf(what.contest, sizeof(what.contest), "contest %d", contest);
	snprintf(what.name, sizeof(what.name), "%s", name);
	ck_assert_int_eq(plan_add(plan, &what), 0);
}

void timed_plan(struct plan *plan, uint64_t budget_ns, int contests,
		struct timed_arg arg)
{
	plan_init(plan);
	plan->seed = 1;
	timed_now_ns = 1000 * S;
	luck = 1;
	timed_opened = 0;
	helper_runs = false;
	plan->now = fake_now;
	plan->began_ns = timed_now_ns;
	plan->budget_ns = budget_ns;
	for (int i = 0; i < contests; i++) {
		timed_add(plan, i, "a", false, arg);
		timed_add(plan, i, "b", false, arg);
	}
}

uint64_t timed_spent(const struct plan *plan)
{
	return timed_now_ns - plan->began_ns;
}
