/* SPDX-License-Identifier: MIT */
/*
 * check.c - make up claims, honest and other, and a team whose time is known.
 *
 * No time of the machine's is graded.  A claim's runs are drawn, and a rank's clock
 * goes on by what the rank does (judge/clock.h).
 */
#include "lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/judge/clock.h"
#include "labs/judge/grade.h"

#define ROUNDS 2
#define HALF   (LAB_TIMES / 2)

static struct {
	enum lab_verdict (*judge)(const struct lab_time *);
	double (*speedup)(const struct lab_time *);
	double (*parallel)(const struct lab_program *, int, int);
	int (*measure)(struct rig_team *, double *);
} student;

static double fraction(void)
{
	return (double)grade_draw((uint64_t)1 << 53) * 0x1p-53;
}

static bool is_near(double found, double wanted, double part)
{
	return fabs(found - wanted) <= part * fabs(wanted);
}

/* ---- (1) to (4) claims ---- */

/* Something that a claim has, or not. */
enum trait {
	BLOCKS = 1,    /* first all old runs, then all new */
	DRIFTS = 2,    /* the machine becomes faster from first to last */
	DISTURBED = 4, /* three old runs take three times as long */
	LUCKY = 8,     /* an old or new run takes half as long */
	LESS = 16,     /* the new program does less */
	WRONG = 32     /* the new program's result is another */
};

static const struct claim {
	const char *name;
	enum lab_verdict verdict;
	unsigned traits;
	const char *hint;
} claims[] = {
	{ "an honest speed-up", LAB_FASTER, 0,
	  "TODO(4): a difference that is larger than the noise is a result" },
	{ "an honest speed-up, old runs first", LAB_FASTER, BLOCKS,
	  "TODO(3): runs in two blocks are no flaw by themselves: has a "
	  "program's time changed from its first runs to its last?" },
	{ "an honest speed-up on a machine that drifts", LAB_FASTER, DRIFTS,
	  "TODO(3): where old and new runs take turns, a drift is shared out "
	  "evenly" },
	{ "a slower program with a lucky run", LAB_SLOWER, LUCKY,
	  "TODO(1): the best time of all is a lucky run: a lucky run shows "
	  "nothing about the program" },
	{ "disturbed runs of the old program", LAB_NO_CHANGE, DISTURBED,
	  "TODO(1): three disturbed runs move a mean, and not a median" },
	{ "a lucky run of the new program", LAB_NO_CHANGE, LUCKY,
	  "TODO(1): the best time of all is a lucky run: a lucky run shows "
	  "nothing about the program" },
	{ "noise", LAB_NO_CHANGE, 0,
	  "TODO(4): two samples are never equal: how much do the runs of a "
	  "single program differ?" },
	{ "a machine that has become warm", LAB_DRIFT, BLOCKS | DRIFTS,
	  "TODO(3): the old runs came first, and the machine has become "
	  "faster: within each program, too" },
	{ "less work", LAB_OTHER_WORK, LESS,
	  "TODO(2): the new program has done less: compare elements" },
	{ "a wrong result", LAB_OTHER_RESULT, WRONG,
	  "TODO(2): a program that is wrong may be as fast as it likes: "
	  "compare results" },
};

#define CLAIMS (sizeof(claims) / sizeof(*claims))

/* A run that is neither disturbed nor lucky. */
static struct lab_time draw_time(const struct claim *claim, int i, double ns,
				 double factor, uint64_t result)
{
	const bool in_blocks = claim->traits & BLOCKS;
	const bool is_new = in_blocks ? i >= HALF : i % 2 == 1;
	/* Where programs take turns, the new program's median is one run later
	 * than the old one's.  That run and the noise of two medians (2 % each)
	 * must stay below the 5 % that speedup() is allowed. */
	const double drift = in_blocks ? 0.4 : 0.2;
	struct lab_time time = { is_new, ns * (0.98 + 0.04 * fraction()), 1000,
				 result };

	if (is_new)
		time.ns /= factor;
	if (claim->traits & DRIFTS)
		time.ns *= 1 - drift * i / LAB_TIMES;
	if (is_new && claim->traits & LESS) {
		time.elements = 700;
		time.ns *= 0.7;
	}
	if (is_new && claim->traits & WRONG) {
		time.result++;
		time.ns *= 0.6;
	}
	return time;
}

