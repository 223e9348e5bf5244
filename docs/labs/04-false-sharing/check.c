/* SPDX-License-Identifier: MIT */
/*
 * check.c - add up histograms, and see which lines of the board each rank writes.
 *
 * No clock decides anything.  A rank of a watched run has the board as private
 * memory: the lines that differ afterwards, this rank wrote.  The values and the
 * lists of writes are drawn.
 */
#include "lab.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "labs/judge/grade.h"

#define WORKERS 8 /* of the largest team */
#define WRITERS 4 /* ranks in a list of writes */
#define LONGEST 3000
#define LINES   ((sizeof(struct lab_board) + RIG_LINE - 1) / RIG_LINE)
#define LISTS   12
#define WRITES  14

/* The student's; the workers inherit the pointers. */
static struct {
	rig_kernel_fn *tally, *merge;
	size_t (*false_lines)(const struct lab_write *, size_t);
} student;

/* Segment 2: did this rank write this line, and `seen`? */
struct traces {
	unsigned char wrote[WORKERS][LINES];
	unsigned char seen[WORKERS];
};

static int both(struct rig_team *team)
{
	int r = student.tally(team);

	if (r == 0)
		r = rig_team_barrier(team);
	return r < 0 ? r : student.merge(team);
}

/* tally() on a board of this rank's own. */
static int watched(struct rig_team *team)
{
	unsigned char *board = rig_team_data(team, 1);
	struct traces *traces = rig_team_data(team, 2);
	int r;

	if (mmap(board, sizeof(struct lab_board), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return rig_team_fail(team, -ENOMEM, "no private memory");
	r = student.tally(team);
	for (size_t i = 0; i < sizeof(struct lab_board); i++)
		if (board[i])
			traces->wrote[rig_team_rank(team)][i / RIG_LINE] = 1;
	traces->seen[rig_team_rank(team)] =
		((struct lab_board *)board)->seen != 0;
	return r;
}

static void judge_totals(const struct lab_board *board, const uint32_t *values,
			 size_t n, int workers)
{
	uint64_t total[LAB_BUCKETS] = { 0 };

	for (size_t i = 0; i < n; i++)
		total[values[i] % LAB_BUCKETS]++;
	for (int i = 0; i < LAB_BUCKETS; i++) {
		grade_case(board->total[i] == total[i],
			   "%d ranks: bucket %d has %llu values, must have "
			   "%llu",
			   workers, i, (unsigned long long)board->total[i],
			   (unsigned long long)total[i]);
		if (board->total[i] != total[i])
			grade_hint("merge() adds up the counters of all ranks, "
				   "where tally() has put the counters");
	}
	grade_case(board->seen == n, "%d ranks: seen is %llu, must be %zu",
		   workers, (unsigned long long)board->seen, n);
	if (board->seen != n)
		grade_hint("TODO(2): merge() writes seen, once: the sum of all "
			   "counters");
}

/* Hints by the line that two ranks write. */
static void hint_line(const struct traces *traces, size_t line, int first,
		      int second)
{
	const size_t seen = offsetof(struct lab_board, seen) / RIG_LINE;

	if (line < seen)
		grade_hint("tally() leaves total[] to merge()");
	else if (line == seen && memchr(traces->seen, 1, WORKERS))
		grade_hint("TODO(2): seen lies in a line that every rank "
			   "writes, and the room begins in that line");
	else
		grade_hint("TODO(1): counters of ranks %d and %d lie in one "
			   "line: begin a line for each rank",
			   first, second);
}

static void judge_lines(const struct traces *traces, int workers)
{
	for (size_t line = 0; line < LINES; line++) {
		int first = -1, second = -1;

		for (int rank = 0; rank < workers; rank++)
			if (traces->wrote[rank][line])
				*(first < 0 ? &first : &second) = rank;
		if (second < 0)
			continue;
		grade_case(false, "ranks %d and %d write line %zu of the board",
			   first, second, line);
		hint_line(traces, line, first, second);
	}
}

/* Each rank must have counted: a serial program is refused. */
static void judge_ranks(const struct traces *traces, int workers)
{
	for (int rank = 0; rank < workers; rank++) {
		bool wrote = memchr(traces->wrote[rank], 1, LINES) != NULL;

		grade_case(wrote, "rank %d of %d wrote no counter", rank,
			   workers);
		if (!wrote)
			grade_hint("every rank counts its strip, into counters "
				   "in the room");
	}
}

static int run(struct rig_pool *pool, rig_kernel_fn *kernel,
	       struct rig_segment *const segments[3], size_t n)
{
	int r = rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = kernel,
			.segments = { { .name = rig_segment_name(segments[0]),
					.bytes = n * sizeof(uint32_t) },
				      { .name = rig_segment_name(segments[1]) },
				      { .name = rig_segment_name(
						segments[2]) } },
			.limit_ns = 20000000000u });

	grade_run(r, "%d ranks", rig_pool_size(pool));
	return r;
}

