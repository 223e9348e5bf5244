/* SPDX-License-Identifier: MIT */
/*
 * check.c - relax drawn grids by 1 to 8 ranks, compare bits with one rank's
 * result, and count messages, bytes and each rank's means.
 *
 * No clock decides anything.  A rank sees the rows of its strip, and NaN
 * elsewhere: all else must come by a message.
 */
#include "lab.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "labs/judge/grade.h"

#define WORKERS  8
#define ROWS_MAX 24
#define NUMBERS  ((size_t)ROWS_MAX * LAB_COLUMNS)

static rig_kernel_fn *relax_of_student;

/* Segment 2: what all ranks have sent, and what each has computed. */
struct traffic {
	_Atomic unsigned messages, bytes;
	unsigned means[WORKERS];
};

static unsigned means; /* of this process */

int lab_steps(struct rig_team *team)
{
	return *(const int *)rig_team_args(team);
}

double lab_mean(double up, double down, double left, double right)
{
	means++;
	return (up + down + (left + right)) / 4;
}

static bool is_rank(struct rig_team *team, int rank)
{
	return rank >= 0 && rank < rig_team_size(team);
}

int lab_send(struct rig_team *team, const double *from, size_t count, int to)
{
	struct traffic *traffic = rig_team_data(team, 2);

	if (!is_rank(team, to))
		return 0;
	atomic_fetch_add(&traffic->messages, 1);
	atomic_fetch_add(&traffic->bytes, (unsigned)(count * sizeof(*from)));
	return rig_team_send(team, from, count, RIG_FLOAT64, to, 0);
}

int lab_recv(struct rig_team *team, double *to, size_t count, int from)
{
	if (!is_rank(team, from))
		return 0;
	return rig_team_recv(team, to, count, RIG_FLOAT64, from, 0, NULL);
}

