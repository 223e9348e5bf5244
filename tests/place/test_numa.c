/* SPDX-License-Identifier: MIT */
/*
 * test_numa.c - where pages lie: rules in words, and the kernel's answers.
 *
 * A machine rarely has nodes enough: a guest with several nodes (numa_vm.py)
 * shows that pages go where a rule sends them.  This test checks the words, and
 * that asking tells the truth and changes nothing.
 */
#include "place/numa.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/pool.h>
#include <runrig/segment.h>

#include "lib/harness.h"
#include "base/size.h"

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- rules ---- */

/* Logical nodes 0 and 1. */
#define FOUR "package:2 numa:1(indexes=5,7) core:2 pu:1"

static const struct rule {
	const char *topology;
	const char *words;
	enum numa_rule_kind kind;
	uint64_t nodes; /* the system's numbers */
} rules[] = {
	{ "numa:2 core:1 pu:1", NULL, NUMA_LOCAL, 0 },
	{ "numa:2 core:1 pu:1", "local", NUMA_LOCAL, 0 },
	{ "numa:2 core:1 pu:1", "interleave", NUMA_INTERLEAVE, 3 },
	{ "core:1 pu:1", "interleave", NUMA_INTERLEAVE, 1 },
	{ "numa:4 core:1 pu:1", "bind:0", NUMA_BIND, 1 },
	{ "numa:4 core:1 pu:1", "bind:0,2-3", NUMA_BIND, 13 },
	/* By the system's numbers. */
	{ FOUR, "interleave", NUMA_INTERLEAVE, 1 << 5 | 1 << 7 },
	{ FOUR, "bind:1", NUMA_BIND, 1 << 7 },
	/* The nodes with cores have no memory. */
	{ "package:2 [numa(memory=0)][numa(memory=1GB)] core:1 pu:1",
	  "interleave", NUMA_INTERLEAVE, 1 << 1 | 1 << 3 },
};

START_TEST(words_become_a_rule)
{
	const struct rule *it = &rules[_i];
	struct topology *topology = NULL;
	struct numa_rule rule;

	ck_assert_int_eq(topology_load(&topology, it->topology), 0);
	ck_assert_msg(numa_parse(&rule, it->words, topology) == 0, "%s",
		      rig_why());
	ck_assert_int_eq(rule.kind, it->kind);
	ck_assert_uint_eq(rule.nodes[0], it->nodes);
	topology_free(topology);
}
END_TEST

#define NO_RULE                                                                \
	"use local, interleave, or bind:NODES such as bind:0 or bind:0,2-3"

static const struct refused {
	const char *words;
	const char *why;
} refused[] = {
	{ "", "memory \"\": " NO_RULE },
	{ "near", "memory \"near\": " NO_RULE },
	{ "bind", "memory \"bind\": " NO_RULE },
	{ "bind:", "memory \"bind:\": " NO_RULE },
	{ "bind:0,", "memory \"bind:0,\": " NO_RULE },
	{ "bind:1-", "memory \"bind:1-\": " NO_RULE },
	{ "bind:1-0", "memory \"bind:1-0\": " NO_RULE },
	{ "bind:-1", "memory \"bind:-1\": " NO_RULE },
	{ "bind:x", "memory \"bind:x\": " NO_RULE },
	{ "bind:2", "memory \"bind:2\": node 2 has no memory (with memory: "
		    "0,1)" },
	{ "bind:0-9", "memory \"bind:0-9\": node 2 has no memory (with "
		      "memory: 0,1)" },
	{ "bind:4", "memory \"bind:4\": node 4 is not of this machine (with "
		    "memory: 0,1)" },
	{ "bind:99999999999999999999",
	  "memory \"bind:99999999999999999999\": node 9223372036854775807 is "
	  "not of this machine (with memory: 0,1)" },
};

START_TEST(bad_words_are_refused_in_one_line)
{
	struct topology *topology = NULL;
	struct numa_rule rule;

	ck_assert_int_eq(topology_load(&topology, "numa:4 core:1 pu:1"), 0);
	topology->nodes[2].bytes = topology->nodes[3].bytes = 0;
	ck_assert_int_eq(numa_parse(&rule, refused[_i].words, topology),
			 -EINVAL);
	ck_assert_str_eq(rig_why(), refused[_i].why);
	topology_free(topology);
}
END_TEST

START_TEST(a_segment_refuses_a_bad_rule)
{
	struct rig_segment *segment = NULL;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 4096,
					    &(struct rig_segment_options){
						    .memory = "bind:1023" }),
			 -EINVAL);
	ck_assert_ptr_null(segment);
}
END_TEST

