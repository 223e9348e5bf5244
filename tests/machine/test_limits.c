/* SPDX-License-Identifier: MIT */
/*
 * test_limits.c - limits of a process on files, descriptors, addresses and processes:
 * an error that names the limit, and nothing left behind.
 */
#include "lib/harness.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "memory_parts.h"

static int limited_file(int rank, void *arg)
{
	const struct rlimit limit = { 4096, 4096 };
	struct rig_segment *segment = NULL;

	(void)rank;
	(void)arg;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	if (create_and_touch(4096, NULL) != 0)
		return 2;
	if (rig_segment_create(&segment, NULL, 4097, NULL) != -EFBIG || segment)
		return 3;
	if (!strstr(rig_why(), "RLIMIT_FSIZE"))
		return 4;
	/* A trailer counts. */
	return create_and_touch(
		       4096, &(struct rig_segment_options){ .parties = 1 }) ==
			       -EFBIG
		       ? 0
		       : 5;
}

START_TEST(a_limit_on_files_is_no_signal)
{
	ck_assert_int_eq(run_workers(1, limited_file, NULL), 0);
}
END_TEST

static int limited_descriptors(int rank, void *arg)
{
	struct rlimit limit;
	struct rig_pool *pool = NULL;
	struct rig_segment *segment = NULL;
	int first = dup(0), r = -1;

	(void)rank;
	(void)arg;
	/* However many calls there are: an error, or a pool that works. */
	close(first);
	for (limit.rlim_cur = (rlim_t)first + 1; limit.rlim_cur < 40;
	     limit.rlim_cur++) {
		limit.rlim_max = 64;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return 1;
		r = rig_segment_create(&segment, NULL, 1, NULL);
		if (r == 0)
			rig_segment_destroy(segment);
		else if (r != -EMFILE)
			return 2;
		r = rig_pool_create(&pool,
				    &(struct rig_pool_options){ .workers = 2 });
		if (r == 0) {
			r = rig_pool_run(
				pool, &(struct rig_job){ .kernel = nothing });
			rig_pool_destroy(pool);
			if (r < 0)
				return 3;
		} else if (!rig_why()[0]) {
			return 4;
		}
		if (dup(0) != first)
			return 5;
		close(first);
	}
	return r == 0 ? 0 : 6;
}

START_TEST(a_limit_on_descriptors)
{
	ck_assert_int_eq(run_workers(1, limited_descriptors, NULL), 0);
}
END_TEST

static int limited_addresses(int rank, void *arg)
{
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };
	struct rig_pool *pool;
	int r = -1;

	(void)rank;
	(void)arg;
	for (size_t mib = 8; mib < 512; mib *= 2) {
		limit.rlim_cur = mib << 20;
		if (setrlimit(RLIMIT_AS, &limit) < 0)
			return 1;
		r = create_and_touch((size_t)100 << 20, NULL);
		if (r < 0 && r != -ENOMEM && r != -ENOSPC)
			return 2;
		r = rig_pool_create(&pool,
				    &(struct rig_pool_options){ .workers = 2 });
		if (r == 0) {
			r = rig_pool_run(
				pool, &(struct rig_job){ .kernel = nothing });
			rig_pool_destroy(pool);
		}
		if (r < 0 && !rig_why()[0])
			return 3;
	}
	return r == 0 ? 0 : 4;
}

START_TEST(a_limit_on_addresses)
{
	ck_assert_int_eq(run_workers(1, limited_addresses, NULL), 0);
}
END_TEST

/* As a user to whom the limit applies, and who has no other process. */
static int limited_processes(int rank, void *arg)
{
	const struct rlimit limit = { 4, 4 };
	struct rig_pool *pool = NULL;
	int r;

	(void)rank;
	(void)arg;
	if (setresuid(54321, 54321, 54321) < 0)
		return NO_NAMESPACE;
	if (setrlimit(RLIMIT_NPROC, &limit) < 0)
		return 1;
	/* This process, the process between and the warden leave room for 2 of
	 * 8 workers at most. */
	r = rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 8 });
	if (r != -EAGAIN || pool)
		return 2;
	if (!strstr(rig_why(), "ulimit -u"))
		return 3;
	r = rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 1 });
	if (r < 0)
		return 4;
	r = rig_pool_run(pool, &(struct rig_job){ .kernel = nothing });
	rig_pool_destroy(pool);
	return r < 0 ? 5 : 0;
}

START_TEST(a_limit_on_processes)
{
	in_small_shm(limited_processes, NULL);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *limits = make_tcase("limits", 30);

	tcase_add_test(limits, a_limit_on_files_is_no_signal);
	tcase_add_test(limits, a_limit_on_descriptors);
	if (!harness_sanitized)
		tcase_add_test(limits, a_limit_on_addresses);
	tcase_add_test(limits, a_limit_on_processes);
	suite_add_tcase(suite, limits);
	return suite;
}
