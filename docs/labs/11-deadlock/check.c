/* SPDX-License-Identifier: MIT */
/*
 * check.c - run the five programs, and show the report of each that fails.
 *
 * No run has a limit, and no clock decides anything: the runtime sees that a run
 * stands still, and ends the run.  The numbers and the lengths are drawn.  The
 * calls of every rank are counted: the functions of the team that start.c calls
 * are those below, which count and pass on.
 */
#include "lab.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "labs/judge/grade.h"

#define WORKERS  4
#define LONGEST  32
#define PROGRAMS 5

/* Segment 2: calls of each rank, of the team that the job runs on. */
struct calls {
	_Atomic unsigned barrier[WORKERS], reduce[WORKERS], bcast[WORKERS];
	_Atomic unsigned half[WORKERS]; /* collectives in a half */
};

static struct rig_team *whole; /* this process's; set by each of the programs */

static void count(struct rig_team *team, _Atomic unsigned *of)
{
	struct calls *calls = rig_team_data(whole, 2);

	if (team != whole)
		of = calls->half;
	atomic_fetch_add(&of[rig_team_rank(whole)], 1);
}

static struct calls *calls_of(void)
{
	return rig_team_data(whole, 2);
}

/* The function of the library's that comes behind this program's own. */
#define NEXT(name, pointer) (*(void **)&(pointer) = dlsym(RTLD_NEXT, name))

int rig_team_barrier(struct rig_team *team)
{
	int (*next)(struct rig_team *);

	NEXT("rig_team_barrier", next);
	if (whole)
		count(team, calls_of()->barrier);
	return next(team);
}

int rig_team_reduce(struct rig_team *team, const void *from, void *to, size_t n,
		    int type, int op, int root)
{
	int (*next)(struct rig_team *, const void *, void *, size_t, int, int,
		    int);

	NEXT("rig_team_reduce", next);
	if (whole)
		count(team, calls_of()->reduce);
	return next(team, from, to, n, type, op, root);
}

int rig_team_bcast(struct rig_team *team, void *data, size_t n, int type,
		   int root)
{
	int (*next)(struct rig_team *, void *, size_t, int, int);

	NEXT("rig_team_bcast", next);
	if (whole)
		count(team, calls_of()->bcast);
	return next(team, data, n, type, root);
}

/* In the order of lab.h. */
static const char *const names[] = { "early", "ragged", "swapped", "rooted",
				     "halves" };
static const char *const rules[] = {
	"a rank that has nothing to do is waited for like any other",
	"every rank comes equally often: does the loop's length depend on the "
	"rank?",
	"every rank calls the same functions in the same order",
	"the root is the same for all ranks: who has the number, not who "
	"wants it",
	"a team's barrier is for all ranks of the team: whose barrier is each?",
};
static rig_kernel_fn *student[PROGRAMS];

/* A program, in a worker: the calls are counted from here. */
static int watched(struct rig_team *team)
{
	int r;

	whole = team;
	r = student[*(const int *)rig_team_args(team)](team);
	whole = NULL;
	return r;
}

/* The numbers of this run, drawn, and the answer that is right. */
static double draw(int program, double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		x[i] = (double)(1 + grade_draw(1000));
		sum += x[i] + 1;
	}
	switch (program) {
	case 2:
		return WORKERS * x[0] + WORKERS * (WORKERS - 1) / 2;
	case 3:
		return WORKERS * x[0];
	case 4:
		return 2 * x[0] + 2;
	default:
		return sum;
	}
}

/* How many elements: few enough for a rank without any, or an uneven share. */
static size_t length_of(int program)
{
	if (program == 0)
		return 1 + grade_draw(WORKERS - 1);
	if (program == 1)
		return WORKERS * (2 + grade_draw(5)) + 1 +
		       grade_draw(WORKERS - 1);
	return 1;
}

/* Did every rank take part? */
static void check_calls(int program, const struct calls *calls, size_t n)
{
	const _Atomic unsigned *of[] = { calls->barrier, calls->barrier,
					 calls->reduce, calls->bcast,
					 calls->half };
	const unsigned least[] = { 1, (unsigned)rig_strip(n, 0, WORKERS).end, 1,
				   1, 1 };
	int absent = -1;

	for (int rank = 0; rank < WORKERS && absent < 0; rank++)
		if (of[program][rank] < least[program])
			absent = rank;
	grade_case(absent < 0, "%s: rank %d made %u of at least %u calls",
		   names[program], absent, absent < 0 ? 0 : of[program][absent],
		   least[program]);
	if (absent >= 0)
		grade_hint("%s: the ranks are to do the work together, and to "
			   "meet as lab.h says",
			   names[program]);
}

static void judge(struct rig_pool *pool, int program, int r, double answer,
		  double wanted)
{
	if (r < 0)
		printf("%s\n", rig_pool_report(pool)->text);
	grade_case(r == 0 && answer == wanted, "%s: %s, with %g, must be %g",
		   names[program], r < 0 ? "does not end well" : "ends", answer,
		   wanted);
	if (r < 0)
		grade_hint("%s: %s", names[program], rules[program]);
	else if (answer != wanted)
		grade_hint("%s: the run ends, and the answer is wrong",
			   names[program]);
}

static int check(struct rig_pool *pool, int program)
{
	const size_t n = length_of(program);
	struct rig_segment *data = NULL, *answer = NULL, *calls = NULL;
	double wanted;
	int r = rig_segment_create(&data, NULL, LONGEST * sizeof(double), NULL);

	if (r == 0)
		r = rig_segment_create(&answer, NULL, sizeof(double), NULL);
	if (r == 0)
		r = rig_segment_create(&calls, NULL, sizeof(struct calls),
				       NULL);
	if (r < 0)
		goto out;
	wanted = draw(program, rig_segment_data(data), n);
	r = rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = watched,
			.args = &program,
			.args_bytes = sizeof(program),
			.segments = { { .name = rig_segment_name(data),
					.bytes = n * sizeof(double) },
				      { .name = rig_segment_name(answer) },
				      { .name = rig_segment_name(calls) } } });
	judge(pool, program, r, *(double *)rig_segment_data(answer), wanted);
	if (r == 0)
		check_calls(program, rig_segment_data(calls), n);
	r = 0;
out:
	rig_segment_destroy(calls);
	rig_segment_destroy(answer);
	rig_segment_destroy(data);
	return r;
}

int lab_check(void)
{
	struct rig_pool *pool = NULL;
	int r;

	for (int i = 0; i < PROGRAMS; i++)
		student[i] = (rig_kernel_fn *)grade_student(names[i]);
	/* One pool for all: a run that stands still does not end the pool. */
	r = rig_pool_create(&pool,
			    &(struct rig_pool_options){ .workers = WORKERS });
	for (int i = 0; r == 0 && i < PROGRAMS; i++)
		r = check(pool, i);
	rig_pool_destroy(pool);
	return r;
}
