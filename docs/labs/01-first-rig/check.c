/* SPDX-License-Identifier: MIT */
/*
 * check.c - run mirror() for several lengths and teams, and say what is wrong.
 *
 * No clock decides anything.  The race is made certain: a flag in a second
 * segment keeps every other rank from beginning until rank 0 has ended or waits
 * in a barrier.  The numbers and the long lengths are drawn for each check.  A
 * last run counts what each rank writes: a rank of that run has the array as
 * private memory.
 */
#include "lab.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "labs/judge/grade.h"

/* Workers of the team whose writes are counted, and numbers of the longest
 * array. */
#define WORKERS 4
#define LONGEST 2000

/* In the second segment: the flag, then a count of each rank's, and behind these a
 * byte for each element: has a rank written the element? */
#define WRITTEN_AT 4096

static atomic_int *flag_of(struct rig_team *team)
{
	return rig_team_data(team, 1);
}

void lab_begin(struct rig_team *team)
{
	if (rig_team_rank(team) != 0)
		while (!atomic_load(flag_of(team)))
			sched_yield();
}

int lab_barrier(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		atomic_store(flag_of(team), 1);
	return rig_team_barrier(team);
}

void lab_end(struct rig_team *team)
{
	if (rig_team_rank(team) == 0)
		atomic_store(flag_of(team), 1);
}

static double numbers[LONGEST + 1];

static void draw_numbers(size_t n)
{
	for (size_t i = 0; i <= n; i++)
		numbers[i] = (double)grade_draw(1000000) + (double)i / 4096;
}

/* The first element that is not what it must be, or n. */
static size_t first_wrong(const double *x, size_t n)
{
	size_t i = 0;

	while (i < n && x[i] == numbers[n - 1 - i])
		i++;
	return i;
}

enum written { BY_NOBODY, BY_SOMEBODY, NOTHING_AT_ALL };

static void hint(enum written written, size_t wrong, double found)
{
	if (written == NOTHING_AT_ALL)
		grade_hint("mirror() leaves the array as it was");
	else if (written == BY_NOBODY)
		grade_hint("TODO(1): nobody owns this element");
	else if (found == numbers[wrong])
		grade_hint("TODO(3): an element was overwritten before a rank "
			   "had read the element");
	else
		grade_hint("TODO(2): the element is not the mirror image of "
			   "its place");
}

/* The student's function; the workers inherit the pointer. */
static rig_kernel_fn *watched;

/* mirror(), after which rank 0 keeps nobody from beginning. */
static int mirrored(struct rig_team *team)
{
	int r = watched(team);

	lab_end(team);
	return r;
}

/* Run `kernel` over n numbers; `shared` is what all ranks tell the check. */
static int run(struct rig_pool *pool, rig_kernel_fn *kernel, size_t n,
	       struct rig_segment **data, struct rig_segment **shared)
{
	int r = rig_segment_create(data, NULL, (n + 1) * sizeof(double), NULL);

	if (r == 0)
		r = rig_segment_create(shared, NULL, WRITTEN_AT + LONGEST,
				       NULL);
	if (r < 0)
		return r;
	/* One element more than mirror() is shown, to be read by mistake. */
	memcpy(rig_segment_data(*data), numbers, (n + 1) * sizeof(double));
	return rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = kernel,
			.segments = { { .name = rig_segment_name(*data),
					.bytes = n * sizeof(double) },
				      { .name = rig_segment_name(*shared) } },
			.limit_ns = 20000000000u });
}