/* The claim's runs; returns the speed-up that is there. */
static double draw_claim(const struct claim *claim, struct lab_time *times)
{
	const double ns = 1e6 * (1 + fraction());
	const uint64_t result = grade_draw(UINT64_MAX);
	double factor = 1;
	int left = claim->traits & DISTURBED ? 3 : 0;

	if (claim->verdict == LAB_FASTER)
		factor = 1.15 + fraction();
	else if (claim->verdict == LAB_SLOWER)
		factor = 1 / (1.15 + fraction() / 2);
	for (int i = 0; i < LAB_TIMES; i++)
		times[i] = draw_time(claim, i, ns, factor, result);
	/* Drawn places, and the programs take turns. */
	for (int i = 2 * (int)grade_draw(3); left > 0; i += 4, left--)
		times[i].ns *= 3;
	if (claim->traits & LUCKY)
		times[2 * grade_draw(HALF) + 1].ns *= 0.5;
	return factor;
}

static const char *name_of(enum lab_verdict verdict)
{
	static const char *const names[] = { "faster",       "slower",
					     "no change",    "other work",
					     "other result", "drift" };

	return (unsigned)verdict < 6 ? names[verdict] : "none";
}

/* Odd runs are no reason where the speed-up is right in spite of odd runs. */
static const char *hint_of(const struct claim *claim,
			   const struct lab_time *times, double factor)
{
	const bool odd = claim->traits & (DISTURBED | LUCKY);

	if (odd && is_near(student.speedup(times), factor, 0.05))
		return "TODO(4): two samples are never equal: how much do the "
		       "runs of a single program differ?";
	return claim->hint;
}

static void judge_claim(const struct claim *claim)
{
	struct lab_time times[LAB_TIMES];
	double factor = draw_claim(claim, times), found;
	enum lab_verdict said = student.judge(times);

	grade_case(said == claim->verdict, "%s: %s, you say %s", claim->name,
		   name_of(claim->verdict), name_of(said));
	if (said != claim->verdict)
		grade_hint("%s", hint_of(claim, times, factor));
	if (claim->traits & (LESS | WRONG) || claim->verdict == LAB_DRIFT)
		return;
	found = student.speedup(times);
	grade_case(is_near(found, factor, 0.05),
		   "%s: a speed-up of %.2f, you say %.2f", claim->name, factor,
		   found);
	if (is_near(found, factor, 0.05))
		return;
	if (is_near(1 / found, factor, 0.05))
		grade_hint("a speed-up is the old time by the new time");
	else
		grade_hint("TODO(1): compare medians: neither means nor best "
			   "times");
}

/* ---- (5) the baseline ---- */

static void judge_parallel(void)
{
	struct lab_program programs[6];
	const double ns = 1e6 * (1 + fraction());
	/* The sequential program is better than a parallel program on 1. */
	const double better = 0.3 + 0.3 * fraction();
	const int workers = 4 + (int)grade_draw(12);
	double right, said;

	programs[0] = (struct lab_program){ 1, ns };
	programs[1] = (struct lab_program){ 1, ns * better };
	programs[2] = (struct lab_program){ 1, ns * 1.2 };
	programs[3] = (struct lab_program){ workers, ns / workers * 1.5 };
	programs[4] = (struct lab_program){ workers, ns / workers * 1.1 };
	programs[5] = (struct lab_program){ 2 * workers, ns / workers };
	right = programs[1].ns / programs[4].ns;
	said = student.parallel(programs, 6, workers);
	grade_case(is_near(said, right, 0.001),
		   "%d workers: a speed-up of %.2f, you say %.2f", workers,
		   right, said);
	if (is_near(said, right, 0.001))
		return;
	if (said > right)
		grade_hint("TODO(5): the baseline is the best program on a "
			   "single worker, and not the parallel program there");
	else
		grade_hint("TODO(5): of the programs on these workers, the "
			   "best");
}

/* ---- (6) a team ---- */

struct job {
	double ns;         /* of a rank that is not the slowest */
	double slow;       /* the slowest's factor */
	int slowest;       /* never rank 0, where there are others */
	double late, skew; /* of ranks */
};

static int runs;

static const struct job *job_of(struct rig_team *team)
{
	return rig_team_args(team);
}

double lab_clock(struct rig_team *team)
{
	return (double)grade_clock() + job_of(team)->skew * rig_team_rank(team);
}

