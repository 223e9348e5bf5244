/* SPDX-License-Identifier: MIT */
/*
 * check.c - compares three answers with the plan, with the definition, and with
 * the kernel.
 *
 * The first is asked of this machine's workers, the second of described
 * machines, so that one node is enough; the third of a segment with holes, made
 * as Python makes its own: pages come when they are touched.  Machines, lengths and
 * holes are drawn.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "labs/judge/grade.h"

/* The student's; the workers inherit the pointers. */
static struct {
	uint64_t (*cpus)(void);
	int (*home)(const struct rig_plan *, size_t, size_t);
	size_t (*bytes)(const struct rig_segment *, int);
} student;

/* ---- (1) bindings ---- */

static int tell_cpus(struct rig_team *team)
{
	uint64_t cpus = student.cpus();

	memcpy(rig_team_result(team), &cpus, sizeof(cpus));
	return 0;
}

static void judge_cpus(const char *place, int rank, uint64_t said, uint64_t may)
{
	grade_case(said == may,
		   "place %s, rank %d: may run on CPUs %#llx, said %#llx",
		   place, rank, (unsigned long long)may,
		   (unsigned long long)said);
	if (said == may)
		return;
	if (said && !(said & (said - 1)))
		grade_hint("TODO(1): the CPU of the moment: which other CPUs "
			   "may the kernel choose?");
	else
		grade_hint(
			"TODO(1): one bit for each CPU of the worker's mask");
}

/* Workers placed by `place` say where they may run. */
static int check_cpus(const char *place)
{
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(&pool,
				&(struct rig_pool_options){ .place = place });

	if (r == 0)
		r = rig_pool_run(pool,
				 &(struct rig_job){ .kernel = tell_cpus });
	if (pool && r < 0) {
		grade_run(r, "place %s", place);
		rig_pool_destroy(pool);
		return 0;
	}
	for (int rank = 0; r == 0 && rank < rig_pool_size(pool); rank++) {
		const struct rig_spot *spot = &rig_pool_plan(pool)->spots[rank];
		uint64_t said = 0;

		r = (int)rig_pool_result(pool, rank, &said, sizeof(said));
		r = r < 0 ? r : 0;
		judge_cpus(place, rank, said, spot->set[0]);
	}
	rig_pool_destroy(pool);
	return r;
}

/* ---- (2) predictions ---- */

struct machine {
	char topology[64];
	int workers;
	size_t pages;
};

/* A machine of `nodes` NUMA nodes with a worker on each core. */
static void draw_machine(struct machine *machine, int nodes)
{
	int cores = 1 + (int)grade_draw(4);

	snprintf(machine->topology, sizeof(machine->topology),
		 "numa:%d core:%d pu:%d", nodes, cores, 1 + (int)grade_draw(2));
	machine->workers = nodes * cores;
	machine->pages = 2 * (16 + grade_draw(24));
}

/* What reverse touches of the page's first element, from its definition. */
static int owner_node(const struct rig_plan *plan, size_t n, size_t i)
{
	for (int rank = 0; rank < plan->workers; rank++) {
		struct rig_span strip = rig_strip(n / 2, rank, plan->workers);

		for (size_t k = strip.begin; k < strip.end; k++)
			if (k == i || n - 1 - k == i)
				return plan->spots[rank].node;
	}
	return -1;
}

/* The idea behind a wrong answer. */
static void hint_home(const struct rig_plan *plan, size_t n, size_t i, int said)
{
	for (int rank = 0; rank < plan->workers; rank++) {
		struct rig_span strip = rig_strip(n, rank, plan->workers);

		if (i >= strip.begin && i < strip.end &&
		    plan->spots[rank].node == said) {
			grade_hint("TODO(2): reverse divides pairs: who "
				   "touches x[n - 1 - i]?");
			return;
		}
	}
	grade_hint("TODO(2): the mirror image of x[i] is x[n - 1 - i]");
}

