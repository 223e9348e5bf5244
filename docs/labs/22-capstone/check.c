/* SPDX-License-Identifier: MIT */
/*
 * check.c - draw a Julia set, have the set made by teams whose ranks die, and look
 * at who did what.
 *
 * No clock decides anything.  A rank's clock is a count of steps; whose turn comes
 * next depends on these alone.  A rank kills itself at a call that is drawn.  Whether
 * a rank smooths rows that may not be there yet is seen by barriers: a row of
 * another rank is there when both have passed a barrier since.
 */
#include "lab.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labs/judge/grade.h"

#define RANKS  8
#define DEATHS 3
#define STEPS  200
#define NEVER  UINT64_MAX

/* Deaths that are not the check's, after which the check ends. */
#define FURTHER 5

/* A death to come: at a call of lab_row() or lab_smooth(). */
struct death {
	int rank;
	bool smoothing;
	int countdown;
};

/* Segment 1.  The first part is of a run, the second of a job. */
struct board {
	_Atomic uint64_t clock[RANKS];
	uint64_t worked[RANKS];
	_Atomic uint64_t next;
	int barriers[RANKS];
	int maker[LAB_ROWS_MAX];   /* in this run, or -1 */
	int made_at[LAB_ROWS_MAX]; /* barriers of the maker before */
	struct death deaths[DEATHS];
	int death, deaths_left;
	unsigned made[LAB_ROWS_MAX]; /* how often, in all runs */
	_Atomic unsigned early;      /* deaths in a row that was recorded */
	_Atomic unsigned races;
	uint64_t hardest;
};

static struct {
	rig_kernel_fn *render;
	int (*persist)(struct rig_pool *, const struct rig_job *);
	int (*write)(const char *, const struct lab_canvas *, size_t);
} student;

/* The picture of this check; the workers inherit the numbers. */
static size_t rows;
static double cx, cy;

static struct board *board_of(struct rig_team *team)
{
	return rig_team_data(team, 1);
}

size_t lab_rows(struct rig_team *team)
{
	(void)team;
	return rows;
}

/* ---- what ranks do ---- */

static uint64_t steps_of(double x, double y)
{
	uint64_t steps = 0;

	while (steps < STEPS && x * x + y * y <= 4) {
		double t = x * x - y * y + cx;

		y = 2 * x * y + cy;
		x = t;
		steps++;
	}
	return steps;
}

static uint64_t make_row(size_t row, unsigned char *shades)
{
	uint64_t all = 0;

	for (int j = 0; j < LAB_COLUMNS; j++) {
		uint64_t steps = steps_of(-1.6 + 3.2 * (j + 0.5) / LAB_COLUMNS,
					  -1.2 + 2.4 * ((double)row + 0.5) /
							  (double)rows);

		shades[j] = (unsigned char)(steps * 255 / STEPS);
		all += steps + 1;
	}
	return all;
}

/* A mean of five elements; the edge stays. */
static void smooth_row(unsigned char (*raw)[LAB_COLUMNS], size_t row,
		       unsigned char *shades)
{
	memcpy(shades, raw[row], LAB_COLUMNS);
	if (row == 0 || row + 1 == rows)
		return;
	for (int j = 1; j + 1 < LAB_COLUMNS; j++)
		shades[j] = (unsigned char)((4 * raw[row][j] + raw[row][j - 1] +
					     raw[row][j + 1] + raw[row - 1][j] +
					     raw[row + 1][j] + 4) /
					    8);
}

static void work(struct rig_team *team, uint64_t steps)
{
	struct board *board = board_of(team);
	int rank = rig_team_rank(team);

	board->worked[rank] += steps;
	atomic_fetch_add(&board->clock[rank], steps);
}

static bool dies(struct rig_team *team, bool smoothing)
{
	struct board *board = board_of(team);
	struct death *death = &board->deaths[board->death];

	return board->deaths_left > 0 && death->smoothing == smoothing &&
	       death->rank == rig_team_rank(team) && death->countdown-- <= 0;
}

