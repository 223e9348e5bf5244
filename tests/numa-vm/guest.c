/* SPDX-License-Identifier: MIT */
/*
 * guest.c - the checks that run inside a guest with several NUMA nodes.
 *
 * numa_vm.py boots the guest and runs the program there.  The nodes are emulated,
 * but the kernel is real: the kernel runs each worker on the CPU of its pin and
 * places pages on their nodes, and the kernel is asked.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kernels/builtin.h>
#include <runner/kernel_run.h>
#include <runrig/runrig.h>

#include "lib/harness.h"
#include "look.h"

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Elements of the arrays: 16 MB. */
#define ELEMENTS "2M"

/* The guest's CPUs fit a word. */
struct seen {
	uint64_t ran;     /* CPUs on which the rank was */
	uint64_t allowed; /* CPUs that the kernel allows the rank */
	uint64_t nodes;   /* nodes of `ran`, by the system's numbers */
};

/* ---- kernels of our own ---- */

static int look_around(struct rig_team *team)
{
	struct seen seen = { 0 };
	cpu_set_t set;
	unsigned cpu, node;

	for (int i = 0; i < 300; i++) {
		if (getcpu(&cpu, &node) < 0 || cpu >= 64 || node >= 64)
			return -ENOSYS;
		seen.ran |= UINT64_C(1) << cpu;
		seen.nodes |= UINT64_C(1) << node;
		sched_yield();
	}
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	for (size_t i = 0; i < 64; i++)
		if (CPU_ISSET(i, &set))
			seen.allowed |= UINT64_C(1) << i;
	memcpy(rig_team_result(team), &seen, sizeof(seen));
	return 0;
}

static int die(struct rig_team *team)
{
	if (rig_team_rank(team) == 1)
		raise(SIGKILL);
	return rig_team_barrier(team);
}

/* ---- assertions ---- */

static struct rig_pool *make_pool(const char *place, int workers)
{
	struct rig_pool *pool = NULL;

	ck_assert_int_eq(rig_kernels_register(), 0);
	ck_assert_msg(rig_pool_create(&pool,
				      &(struct rig_pool_options){
					      .workers = workers,
					      .place = place }) == 0,
		      "%s", rig_why());
	return pool;
}

static void check_cores(struct rig_pool *pool)
{
	const struct rig_plan *plan = rig_pool_plan(pool);
	struct rig_job job = { .kernel = look_around };
	struct seen seen;

	ck_assert_msg(rig_pool_run(pool, &job) == 0, "%s", rig_why());
	for (int rank = 0; rank < plan->workers; rank++) {
		const struct rig_spot *spot = &plan->spots[rank];

		ck_assert_int_eq(
			rig_pool_result(pool, rank, &seen, sizeof(seen)), 0);
		ck_assert_uint_eq(seen.allowed, spot->set[0]);
		ck_assert_uint_ne(seen.ran, 0);
		ck_assert_uint_eq(seen.ran & ~spot->set[0], 0);
		if (spot->node >= 0)
			ck_assert_uint_eq(
				seen.nodes,
				UINT64_C(1) << plan->memory[spot->node].os);
	}
}

static void check_pages(struct rig_pool *pool, const char *name, size_t offset,
			size_t bytes)
{
	struct rig_job job = { .kernel = look_at_pages,
			       .segments = { { .name = name,
					       .offset = offset,
					       .bytes = bytes } } };
	struct local local;

	ck_assert_msg(rig_pool_run(pool, &job) == 0, "%s", rig_why());
	for (int rank = 0; rank < rig_pool_size(pool); rank++) {
		ck_assert_int_eq(
			rig_pool_result(pool, rank, &local, sizeof(local)), 0);
		ck_assert_uint_gt(local.pages, 100);
		ck_assert_msg(local.local * 100 >= local.pages * 99,
			      "rank %d: %d of %d pages on its node", rank,
			      (int)local.local, (int)local.pages);
	}
}

/* Bytes of a segment on each node. */
static void sum_homes(const struct rig_segment *segment, size_t *on_nodes,
		      int nodes)
{
	size_t bytes = rig_segment_bytes(segment);
	struct rig_home *homes = calloc(bytes / PAGE + 1, sizeof(*homes));
	ssize_t count;

	count = rig_segment_where(segment, homes, bytes / PAGE + 1);
	ck_assert_msg(count > 0, "%s", rig_why());
	memset(on_nodes, 0, (size_t)nodes * sizeof(*on_nodes));
	for (ssize_t i = 0; i < count; i++) {
		ck_assert_int_ge(homes[i].node, 0);
		ck_assert_int_lt(homes[i].node, nodes);
		on_nodes[homes[i].node] += homes[i].end - homes[i].begin;
	}
	free(homes);
}

/* ---- placement ---- */

