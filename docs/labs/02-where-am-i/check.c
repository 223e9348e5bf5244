/* SPDX-License-Identifier: MIT */
/*
 * check.c - compares three answers with the plan, with the definition, and with
 * the kernel.
 *
 * The first is asked of this machine's workers, the second of described
 * machines, so that one node is enough; the third of a segment with holes, made
 * as Python makes its own: pages come when they are touched.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- (1) bindings ---- */

static int tell_cpus(struct rig_team *team)
{
	uint64_t cpus = my_cpus();

	memcpy(rig_team_result(team), &cpus, sizeof(cpus));
	return 0;
}

/* Workers placed by `place` say where they may run. */
static int check_cpus(const char *place)
{
	struct rig_pool *pool = NULL;
	int wrong = 0;

	if (rig_pool_create(&pool,
			    &(struct rig_pool_options){ .place = place }) < 0 ||
	    rig_pool_run(pool, &(struct rig_job){ .kernel = tell_cpus }) < 0) {
		printf("%s\n", rig_why());
		rig_pool_destroy(pool);
		return 1;
	}
	for (int rank = 0; rank < rig_pool_size(pool); rank++) {
		const struct rig_spot *spot = &rig_pool_plan(pool)->spots[rank];
		uint64_t said = 0;

		(void)rig_pool_result(pool, rank, &said, sizeof(said));
		if (said == spot->set[0])
			continue;
		printf("place %s, rank %d: may run on CPUs %#llx, said %#llx\n",
		       place, rank, (unsigned long long)spot->set[0],
		       (unsigned long long)said);
		printf("  hint: TODO(1)\n");
		wrong = 1;
		break;
	}
	rig_pool_destroy(pool);
	return wrong;
}

/* ---- (2) predictions ---- */

static const struct machine {
	const char *topology;
	int workers;
	size_t pages;
} machines[] = {
	{ "package:2 numa:1 core:4 pu:2", 4, 64 },
	{ "package:2 numa:2 core:2 pu:1", 8, 64 },
	{ "numa:3 core:2 pu:1", 3, 60 },
	{ "core:4 pu:1", 4, 16 },
};

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

static int check_prediction(const struct machine *machine)
{
	const size_t per_page = LAB_PAGE / sizeof(double);
	size_t n = machine->pages * per_page;
	struct rig_plan *plan = NULL;
	int wrong = 0;

	if (rig_place_plan(&plan,
			   &(struct rig_place_options){
				   .workers = machine->workers,
				   .place = "core",
				   .topology = machine->topology }) < 0) {
		printf("%s\n", rig_why());
		return 1;
	}
	for (size_t page = 0; page < machine->pages && !wrong; page++) {
		int first = owner_node(plan, n, page * per_page);
		int last = owner_node(plan, n, (page + 1) * per_page - 1);
		int said = home_of_page(plan, n, page);

		/* A page that two ranks own may lie with either. */
		if (said == first || said == last)
			continue;
		printf("\"%s\", %d workers: page %zu of %zu is on node %d, "
		       "said %d\n",
		       machine->topology, machine->workers, page,
		       machine->pages, first, said);
		printf("  hint: TODO(2): who touches x[n - 1 - i]?\n");
		wrong = 1;
	}
	rig_place_free(plan);
	return wrong;
}

/* ---- (3) homes ---- */

#define PAGES 32

/* Three pages in four are touched. */
static int touched(size_t page)
{
	return page % 4 != 1;
}

/* A segment as another program makes it; its name is the caller's to remove. */
static int make_sparse(struct rig_segment **segment, char *name, size_t bytes)
{
	char path[80];
	int fd;

	snprintf(name, bytes, "lab-02-%d", (int)getpid());
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

static int check_homes(void)
{
	struct rig_segment *segment = NULL;
	size_t wanted = 0, all = 0;
	struct rig_home home;
	char name[40] = "";
	int wrong = 1;
	int nodes = 0;

	if (make_sparse(&segment, name, sizeof(name)) < 0) {
		printf("cannot make a segment: %s\n", rig_why());
		goto out;
	}
	for (size_t page = 0; page < PAGES; page++)
		if (touched(page)) {
			((char *)rig_segment_data(segment))[page * LAB_PAGE] =
				1;
			wanted += LAB_PAGE;
		}
	if (rig_segment_where(segment, &home, 1) < 0) {
		printf("skipped: %s\n", rig_why());
		wrong = 0;
		goto out;
	}
	/* On whichever nodes this process was. */
	for (; nodes < 64; nodes++)
		all += bytes_on(segment, nodes);
	wrong = all != wanted;
	if (wrong)
		printf("a segment with %zu bytes touched of %zu: you found %zu "
		       "of them\n  hint: TODO(3)\n",
		       wanted, PAGES * LAB_PAGE, all);
out:
	if (name[0])
		(void)rig_segment_remove(name);
	rig_segment_destroy(segment);
	return wrong;
}

int main(void)
{
	static const char *const places[] = { "core", "numa", "none" };
	int failed = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		failed += check_cpus(places[i]);
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++)
		failed += check_prediction(&machines[i]);
	failed += check_homes();
	if (failed)
		printf("not yet: %d of 8 wrong\n", failed);
	else
		printf("all right: 8 of 8\n");
	return failed != 0;
}
