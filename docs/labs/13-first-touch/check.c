/* SPDX-License-Identifier: MIT */
/*
 * check.c - see which rank writes which page, and count the pages that would be far
 * on machines that are drawn.
 *
 * No clock decides anything, and a machine of a single node is enough: the nodes are
 * those of rig_place_plan() on a described machine.  A rank of a watched run has the
 * matrix as private memory with a pattern in it: pages without the pattern, this
 * rank wrote.
 */
#include "lab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "labs/judge/grade.h"

#define RANKS     8
#define ROWS_MAX  12
#define PAGES_MAX ((size_t)ROWS_MAX * LAB_BLOCKS)
#define MATRIX    (PAGES_MAX * LAB_PAGE)
#define TOUCHES   160
#define LISTS     6

static struct {
	rig_kernel_fn *fill;
	void (*homes)(const struct rig_plan *, const struct lab_touch *, size_t,
		      int *, size_t);
	size_t (*far_pages)(const struct rig_plan *, const int *, size_t);
} student;

static double slope; /* drawn; the workers inherit the number */

double lab_value(size_t row, size_t column)
{
	return slope * (double)(row + 1) + (double)column;
}

/* A machine of 2 to 4 nodes, and workers on it. */
struct machine {
	char words[64];
	struct rig_plan *plan;
};

static int draw_machine(struct machine *machine, int workers)
{
	const int nodes = 2 + (int)grade_draw(3);

	snprintf(machine->words, sizeof(machine->words), "numa:%d core:4 pu:%d",
		 nodes, 1 + (int)grade_draw(2));
	return rig_place_plan(
		&machine->plan,
		&(struct rig_place_options){ .workers = workers,
					     .place = "core",
					     .topology = machine->words });
}

static int user_of(int workers, size_t page)
{
	int rank = 0;

	while (page % LAB_BLOCKS >= rig_strip(LAB_BLOCKS, rank, workers).end)
		rank++;
	return rank;
}

/* ---- (1) fill ---- */

/* Segment 1: what each rank has written. */
struct traces {
	unsigned char wrote[RANKS][PAGES_MAX];
	unsigned char wrong[RANKS][PAGES_MAX]; /* numbers that are wrong */
};

static void look(const double *page, size_t number, unsigned char *wrote,
		 unsigned char *wrong)
{
	const size_t per_page = LAB_PAGE / sizeof(double);
	unsigned char pattern[LAB_PAGE];

	memset(pattern, 0xa5, sizeof(pattern));
	*wrote = memcmp(page, pattern, sizeof(pattern)) != 0;
	for (size_t i = 0; *wrote && i < per_page; i++)
		if (page[i] != lab_value(number / LAB_BLOCKS,
					 number % LAB_BLOCKS * per_page + i))
			*wrong = 1;
}