static void judge(struct rig_pool *pool, struct rig_segment *const segments[3])
{
	uint32_t *values = rig_segment_data(segments[0]);
	const size_t n = 500 + grade_draw(LONGEST - 500);

	for (size_t i = 0; i < n; i++)
		values[i] = (uint32_t)grade_draw(1000000);
	if (run(pool, both, segments, n) == 0)
		judge_totals(rig_segment_data(segments[1]), values, n,
			     rig_pool_size(pool));
	if (run(pool, watched, segments, n) < 0)
		return;
	judge_lines(rig_segment_data(segments[2]), rig_pool_size(pool));
	judge_ranks(rig_segment_data(segments[2]), rig_pool_size(pool));
}

static int check_team(int workers)
{
	struct rig_segment *segments[3] = { NULL };
	struct rig_pool *pool = NULL;
	int r = rig_segment_create(&segments[0], NULL,
				   LONGEST * sizeof(uint32_t), NULL);

	if (r == 0)
		r = rig_segment_create(&segments[1], NULL,
				       sizeof(struct lab_board), NULL);
	if (r == 0)
		r = rig_segment_create(&segments[2], NULL,
				       sizeof(struct traces), NULL);
	if (r == 0)
		r = rig_pool_create(&pool, &(struct rig_pool_options){
						   .workers = workers });
	if (r == 0)
		judge(pool, segments);
	rig_pool_destroy(pool);
	for (int i = 0; i < 3; i++)
		rig_segment_destroy(segments[i]);
	return r;
}

/* Lines that several ranks write; those with a byte of several count only where
 * `truly`; a write that reaches into the next line counts there where `across`. */
static size_t count_lines(const struct lab_write *writes, bool truly,
			  bool across)
{
	size_t found = 0;

	for (size_t line = 0; line < 5; line++) {
		unsigned bytes[RIG_LINE] = { 0 }, all = 0;
		bool conflict = false;

		for (size_t i = 0; i < WRITES; i++)
			for (size_t k = 0; k < writes[i].bytes; k++) {
				size_t at = writes[i].offset + k;

				if (at / RIG_LINE != line ||
				    (!across &&
				     writes[i].offset / RIG_LINE != line))
					continue;
				bytes[at % RIG_LINE] |= 1u << writes[i].rank;
				all |= 1u << writes[i].rank;
			}
		for (size_t k = 0; k < RIG_LINE; k++)
			conflict |= (bytes[k] & (bytes[k] - 1)) != 0;
		found += (all & (all - 1)) != 0 && (truly || !conflict);
	}
	return found;
}

/* Each list has a line that is shared truly, and a write across two lines. */
static void draw_writes(struct lab_write *writes)
{
	for (size_t i = 0; i < WRITES; i++)
		writes[i] = (struct lab_write){
			.rank = (int)grade_draw(WRITERS),
			.offset = grade_draw(3 * RIG_LINE / 4) * 4 + RIG_LINE,
			.bytes = 4
		};
	writes[3] = (struct lab_write){ 0, 4, 8 };
	writes[7] = (struct lab_write){ 1, 8, 8 };
	writes[9] = (struct lab_write){ 2, 4 * RIG_LINE - 4, 8 };
	writes[11] = (struct lab_write){ 3, 4 * RIG_LINE + 8, 8 };
}

static void check_lists(void)
{
	struct lab_write writes[WRITES];

	for (int list = 0; list < LISTS; list++) {
		size_t wanted, said;

		draw_writes(writes);
		wanted = count_lines(writes, false, true);
		said = student.false_lines(writes, WRITES);
		grade_case(said == wanted,
			   "%d writes: %zu lines are shared falsely, you said "
			   "%zu",
			   WRITES, wanted, said);
		if (said == wanted)
			continue;
		if (said == count_lines(writes, true, true))
			grade_hint("TODO(3): a byte that two ranks write is "
				   "shared truly: padding is no cure");
		else if (said == count_lines(writes, false, false))
			grade_hint("TODO(3): a write may reach into the next "
				   "line");
		else
			grade_hint("TODO(3): a line counts once, where several "
				   "ranks write the line, and no byte has two "
				   "writers");
	}
}

int lab_check(void)
{
	static const int teams[] = { 1, 2, 3, 4, 8 };
	int r = 0;

	student.tally = (rig_kernel_fn *)grade_student("tally");
	student.merge = (rig_kernel_fn *)grade_student("merge");
	student.false_lines =
		(__typeof__(student.false_lines))grade_student("false_lines");
	for (int i = 0; r == 0 && i < 5; i++)
		r = check_team(teams[i]);
	if (r == 0)
		check_lists();
	return r;
}
