/* SPDX-License-Identifier: MIT */
/*
 * check.c - run the three collectives on drawn numbers, and count messages,
 * numbers and steps.
 *
 * No clock of the machine's decides anything.  Each rank has a count of steps,
 * which goes with every message (Lamport, 1978).  The arrays are private: a rank
 * has numbers of its own, and all else comes by a message.
 */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/judge/grade.h"

#define WORKERS  8
#define PART_MAX 6
#define LONGEST  ((size_t)WORKERS * PART_MAX)

enum collective { TREE, RING, DOUBLING, COLLECTIVES };

static const char *const names[] = { "tree", "ring", "doubling" };
static int (*student[COLLECTIVES])(struct rig_team *, double *, size_t);

/* Segment 1: what each rank did and has in the end. */
struct account {
	unsigned steps, messages, numbers, longest;
	double x[LONGEST];
};

static struct account *account_of(struct rig_team *team)
{
	return (struct account *)rig_team_data(team, 1) + rig_team_rank(team);
}

/* In front of the numbers goes the sender's count of steps. */
static void note_sent(struct account *mine, size_t count)
{
	mine->messages++;
	mine->numbers += (unsigned)count;
	if (count > mine->longest)
		mine->longest = (unsigned)count;
}

static int move(struct rig_team *team, const double *from, size_t sent, int to,
		double *into, size_t received, int source)
{
	struct account *mine = account_of(team);
	double out[LONGEST + 1] = { mine->steps }, in[LONGEST + 1] = { 0 };
	int r = 0;

	if (sent > LONGEST || received > LONGEST)
		return rig_team_fail(team, -22,
				     "a message of more numbers "
				     "than there are");
	if (from)
		memcpy(out + 1, from, sent * sizeof(*out));
	if (from && into)
		r = rig_team_sendrecv(team, out, sent + 1, RIG_FLOAT64, to, 0,
				      in, received + 1, RIG_FLOAT64, source, 0,
				      NULL);
	else if (from)
		r = rig_team_send(team, out, sent + 1, RIG_FLOAT64, to, 0);
	else
		r = rig_team_recv(team, in, received + 1, RIG_FLOAT64, source,
				  0, NULL);
	if (r < 0)
		return r;
	if (from)
		note_sent(mine, sent);
	if (into)
		memcpy(into, in + 1, received * sizeof(*in));
	if (in[0] > mine->steps)
		mine->steps = (unsigned)in[0];
	mine->steps++;
	return 0;
}

int lab_send(struct rig_team *team, const double *from, size_t count, int to)
{
	return move(team, from, count, to, NULL, 0, 0);
}

int lab_recv(struct rig_team *team, double *into, size_t count, int from)
{
	return move(team, NULL, 0, 0, into, count, from);
}

int lab_both(struct rig_team *team, const double *from, size_t sent, int to,
	     double *into, size_t received, int source)
{
	return move(team, from, sent, to, into, received, source);
}

struct task {
	enum collective which;
	size_t count;
};

static int run_student(struct rig_team *team)
{
	const struct task *task = rig_team_args(team);
	struct account *mine = account_of(team);
	double x[LONGEST];
	int r;

	/* The numbers are here alone while the ranks work. */
	memcpy(x, mine->x, sizeof(x));
	r = rig_team_barrier(team);
	memset(mine->x, 0, sizeof(mine->x));
	if (r == 0)
		r = rig_team_barrier(team);
	if (r == 0)
		r = student[task->which](team, x, task->count);
	memcpy(mine->x, x, sizeof(x));
	return r;
}

/* Bounds of all ranks together. */
struct bound {
	unsigned steps, messages, numbers; /* of the busiest rank; of all */
	unsigned all;
};

static unsigned log2_of(int size)
{
	unsigned steps = 0;

	while (1 << steps < size)
		steps++;
	return steps;
}

static struct bound bound_of(const struct task *task, int size)
{
	const unsigned others = (unsigned)size - 1, log = log2_of(size);
	const unsigned count = (unsigned)task->count;

	switch (task->which) {
	case TREE:
		return (struct bound){ log, log, log * count, others };
	case RING:
		return (struct bound){ 2 * others, 2 * others,
				       2 * others * (count / (unsigned)size),
				       2 * others * (unsigned)size };
	default:
		return (struct bound){ log, log, log * count,
				       log * (unsigned)size };
	}
}

static const char *const hints[COLLECTIVES] = {
	"TODO(1): whoever has the numbers tells one more rank in each step: 1, "
	"2, 4, ... ranks have them",
	"TODO(2): send parts of count / size numbers, and add on the way",
	"TODO(3): in each step all ranks exchange with a partner: rank ^ 1, "
	"rank ^ 2, rank ^ 4",
};

