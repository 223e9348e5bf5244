/* SPDX-License-Identifier: MIT */
/*
 * test_agreement.c - the hosts' way from join to leave, without an MPI: in thousands
 * of orders, and with everything that can go wrong on the way.
 *
 * A run is a random program: hosts send parcels and wait for parcels.  How the run
 * must end does not depend on the order, and is found here by doing the steps one by
 * one.  See fake_world.h.
 */
#include "lib/harness.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>
#include <runrig/hosts.h>

#include "fake_world.h"

#define SEEDS      150u
#define LONG_SEEDS 20000u

#define LIMIT_NS UINT64_C(2000000000)
#define GRACE_NS UINT64_C(10000000000)

enum { RUNS = 3 };

/* The code and words that a host got of a run, or of the join. */
struct ending {
	int code;
	char why[400];
	char report[1000];
};

static struct {
	struct fake_world world;
	struct fake_part parts[RUNS][FAKE_HOSTS_MAX];
	uint64_t limit_ns;
	int other_job_at;   /* a run; -1: none, */
	int other_job_host; /* where this host gives another job */
	int leaver; /* a host that leaves before the last run; -1: none */
	struct ending joins[FAKE_HOSTS_MAX];
	struct ending runs[RUNS][FAKE_HOSTS_MAX];
	size_t under_way; /* messages that a run has left behind */
} test;

static void note(struct ending *ending, int code, const char *report)
{
	ending->code = code;
	ending->why[0] = 0;
	if (code < 0)
		snprintf(ending->why, sizeof(ending->why), "%s", rig_why());
	snprintf(ending->report, sizeof(ending->report), "%s", report);
}

/* A host's life. */
static void live(int host)
{
	struct rig_hosts *hosts = NULL;
	int r = rig_hosts_join(&hosts, fake_pool(), NULL), code;

	note(&test.joins[host], r, "");
	for (int run = 0; r == 0 && run < RUNS; run++) {
		struct rig_job job = { .name = "act",
				       .limit_ns = test.limit_ns };

		if (run == RUNS - 1 && host == test.leaver)
			break;
		if (run == test.other_job_at && host == test.other_job_host)
			job.name = "another";
		test.world.parts[host] = test.parts[run][host];
		code = rig_hosts_run(hosts, &job);
		note(&test.runs[run][host], code, rig_hosts_report(hosts));
		fake_meet();
		test.under_way += fake_under_way();
		fake_meet();
	}
	rig_hosts_leave(hosts);
}

static void reset(int hosts)
{
	memset(&test, 0, sizeof(test));
	test.world.hosts = hosts;
	test.other_job_at = test.leaver = -1;
	for (int run = 0; run < RUNS; run++)
		for (int i = 0; i < hosts; i++)
			test.parts[run][i].steps[0].op = FAKE_RETURN;
}

/* --- random programs --- */

static unsigned own_random;

static int below(int limit)
{
	own_random = own_random * 1103515245u + 12345u;
	return (int)(own_random >> 8) % limit;
}

static void append(struct fake_part *part, int *length, struct fake_step step)
{
	/* The end, and a step to be put in. */
	if (*length < FAKE_OPS_MAX - 2)
		part->steps[(*length)++] = step;
}

/* A program that comes to its end: a parcel is waited for only where one is sent. */
static void make_program(struct fake_part *parts, int hosts)
{
	int lengths[FAKE_HOSTS_MAX] = { 0 }, waiting[FAKE_HOSTS_MAX] = { 0 };

	memset(parts, 0, FAKE_HOSTS_MAX * sizeof(*parts));
	for (int i = below(60); i > 0; i--) {
		const int host = below(hosts), to = below(hosts);

		if (below(3) == 0) {
			append(&parts[host], &lengths[host],
			       (struct fake_step){ .op = FAKE_STEP });
		} else if (waiting[host] && below(2)) {
			append(&parts[host], &lengths[host],
			       (struct fake_step){ .op = FAKE_TAKE });
			waiting[host]--;
		} else if (to != host && lengths[host] < FAKE_OPS_MAX - 2) {
			append(&parts[host], &lengths[host],
			       (struct fake_step){ FAKE_SEND, to, 0 });
			waiting[to]++;
		}
	}
	for (int i = 0; i < hosts; i++)
		parts[i].steps[lengths[i]].op = FAKE_RETURN;
}

/* Put a step in anywhere. */
static void put_in(struct fake_part *part, struct fake_step step)
{
	int length = 0, place;

	while (part->steps[length].op != FAKE_RETURN)
		length++;
	place = below(length + 1);
	memmove(&part->steps[place + 1], &part->steps[place],
		(size_t)(length + 1 - place) * sizeof(*part->steps));
	part->steps[place] = step;
}