static int watched(struct rig_team *team)
{
	const size_t bytes = rig_team_bytes(team, 0);
	unsigned char *matrix = rig_team_data(team, 0);
	struct traces *traces = rig_team_data(team, 1);
	const int rank = rig_team_rank(team);
	int r;

	if (mmap(matrix, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return rig_team_fail(team, -ENOMEM, "no private memory");
	memset(matrix, 0xa5, bytes);
	r = student.fill(team);
	for (size_t page = 0; page < bytes / LAB_PAGE; page++)
		look((const double *)(matrix + page * LAB_PAGE), page,
		     &traces->wrote[rank][page], &traces->wrong[rank][page]);
	return r;
}

/* Faults of the pages, each page counted once. */
struct findings {
	size_t untouched, twice, wrong, far, of_first;
};

static void find(struct findings *findings, const struct traces *traces,
		 const struct rig_plan *plan, size_t pages)
{
	memset(findings, 0, sizeof(*findings));
	for (size_t page = 0; page < pages; page++) {
		int writers = 0, writer = -1, user;
		bool wrong = false;

		for (int rank = 0; rank < plan->workers; rank++)
			if (traces->wrote[rank][page]) {
				writers++;
				writer = writer < 0 ? rank : writer;
				wrong = wrong || traces->wrong[rank][page];
			}
		user = user_of(plan->workers, page);
		findings->untouched += writers == 0;
		findings->twice += writers > 1;
		findings->wrong += wrong;
		findings->of_first += writer == 0 && writers == 1;
		findings->far += writer >= 0 && plan->spots[writer].node !=
							plan->spots[user].node;
	}
}

static void judge_fill(const struct findings *found,
		       const struct machine *machine, size_t pages)
{
	const int workers = machine->plan->workers;

	grade_case(found->untouched == 0 && found->wrong <= found->twice,
		   "%d ranks: %zu pages of %zu not filled, %zu filled wrongly",
		   workers, found->untouched, pages, found->wrong);
	grade_case(found->twice == 0,
		   "%d ranks: %zu pages that two ranks touch", workers,
		   found->twice);
	grade_case(found->far == 0,
		   "\"%s\", %d ranks: %zu pages of %zu are far from their "
		   "user",
		   machine->words, workers, found->far, pages);
	if (found->twice > 0)
		grade_hint("TODO(1): two ranks touch a page, and the first is "
			   "an accident: who zeroes, who fills?");
	else if (found->untouched > 0 || found->wrong > 0)
		grade_hint("TODO(1): every number of every page is "
			   "lab_value(row, column)");
	else if (workers > 1 && found->of_first == pages)
		grade_hint("TODO(1): rank 0 touches all pages first, so all "
			   "lie on the node of rank 0");
	else if (found->far > 0)
		grade_hint("TODO(1): the matrix is used by columns: fill what "
			   "you use, and not what is contiguous");
}

static int run(struct rig_pool *pool, rig_kernel_fn *kernel,
	       struct rig_segment *matrix, struct rig_segment *traces,
	       size_t pages)
{
	return rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = kernel,
			.segments = { { .name = rig_segment_name(matrix),
					.bytes = pages * LAB_PAGE },
				      { .name = rig_segment_name(traces) } },
			.limit_ns = 20000000000u });
}

/* Where this machine has put the pages of a run without private memory. */
static void show_homes(struct rig_pool *pool, size_t pages)
{
	struct rig_segment *matrix = NULL, *traces = NULL;
	struct rig_home home[PAGES_MAX];
	size_t on[64] = { 0 };
	ssize_t count = -1;
	int r = rig_segment_create(&matrix, NULL, pages * LAB_PAGE, NULL);

	if (r == 0)
		r = rig_segment_create(&traces, NULL, LAB_PAGE, NULL);
	if (r == 0 && run(pool, student.fill, matrix, traces, pages) == 0)
		count = rig_segment_where(matrix, home, PAGES_MAX);
	for (ssize_t i = 0; i < count && i < (ssize_t)PAGES_MAX; i++)
		if (home[i].node >= 0 && home[i].node < 64)
			on[home[i].node] += home[i].end - home[i].begin;
	for (int node = 0; node < 64; node++)
		if (on[node] > 0)
			printf("this machine (not graded): %zu pages on node "
			       "%d\n",
			       on[node] / LAB_PAGE, node);
	rig_segment_destroy(traces);
	rig_segment_destroy(matrix);
}

static int check_pool(struct rig_pool *pool, size_t pages)
{
	struct rig_segment *matrix = NULL, *traces = NULL;
	struct machine machine = { .plan = NULL };
	struct findings findings;
	int r = draw_machine(&machine, rig_pool_size(pool));

	if (r == 0)
		r = rig_segment_create(&matrix, NULL, MATRIX, NULL);
	if (r == 0)
		r = rig_segment_create(&traces, NULL, sizeof(struct traces),
				       NULL);
	if (r < 0)
		goto out;
	if (run(pool, watched, matrix, traces, pages) == 0) {
		find(&findings, rig_segment_data(traces), machine.plan, pages);
		judge_fill(&findings, &machine, pages);
	} else {
		grade_case(false, "%d ranks: %s", rig_pool_size(pool),
			   rig_why());
		grade_hint("TODO(1): every rank fills a part, and all meet at "
			   "the same barriers");
	}
out:
	rig_segment_destroy(traces);
	rig_segment_destroy(matrix);
	rig_place_free(machine.plan);
	return r;
}

static int check_team(int workers)
{
	const size_t pages = LAB_BLOCKS * (3 + grade_draw(ROWS_MAX - 2));
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(
		&pool, &(struct rig_pool_options){ .workers = workers });

	if (r == 0)
		r = check_pool(pool, pages);
	if (r == 0 && workers == 2)
		show_homes(pool, pages);
	rig_pool_destroy(pool);
	return r;
}

