/* SPDX-License-Identifier: MIT */
/*
 * check.c - kills workers at points that a seed chooses, and looks at what the
 * reports say and what comes out.
 *
 * A victim kills itself, so that the moment is that of a line of the program and
 * not of a clock: after so many elements, or right before a step is recorded.
 * Plans are in a second segment, which outlives the victims.
 */
#include "lab.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define SEEDS       12
#define WORKERS_MAX 4
#define DEATHS      3

/* In shared memory: a death to come.  Each has its run. */
struct death {
	int rank;
	bool recording; /* right before a step is recorded; by rank 0 */
	int countdown;  /* elements, or steps, until then */
};

/* In shared memory, the job's segment 1. */
struct plan {
	struct death deaths[DEATHS];
	int next; /* this run's death; lab_run() writes it between two runs */
	_Atomic unsigned waits[WORKERS_MAX]; /* barriers entered */
};

/* What lab_run() has seen: in this process. */
static struct {
	struct rig_pool *pool;
	int reports;
	int untrue; /* reports that name another than the plan */
	struct plan *plan;
} seen;

double lab_next(double x, size_t i)
{
	return 3 * x + (double)(i % 7);
}

static struct plan *plan_of(struct rig_team *team)
{
	return rig_team_data(team, 1);
}

/* Is this run's death this rank's, of this kind, and now? */
static bool dies(struct rig_team *team, bool recording)
{
	struct plan *plan = plan_of(team);
	struct death *death = &plan->deaths[plan->next];

	return plan->next < DEATHS && death->recording == recording &&
	       death->rank == rig_team_rank(team) && death->countdown-- <= 0;
}

int lab_barrier(struct rig_team *team)
{
	atomic_fetch_add(&plan_of(team)->waits[rig_team_rank(team)], 1);
	return rig_team_barrier(team);
}

void lab_point(struct rig_team *team)
{
	if (dies(team, false))
		raise(SIGKILL);
}

void lab_record(struct rig_team *team, struct lab_state *state, uint64_t step)
{
	struct plan *plan = plan_of(team);

	if (dies(team, true)) {
		/* The others can get no further than their next barrier; in the
		 * last step there may be none. */
		for (int i = 1; i < rig_team_size(team); i++)
			while (step < LAB_STEPS &&
			       atomic_load(&plan->waits[i]) <=
				       atomic_load(&plan->waits[0]))
				sched_yield();
		raise(SIGKILL);
	}
	state->step = step;
}

int lab_run(struct rig_pool *pool, const struct rig_job *job)
{
	const struct rig_report *report = rig_pool_report(pool);
	struct plan *plan = seen.plan;
	int r;

	memset(plan->waits, 0, sizeof(plan->waits));
	r = rig_pool_run(pool, job);
	if (r != -EOWNERDEAD)
		return r;
	seen.reports++;
	printf("  %s", report->text);
	if (report->end != RIG_END_DEATH || plan->next == DEATHS ||
	    report->rank != plan->deaths[plan->next].rank)
		seen.untrue++;
	if (plan->next < DEATHS)
		plan->next++;
	return r;
}

/* Deaths from a seed: a linear congruential generator (Lewis, Goodman and
 * Miller, 1969) is random enough to choose three. */
static unsigned draw(unsigned *seed, unsigned end)
{
	*seed = (unsigned)((unsigned long)*seed * 16807 % 2147483647);
	return *seed % end;
}

static void make_plan(struct plan *plan, unsigned seed, int workers)
{
	memset(plan, 0, sizeof(*plan));
	for (int i = 0; i < DEATHS; i++) {
		struct death *death = &plan->deaths[i];

		death->recording = draw(&seed, 2);
		death->rank = death->recording
				      ? 0
				      : (int)draw(&seed, (unsigned)workers);
		death->countdown = (int)draw(
			&seed, death->recording ? LAB_STEPS / DEATHS
						: (unsigned)(LAB_N / workers) *
							  (LAB_STEPS / DEATHS));
	}
}

static size_t first_wrong(const double *x)
{
	size_t i = 0;

	for (; i < LAB_N; i++) {
		double right = (double)i;

		for (int step = 0; step < LAB_STEPS; step++)
			right = lab_next(right, i);
		if (x[i] != right)
			break;
	}
	return i;
}

/* Is this seed survived? */
static bool grade(int r, const struct lab_state *state, const struct plan *plan)
{
	size_t wrong = first_wrong(state->x[LAB_STEPS % 2]);

	if (r < 0)
		printf("  hint: TODO(1): the job was not done: %s\n",
		       rig_why());
	else if (seen.untrue)
		printf("  %d reports name another rank than died\n",
		       seen.untrue);
	else if (state->step != LAB_STEPS)
		printf("  hint: TODO(2): %u of %d steps are recorded\n",
		       (unsigned)state->step, LAB_STEPS);
	else if (wrong < LAB_N && plan->deaths[0].recording)
		printf("  hint: x[%zu] is wrong: TODO(2) to TODO(4): computed "
		       "twice, or from what was overwritten\n",
		       wrong);
	else if (wrong < LAB_N)
		printf("  hint: x[%zu] is wrong: TODO(2) or TODO(3): computed "
		       "twice\n",
		       wrong);
	return r == 0 && !seen.untrue && state->step == LAB_STEPS &&
	       wrong == LAB_N && seen.reports == DEATHS;
}

static bool check(struct rig_pool *pool, unsigned seed)
{
	struct rig_segment *data = NULL, *plans = NULL;
	bool right = false;
	int r = rig_segment_create(&data, NULL, sizeof(struct lab_state), NULL);

	if (r == 0)
		r = rig_segment_create(&plans, NULL, sizeof(struct plan), NULL);
	if (r < 0) {
		printf("%s\n", rig_why());
		goto out;
	}
	seen.plan = rig_segment_data(plans);
	seen.reports = seen.untrue = 0;
	make_plan(seen.plan, seed * 7919, rig_pool_size(pool));
	for (size_t i = 0; i < LAB_N; i++)
		((struct lab_state *)rig_segment_data(data))->x[0][i] =
			(double)i;
	printf("seed %u, %d workers\n", seed, rig_pool_size(pool));
	r = persist(
		pool,
		&(struct rig_job){
			.kernel = advance,
			.segments = { { .name = rig_segment_name(data) },
				      { .name = rig_segment_name(plans) } } });
	right = grade(r, rig_segment_data(data), seen.plan);
out:
	rig_segment_destroy(plans);
	rig_segment_destroy(data);
	return right;
}

int main(void)
{
	int right = 0;

	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct rig_pool *pool = NULL;

		if (rig_pool_create(
			    &pool,
			    &(struct rig_pool_options){
				    .workers = 2 + (int)seed % (WORKERS_MAX -
								1) }) < 0) {
			printf("%s\n", rig_why());
			return 3;
		}
		right += check(pool, seed);
		rig_pool_destroy(pool);
	}
	if (right == SEEDS)
		printf("all right: %d of %d\n", right, SEEDS);
	else
		printf("not yet: %d of %d seeds right\n", right, SEEDS);
	return right != SEEDS;
}