static void spoil_program(struct fake_part *parts, int hosts)
{
	static const int codes[] = { -EOWNERDEAD, -EBADMSG, -EPROTO };

	if (below(3) == 0)
		put_in(&parts[below(hosts)],
		       (struct fake_step){ .op = FAKE_TAKE });
	for (int faults = below(4) - 1; faults > 0; faults--)
		put_in(&parts[below(hosts)],
		       (struct fake_step){ FAKE_RETURN, 0, codes[below(3)] });
	if (below(10) == 0)
		parts[below(hosts)].refused = -EINVAL;
}

/* How the run must end: sets the codes that may be, one for each host that fails by
 * itself, and returns how many; -EDEADLK is alone. */
static int find_codes(const struct fake_part *parts, int hosts, int *codes)
{
	int at[FAKE_HOSTS_MAX] = { 0 }, came[FAKE_HOSTS_MAX] = { 0 };
	int ended = 0, count = 0;
	bool moved = true;

	for (int i = 0; i < hosts; i++)
		if (parts[i].refused)
			codes[count++] = parts[i].refused;
	while (moved) {
		moved = false;
		ended = 0;
		for (int i = 0; i < hosts; i++) {
			const struct fake_step *step = &parts[i].steps[at[i]];

			if (step->op == FAKE_RETURN || parts[i].refused) {
				ended++;
				continue;
			}
			if (step->op == FAKE_TAKE && came[i] == 0)
				continue;
			came[i] -= step->op == FAKE_TAKE;
			if (step->op == FAKE_SEND)
				came[step->to]++;
			at[i]++;
			moved = true;
		}
	}
	for (int i = 0; i < hosts; i++)
		if (!parts[i].refused &&
		    parts[i].steps[at[i]].op == FAKE_RETURN &&
		    parts[i].steps[at[i]].code < 0)
			codes[count++] = parts[i].steps[at[i]].code;
	if (count == 0 && ended < hosts)
		codes[count++] = -EDEADLK;
	return count;
}

/* --- promises --- */

static void ck_all_same(const struct ending *endings, unsigned seed)
{
	for (int i = 1; i < test.world.hosts; i++)
		ck_assert_msg(
			endings[i].code == endings[0].code &&
				strcmp(endings[i].why, endings[0].why) == 0 &&
				strcmp(endings[i].report, endings[0].report) ==
					0,
			"seed %u: host %d got %d (%s), host 0 %d (%s)", seed, i,
			endings[i].code, endings[i].why, endings[0].code,
			endings[0].why);
}

/* Memory that is in use, where malloc() keeps no freed memory back: meson.build says
 * so in the environment. */
static size_t memory_in_use(void)
{
	return getenv("GLIBC_TUNABLES") && !harness_sanitized
		       ? mallinfo2().uordblks
		       : 0;
}

static void ck_world(unsigned seed)
{
	ck_assert_msg(!test.world.hung, "seed %u: no end", seed);
	ck_assert_msg(!test.world.broken, "seed %u: %s", seed,
		      test.world.broken);
	ck_assert_msg(test.under_way == 0,
		      "seed %u: %zu messages outlive their run", seed,
		      test.under_way);
}

static void ck_run(int run, unsigned seed)
{
	const struct ending *first = &test.runs[run][0];
	int codes[2 * FAKE_HOSTS_MAX];
	const int count = find_codes(test.parts[run], test.world.hosts, codes);
	bool found = count == 0 && first->code == 0;

	ck_all_same(test.runs[run], seed);
	for (int i = 0; i < count; i++)
		found |= codes[i] == first->code;
	ck_assert_msg(found, "seed %u, run %d: %d (%s), expected %d of %d",
		      seed, run, first->code, first->why, count ? codes[0] : 0,
		      count);
	ck_assert_msg((first->code < 0) == (first->report[0] != 0),
		      "seed %u, run %d: report \"%s\"", seed, run,
		      first->report);
}

/* --- tests --- */

static void run_seed(unsigned seed)
{
	size_t memory;

	own_random = seed;
	reset(1 + below(FAKE_HOSTS_MAX));
	for (int run = 0; run < RUNS; run++) {
		make_program(test.parts[run], test.world.hosts);
		spoil_program(test.parts[run], test.world.hosts);
	}
	memory = memory_in_use();
	fake_run(&test.world, seed, live);
	ck_world(seed);
	ck_assert_msg(!test.world.aborted, "seed %u: abort", seed);
	for (int run = 0; run < RUNS; run++)
		ck_run(run, seed);
	ck_assert_msg(memory_in_use() == memory, "seed %u: memory is left",
		      seed);
}

START_TEST(runs_end_alike_in_every_order)
{
	const unsigned seeds = harness_long() ? LONG_SEEDS : SEEDS;

	for (unsigned seed = 1; seed <= seeds; seed++)
		run_seed(seed);
}
END_TEST