static void judge_work(const struct task *task, const struct account *accounts,
		       int size)
{
	const struct bound bound = bound_of(task, size);
	struct bound found = { 0 };
	bool good;

	for (int rank = 0; rank < size; rank++) {
		const struct account *a = &accounts[rank];

		found.steps = a->steps > found.steps ? a->steps : found.steps;
		found.messages = a->messages > found.messages ? a->messages
							      : found.messages;
		found.numbers =
			a->numbers > found.numbers ? a->numbers : found.numbers;
		found.all += a->messages;
	}
	printf("%s, %d ranks, %zu numbers: %u steps, %u messages; the busiest "
	       "rank sends %u numbers\n",
	       names[task->which], size, task->count, found.steps, found.all,
	       found.numbers);
	good = found.steps <= bound.steps && found.all <= bound.all &&
	       found.numbers <= bound.numbers &&
	       found.all + 1 >= (unsigned)size;
	grade_case(good, "  at most %u steps, %u messages, %u numbers",
		   bound.steps, bound.all, bound.numbers);
	if (found.all + 1 < (unsigned)size)
		grade_hint("%s: made of lab_send(), lab_recv() and lab_both(), "
			   "which count, and of nothing else",
			   names[task->which]);
	else if (found.numbers <= bound.numbers && found.all <= bound.all &&
		 !good)
		grade_hint("%s: the messages are few enough, and wait for each "
			   "other: which could go at the same time?",
			   names[task->which]);
	else if (!good)
		grade_hint("%s", hints[task->which]);
}

static bool judge_numbers(const struct task *task,
			  const struct account *accounts, const double *wanted,
			  int size)
{
	for (int rank = 0; rank < size; rank++)
		for (size_t i = 0; i < task->count; i++) {
			if (accounts[rank].x[i] == wanted[i])
				continue;
			grade_case(false,
				   "%s, %d ranks: rank %d has x[%zu] = %g, "
				   "must be %g",
				   names[task->which], size, rank, i,
				   accounts[rank].x[i], wanted[i]);
			grade_hint("%s: a rank has not the right numbers in "
				   "the end: draw who knows what after each "
				   "step",
				   names[task->which]);
			return false;
		}
	grade_case(true, "numbers");
	return true;
}

/* Small integers: sums are exact in any order. */
static void draw(const struct task *task, struct account *accounts,
		 double *wanted, int size)
{
	for (int rank = 0; rank < size; rank++)
		for (size_t i = 0; i < task->count; i++) {
			double x = (double)(1 + grade_draw(1000));

			accounts[rank].x[i] = x;
			if (task->which == TREE)
				wanted[i] = accounts[0].x[i];
			else
				wanted[i] += x;
		}
}

static int check(struct rig_pool *pool, enum collective which)
{
	const int size = rig_pool_size(pool);
	const struct task task = {
		.which = which,
		.count = (size_t)size * (1 + grade_draw(PART_MAX)),
	};
	double wanted[LONGEST] = { 0 };
	struct rig_segment *unused = NULL, *accounts = NULL;
	int r = rig_segment_create(&unused, NULL, 4096, NULL);

	if (r == 0)
		r = rig_segment_create(&accounts, NULL,
				       WORKERS * sizeof(struct account), NULL);
	if (r == 0) {
		draw(&task, rig_segment_data(accounts), wanted, size);
		r = rig_pool_run(
			pool, &(struct rig_job){
				      .kernel = run_student,
				      .args = &task,
				      .args_bytes = sizeof(task),
				      .segments = { { .name = rig_segment_name(
							      unused) },
						    { .name = rig_segment_name(
							      accounts) } } });
		if (r < 0)
			printf("%s\n", rig_pool_report(pool)->text);
		grade_case(r == 0, "%s, %d ranks: %s", names[which], size,
			   r < 0 ? rig_why() : "");
		if (r < 0)
			grade_hint("%s: each message is received once, by the "
				   "rank it was sent to",
				   names[which]);
		else if (judge_numbers(&task, rig_segment_data(accounts),
				       wanted, size))
			judge_work(&task, rig_segment_data(accounts), size);
		r = 0;
	}
	rig_segment_destroy(accounts);
	rig_segment_destroy(unused);
	return r;
}

int lab_check(void)
{
	static const int sizes[] = { 1, 2, 3, 4, 6, 8 };
	int r = 0;

	for (int i = 0; i < COLLECTIVES; i++)
		student[i] = (__typeof__(student[i]))grade_student(names[i]);
	for (size_t i = 0; r == 0 && i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct rig_pool *pool = NULL;
		bool power = (sizes[i] & (sizes[i] - 1)) == 0;

		r = rig_pool_create(&pool, &(struct rig_pool_options){
						   .workers = sizes[i] });
		for (int k = 0; r == 0 && k < COLLECTIVES - !power; k++)
			r = check(pool, (enum collective)k);
		rig_pool_destroy(pool);
	}
	return r;
}