/* The first page that is not where the student says. */
static void judge_homes(const struct machine *machine,
			const struct rig_plan *plan)
{
	const size_t per_page = LAB_PAGE / sizeof(double);
	const size_t n = machine->pages * per_page;

	for (size_t page = 0; page < machine->pages; page++) {
		int first = owner_node(plan, n, page * per_page);
		int last = owner_node(plan, n, (page + 1) * per_page - 1);
		int said = student.home(plan, n, page);

		/* A page that two ranks own may lie with either. */
		if (said == first || said == last)
			continue;
		grade_case(false,
			   "\"%s\", %d workers: page %zu of %zu is on node "
			   "%d, said %d",
			   machine->topology, machine->workers, page,
			   machine->pages, first, said);
		hint_home(plan, n, page * per_page, said);
		return;
	}
	grade_case(true, "all pages");
}

static int check_prediction(int nodes)
{
	struct rig_plan *plan = NULL;
	struct machine machine;
	int r;

	draw_machine(&machine, nodes);
	r = rig_place_plan(&plan, &(struct rig_place_options){
					  .workers = machine.workers,
					  .place = "core",
					  .topology = machine.topology });
	if (r == 0)
		judge_homes(&machine, plan);
	rig_place_free(plan);
	return r < 0 ? r : 0;
}

/* ---- (3) homes ---- */

#define PAGES 32

/* A segment as another program makes it; its name is the caller's to remove. */
static int make_sparse(struct rig_segment **segment, char *name, size_t room)
{
	char path[80];
	int fd;

	snprintf(name, room, "lab-02-%d", (int)getpid());
	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, PAGES * (off_t)LAB_PAGE) < 0) {
		close(fd);
		return -errno;
	}
	close(fd);
	return rig_segment_attach(segment, name, NULL);
}

/* Touch most pages, and tell the bytes; the page after the first has none. */
static size_t touch_some(struct rig_segment *segment)
{
	char *bytes = rig_segment_data(segment);
	size_t touched = 0;

	for (size_t page = 0; page < PAGES; page++)
		if (page == 0 || (page != 1 && grade_draw(3) > 0)) {
			bytes[page * LAB_PAGE] = 1;
			touched += LAB_PAGE;
		}
	return touched;
}

static void judge_bytes(size_t found, size_t wanted)
{
	grade_case(found == wanted,
		   "a segment with %zu bytes touched of %zu: you found %zu",
		   wanted, PAGES * LAB_PAGE, found);
	if (found == LAB_PAGE)
		grade_hint(
			"TODO(3): that is the first home: how many homes has "
			"a segment?");
	else if (found > wanted)
		grade_hint("TODO(3): whose are the pages of node -1, and of "
			   "another node?");
	else if (found < wanted)
		grade_hint("TODO(3): some homes are left out");
}

static int check_homes(void)
{
	struct rig_segment *segment = NULL;
	size_t wanted, all = 0;
	struct rig_home home;
	char name[40] = "";
	int r = make_sparse(&segment, name, sizeof(name));

	if (r == 0) {
		wanted = touch_some(segment);
		if (rig_segment_where(segment, &home, 1) < 0) {
			printf("skipped: %s\n", rig_why());
		} else {
			/* On whichever nodes this process was. */
			for (int node = 0; node < 64; node++)
				all += student.bytes(segment, node);
			judge_bytes(all, wanted);
		}
	}
	if (name[0])
		(void)rig_segment_remove(name);
	rig_segment_destroy(segment);
	return r;
}

int lab_check(void)
{
	static const char *const places[] = { "core", "numa", "none" };
	int r = 0;

	student.cpus = (__typeof__(student.cpus))grade_student("my_cpus");
	student.home = (__typeof__(student.home))grade_student("home_of_page");
	student.bytes = (__typeof__(student.bytes))grade_student("bytes_on");
	for (int i = 0; r == 0 && i < 3; i++)
		r = check_cpus(places[i]);
	for (int nodes = 1; r == 0 && nodes <= 4; nodes++)
		r = check_prediction(nodes);
	return r < 0 ? r : check_homes();
}