START_TEST(a_host_that_stands_still_ends_the_job)
{
	for (unsigned seed = 1; seed <= 24; seed++) {
		own_random = seed;
		reset(2 + below(FAKE_HOSTS_MAX - 1));
		test.limit_ns = LIMIT_NS;
		make_program(test.parts[0], test.world.hosts);
		/* The host does not reach its end. */
		for (int i = 0; i < 20; i++)
			put_in(&test.parts[0][0],
			       (struct fake_step){ .op = FAKE_STEP });
		test.world.trouble[below(2)].stops_after = 1 + below(10);
		fake_run(&test.world, seed, live);
		ck_world(seed);
		ck_assert_msg(test.world.aborted, "seed %u: no abort", seed);
		ck_assert_uint_gt(test.world.took_ns, LIMIT_NS + GRACE_NS);
		ck_assert_uint_lt(test.world.took_ns,
				  LIMIT_NS + GRACE_NS + GRACE_NS / 2);
	}
}
END_TEST

START_TEST(a_limit_ends_all_parts)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		own_random = seed;
		reset(2 + below(FAKE_HOSTS_MAX - 1));
		test.limit_ns = LIMIT_NS;
		make_program(test.parts[0], test.world.hosts);
		put_in(&test.parts[0][below(test.world.hosts)],
		       (struct fake_step){ .op = FAKE_SPIN });
		fake_run(&test.world, seed, live);
		ck_world(seed);
		ck_all_same(test.runs[0], seed);
		ck_assert_int_eq(test.runs[0][0].code, -ETIMEDOUT);
		ck_run(1, seed);
	}
}
END_TEST

START_TEST(other_jobs_are_refused)
{
	for (unsigned seed = 1; seed <= 40; seed++) {
		own_random = seed;
		reset(2 + below(FAKE_HOSTS_MAX - 1));
		test.other_job_at = below(RUNS);
		test.other_job_host = below(test.world.hosts);
		fake_run(&test.world, seed, live);
		ck_world(seed);
		for (int run = 0; run < RUNS; run++) {
			ck_all_same(test.runs[run], seed);
			ck_assert_int_eq(test.runs[run][0].code,
					 run == test.other_job_at ? -EINVAL
								  : 0);
		}
	}
}
END_TEST

START_TEST(a_host_that_leaves_tells_the_others)
{
	for (unsigned seed = 1; seed <= 40; seed++) {
		own_random = seed;
		reset(2 + below(FAKE_HOSTS_MAX - 1));
		test.leaver = below(test.world.hosts);
		fake_run(&test.world, seed, live);
		ck_world(seed);
		for (int i = 0; i < test.world.hosts; i++)
			ck_assert_int_eq(test.runs[RUNS - 1][i].code,
					 i == test.leaver ? 0 : -ECANCELED);
	}
}
END_TEST

/* A host has a trouble at the join: all hosts get the code, with these words. */
static void ck_join(struct fake_trouble trouble, int code, const char *words)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		size_t memory;

		own_random = seed;
		reset(2 + below(FAKE_HOSTS_MAX - 1));
		test.world.trouble[below(test.world.hosts)] = trouble;
		memory = memory_in_use();
		fake_run(&test.world, seed, live);
		ck_world(seed);
		for (int i = 0; i < test.world.hosts; i++) {
			ck_assert_int_eq(test.joins[i].code, code);
			ck_assert_ptr_nonnull(strstr(test.joins[i].why, words));
		}
		ck_assert_uint_eq(memory_in_use(), memory);
	}
}

START_TEST(a_join_fails_everywhere)
{
	ck_join((struct fake_trouble){ .no_pool = true }, -ECHILD, "no pool");
	ck_join((struct fake_trouble){ .other_version = true }, -EPROTO,
		"version");
	ck_join((struct fake_trouble){ .no_gateway = true }, -ENOMEM,
		"gateway");
	ck_join((struct fake_trouble){ .ranks = RIG_WORLD_MAX }, -E2BIG,
		"more than");
}
END_TEST

START_TEST(hosts_may_have_different_sizes)
{
	reset(4);
	for (int i = 0; i < 4; i++)
		test.world.trouble[i].ranks = 1 + i * i;
	make_program(test.parts[0], 4);
	fake_run(&test.world, 1, live);
	ck_world(1);
	ck_run(0, 1);
}
END_TEST

START_TEST(without_memory_for_news_the_job_ends)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		own_random = seed;
		reset(2);
		test.world.trouble[below(2)].no_memory = true;
		fake_run(&test.world, seed, live);
		ck_world(seed);
		ck_assert(test.world.aborted);
	}
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("agreement");
	TCase *tcase = make_tcase("hosts", 0);

	tcase_add_test(tcase, runs_end_alike_in_every_order);
	tcase_add_test(tcase, a_host_that_stands_still_ends_the_job);
	tcase_add_test(tcase, a_limit_ends_all_parts);
	tcase_add_test(tcase, other_jobs_are_refused);
	tcase_add_test(tcase, a_host_that_leaves_tells_the_others);
	tcase_add_test(tcase, a_join_fails_everywhere);
	tcase_add_test(tcase, hosts_may_have_different_sizes);
	tcase_add_test(tcase, without_memory_for_news_the_job_ends);
	suite_add_tcase(suite, tcase);
	return suite;
}