static const char *const places[] = { "core",   "pu",      "numa",  "package",
				      "spread", "compact", "numa:2" };

START_TEST(each_worker_runs_on_its_cores)
{
	struct rig_pool *pool = make_pool(places[_i], 0);

	check_cores(pool);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(one_a_node_is_on_every_node)
{
	struct rig_pool *pool = make_pool("numa", 0);
	const struct rig_plan *plan = rig_pool_plan(pool);

	ck_assert_int_ge(plan->machine_nodes, 2);
	ck_assert_int_eq(plan->workers, plan->nodes);
	for (int rank = 0; rank < plan->workers; rank++) {
		ck_assert_int_eq(plan->spots[rank].node, rank);
		ck_assert_uint_gt(plan->memory[rank].bytes, 0);
	}
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(a_team_after_a_crash_is_pinned_as_before)
{
	struct rig_pool *pool = make_pool("spread", 4);
	struct rig_segment *segment = NULL;
	struct rig_job job = { .kernel = die };

	ck_assert_int_eq(rig_segment_create(
				 &segment, NULL, 16 << 20,
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	check_cores(pool);
	ck_assert_int_eq(rig_pool_run(pool, &job), -EOWNERDEAD);
	check_cores(pool);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(one_core_of_many_is_said)
{
	struct rig_plan *plan = NULL;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(1, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	ck_assert_int_eq(rig_place_plan(&plan, NULL), 0);
	ck_assert_int_eq(plan->workers, 1);
	ck_assert(plan->squeezed);
	ck_assert_int_gt(plan->allowed, 1);
	rig_place_free(plan);
}
END_TEST

/* ---- memory ---- */

static void rig_reverse(struct kernel_run *run, const char *name, size_t offset,
			size_t count)
{
	const struct rig_array array = { .count = count,
					 .item_bytes = 8,
					 .dtype = RIG_FLOAT64 };

	ck_assert_int_eq(kernel_run_init(run, rig_kernel_find("reverse")), 0);
	if (name)
		kernel_run_give(run, 0, &array, name, offset);
	else
		ck_assert_int_eq(kernel_run_set(run, "length=" ELEMENTS), 0);
	ck_assert_msg(kernel_run_check(run) == 0, "%s", run->why);
}

static void run_reverse(struct kernel_run *run, struct rig_pool *pool)
{
	ck_assert_msg(kernel_run_make(run, pool) == 0, "%s", run->why);
	ck_assert_msg(kernel_run_prepare(run) == 0, "%s", run->why);
	ck_assert_msg(kernel_run_run(run) == 0, "%s", run->why);
}

static const char *const kept_local[] = { "core", "numa", "spread" };

START_TEST(made_for_a_pool_lies_with_its_owners)
{
	struct rig_pool *pool = make_pool(kept_local[_i], 0);
	struct kernel_run run;

	rig_reverse(&run, NULL, 0, 0);
	run_reverse(&run, pool);
	ck_assert_int_eq(kernel_run_verify(&run), 0);
	check_pages(pool, rig_segment_name(run.arrays[0].segment), 0, 0);
	kernel_run_finish(&run);
	rig_pool_destroy(pool);
}
END_TEST

/* The whole segment lies on a single node at first, by the maker, which still maps
 * the segment. */
static struct rig_segment *make_on_node_of_cpu(int cpu, size_t bytes)
{
	struct rig_segment *segment = NULL;
	cpu_set_t all, one;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	ck_assert_msg(rig_segment_create(&segment, NULL, bytes, NULL) == 0,
		      "%s", rig_why());
	memset(rig_segment_data(segment), 1, bytes);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(all), &all), 0);
	return segment;
}

START_TEST(made_elsewhere_is_brought_to_its_owners)
{
	struct rig_pool *pool = make_pool("core", 0);
	int nodes = rig_pool_plan(pool)->machine_nodes;
	size_t count = 2 << 20, offset = _i ? 3 * PAGE + 16 : 0;
	struct rig_segment *segment =
		make_on_node_of_cpu(0, count * 8 + offset);
	struct kernel_run run;
	size_t on_nodes[64];

	sum_homes(segment, on_nodes, nodes);
	ck_assert_uint_eq(on_nodes[0], rig_segment_bytes(segment));
	rig_reverse(&run, rig_segment_name(segment), offset, count);
	run_reverse(&run, pool);
	check_pages(pool, rig_segment_name(segment), offset, count * 8);
	kernel_run_finish(&run);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

/* This process can no longer move pages that others have mapped. */
static void drop_nice(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << CAP_SYS_NICE);
	data[0].permitted &= ~(1u << CAP_SYS_NICE);
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

/* Without the privilege to move pages that others have mapped, once no process has
 * the pages mapped. */
START_TEST(what_nobody_else_has_mapped_needs_no_privilege)
{
	struct rig_segment *segment = make_on_node_of_cpu(0, 16 << 20);
	struct rig_pool *pool;
	struct kernel_run run;

	rig_segment_detach(segment);
	drop_nice();
	pool = make_pool("core", 0);
	rig_reverse(&run, rig_segment_name(segment), 0, 2 << 20);
	run_reverse(&run, pool);
	check_pages(pool, rig_segment_name(segment), 0, 0);
	kernel_run_finish(&run);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(interleaved_goes_round_the_nodes)
{
	struct rig_pool *pool = make_pool("core", 0);
	int nodes = rig_pool_plan(pool)->nodes;
	struct rig_segment *segment = NULL;
	struct rig_job job = { .kernel = look_at_pages };
	size_t bytes = 16 << 20, on_nodes[64];

	ck_assert_int_eq(rig_segment_create(&segment, NULL, bytes,
					    &(struct rig_segment_options){
						    .memory = "interleave",
						    .pool = _i ? pool : NULL }),
			 0);
	/* A run moves no page that lies where the options said. */
	job.segments[0].name = rig_segment_name(segment);
	ck_assert_int_eq(rig_pool_run(pool, &job), 0);
	sum_homes(segment, on_nodes, rig_pool_plan(pool)->machine_nodes);
	for (int node = 0; node < nodes; node++)
		ck_assert_msg(
			on_nodes[node] + PAGE * 2 >= bytes / (size_t)nodes &&
				on_nodes[node] <=
					bytes / (size_t)nodes + PAGE * 2,
			"node %d has %d bytes", node, (int)on_nodes[node]);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(bound_is_where_it_is_bound)
{
	struct rig_pool *pool = make_pool("core", 0);
	int nodes = rig_pool_plan(pool)->machine_nodes;
	struct rig_segment *segment = NULL;
	struct rig_job job = { .kernel = look_at_pages };
	size_t bytes = 4 << 20, on_nodes[64];
	char words[24];

	snprintf(words, sizeof(words), "bind:%d", nodes - 1);
	ck_assert_msg(rig_segment_create(&segment, NULL, bytes,
					 &(struct rig_segment_options){
						 .memory = words,
						 .pool = _i ? pool : NULL }) ==
			      0,
		      "%s", rig_why());
	job.segments[0].name = rig_segment_name(segment);
	ck_assert_int_eq(rig_pool_run(pool, &job), 0);
	sum_homes(segment, on_nodes, nodes);
	ck_assert_uint_eq(on_nodes[nodes - 1], bytes);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(more_than_a_node_has_is_refused)
{
	struct rig_segment *segment = NULL;
	struct rig_plan *plan = NULL;

	ck_assert_int_eq(rig_place_plan(&plan, NULL), 0);
	ck_assert_int_eq(
		rig_segment_create(
			&segment, NULL, (size_t)plan->memory[1].bytes + PAGE,
			&(struct rig_segment_options){ .memory = "bind:1" }),
		-ENOSPC);
	ck_assert_ptr_null(segment);
	rig_place_free(plan);
}
END_TEST

/* All of segment 0 is on this rank's node, and has the right contents. */
static int read_all(struct rig_team *team)
{
	char *data = rig_team_data(team, 0);
	size_t bytes = rig_team_bytes(team, 0);
	struct local local = { 0 };
	unsigned cpu, node;
	int r;

	for (size_t i = 0; i < bytes; i++)
		if (data[i] != *(const char *)rig_team_args(team))
			return rig_team_fail(team, -EBADMSG, "byte %d is %d",
					     (int)i, data[i]);
	if (getcpu(&cpu, &node) < 0)
		return -errno;
	r = count_local(data, data + bytes, node, &local);
	memcpy(rig_team_result(team), &local, sizeof(local));
	return r;
}

static uint64_t read_locally(struct rig_pool *pool, const char *name,
			     bool read_only, char value)
{
	struct rig_job job = { .kernel = read_all,
			       .args = &value,
			       .args_bytes = 1,
			       .segments = { { .name = name,
					       .offset = 8192,
					       .bytes = 2 << 20,
					       .read_only = read_only } } };
	uint64_t least = UINT64_MAX;
	struct local local;

	ck_assert_msg(rig_pool_run(pool, &job) == 0, "%s", rig_why());
	for (int rank = 0; rank < rig_pool_size(pool); rank++) {
		ck_assert_int_eq(
			rig_pool_result(pool, rank, &local, sizeof(local)), 0);
		ck_assert_uint_eq(local.pages, 512);
		if (local.local < least)
			least = local.local;
	}
	return least;
}

START_TEST(replicated_is_read_on_every_node)
{
	static const char *const where[] = { "core", "numa", "spread" };
	struct rig_pool *pool = make_pool(where[_i], 0);
	struct rig_segment *segment = make_on_node_of_cpu(0, 3 << 20);
	const char *name = rig_segment_name(segment);
	struct rig_job job = { .kernel = die };
	int nodes = rig_pool_plan(pool)->nodes;

	ck_assert_uint_lt(read_locally(pool, name, true, 1), 512);
	ck_assert_msg(rig_pool_replicate(pool, name) == nodes, "%s", rig_why());
	ck_assert_uint_eq(read_locally(pool, name, true, 1), 512);
	/* The copies lack later writes; made again, the copies have the writes. */
	memset(rig_segment_data(segment), 2, 3 << 20);
	ck_assert_uint_eq(read_locally(pool, name, true, 1), 512);
	ck_assert_int_eq(rig_pool_replicate(pool, name), nodes);
	ck_assert_uint_eq(read_locally(pool, name, true, 2), 512);
	/* The copies outlive a team. */
	ck_assert_int_eq(rig_pool_run(pool, &job), -EOWNERDEAD);
	ck_assert_uint_eq(read_locally(pool, name, true, 2), 512);
	/* A job that may write gets the segment itself, and the copies are gone. */
	ck_assert_uint_lt(read_locally(pool, name, false, 2), 512);
	ck_assert_uint_lt(read_locally(pool, name, true, 2), 512);
	ck_assert_int_eq(rig_pool_replicate(pool, name), nodes);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

/* ---- on a /dev/shm that gives huge pages on request ---- */

START_TEST(who_asks_gets_huge_pages)
{
	static const enum rig_pages pages[] = { RIG_PAGES_HUGE,
						RIG_PAGES_BASE };
	struct rig_pool *pool = make_pool("numa", 0);
	size_t bytes = 16 << 20;

	for (int i = 0; i < LENGTH(pages); i++) {
		struct rig_segment *segment = NULL;
		ssize_t huge;

		ck_assert_int_eq(
			rig_segment_create(&segment, NULL, bytes,
					   &(struct rig_segment_options){
						   .pages = pages[i],
						   .pool = _i ? pool : NULL }),
			0);
		huge = rig_segment_huge_bytes(segment);
		ck_assert_msg(pages[i] == RIG_PAGES_HUGE ? huge >= 16 << 20
							 : huge == 0,
			      "%d bytes: %s", (int)huge, rig_why());
		rig_segment_destroy(segment);
	}
	rig_pool_destroy(pool);
}
END_TEST

/* ---- in a control group that allows some CPUs ---- */

START_TEST(a_cpuset_is_kept_to)
{
	const char *cpus = getenv("NUMA_VM_CPUS"); /* as a mask */
	uint64_t mask = cpus ? strtoull(cpus, NULL, 16) : 0, all = 0;
	struct rig_pool *pool = make_pool(_i ? "numa" : "core", 0);
	const struct rig_plan *plan = rig_pool_plan(pool);

	for (int rank = 0; rank < plan->workers; rank++) {
		ck_assert_uint_eq(plan->spots[rank].set[0] & ~mask, 0);
		all |= plan->spots[rank].set[0];
	}
	ck_assert_uint_eq(all, mask);
	ck_assert_int_lt(plan->cores, plan->machine_cores);
	ck_assert_int_eq(plan->cores, plan->allowed);
	check_cores(pool);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("numa");
	TCase *cores = make_tcase("cores", 60);
	TCase *memory = make_tcase("memory", 60);
	TCase *huge = make_tcase("huge", 60);
	TCase *cpuset = make_tcase("cpuset", 60);

	tcase_add_loop_test(cores, each_worker_runs_on_its_cores, 0,
			    LENGTH(places));
	tcase_add_test(cores, one_a_node_is_on_every_node);
	tcase_add_test(cores, a_team_after_a_crash_is_pinned_as_before);
	tcase_add_test(cores, one_core_of_many_is_said);
	suite_add_tcase(suite, cores);

	tcase_add_loop_test(memory, made_for_a_pool_lies_with_its_owners, 0,
			    LENGTH(kept_local));
	tcase_add_loop_test(memory, made_elsewhere_is_brought_to_its_owners, 0,
			    2);
	tcase_add_test(memory, what_nobody_else_has_mapped_needs_no_privilege);
	tcase_add_loop_test(memory, interleaved_goes_round_the_nodes, 0, 2);
	tcase_add_loop_test(memory, bound_is_where_it_is_bound, 0, 2);
	tcase_add_test(memory, more_than_a_node_has_is_refused);
	tcase_add_loop_test(memory, replicated_is_read_on_every_node, 0, 3);
	suite_add_tcase(suite, memory);

	tcase_add_loop_test(huge, who_asks_gets_huge_pages, 0, 2);
	suite_add_tcase(suite, huge);

	tcase_add_loop_test(cpuset, a_cpuset_is_kept_to, 0, 2);
	suite_add_tcase(suite, cpuset);
	return suite;
}
