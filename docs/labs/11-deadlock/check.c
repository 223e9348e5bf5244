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

#define WORKERS_MAX 8
#define LONGEST     64
#define PROGRAMS    5
#define TEAMS       4

static const int teams[TEAMS] = { 4, 1, 2, WORKERS_MAX };

/* Segment 2: calls of each rank, of the team that the job runs on. */
struct calls {
	_Atomic unsigned barrier[WORKERS_MAX], reduce[WORKERS_MAX];
	_Atomic unsigned bcast[WORKERS_MAX];
	_Atomic unsigned half[WORKERS_MAX]; /* collectives in a half */
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
static double draw(int program, int size, double *x, size_t n)
{
	const int half = (size + 1) / 2; /* ranks of rank 0's team */
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		x[i] = (double)(1 + grade_draw(1000));
		sum += x[i] + 1;
	}
	switch (program) {
	case 2:
		return size * x[0] + (double)(size * (size - 1) / 2);
	case 3:
		return size * x[0];
	case 4:
		return half * x[0] + half * (half - 1);
	default:
		return sum;
	}
}

/* How many elements: few enough for a rank without any, or an uneven share. */
static size_t length_of(int program, int size)
{
	const uint64_t few = size > 1 ? 1 + grade_draw((uint64_t)size - 1) : 1;

	if (program == 0)
		return few;
	if (program == 1)
		return (size_t)size * (2 + grade_draw(5)) + few;
	return 1;
}

/* Did every rank take part? */
static bool all_took_part(int program, int size, const struct calls *calls,
			  size_t n)
{
	const _Atomic unsigned *of[] = { calls->barrier, calls->barrier,
					 calls->reduce, calls->bcast,
					 calls->half };
	const unsigned least[] = { 1, (unsigned)rig_strip(n, 0, size).end, 1, 1,
				   1 };

	for (int rank = 0; rank < size; rank++) {
		if (of[program][rank] >= least[program])
			continue;
		printf("%s: rank %d of %d made %u of at least %u calls\n",
		       names[program], rank, size, of[program][rank],
		       least[program]);
		grade_hint("%s: the ranks are to do the work together, and to "
			   "meet as lab.h says",
			   names[program]);
		return false;
	}
	return true;
}

static bool is_right(struct rig_pool *pool, int program, int r, double answer,
		     double wanted)
{
	if (r < 0) {
		printf("%s on %d ranks:\n%s\n", names[program],
		       rig_pool_size(pool), rig_pool_report(pool)->text);
		grade_hint("%s: %s", names[program], rules[program]);
	} else if (answer != wanted) {
		printf("%s: ends with %g on %d ranks, must be %g\n",
		       names[program], answer, rig_pool_size(pool), wanted);
		grade_hint("%s: the run ends, and the answer is wrong",
			   names[program]);
	}
	return r == 0 && answer == wanted;
}

static int check(struct rig_pool *pool, int program, bool *right)
{
	const int size = rig_pool_size(pool);
	const size_t n = length_of(program, size);
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
	wanted = draw(program, size, rig_segment_data(data), n);
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
	*right = is_right(pool, program, r, *(double *)rig_segment_data(answer),
			  wanted);
	if (r == 0)
		*right &= all_took_part(program, size, rig_segment_data(calls),
					n);
	r = 0;
out:
	rig_segment_destroy(calls);
	rig_segment_destroy(answer);
	rig_segment_destroy(data);
	return r;
}

/* The reports that a student reads are of 4 ranks.  Other teams follow where the
 * program is right on 4, until one is wrong. */
static int check_program(struct rig_pool *const pools[TEAMS], int program)
{
	bool right = false;
	int r = check(pools[0], program, &right);

	if (r < 0)
		return r;
	grade_case(right, "%s: wrong on %d ranks", names[program], teams[0]);
	for (int i = 1; r == 0 && right && i < TEAMS; i++)
		r = check(pools[i], program, &right);
	grade_case(right, "%s: not yet right on 1, 2 and 8 ranks",
		   names[program]);
	return r;
}

int lab_check(void)
{
	struct rig_pool *pools[TEAMS] = { NULL };
	int r = 0;

	for (int i = 0; i < PROGRAMS; i++)
		student[i] = (rig_kernel_fn *)grade_student(names[i]);
	/* A run that stands still does not end the pool. */
	for (int i = 0; r == 0 && i < TEAMS; i++)
		r = rig_pool_create(&pools[i], &(struct rig_pool_options){
						       .workers = teams[i] });
	for (int i = 0; r == 0 && i < PROGRAMS; i++)
		r = check_program(pools, i);
	for (int i = 0; i < TEAMS; i++)
		rig_pool_destroy(pools[i]);
	return r;
}