/* mirror() on private memory: what differs afterwards, this rank wrote. */
static int counted(struct rig_team *team)
{
	double *x = rig_team_data(team, 0);
	size_t bytes = rig_team_bytes(team, 0);
	size_t *count = (size_t *)rig_team_data(team, 1) + 1;
	unsigned char *written =
		(unsigned char *)rig_team_data(team, 1) + WRITTEN_AT;
	static double before[LONGEST];
	int r;

	memcpy(before, x, bytes);
	if (mmap(x, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return rig_team_fail(team, -12, "no private memory");
	memcpy(x, before, bytes);
	r = mirrored(team);
	for (size_t i = 0; i < bytes / sizeof(*x); i++)
		if (x[i] != before[i]) {
			written[i] = 1;
			count[rig_team_rank(team)]++;
		}
	return r;
}

/* A second run tells who writes: what the first left behind does not, for a rank
 * may have read what another had overwritten. */
static enum written find_writer(struct rig_pool *pool, size_t n, size_t wrong)
{
	struct rig_segment *data = NULL, *shared = NULL;
	enum written found = BY_SOMEBODY;

	if (run(pool, counted, n, &data, &shared) == 0) {
		const unsigned char *written =
			(unsigned char *)rig_segment_data(shared) + WRITTEN_AT;

		/* A team may be larger than the array: not a team of one. */
		if (!written[wrong])
			found = rig_pool_size(pool) > 1 || memchr(written, 1, n)
					? BY_NOBODY
					: NOTHING_AT_ALL;
	}
	rig_segment_destroy(shared);
	rig_segment_destroy(data);
	return found;
}

static void check_array(struct rig_pool *pool, size_t n)
{
	const int workers = rig_pool_size(pool);
	struct rig_segment *data = NULL, *shared = NULL;
	int r;

	draw_numbers(n);
	r = run(pool, mirrored, n, &data, &shared);
	if (r < 0) {
		grade_run(r, "%zu elements, %d workers", n, workers);
	} else {
		const double *x = rig_segment_data(data);
		size_t wrong = first_wrong(x, n);

		grade_case(wrong == n,
			   "%zu elements, %d workers: x[%zu] is %g, must be %g",
			   n, workers, wrong, wrong < n ? x[wrong] : 0,
			   wrong < n ? numbers[n - 1 - wrong] : 0);
		if (wrong < n)
			hint(find_writer(pool, n, wrong), wrong, x[wrong]);
	}
	rig_segment_destroy(shared);
	rig_segment_destroy(data);
}

/* Each rank must have written its share: a serial program is refused. */
static void check_shares(struct rig_pool *pool)
{
	const size_t n = 1000 + grade_draw(900);
	const int size = rig_pool_size(pool);
	struct rig_segment *data = NULL, *shared = NULL;
	int r;

	draw_numbers(n);
	r = run(pool, counted, n, &data, &shared);
	for (int rank = 0; r == 0 && rank < size; rank++) {
		const size_t *written =
			(const size_t *)rig_segment_data(shared) + 1;
		bool fair = written[rank] >= n / (size_t)size / 2 &&
			    written[rank] <= 2 * (n / (size_t)size + 1);

		grade_case(fair, "rank %d of %d wrote %zu of %zu elements",
			   rank, size, written[rank], n);
		if (!fair)
			grade_hint("every rank writes its strip, and only its "
				   "strip");
	}
	if (r < 0)
		grade_run(r, "%zu elements, %d workers", n, size);
	rig_segment_destroy(shared);
	rig_segment_destroy(data);
}

/* The array of the page's prediction, by 2 workers. */
static int show_prediction(void)
{
	enum { COUNT = 7 };
	struct rig_segment *data = NULL, *shared = NULL;
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 });

	for (int i = 0; i <= COUNT; i++)
		numbers[i] = i;
	if (r == 0 && run(pool, mirrored, COUNT, &data, &shared) == 0) {
		const double *x = rig_segment_data(data);

		printf("0 1 2 3 4 5 6 by 2 workers:");
		for (int i = 0; i < COUNT; i++)
			printf(" %g", x[i]);
		printf("\n");
	}
	rig_segment_destroy(shared);
	rig_segment_destroy(data);
	rig_pool_destroy(pool);
	return r;
}

static int check_team(int workers)
{
	const size_t lengths[] = { 1,
				   2,
				   12,
				   13,
				   100 + grade_draw(LONGEST - 100),
				   4 * (25 + grade_draw(400)) + 3 };
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(
		&pool, &(struct rig_pool_options){ .workers = workers });

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		check_array(pool, lengths[i]);
	if (workers == WORKERS)
		check_shares(pool);
	rig_pool_destroy(pool);
	return 0;
}

int lab_check(void)
{
	static const int teams[] = { 1, 2, 3, 4, 8 };
	int r;

	watched = (rig_kernel_fn *)grade_student("mirror");
	r = show_prediction();
	for (int i = 0; r == 0 && i < 5; i++)
		r = check_team(teams[i]);
	return r;
}
