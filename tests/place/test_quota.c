/* SPDX-License-Identifier: MIT */
/*
 * test_quota.c - the answers of made-up control groups of both versions: the
 * CPU quota, and how often the kernel has killed for want of memory.
 *
 * Each case is a few files under a separate root.
 */
#include "place/quota.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/harness.h"
#include "machine/oom.h"

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define FILES_MAX     6

#define GROUPS "/proc/self/cgroup"
#define CGROUP "/sys/fs/cgroup"

struct made_up {
	const char *path;
	const char *text;
};

static const struct quota_case {
	struct made_up files[FILES_MAX];
	int cpus;
} cases[] = {
	{ .cpus = 0 }, /* nothing to read */
	{ .files = { { GROUPS, "" } }, .cpus = 0 },

	/* Version 2. */
	{ .files = { { GROUPS, "0::/\n" },
		     { CGROUP "/cpu.max", "200000 100000\n" } },
	  .cpus = 2 },
	{ .files = { { GROUPS, "0::/job\n" },
		     { CGROUP "/job/cpu.max", "max 100000\n" } },
	  .cpus = 0 },
	{ .files = { { GROUPS, "0::/job\n" },
		     { CGROUP "/job/cpu.max", "150000 100000\n" } },
	  .cpus = 2 },
	{ .files = { { GROUPS, "0::/job\n" },
		     { CGROUP "/job/cpu.max", "1000 100000\n" } },
	  .cpus = 1 },
	{ .files = { { GROUPS, "0::/job\n" },
		     { CGROUP "/unified/job/cpu.max", "300000 100000\n" } },
	  .cpus = 3 },
	/* The tightest of all levels. */
	{ .files = { { GROUPS, "0::/a/b/c\n" },
		     { CGROUP "/a/cpu.max", "300000 100000\n" },
		     { CGROUP "/a/b/cpu.max", "max 100000\n" },
		     { CGROUP "/a/b/c/cpu.max", "500000 100000\n" } },
	  .cpus = 3 },
	{ .files = { { GROUPS, "0::/a/b\n" },
		     { CGROUP "/a/cpu.max", "700000 100000\n" },
		     { CGROUP "/a/b/cpu.max", "500000 100000\n" } },
	  .cpus = 5 },
	/* The host's path, in a container that sees only its own part. */
	{ .files = { { GROUPS, "0::/host/only/12ab\n" },
		     { CGROUP "/cpu.max", "400000 100000\n" } },
	  .cpus = 4 },
	/* Not ours. */
	{ .files = { { GROUPS, "0::/a\n" },
		     { CGROUP "/b/cpu.max", "100000 100000\n" } },
	  .cpus = 0 },
	/* Nonsense limits nothing. */
	{ .files = { { GROUPS, "0::/\n" }, { CGROUP "/cpu.max", "" } },
	  .cpus = 0 },
	{ .files = { { GROUPS, "0::/\n" }, { CGROUP "/cpu.max", "5\n" } },
	  .cpus = 0 },
	{ .files = { { GROUPS, "0::/\n" }, { CGROUP "/cpu.max", "5 0\n" } },
	  .cpus = 0 },
	{ .files = { { GROUPS, "0::/\n" },
		     { CGROUP "/cpu.max", "9000000000000000000 1\n" } },
	  .cpus = 2147483647 },
	{ .files = { { GROUPS, "garbage\n:\n1:cpu\n0:" },
		     { CGROUP "/cpu.max", "max 100000\n" } },
	  .cpus = 0 },

	/* Version 1. */
	{ .files = { { GROUPS, "5:memory:/m\n4:cpu,cpuacct:/docker/1\n" },
		     { CGROUP "/cpu,cpuacct/docker/1/cpu.cfs_quota_us",
		       "250000\n" },
		     { CGROUP "/cpu,cpuacct/docker/1/cpu.cfs_period_us",
		       "100000\n" } },
	  .cpus = 3 },
	{ .files = { { GROUPS, "4:cpuacct,cpu:/x\n" },
		     { CGROUP "/cpu/x/cpu.cfs_quota_us", "50000\n" },
		     { CGROUP "/cpu/x/cpu.cfs_period_us", "25000\n" } },
	  .cpus = 2 },
	{ .files = { { GROUPS, "4:cpu:/x\n" },
		     { CGROUP "/cpu/x/cpu.cfs_quota_us", "-1\n" },
		     { CGROUP "/cpu/x/cpu.cfs_period_us", "100000\n" } },
	  .cpus = 0 },
	{ .files = { { GROUPS, "4:cpuset:/x\n" },
		     { CGROUP "/cpu/x/cpu.cfs_quota_us", "100000\n" },
		     { CGROUP "/cpu/x/cpu.cfs_period_us", "100000\n" } },
	  .cpus = 0 },
	/* Both at once: the tighter. */
	{ .files = { { GROUPS, "4:cpu:/x\n0::/y\n" },
		     { CGROUP "/cpu/x/cpu.cfs_quota_us", "600000\n" },
		     { CGROUP "/cpu/x/cpu.cfs_period_us", "100000\n" },
		     { CGROUP "/unified/y/cpu.max", "400000 100000\n" } },
	  .cpus = 4 },
};