/* relax() with a grid of the rank's own rows. */
static int blinded(struct rig_team *team)
{
	double *grid = rig_team_data(team, 0);
	const size_t bytes = rig_team_bytes(team, 0);
	struct rig_span mine =
		rig_team_strip(team, bytes / sizeof(*grid) / LAB_COLUMNS);
	struct traffic *traffic = rig_team_data(team, 2);
	static double seen[NUMBERS];
	int r;

	for (size_t i = 0; i < bytes / sizeof(*grid); i++)
		seen[i] = i / LAB_COLUMNS >= mine.begin &&
					  i / LAB_COLUMNS < mine.end
				  ? grid[i]
				  : NAN;
	if (mmap(grid, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return rig_team_fail(team, -ENOMEM, "no private memory");
	memcpy(grid, seen, bytes);
	means = 0;
	r = relax_of_student(team);
	traffic->means[rig_team_rank(team)] = means;
	return r;
}

/* By one rank, in check.c: `stale` is how many ranks never hear of their
 * neighbours after the first step; 0 for the right result.  `two`: a rank has two
 * grids, and the neighbours' rows in the first alone. */
static void relax_here(const double *grid, double *now, size_t rows, int steps,
		       int stale, bool two)
{
	static const double nothing[NUMBERS];
	static double old[NUMBERS];

	memcpy(now, grid, rows * LAB_COLUMNS * sizeof(*now));
	for (int step = 0; step < steps; step++) {
		memcpy(old, now, sizeof(old));
		for (size_t i = 1; i + 1 < rows; i++)
			for (size_t j = 1; j + 1 < LAB_COLUMNS; j++) {
				size_t at = i * LAB_COLUMNS + j;
				const double *up = old + at - LAB_COLUMNS;
				const double *down = old + at + LAB_COLUMNS;
				const double *first =
					two && step % 2 ? nothing : grid;

				for (int r = 0; r < stale; r++) {
					struct rig_span s =
						rig_strip(rows, r, stale);

					if (i == s.begin)
						up = first + at - LAB_COLUMNS;
					if (i + 1 == s.end)
						down = first + at + LAB_COLUMNS;
				}
				now[at] = lab_mean(*up, *down, old[at - 1],
						   old[at + 1]);
			}
	}
}

/* The first number that differs, or `count`. */
static size_t first_wrong(const double *x, const double *y, size_t count)
{
	size_t i = 0;

	while (i < count && x[i] == y[i])
		i++;
	return i;
}

static void judge_grid(const double *grid, const double *found, size_t rows,
		       int steps, int size)
{
	static double wanted[NUMBERS], old[NUMBERS], lost[NUMBERS];
	const size_t count = rows * LAB_COLUMNS;
	size_t wrong;

	relax_here(grid, wanted, rows, steps, 0, false);
	relax_here(grid, old, rows, steps, size, false);
	relax_here(grid, lost, rows, steps, size, true);
	wrong = first_wrong(found, wanted, count);
	grade_case(wrong == count,
		   "%zu rows, %d steps, %d ranks: row %zu column %zu is %g, "
		   "must be %g",
		   rows, steps, size, wrong / LAB_COLUMNS, wrong % LAB_COLUMNS,
		   wrong < count ? found[wrong] : 0,
		   wrong < count ? wanted[wrong] : 0);
	if (wrong == count)
		return;
	if (first_wrong(found, old, count) == count ||
	    first_wrong(found, lost, count) == count)
		grade_hint("TODO(1): the neighbours' rows are those of the "
			   "first step: exchange in every step");
	else if (size > 1)
		grade_hint("TODO(2): a row is not where the step looks for the "
			   "row: the row from rank - 1 lies above mine");
	else
		grade_hint("with one rank there is no neighbour, and the edge "
			   "of the grid stays");
}

static void judge_traffic(const struct traffic *traffic, int steps, int size)
{
	const unsigned most = 2 * (unsigned)(size - 1) * (unsigned)steps;
	const unsigned bytes = most * LAB_COLUMNS * (unsigned)sizeof(double);

	grade_case(traffic->messages <= most,
		   "%d ranks, %d steps: %u messages, at most %u", size, steps,
		   traffic->messages, most);
	grade_case(traffic->bytes <= bytes,
		   "%d ranks, %d steps: %u bytes sent, at most %u", size, steps,
		   traffic->bytes, bytes);
	/* Two steps at least: each rank hears of each neighbour. */
	grade_case(traffic->messages + 2 >= 2 * (unsigned)size,
		   "%d ranks, %d steps: %u messages, at least %d", size, steps,
		   traffic->messages, 2 * size - 2);
	if (traffic->messages + 2 < 2 * (unsigned)size)
		grade_hint("rows go through lab_send() and lab_recv(), which "
			   "count");
	else if (traffic->bytes > bytes)
		grade_hint("a neighbour needs one row, not all of the strip");
	else if (traffic->messages > most)
		grade_hint("TODO(3): each message costs its latency: a row is "
			   "one message");
}

/* Each rank must have stepped its rows: a serial program is refused. */
static void judge_ranks(const struct traffic *traffic, size_t rows, int steps,
			int size)
{
	for (int rank = 0; rank < size; rank++) {
		struct rig_span mine = rig_strip(rows, rank, size);
		size_t inner = mine.end - mine.begin - (rank == 0) -
			       (rank == size - 1);
		size_t least = inner * (LAB_COLUMNS - 2) * (size_t)steps;

		grade_case(traffic->means[rank] >= least,
			   "rank %d of %d computes %u means, must be %zu", rank,
			   size, traffic->means[rank], least);
		if (traffic->means[rank] < least)
			grade_hint("every rank steps the rows of its strip");
	}
}

static int run(struct rig_pool *pool, struct rig_segment *const segments[3])
{
	const int size = rig_pool_size(pool), steps = 2 + (int)grade_draw(5);
	const size_t rows =
		(size_t)size + 2 + grade_draw(ROWS_MAX - WORKERS - 2);
	double *grid = rig_segment_data(segments[0]);
	int r;

	for (size_t i = 0; i < NUMBERS; i++)
		grid[i] = (double)grade_draw(1000);
	r = rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = blinded,
			.args = &steps,
			.args_bytes = sizeof(steps),
			.segments = {
				{ .name = rig_segment_name(segments[0]),
				  .bytes =
					  rows * LAB_COLUMNS * sizeof(double) },
				{ .name = rig_segment_name(segments[1]) },
				{ .name = rig_segment_name(segments[2]) } } });
	if (r < 0)
		printf("%s\n", rig_pool_report(pool)->text);
	grade_run(r, "%d ranks", size);
	if (r < 0) {
		grade_hint("each row that is sent is received, once, by the "
			   "neighbour");
		return 0;
	}
	judge_grid(grid, rig_segment_data(segments[1]), rows, steps, size);
	judge_traffic(rig_segment_data(segments[2]), steps, size);
	judge_ranks(rig_segment_data(segments[2]), rows, steps, size);
	return 0;
}

/* Segments of each run's own: a worker keeps a segment mapped for the next run,
 * and blinded() has put other memory there. */
static int check_grid(struct rig_pool *pool)
{
	struct rig_segment *segments[3] = { NULL };
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++)
		r = rig_segment_create(&segments[i], NULL,
				       NUMBERS * sizeof(double), NULL);
	if (r == 0)
		r = run(pool, segments);
	for (int i = 0; i < 3; i++)
		rig_segment_destroy(segments[i]);
	return r;
}

static int check_team(int workers)
{
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(
		&pool, &(struct rig_pool_options){ .workers = workers });

	for (int i = 0; r == 0 && i < 2; i++)
		r = check_grid(pool);
	rig_pool_destroy(pool);
	return r;
}

int lab_check(void)
{
	static const int teams[] = { 1, 2, 3, 4, 8 };
	int r = 0;

	relax_of_student = (rig_kernel_fn *)grade_student("relax");
	for (int i = 0; r == 0 && i < 5; i++)
		r = check_team(teams[i]);
	return r;
}