/* ---- (2), (3) ---- */

/* By the first touch, by the first write, or by the last touch. */
enum rule { FIRST, WRITTEN, LAST };

static void homes_of(const struct rig_plan *plan,
		     const struct lab_touch *touches, int *nodes, size_t pages,
		     enum rule rule)
{
	for (size_t page = 0; page < pages; page++)
		nodes[page] = -1;
	for (size_t i = 0; i < TOUCHES; i++) {
		int *node = &nodes[touches[i].page];

		if ((rule == WRITTEN && !touches[i].wrote) ||
		    (rule != LAST && *node >= 0))
			continue;
		*node = plan->spots[touches[i].rank].node;
	}
}

static void judge_homes(const struct machine *machine,
			const struct lab_touch *touches, size_t pages)
{
	const struct rig_plan *plan = machine->plan;
	int right[PAGES_MAX], said[PAGES_MAX], other[PAGES_MAX];
	const size_t bytes = pages * sizeof(int);
	bool same;

	memset(said, 0x7f, sizeof(said));
	homes_of(plan, touches, right, pages, FIRST);
	student.homes(plan, touches, TOUCHES, said, pages);
	same = memcmp(said, right, bytes) == 0;
	grade_case(same, "\"%s\", %d touches: homes() is wrong", machine->words,
		   TOUCHES);
	if (same)
		return;
	homes_of(plan, touches, other, pages, WRITTEN);
	if (memcmp(said, other, bytes) == 0) {
		grade_hint("TODO(2): a read of a segment's page is a touch");
		return;
	}
	homes_of(plan, touches, other, pages, LAST);
	if (memcmp(said, other, bytes) == 0)
		grade_hint("TODO(2): a page does not move to whoever touches "
			   "the page later");
	else
		grade_hint("TODO(2): the node of the rank that touches a page "
			   "first, and -1 where nobody does");
}

static void judge_far(const struct machine *machine, const int *nodes,
		      size_t pages)
{
	const struct rig_plan *plan = machine->plan;
	size_t right = 0, with_untouched = 0, said;

	for (size_t page = 0; page < pages; page++) {
		int user = user_of(plan->workers, page);
		bool other = nodes[page] != plan->spots[user].node;

		with_untouched += other;
		right += other && nodes[page] >= 0;
	}
	said = student.far_pages(plan, nodes, pages / LAB_BLOCKS);
	grade_case(said == right,
		   "\"%s\", %d ranks: %zu pages of %zu are far, you say %zu",
		   machine->words, plan->workers, right, pages, said);
	if (said == right)
		return;
	if (said == with_untouched)
		grade_hint("TODO(3): a page that nobody has touched is "
			   "nowhere, and not far");
	else
		grade_hint("TODO(3): far is another node than that of the rank "
			   "which uses the page's columns");
}

static int check_list(int workers)
{
	const size_t pages = LAB_BLOCKS * (3 + grade_draw(ROWS_MAX - 2));
	struct lab_touch touches[TOUCHES];
	struct machine machine = { .plan = NULL };
	int nodes[PAGES_MAX];
	int r = draw_machine(&machine, workers);

	if (r < 0)
		return r;
	for (size_t i = 0; i < TOUCHES; i++)
		touches[i] =
			(struct lab_touch){ (int)grade_draw((uint64_t)workers),
					    grade_draw(2) == 0,
					    /* The last page is nobody's. */
					    grade_draw(pages - 1) };
	judge_homes(&machine, touches, pages);
	homes_of(machine.plan, touches, nodes, pages, FIRST);
	judge_far(&machine, nodes, pages);
	rig_place_free(machine.plan);
	return 0;
}

int lab_check(void)
{
	static const int teams[] = { 1, 2, 8 };
	int r = 0;

	student.fill = (rig_kernel_fn *)grade_student("fill");
	student.homes = (__typeof__(student.homes))grade_student("homes");
	student.far_pages =
		(__typeof__(student.far_pages))grade_student("far_pages");
	slope = 10000 + (double)grade_draw(10000);
	for (int i = 0; r == 0 && i < LISTS; i++)
		r = check_list(2 + (int)grade_draw(RANKS - 1));
	for (int i = 0; r == 0 && i < 3; i++)
		r = check_team(teams[i]);
	return r;
}