#define EVENTS(kills) "low 0\nhigh 2\nmax 9\noom 3\noom_kill " kills "\n"

static const struct kills_case {
	struct made_up files[FILES_MAX];
	int64_t kills;
} kills_cases[] = {
	{ .kills = -1 },
	{ .files = { { GROUPS, "0::/\n" } }, .kills = -1 },
	{ .files = { { GROUPS, "0::/job\n" },
		     { CGROUP "/job/memory.events", EVENTS("0") } },
	  .kills = 0 },
	{ .files = { { GROUPS, "0::/job\n" },
		     { CGROUP "/job/memory.events",
		       EVENTS("12") "oom_group_kill 1\n" } },
	  .kills = 12 },
	/* A group's own count, where there is a count; else the count of the next above. */
	{ .files = { { GROUPS, "0::/a/b\n" },
		     { CGROUP "/a/memory.events", EVENTS("5") },
		     { CGROUP "/a/b/memory.events", EVENTS("4") } },
	  .kills = 4 },
	{ .files = { { GROUPS, "0::/a/b/c\n" },
		     { CGROUP "/a/memory.events", EVENTS("5") } },
	  .kills = 5 },
	/* The host's path, in a container that sees only its own part. */
	{ .files = { { GROUPS, "0::/host/only/12ab\n" },
		     { CGROUP "/memory.events", EVENTS("7") } },
	  .kills = 7 },
	/* Too old to count. */
	{ .files = { { GROUPS, "0::/\n" },
		     { CGROUP "/memory.events", "oom 3\n" } },
	  .kills = -1 },

	/* Version 1, beside a version 2 without the memory controller. */
	{ .files = { { GROUPS, "4:memory:/docker/1\n1:cpu:/\n0::/\n" },
		     { CGROUP "/memory/docker/1/memory.oom_control",
		       "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n" } },
	  .kills = 3 },
	{ .files = { { GROUPS, "1:cpu:/\n0::/\n" },
		     { CGROUP "/memory/memory.oom_control",
		       "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n" } },
	  .kills = -1 },
};

static void write_file(const char *root, const char *path, const char *text)
{
	char full[300];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		(void)mkdir(full, 0700);
		*at = '/';
	}
	file = fopen(full, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static int remove_one(const char *path, const struct stat *stat, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

/* Under a new root, which is template root's. */
static void make_up(char *root, const struct made_up *files)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (int i = 0; i < FILES_MAX && files[i].path; i++)
		write_file(root, files[i].path, files[i].text);
}

START_TEST(quota_is_that_of_its_groups)
{
	const struct quota_case *it = &cases[_i];
	char root[] = "/tmp/rig-quota-XXXXXX";
	int cpus;

	make_up(root, it->files);
	cpus = quota_cpus(root);
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	ck_assert_int_eq(cpus, it->cpus);
}
END_TEST

START_TEST(kills_are_those_of_the_nearest_group_that_counts)
{
	const struct kills_case *it = &kills_cases[_i];
	char root[] = "/tmp/rig-quota-XXXXXX";
	int64_t kills;

	make_up(root, it->files);
	kills = oom_kills(root);
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	ck_assert_int_eq(kills, it->kills);
}
END_TEST

START_TEST(quota_here_can_be_asked)
{
	ck_assert_int_ge(quota_cpus(""), 0);
	ck_assert_int_ge(oom_kills(""), -1);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("quota");
	TCase *tcase = make_tcase("groups", 10);

	tcase_add_loop_test(tcase, quota_is_that_of_its_groups, 0,
			    LENGTH(cases));
	tcase_add_loop_test(tcase,
			    kills_are_those_of_the_nearest_group_that_counts, 0,
			    LENGTH(kills_cases));
	tcase_add_test(tcase, quota_here_can_be_asked);
	suite_add_tcase(suite, tcase);
	return suite;
}