void lab_row(struct rig_team *team, size_t row, unsigned char *shades)
{
	struct lab_canvas *canvas = rig_team_data(team, 0);
	struct board *board = board_of(team);
	unsigned char made[LAB_COLUMNS];
	uint64_t steps;

	if (row >= rows)
		return;
	steps = make_row(row, made);
	board->made[row]++;
	board->maker[row] = rig_team_rank(team);
	board->made_at[row] = board->barriers[rig_team_rank(team)];
	if (dies(team, false)) {
		/* The record may be of an earlier run, which made the row. */
		board->early += canvas->made[row] && board->made[row] == 1;
		memcpy(shades, made, LAB_COLUMNS / 2);
		raise(SIGKILL);
	}
	memcpy(shades, made, LAB_COLUMNS);
	if (steps > board->hardest)
		board->hardest = steps;
	work(team, steps);
}

/* Is the row there for this rank, whoever is late? */
static bool is_there(struct rig_team *team, size_t row)
{
	const struct lab_canvas *canvas = rig_team_data(team, 0);
	const struct board *board = board_of(team);
	int rank = rig_team_rank(team);

	/* By an earlier run, or not yet. */
	if (board->maker[row] < 0)
		return canvas->made[row] != 0;
	return board->maker[row] == rank ||
	       board->made_at[row] < board->barriers[rank];
}

void lab_smooth(struct rig_team *team, size_t row)
{
	struct lab_canvas *canvas = rig_team_data(team, 0);

	if (row >= rows)
		return;
	if (dies(team, true))
		raise(SIGKILL);
	if ((row > 0 && !is_there(team, row - 1)) || !is_there(team, row) ||
	    (row + 1 < rows && !is_there(team, row + 1)) || !canvas->made[row])
		board_of(team)->races++;
	smooth_row(canvas->raw, row, canvas->smooth[row]);
}

int lab_barrier(struct rig_team *team)
{
	int r = rig_team_barrier(team);

	board_of(team)->barriers[rig_team_rank(team)]++;
	return r;
}

