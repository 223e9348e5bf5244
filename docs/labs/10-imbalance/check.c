/* SPDX-License-Identifier: MIT */
/*
 * check.c - makes the Mandelbrot set by each of the three, and judges them by
 * the steps that ranks made: by no clock of the machine's.
 *
 * Whose turn it is depends on those steps too, so one picture gives the same
 * shares on any machine.  The picture's rows and its place are drawn.  The steps
 * of each row are counted once, before the ranks begin.
 */
#include "lab.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "labs/judge/grade.h"

#define WORKERS_MAX 8
#define ROWS_MAX    272
#define COLUMNS     240
#define STEPS       200

/* A rank that has no more turns to take is behind nobody. */
#define NEVER UINT64_MAX

/* The picture of this check; the workers inherit both. */
static size_t rows;
static double middle; /* where the set lies between the rows */
static uint64_t steps_of_row[ROWS_MAX];

/* Segment 0. */
struct board {
	_Atomic uint64_t clock[WORKERS_MAX]; /* its rank's: what others see */
	uint64_t worked[WORKERS_MAX];        /* its rank's, in the end */
	_Atomic uint64_t next;               /* row that nobody has */
	_Atomic uint64_t turns;              /* taken */
	_Atomic uint32_t made[ROWS_MAX];     /* how often */
};

static struct board *board_of(struct rig_team *team)
{
	return rig_team_data(team, 0);
}

size_t lab_rows(struct rig_team *team)
{
	(void)team;
	return rows;
}

/* Steps of a point until it is out. */
static uint64_t steps_of(double cx, double cy)
{
	double x = 0, y = 0;
	uint64_t steps = 0;

	while (steps < STEPS && x * x + y * y <= 4) {
		double t = x * x - y * y + cx;

		y = 2 * x * y + cy;
		x = t;
		steps++;
	}
	return steps;
}

/* The rank's clock goes on. */
static void work(struct rig_team *team, uint64_t steps)
{
	struct board *board = board_of(team);
	int rank = rig_team_rank(team);

	board->worked[rank] += steps;
	atomic_fetch_add(&board->clock[rank], steps);
}

static void draw_picture(void)
{
	rows = 240 + grade_draw(ROWS_MAX - 240 + 1);
	middle = ((double)grade_draw(100) - 50) / 1000;
	for (size_t row = 0; row < rows; row++)
		for (int j = 0; j < COLUMNS; j++)
			steps_of_row[row] +=
				steps_of(-2 + 2.5 * (j + 0.5) / COLUMNS,
					 middle - 1.25 +
						 2.5 * ((double)row + 0.5) /
							 (double)rows);
}

void lab_row(struct rig_team *team, size_t row)
{
	if (row >= rows)
		return;
	atomic_fetch_add(&board_of(team)->made[row], 1);
	work(team, steps_of_row[row]);
}

/* Is this rank's clock behind all others'?  Of equal ones the lower rank. */
static int is_behind(struct rig_team *team)
{
	struct board *board = board_of(team);
	int rank = rig_team_rank(team);
	uint64_t mine = atomic_load(&board->clock[rank]);

	for (int i = 0; i < rig_team_size(team); i++) {
		uint64_t other = atomic_load(&board->clock[i]);

		if (other < mine || (other == mine && i < rank))
			return 0;
	}
	return 1;
}

size_t lab_turn(struct rig_team *team)
{
	struct board *board = board_of(team);
	size_t left;

	while (!is_behind(team))
		sched_yield();
	left = rows - atomic_load(&board->next);
	if (left == 0)
		atomic_store(&board->clock[rig_team_rank(team)], NEVER);
	return left;
}

/* A way, in a worker: a rank that has returned is behind nobody. */
static int run_way(struct rig_team *team)
{
	struct board *board = board_of(team);
	rig_kernel_fn *way;
	int r;

	memcpy(&way, rig_team_args(team), sizeof(way));
	r = way(team);
	atomic_store(&board->clock[rig_team_rank(team)], NEVER);
	return r;
}

struct rig_span lab_take(struct rig_team *team, size_t count)
{
	struct board *board = board_of(team);
	size_t begin = atomic_load(&board->next);
	size_t end = count < rows - begin ? begin + count : rows;