void lab_work(struct rig_team *team)
{
	const struct job *job = job_of(team);
	double ns = job->ns;

	if (rig_team_rank(team) == job->slowest)
		ns *= job->slow;
	if (runs == 0)
		ns *= 3;
	else if (runs % 4 == 2)
		ns *= 2;
	runs++;
	grade_spend((uint64_t)ns);
}

int lab_barrier(struct rig_team *team)
{
	return grade_meet(team);
}

int lab_longest(struct rig_team *team, double mine, double *all)
{
	return rig_team_allreduce(team, &mine, all, 1, RIG_FLOAT64, RIG_MAX);
}

/* Rank 0's result. */
struct outcome {
	double ns;
	int runs;
};

static int measured(struct rig_team *team)
{
	const struct job *job = job_of(team);
	struct outcome *outcome = rig_team_result(team);
	int r;

	runs = 0;
	grade_clock_set(0);
	grade_spend((uint64_t)(job->late * (rig_team_size(team) - 1 -
					    rig_team_rank(team))));
	if (rig_team_rank(team) == 0)
		grade_clock_set(0);
	r = student.measure(team, &outcome->ns);
	outcome->runs = runs;
	return r;
}

static void hint_measure(const struct outcome *outcome, const struct job *job,
			 double right)
{
	if (outcome->runs == 0)
		grade_hint("TODO(6): nothing was measured: call lab_work()");
	else if (outcome->runs == 1)
		grade_hint("TODO(6): the first run is slow: measure LAB_RUNS "
			   "runs after the first");
	else if (is_near(outcome->ns, job->ns, 0.02))
		grade_hint("TODO(6): that is rank 0's time: the team has ended "
			   "when the last rank has");
	else if (fabs(outcome->ns) > 1e8)
		grade_hint("TODO(6): begin and end on one clock: the ranks' "
			   "clocks are set differently");
	else if (outcome->ns > right)
		grade_hint("TODO(6): late ranks, the slow first run or the "
			   "disturbed runs are in your time: begin behind a "
			   "barrier, and take the median");
	else
		grade_hint(
			"TODO(6): from the moment when all could begin until "
			"the last has ended");
}

static int judge_measure(int workers)
{
	struct rig_pool *pool = NULL;
	struct job job = { 1e5 * (1 + fraction()), 1.2 + fraction() / 2,
			   workers - 1, 1e6 * (1 + fraction()),
			   1e9 * (1 + fraction()) };
	struct outcome outcome = { 0, 0 };
	const double right = job.ns * job.slow;
	int r = rig_pool_create(
		&pool, &(struct rig_pool_options){ .workers = workers });
	bool near;

	if (r < 0)
		return r;
	r = rig_pool_run(pool, &(struct rig_job){ .kernel = measured,
						  .args = &job,
						  .args_bytes = sizeof(job),
						  .limit_ns = 20000000000u });
	if (r < 0) {
		grade_case(false, "%d ranks: %s", workers, rig_why());
		grade_hint("TODO(6): all ranks call lab_barrier() and "
			   "lab_longest(), equally often");
		rig_pool_destroy(pool);
		return 0;
	}
	(void)rig_pool_result(pool, 0, &outcome, sizeof(outcome));
	near = is_near(outcome.ns, right, 0.02) && outcome.runs > 0;
	grade_case(near, "%d ranks: %.0f ns, you found %.0f ns", workers, right,
		   outcome.ns);
	if (!near)
		hint_measure(&outcome, &job, right);
	rig_pool_destroy(pool);
	return 0;
}

int lab_check(void)
{
	static const int teams[] = { 1, 2, 8 };
	int r = 0;

	student.judge = (__typeof__(student.judge))grade_student("judge");
	student.speedup = (__typeof__(student.speedup))grade_student("speedup");
	student.parallel =
		(__typeof__(student.parallel))grade_student("parallel_speedup");
	student.measure = (__typeof__(student.measure))grade_student("measure");
	for (int round = 0; round < ROUNDS; round++) {
		/* In an order that is drawn: verdicts are not constants. */
		size_t first = grade_draw(CLAIMS);

		for (size_t i = 0; i < CLAIMS; i++)
			judge_claim(&claims[(first + i) % CLAIMS]);
		judge_parallel();
	}
	for (int i = 0; r == 0 && i < 3; i++)
		r = judge_measure(teams[i]);
	return r;
}