static bool is_behind(struct rig_team *team)
{
	struct board *board = board_of(team);
	int rank = rig_team_rank(team);
	uint64_t mine = atomic_load(&board->clock[rank]);

	for (int i = 0; i < rig_team_size(team); i++) {
		uint64_t other = atomic_load(&board->clock[i]);

		if (other < mine || (other == mine && i < rank))
			return false;
	}
	return true;
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

/* render(), in a worker: a rank that has returned is behind nobody. */
static int rendered(struct rig_team *team)
{
	int r = student.render(team);

	atomic_store(&board_of(team)->clock[rig_team_rank(team)], NEVER);
	return r;
}

struct rig_span lab_take(struct rig_team *team, size_t count)
{
	struct board *board = board_of(team);
	size_t begin = atomic_load(&board->next);
	size_t end = count < rows - begin ? begin + count : rows;

	atomic_store(&board->next, end);
	/* A turn is a step, so that ranks which skip rows take turns. */
	work(team, 1);
	return (struct rig_span){ begin, end };
}

/* ---- judging ---- */

static struct {
	struct board *board;
	int reports;
} seen;

static void begin_run(struct board *board)
{
	memset((void *)board, 0, offsetof(struct board, deaths));
	for (size_t row = 0; row < LAB_ROWS_MAX; row++)
		board->maker[row] = -1;
}

int lab_run(struct rig_pool *pool, const struct rig_job *job)
{
	int r;

	begin_run(seen.board);
	r = rig_pool_run(pool, job);
	if (r != -EOWNERDEAD)
		return r;
	seen.reports++;
	if (seen.board->deaths_left > 0) {
		seen.board->deaths_left--;
		seen.board->death++;
	}
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

static void draw_deaths(struct board *board, int ranks)
{
	for (int i = 0; i < DEATHS; i++)
		board->deaths[i] =
			(struct death){ (int)grade_draw((uint64_t)ranks),
					i == DEATHS - 1,
					i == 0 ? (int)grade_draw(2) : 0 };
	board->deaths_left = DEATHS;
}

/* The first row that is not as it must be; `rows` where all are. */
static size_t first_wrong(const struct lab_canvas *canvas)
{
	static unsigned char raw[LAB_ROWS_MAX][LAB_COLUMNS];
	unsigned char shades[LAB_COLUMNS];
	size_t row = 0;

	for (size_t i = 0; i < rows; i++)
		(void)make_row(i, raw[i]);
	for (; row < rows; row++) {
		smooth_row(raw, row, shades);
		if (memcmp(shades, canvas->smooth[row], LAB_COLUMNS) != 0)
			break;
	}
	return row;
}

static void judge_canvas(const struct lab_canvas *canvas,
			 const struct board *board, int r, int ranks,
			 bool deaths)
{
	const size_t wrong = first_wrong(canvas);
	const unsigned most = deaths ? DEATHS * (unsigned)ranks : 0;
	unsigned again = 0;

	for (size_t row = 0; row < rows; row++)
		again += board->made[row] > 0 ? board->made[row] - 1 : 0;
	grade_case(r == 0 && wrong == rows,
		   "%d ranks, %d deaths: row %zu of %zu is wrong: %s", ranks,
		   seen.reports, wrong, rows, r < 0 ? rig_why() : "done");
	grade_case(board->races == 0,
		   "%d ranks: %u rows smoothed that might not be there", ranks,
		   board->races);
	grade_case(again <= most, "%d ranks: %u rows made again, at most %u",
		   ranks, again, most);
	if (r == -EOWNERDEAD)
		grade_hint(
			"TODO(4): a death ends the run, and not the job: run "
			"again on the same pool");
	else if (board->early > 0)
		grade_hint(
			"TODO(2): record a row when the row is there: whoever "
			"dies in between leaves a row that nobody makes");
	else if (board->races > 0)
		grade_hint("TODO(3): a barrier between the last row that is "
			   "made and the first that is smoothed");
	else if (again > most)
		grade_hint("TODO(2): a row that made[] has is not made again");
	else if (r < 0 || wrong < rows)
		grade_hint("every row is in raw[], and then in smooth[]");
}

/* The mean and the hardest row, and a step for each turn: no rank that takes a row in
 * each turn has more. */
static uint64_t most_steps(uint64_t all, int ranks, uint64_t hardest)
{
	return all / (uint64_t)ranks + hardest + rows;
}

static void judge_balance(const struct board *board, int ranks)
{
	uint64_t most = 0, all = 0, bound;

	for (int i = 0; i < ranks; i++) {
		all += board->worked[i];
		most = board->worked[i] > most ? board->worked[i] : most;
	}
	bound = most_steps(all, ranks, board->hardest);
	grade_case(most <= bound,
		   "%d ranks: the longest has %llu steps, at most %llu", ranks,
		   (unsigned long long)most, (unsigned long long)bound);
	if (most > bound)
		grade_hint("TODO(1): hard rows lie side by side: take a row in "
			   "each turn");
}

static void judge_file(const struct lab_canvas *canvas)
{
	char path[] = "/tmp/runrig-lab-22-XXXXXX", mark[3] = "";
	static unsigned char bytes[LAB_ROWS_MAX * LAB_COLUMNS + 1];
	int fd = mkstemp(path), columns = 0, high = 0, most = 0, r;
	size_t got = 0;
	FILE *file;

	if (fd < 0) {
		printf("skipped: /tmp cannot be written\n");
		return;
	}
	close(fd);
	r = student.write(path, canvas, rows);
	file = fopen(path, "rbe");
	if (file &&
	    fscanf(file, "%2s %d %d %d", mark, &columns, &high, &most) == 4 &&
	    getc(file) != EOF)
		got = fread(bytes, 1, sizeof(bytes), file);
	if (file)
		fclose(file);
	(void)unlink(path);
	grade_case(r == 0 && strcmp(mark, "P5") == 0 &&
			   columns == LAB_COLUMNS && high == (int)rows &&
			   most == 255,
		   "write_picture() returns %d: \"%s\", %d x %d, %d", r, mark,
		   columns, high, most);
	r = got == rows * LAB_COLUMNS &&
	    memcmp(bytes, canvas->smooth, got) == 0;
	grade_case(r, "%zu bytes behind the head, %zu must be", got,
		   rows * LAB_COLUMNS);
	if (columns == (int)rows && high == LAB_COLUMNS)
		grade_hint("TODO(5): columns come first");
	else if (strcmp(mark, "P5") != 0 || most != 255)
		grade_hint("TODO(5): the file begins with P5, columns, rows "
			   "and 255");
	else if (!r)
		grade_hint("TODO(5): smooth[], a byte for each element, and "
			   "nothing else");
}

/* The picture in letters, two rows in a line. */
static void show(const struct lab_canvas *canvas)
{
	static const char ink[] = " .:-=+*#%@";

	for (size_t row = 0; row + 1 < rows; row += 2) {
		for (int j = 0; j < LAB_COLUMNS; j += 1)
			putchar(ink[(canvas->smooth[row][j] +
				     canvas->smooth[row + 1][j]) *
				    9 / 510]);
		putchar('\n');
	}
}

static int check_run(struct rig_pool *pool, bool deaths)
{
	struct rig_segment *canvas = NULL, *board = NULL;
	const int ranks = rig_pool_size(pool);
	size_t wrong;
	int r = rig_segment_create(&canvas, NULL, sizeof(struct lab_canvas),
				   NULL);

	if (r == 0)
		r = rig_segment_create(&board, NULL, sizeof(struct board),
				       NULL);
	if (r < 0)
		goto out;
	seen.board = rig_segment_data(board);
	seen.reports = 0;
	begin_run(seen.board);
	if (deaths)
		draw_deaths(seen.board, ranks);
	r = student.persist(
		pool,
		&(struct rig_job){
			.kernel = rendered,
			.segments = { { .name = rig_segment_name(canvas) },
				      { .name = rig_segment_name(board) } },
			.limit_ns = 20000000000u });
	judge_canvas(rig_segment_data(canvas), seen.board, r, ranks, deaths);
	if (!deaths)
		judge_balance(seen.board, ranks);
	wrong = first_wrong(rig_segment_data(canvas));
	if (!deaths && ranks == 1)
		judge_file(rig_segment_data(canvas));
	if (deaths && ranks == RANKS && wrong == rows)
		show(rig_segment_data(canvas));
	r = 0;
out:
	rig_segment_destroy(board);
	rig_segment_destroy(canvas);
	return r;
}

/* Would a strip of rows be too long for judge_balance(), by a sixteenth at least?  The
 * sets are symmetric, so that halves are alike: two ranks' strips tell nothing. */
static bool tells_strips(void)
{
	unsigned char shades[LAB_COLUMNS];
	uint64_t steps[RANKS] = { 0 }, longest = 0, all = 0, hardest = 0, bound;

	for (int i = 0; i < RANKS; i++) {
		struct rig_span strip = rig_strip(rows, i, RANKS);

		for (size_t row = strip.begin; row < strip.end; row++) {
			uint64_t of_row = make_row(row, shades);

			steps[i] += of_row;
			hardest = of_row > hardest ? of_row : hardest;
		}
		longest = steps[i] > longest ? steps[i] : longest;
		all += steps[i];
	}
	bound = most_steps(all, RANKS, hardest);
	return longest >= bound + bound / 16;
}

/* A picture whose strips differ in work: of each set there are some. */
static void draw_picture(void)
{
	static const double sets[][2] = { { -0.8, 0.156 },
					  { -0.4, 0.6 },
					  { 0.285, 0.01 },
					  { -0.70176, -0.3842 },
					  { -0.835, -0.2321 } };

	do {
		size_t set = grade_draw(sizeof(sets) / sizeof(*sets));

		rows = 48 + grade_draw(LAB_ROWS_MAX - 48 + 1);
		cx = sets[set][0] + ((double)grade_draw(100) - 50) / 50000;
		cy = sets[set][1] + ((double)grade_draw(100) - 50) / 50000;
	} while (!tells_strips());
}

int lab_check(void)
{
	static const int teams[] = { 1, 2, RANKS };
	int r = 0;

	student.render = (rig_kernel_fn *)grade_student("render");
	student.persist = (__typeof__(student.persist))grade_student("persist");
	student.write =
		(__typeof__(student.write))grade_student("write_picture");
	draw_picture();
	for (int i = 0; r == 0 && i < 3; i++) {
		struct rig_pool *pool = NULL;

		r = rig_pool_create(&pool, &(struct rig_pool_options){
						   .workers = teams[i] });
		if (r == 0)
			r = check_run(pool, false);
		if (r == 0)
			r = check_run(pool, true);
		rig_pool_destroy(pool);
	}
	return r;
}
