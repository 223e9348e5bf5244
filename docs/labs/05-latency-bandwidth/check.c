/* SPDX-License-Identifier: MIT */
/*
 * check.c - draw what messages cost, and see whether the student finds out.
 *
 * The clock that is graded is the check's (judge/clock.h): a message costs a + b n,
 * drawn for each check and for each peer, the first messages of a measuring cost
 * more, and every seventh of a rank's is disturbed.  At the end the student's
 * functions measure this machine, for the student to look at: that is not graded.
 */
#include "lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "labs/judge/clock.h"
#include "labs/judge/grade.h"

#define SAMPLES 14
#define FITS    6
#define LONGEST ((size_t)512 << 10)

static struct {
	int (*measure)(struct rig_team *, int, size_t, double *);
	void (*fit)(const struct lab_sample *, size_t, struct lab_line *);
	double (*predict)(const struct lab_line *, size_t, size_t);
	size_t (*long_enough)(const struct lab_line *, double);
} student;

/* The orders for a run.  bytes is 0: measure this machine. */
struct task {
	struct lab_line line; /* to rank `peer` */
	int peer;
	size_t bytes;
	unsigned phase; /* of disturbances */
	double skew;    /* of the clocks */
};

/* A run's results, in rank 0's slot. */
struct outcome {
	double ns, end;
	unsigned sent, received;
	struct lab_line own; /* measured on this machine */
};

static unsigned sent, received;
static char *long_message;

static const struct task *task_of(struct rig_team *team)
{
	return rig_team_args(team);
}

static uint64_t cost_of(const struct task *task, size_t bytes)
{
	double ns = task->line.a + task->line.b * (double)bytes;

	if (sent < 2)
		ns *= 4;
	if ((sent + task->phase) % 7 == 0)
		ns *= 1.5;
	/* A thousandth of a nanosecond: lab_clock() divides. */
	return (uint64_t)(1000 * ns);
}

int lab_send(struct rig_team *team, size_t bytes, int to)
{
	const struct task *task = task_of(team);
	uint64_t cost;

	if (task->bytes == 0)
		return rig_team_send(team, long_message, bytes, RIG_UINT8, to,
				     0);
	cost = cost_of(task, bytes);
	sent++;
	return grade_send(team, NULL, 0, to, cost);
}

int lab_recv(struct rig_team *team, size_t bytes, int from)
{
	if (task_of(team)->bytes == 0)
		return rig_team_recv(team, long_message, bytes, RIG_UINT8, from,
				     0, NULL);
	received++;
	return grade_recv(team, NULL, 0, from);
}