/* The answer of a cpuset that leaves other nodes to this process. */
START_TEST(what_the_kernel_refuses_is_told_with_its_likely_cause)
{
	struct numa_rule rule = { .kind = NUMA_BIND };
	int fd = memfd_create("home", MFD_CLOEXEC);
	int r;

	rule.nodes[(NODES_MAX - 1) / 64] = UINT64_C(1) << 63;
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	r = numa_set(fd, "x", 4096, 0, &rule);
	ck_assert(r == -ENOSYS || r == -EPERM);
	ck_assert_msg(strstr(rig_why(), r == -ENOSYS ? "Mems_allowed_list"
						     : "a container"),
		      "%s", rig_why());
	close(fd);
}
END_TEST

/* ---- where ---- */

static long blocks_of(const struct rig_segment *segment)
{
	char path[300];
	struct stat status;

	snprintf(path, sizeof(path), "/dev/shm/%s", rig_segment_name(segment));
	return stat(path, &status) == 0 ? status.st_blocks : -1;
}

START_TEST(every_byte_has_one_home)
{
	static const char *const memory[] = { NULL, "interleave", "bind:0" };
	struct rig_segment *segment = NULL;
	struct rig_home homes[64];
	size_t at = 0;
	ssize_t count;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 10 * PAGE_BYTES + 5,
					    &(struct rig_segment_options){
						    .memory = memory[_i] }),
			 0);
	count = rig_segment_where(segment, homes, 64);
	ck_assert_msg(count > 0 && count <= 11, "%s", rig_why());
	for (ssize_t i = 0; i < count; i++) {
		ck_assert_uint_eq(homes[i].begin, at);
		ck_assert_uint_gt(homes[i].end, at);
		ck_assert_int_ge(homes[i].node, 0);
		at = homes[i].end;
	}
	ck_assert_uint_eq(at, 10 * PAGE_BYTES + 5);
	/* How many there are does not depend on the room. */
	ck_assert_int_eq(rig_segment_where(segment, NULL, 0), count);
	rig_segment_destroy(segment);
}
END_TEST

START_TEST(asking_gives_no_page_a_home)
{
	struct rig_segment *segment = NULL;
	struct rig_home homes[8];
	char name[64], path[100];
	char *data;
	FILE *file;

	/* A sparse file, as Python leaves bytes that Python has not touched. */
	snprintf(name, sizeof(name), "psm_home_%d", (int)getpid());
	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	file = fopen(path, "wx");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
	ck_assert_int_eq(ftruncate(fileno(file), 8 * (long)PAGE_BYTES), 0);
	fclose(file);
	ck_assert_int_eq(rig_segment_attach(&segment, name, NULL), 0);
	ck_assert_int_eq(rig_segment_where(segment, homes, 8), 1);
	ck_assert_int_eq(homes[0].node, -1);
	ck_assert_uint_eq(homes[0].end, 8 * PAGE_BYTES);
	ck_assert_int_eq(blocks_of(segment), 0);

	data = rig_segment_data(segment);
	data[3 * PAGE_BYTES] = 1;
	ck_assert_int_eq(rig_segment_where(segment, homes, 8), 3);
	ck_assert_int_eq(homes[0].node, -1);
	ck_assert_int_ge(homes[1].node, 0);
	ck_assert_uint_eq(homes[1].begin, 3 * PAGE_BYTES);
	ck_assert_uint_eq(homes[1].end, 4 * PAGE_BYTES);
	ck_assert_int_eq(homes[2].node, -1);
	/* The first of the homes for which there is room. */
	ck_assert_int_eq(rig_segment_where(segment, homes, 1), 3);
	ck_assert_uint_eq(homes[0].end, 3 * PAGE_BYTES);
	ck_assert_int_eq(blocks_of(segment), 8);

	rig_segment_detach(segment);
	ck_assert_int_eq(rig_segment_where(segment, homes, 8), -EINVAL);
	(void)rig_segment_remove(name);
	rig_segment_destroy(segment);
}
END_TEST

/* ---- huge pages ---- */

