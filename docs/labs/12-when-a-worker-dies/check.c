/* SPDX-License-Identifier: MIT */
/*
 * check.c - kills workers at points that a seed chooses, and looks at what the
 * reports say and what comes out.
 *
 * A victim kills itself, so that the moment is that of a line of the program and
 * not of a clock: after so many elements, or right before a step is recorded.
 * Plans are in a second segment, which outlives the victims.  Deaths and numbers
 * are drawn for each check.
 */
#include "lab.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "labs/judge/grade.h"

#define ROUNDS      12
#define WORKERS_MAX 8
#define DEATHS      3

/* Deaths that are not the check's, after which the check ends. */
#define FURTHER 5

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
	int runs, reports;
	int untrue; /* reports that name another than the plan */
	struct plan *plan;
} seen;

static double factor; /* drawn; the workers inherit it */
static rig_kernel_fn *advance_of_student;
static int (*persist_of_student)(struct rig_pool *, const struct rig_job *);

double lab_next(double x, size_t i)
{
	return factor * x + (double)(i % 7);
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

/* advance(), in a worker: nobody waits for a rank that has returned. */
static int advance_watched(struct rig_team *team)
{
	int r = advance_of_student(team);

	atomic_store(&plan_of(team)->waits[rig_team_rank(team)], UINT_MAX);
	return r;
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
	seen.runs++;
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
	if (seen.reports > DEATHS + FURTHER) {
		printf("%s\n", rig_pool_report(pool)->text);
		grade_case(false, "%d deaths, of which the check has made %d",
			   seen.reports, DEATHS);
		grade_hint("a rank ends in every run by itself: start.c must "
			   "not call exit(), and a signal is a mistake of "
			   "memory");
		grade_end();
	}
	return r;
}

static int draw(int end)
{
	return (int)grade_draw((uint64_t)end);
}

/* Deaths: those of an odd round are all in the middle of a step. */
static void make_plan(struct plan *plan, int round, int workers)
{
	memset(plan, 0, sizeof(*plan));
	for (int i = 0; i < DEATHS; i++) {
		struct death *death = &plan->deaths[i];

		death->recording = round % 2 == 0 && draw(3) > 0;
		death->rank = death->recording ? 0 : draw(workers);
		death->countdown =
			draw(death->recording
				     ? LAB_STEPS / DEATHS
				     : LAB_N / workers * LAB_STEPS / DEATHS);
	}
}

static double begin_of(size_t i)
{
	return (double)(i + 1) * factor;
}

static size_t first_wrong(const double *x)
{
	size_t i = 0;

	for (; i < LAB_N; i++) {
		double right = begin_of(i);

		for (int step = 0; step < LAB_STEPS; step++)
			right = lab_next(right, i);
		if (x[i] != right)
			break;
	}
	return i;
}

/* Is there a death right before a step is recorded? */
static bool has_recording(const struct plan *plan)
{
	bool found = false;

	for (int i = 0; i < DEATHS; i++)
		found |= plan->deaths[i].recording;
	return found;
}

static void give_hint(int r, const struct lab_state *state, size_t wrong,
		      const struct plan *plan)
{
	if (r < 0)
		grade_hint("TODO(1): the job was not done: persist() gave up");
	else if (seen.runs == 0)
		grade_hint("persist() runs the job by lab_run(), on the pool");
	else if (state->step != LAB_STEPS)
		grade_hint("TODO(2): %u of %d steps are recorded",
			   (unsigned)state->step, LAB_STEPS);
	else if (seen.reports == 0)
		grade_hint("every rank steps the elements of its strip, and "
			   "calls lab_point() after each; rank 0 calls "
			   "lab_record() after each step");
	else if (wrong < LAB_N && has_recording(plan))
		grade_hint("TODO(2) to TODO(4): computed twice, or from what "
			   "was overwritten before the step was recorded");
	else if (wrong < LAB_N)
		grade_hint("TODO(2) or TODO(3): elements are computed twice");
	else
		grade_hint("every rank steps the elements of its strip, and "
			   "calls lab_point() after each; rank 0 calls "
			   "lab_record() after each step");
}

static void judge(int r, const struct lab_state *state, const struct plan *plan)
{
	size_t wrong = first_wrong(state->x[LAB_STEPS % 2]);
	bool right = r == 0 && !seen.untrue && state->step == LAB_STEPS &&
		     wrong == LAB_N && seen.reports == DEATHS;

	grade_case(right,
		   "%d deaths of %d, %d reports of another rank, x[%zu] is "
		   "the first that is wrong of %d: %s",
		   seen.reports, DEATHS, seen.untrue, wrong, LAB_N,
		   r < 0 ? rig_why() : "the job is done");
	if (!right)
		give_hint(r, state, wrong, plan);
}

static int check(struct rig_pool *pool, int round)
{
	struct rig_segment *data = NULL, *plans = NULL;
	int r = rig_segment_create(&data, NULL, sizeof(struct lab_state), NULL);

	if (r == 0)
		r = rig_segment_create(&plans, NULL, sizeof(struct plan), NULL);
	if (r < 0)
		goto out;
	seen.plan = rig_segment_data(plans);
	seen.runs = seen.reports = seen.untrue = 0;
	make_plan(seen.plan, round, rig_pool_size(pool));
	for (size_t i = 0; i < LAB_N; i++)
		((struct lab_state *)rig_segment_data(data))->x[0][i] =
			begin_of(i);
	printf("round %d, %d worker%s\n", round, rig_pool_size(pool),
	       rig_pool_size(pool) == 1 ? "" : "s");
	r = persist_of_student(
		pool,
		&(struct rig_job){
			.kernel = advance_watched,
			.segments = { { .name = rig_segment_name(data) },
				      { .name = rig_segment_name(plans) } } });
	judge(r, rig_segment_data(data), seen.plan);
	r = 0;
out:
	rig_segment_destroy(plans);
	rig_segment_destroy(data);
	return r;
}

int lab_check(void)
{
	/* Each team has an odd round and an even one. */
	static const int teams[ROUNDS / 2] = { 2, 3, 1, 4, WORKERS_MAX, 2 };
	int r = 0;

	advance_of_student = (rig_kernel_fn *)grade_student("advance");
	persist_of_student =
		(__typeof__(persist_of_student))grade_student("persist");
	factor = 2 + (double)grade_draw(1000) / 1024;
	for (int round = 1; r == 0 && round <= ROUNDS; round++) {
		struct rig_pool *pool = NULL;

		r = rig_pool_create(
			&pool,
			&(struct rig_pool_options){
				.workers = teams[round / 2 % (ROUNDS / 2)] });
		if (r == 0)
			r = check(pool, round);
		rig_pool_destroy(pool);
	}
	return r;
}