double lab_clock(struct rig_team *team)
{
	struct timespec now;

	if (task_of(team)->bytes != 0)
		return (double)grade_clock() / 1000 +
		       task_of(team)->skew * rig_team_rank(team);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double fraction(void)
{
	return (double)grade_draw((uint64_t)1 << 53) * 0x1p-53;
}

/* 300 to 5000 ns, and 0.05 to 1 ns a byte; far peers are farther. */
static struct lab_line draw_line(int peer)
{
	double far = peer > 3 ? 2 : 1;

	return (struct lab_line){ far * 300 * pow(16, fraction()),
				  far * 0.05 * pow(20, fraction()) };
}

static bool is_near(double found, double wanted, double part)
{
	return fabs(found - wanted) <= part * wanted;
}

/* ---- (1) measure ---- */

static int measured(struct rig_team *team)
{
	const struct task *task = task_of(team);
	struct outcome *outcome = rig_team_result(team);
	int r;

	sent = received = 0;
	grade_clock_set(0);
	r = student.measure(team, task->peer, task->bytes, &outcome->ns);
	outcome->end = (double)grade_clock() / 1000;
	outcome->sent = sent;
	outcome->received = received;
	return r;
}

static void hint_measure(const struct outcome *outcome, double right)
{
	if (outcome->sent == 0)
		grade_hint("TODO(1): rank 0 sends no message: how would rank 0 "
			   "know?");
	else if (outcome->received == 0 && outcome->ns < right / 2)
		grade_hint("TODO(1): a send returns when the message is on its "
			   "way: rank 0 knows of the arrival by an answer");
	else if (fabs(outcome->ns) > 1e8)
		grade_hint("TODO(1): the clocks of two ranks are set "
			   "differently: begin and end on one clock");
	else if (is_near(outcome->ns, 2 * right, 0.03))
		grade_hint("TODO(1): a round trip has two messages");
	else if (outcome->sent < 3)
		grade_hint("TODO(1): the first messages are slow: measure "
			   "LAB_ROUNDS round trips");
	else if (outcome->ns > right)
		grade_hint("TODO(1): a mean has the first messages and every "
			   "disturbance in it: the least, or the median, has "
			   "not");
	else
		grade_hint("TODO(1): half of a round trip that nothing has "
			   "disturbed");
}

static void judge_measure(struct rig_pool *pool, int peer)
{
	struct task task = { draw_line(peer), peer, 8 + grade_draw(100000),
			     (unsigned)grade_draw(7),
			     1e9 + (double)grade_draw(1000000) };
	struct outcome outcome = { .ns = 0 };
	double right = task.line.a + task.line.b * (double)task.bytes;
	int r = rig_pool_run(pool,
			     &(struct rig_job){ .kernel = measured,
						.args = &task,
						.args_bytes = sizeof(task),
						.limit_ns = 20000000000u });

	if (r < 0) {
		grade_case(false, "%d ranks: %s", rig_pool_size(pool),
			   rig_why());
		grade_hint("TODO(1): rank 0 and the peer send as often as the "
			   "other receives");
		return;
	}
	(void)rig_pool_result(pool, 0, &outcome, sizeof(outcome));
	r = is_near(outcome.ns, right, 0.03) && outcome.received > 0;
	grade_case(r,
		   "rank 0 to rank %d, %zu bytes: %.1f ns, you found %.1f ns",
		   peer, task.bytes, right, outcome.ns);
	if (!r)
		hint_measure(&outcome, right);
}

/* ---- (2) fit ---- */

static void judge_fit(void)
{
	struct lab_line line = draw_line(1), found = { 0, 0 };
	struct lab_sample samples[SAMPLES];
	bool a, b;

	for (int i = 0; i < SAMPLES; i++) {
		samples[i].bytes = (size_t)(8 * pow(524288, i / 13.0));
		samples[i].ns = (line.a + line.b * (double)samples[i].bytes) *
				(0.99 + 0.02 * fraction());
	}
	/* The longest message is 1 % off, to whichever side. */
	samples[SAMPLES - 1].ns =
		(line.a + line.b * (double)samples[SAMPLES - 1].bytes) *
		(grade_draw(2) ? 1.01 : 0.99);
	student.fit(samples, SAMPLES, &found);
	a = is_near(found.a, line.a, 0.08);
	b = is_near(found.b, line.b, 0.08);
	grade_case(a && b,
		   "a = %.1f ns, b = %.4f ns a byte; you found %.1f and %.4f",
		   line.a, line.b, found.a, found.b);
	if (b && !a)
		grade_hint("TODO(2): the long messages decide all: weigh each "
			   "square by 1 / ns^2, so that relative errors count");
	else if (!b && is_near(1 / found.b, line.b, 0.08))
		grade_hint("TODO(2): b is nanoseconds a byte, not bytes a "
			   "nanosecond");
	else if (!b)
		grade_hint("TODO(2): b is the slope of the samples");
}

/* ---- (3), (4) predictions ---- */

static void judge_predict(void)
{
	struct lab_line line = draw_line(1);
	size_t pieces = 2 + grade_draw(1000);
	size_t bytes = pieces * (1 + grade_draw(4000));
	double right = (double)pieces * line.a + line.b * (double)bytes;
	double said = student.predict(&line, bytes, pieces);
	bool near = is_near(said, right, 0.001);

	grade_case(near, "%zu bytes in %zu pieces: %.0f ns, you predict %.0f",
		   bytes, pieces, right, said);
	if (!near &&
	    is_near(said, (double)pieces * (line.a + line.b * (double)bytes),
		    0.001))
		grade_hint("TODO(3): a piece has bytes / pieces bytes");
	else if (!near)
		grade_hint("TODO(3): each piece pays the latency");
}

static void judge_length(void)
{
	struct lab_line line = draw_line(1);
	double share = 0.5 + 0.45 * fraction();
	double right = share / (1 - share) * line.a / line.b;
	double said = (double)student.long_enough(&line, share);
	bool near = fabs(said - right) <= 1 + right / 1000;

	grade_case(near, "%.0f %% of the bandwidth: %.0f bytes, you say %.0f",
		   100 * share, right, said);
	if (!near && is_near(said, line.a / line.b, 0.01))
		grade_hint("TODO(4): a / b is the length that has half of the "
			   "bandwidth");
	else if (!near)
		grade_hint("TODO(4): solve n b / (a + b n) = share for n");
}

/* ---- this machine ---- */

static int measured_here(struct rig_team *team)
{
	struct lab_sample samples[SAMPLES];
	struct outcome *outcome = rig_team_result(team);
	int r = 0;

	long_message = calloc(1, LONGEST);
	if (!long_message)
		return rig_team_fail(team, -12, "no memory");
	for (int i = 0; r == 0 && i < SAMPLES; i++) {
		samples[i].bytes = (size_t)(8 * pow(65536, i / 13.0));
		r = student.measure(team, 1, samples[i].bytes, &samples[i].ns);
	}
	if (r == 0 && rig_team_rank(team) == 0)
		student.fit(samples, SAMPLES, &outcome->own);
	free(long_message);
	return r;
}

static void show_machine(struct rig_pool *pool)
{
	const struct task task = { .peer = 1 };
	struct outcome outcome;

	if (rig_pool_run(pool, &(struct rig_job){ .kernel = measured_here,
						  .args = &task,
						  .args_bytes = sizeof(task),
						  .limit_ns = 20000000000u }) <
		    0 ||
	    rig_pool_result(pool, 0, &outcome, sizeof(outcome)) < 0)
		return;
	printf("this machine, by your functions (not graded): %.0f ns, and "
	       "%.2f GB/s\n",
	       outcome.own.a, 1 / outcome.own.b);
}

int lab_check(void)
{
	int r = 0;

	student.measure = (__typeof__(student.measure))grade_student("measure");
	student.fit = (__typeof__(student.fit))grade_student("fit");
	student.predict = (__typeof__(student.predict))grade_student("predict");
	student.long_enough =
		(__typeof__(student.long_enough))grade_student("long_enough");
	for (int i = 0; i < FITS; i++) {
		judge_fit();
		judge_predict();
		judge_length();
	}
	for (int workers = 2; r == 0 && workers <= 8; workers += 6) {
		struct rig_pool *pool = NULL;

		r = rig_pool_create(&pool, &(struct rig_pool_options){
						   .workers = workers });
		for (int peer = 1; r == 0 && peer < workers; peer++)
			judge_measure(pool, peer);
		if (r == 0 && workers == 2)
			show_machine(pool);
		rig_pool_destroy(pool);
	}
	return r;
}