	atomic_store(&board->next, end);
	atomic_fetch_add(&board->turns, 1);
	work(team, LAB_TURN);
	return (struct rig_span){ begin, end };
}

static struct rig_segment *segment;

/* The first row that is not made once, or as many as there are rows. */
static size_t first_wrong(const struct board *board)
{
	size_t row = 0;

	while (row < rows && board->made[row] == 1)
		row++;
	return row;
}

/* What a way is to achieve: its longest clock by the mean of the steps, in
 * hundredths, and turns by hundredths of the rows. */
struct goal {
	const char *name;
	rig_kernel_fn *way;
	unsigned most, turns;
	const char *uneven, *often;
};

static struct goal goals[] = {
	{ "fixed", NULL, 115, 0,
	  "TODO(1): hard rows lie side by side: who has them?",
	  "TODO(1): fixed() takes no turns" },
	{ "dynamic", NULL, 115, 100,
	  "TODO(2): a rank that has taken its only turn cannot help",
	  "TODO(2): more turns than rows: is there a turn without a row?" },
	{ "guided", NULL, 115, 50,
	  "TODO(3): the first part is too large: a hard one is too long",
	  "TODO(3): each turn costs as much as an easy row" },
};

static void judge_shares(const struct goal *goal, const struct board *board,
			 int size)
{
	const unsigned turns = (unsigned)board->turns;
	const unsigned allowed = goal->turns * (unsigned)rows / 100;
	uint64_t most = 0, all = 0;
	unsigned part;

	for (int i = 0; i < size; i++) {
		all += board->worked[i];
		most = board->worked[i] > most ? board->worked[i] : most;
	}
	all -= turns * LAB_TURN;
	part = (unsigned)(100 * most * (uint64_t)size / all);
	printf("%s, %d rank%s: the longest has %u %% of an equal share, %u "
	       "turns\n",
	       goal->name, size, size == 1 ? "" : "s", part, turns);
	grade_case(part <= goal->most, "  more than %u %%", goal->most);
	grade_case(turns <= allowed, "  more than %u turns", allowed);
	if (turns > allowed)
		grade_hint("%s", goal->often);
	else if (part > goal->most)
		grade_hint("%s", goal->uneven);
}

static void judge(const struct goal *goal, struct rig_pool *pool)
{
	struct board *board = rig_segment_data(segment);
	size_t wrong;

	memset(board, 0, sizeof(*board));
	if (rig_pool_run(pool, &(struct rig_job){
				       .kernel = run_way,
				       .args = &goal->way,
				       .args_bytes = sizeof(goal->way),
				       .segments = { { .name = rig_segment_name(
							       segment) } },
				       .limit_ns = 20000000000u }) < 0) {
		grade_case(false, "%s: %s", goal->name, rig_why());
		grade_hint("a rank takes turns until nothing is left");
		return;
	}
	wrong = first_wrong(board);
	grade_case(wrong == rows, "%s: row %zu is made %u times", goal->name,
		   wrong, wrong < rows ? board->made[wrong] : 0);
	if (wrong < rows)
		grade_hint("each row is made by one rank, once");
	else
		judge_shares(goal, board, rig_pool_size(pool));
}

int lab_check(void)
{
	static const int teams[] = { 1, 2, 3, 4, 5, WORKERS_MAX };
	struct rig_pool *pools[6] = { NULL };
	int r = rig_segment_create(&segment, NULL, sizeof(struct board), NULL);

	draw_picture();
	for (int i = 0; i < 3; i++)
		goals[i].way = (rig_kernel_fn *)grade_student(goals[i].name);
	for (int i = 0; r == 0 && i < 6; i++)
		r = rig_pool_create(&pools[i], &(struct rig_pool_options){
						       .workers = teams[i] });
	for (int i = 0; r == 0 && i < 3; i++)
		for (int k = 0; k < 6; k++)
			judge(&goals[i], pools[k]);
	for (int i = 0; i < 6; i++)
		rig_pool_destroy(pools[i]);
	rig_segment_destroy(segment);
	return r;
}