/* The system decides whether there are huge pages; the answer must be true. */
START_TEST(huge_pages_hold_the_same_bytes)
{
	struct rig_segment_options options = { .pages = RIG_PAGES_HUGE };
	struct rig_pool *pool = NULL;
	struct rig_segment *segment = NULL, *again = NULL;
	size_t bytes = ((size_t)9 << 20) + 5;
	unsigned char *data;
	ssize_t huge;

	if (_i == 0)
		ck_assert_int_eq(rig_pool_create(&pool,
						 &(struct rig_pool_options){
							 .workers = 3 }),
				 0);
	options.pool = pool;
	ck_assert_msg(rig_segment_create(&segment, NULL, bytes, &options) == 0,
		      "%s", rig_why());
	huge = rig_segment_huge_bytes(segment);
	ck_assert_msg(huge >= 0 && huge <= (10 << 20), "%s", rig_why());
	ck_assert_int_eq(huge % (2 << 20), 0);
	data = rig_segment_data(segment);
	ck_assert_uint_eq((uintptr_t)data % (2 << 20), 0);
	/* All bytes are 0: the first byte is, and each byte equals the byte
	 * before. */
	ck_assert(data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0);
	data[0] = 1;
	data[bytes - 1] = 2;
	ck_assert_int_eq(
		rig_segment_attach(&again, rig_segment_name(segment), NULL), 0);
	ck_assert_uint_eq(rig_segment_bytes(again), bytes);
	data = rig_segment_data(again);
	ck_assert(data[0] == 1 && data[bytes - 1] == 2);
	rig_segment_destroy(again);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(huge_pages_are_not_asked_of_what_is_not_there)
{
	struct rig_segment *segment = NULL;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 4096,
					    &(struct rig_segment_options){
						    .pages = RIG_PAGES_HUGE }),
			 0);
	ck_assert_int_eq(rig_segment_huge_bytes(segment), 0);
	rig_segment_detach(segment);
	rig_segment_unlink(segment);
	ck_assert_int_eq(rig_segment_huge_bytes(segment), -EINVAL);
	rig_segment_destroy(segment);
	segment = NULL;
	ck_assert_int_eq(
		rig_segment_create(&segment, NULL, 4096,
				   &(struct rig_segment_options){ .pages = 7 }),
		-EINVAL);
}
END_TEST

/* ---- pages that a job brings to their owners ---- */

/* The second half of everything to rank 0, the first to rank 1. */
static int halves(const void *args, size_t bytes, int rank, int size,
		  struct rig_span *spans)
{
	size_t half = bytes / 2;

	(void)args;
	(void)size;
	spans[0] = rank ? (struct rig_span){ 0, half }
			: (struct rig_span){ half, bytes };
	return 1;
}

/* args: how many bytes the window must have. */
static int owns(const void *args, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	if (index != 1 || bytes != *(const size_t *)args)
		return 0;
	return halves(NULL, bytes, rank, size, spans);
}

static int nothing(struct rig_team *team)
{
	(void)team;
	return 0;
}

/* A sparse file gets its pages by the owners' spans alone where the spans cover
 * the file, or by reading afterwards; either way the whole file is there after
 * a run. */
START_TEST(a_job_says_who_owns_what)
{
	struct rig_pool *pool = NULL;
	struct rig_segment *first = NULL, *second = NULL;
	size_t bytes = 6 * PAGE_BYTES;
	struct rig_home home;
	struct rig_job job = { .kernel = nothing,
			       .args = &bytes,
			       .args_bytes = sizeof(bytes),
			       .owns = owns };

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(rig_segment_create(&first, NULL, 4096, NULL), 0);
	ck_assert_int_eq(
		rig_segment_create(&second, NULL, 8 * PAGE_BYTES, NULL), 0);
	job.segments[0].name = rig_segment_name(first);
	job.segments[1] = (struct rig_handed){ .name = rig_segment_name(second),
					       .offset = PAGE_BYTES,
					       .bytes = bytes };
	ck_assert_msg(rig_pool_run(pool, &job) == 0, "%s", rig_why());
	ck_assert_int_ge(rig_segment_where(second, &home, 1), 1);
	ck_assert_int_ge(home.node, 0);
	rig_segment_destroy(second);
	rig_segment_destroy(first);
	rig_pool_destroy(pool);
}
END_TEST

START_TEST(on_one_node_nothing_is_copied)
{
	struct rig_pool *pool = NULL;
	struct rig_segment *segment = NULL;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2,
							    .place = "none" }),
		0);
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 4096, NULL), 0);
	ck_assert_int_eq(rig_pool_replicate(pool, rig_segment_name(segment)),
			 1);
	ck_assert_int_eq(rig_pool_replicate(pool, "bad/name"), -EINVAL);
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("home");
	TCase *words = make_tcase("rules", 10);
	TCase *where = make_tcase("where", 10);

	tcase_add_loop_test(words, words_become_a_rule, 0, LENGTH(rules));
	tcase_add_loop_test(words, bad_words_are_refused_in_one_line, 0,
			    LENGTH(refused));
	tcase_add_test(words, a_segment_refuses_a_bad_rule);
	tcase_add_test(words,
		       what_the_kernel_refuses_is_told_with_its_likely_cause);
	suite_add_tcase(suite, words);

	tcase_add_loop_test(where, every_byte_has_one_home, 0, 3);
	tcase_add_test(where, asking_gives_no_page_a_home);
	tcase_add_loop_test(where, huge_pages_hold_the_same_bytes, 0, 2);
	tcase_add_test(where, huge_pages_are_not_asked_of_what_is_not_there);
	tcase_add_test(where, a_job_says_who_owns_what);
	tcase_add_test(where, on_one_node_nothing_is_copied);
	suite_add_tcase(suite, where);
	return suite;
}
