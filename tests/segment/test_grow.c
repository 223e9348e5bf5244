/* SPDX-License-Identifier: MIT */
/*
 * test_grow.c - a segment that grows while others have the segment: nothing moves,
 * every byte within the size has memory, and no size is lost, with many growers at
 * a time and with growers that are killed.
 *
 * In the long form thousands of growers are killed.
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"
#include "objects/layout.h"

#define MIB ((size_t)1 << 20)

/* A further handle to the segment, with address space for `most` bytes. */
static struct rig_segment *attach(const struct rig_segment *to, size_t most)
{
	struct rig_segment *segment = NULL;

	ck_assert_int_eq(rig_segment_attach(
				 &segment, rig_segment_name(to),
				 &(struct rig_segment_options){ .most = most }),
			 0);
	return segment;
}

static struct rig_segment *create(size_t bytes, size_t most)
{
	struct rig_segment *segment = NULL;

	ck_assert_int_eq(rig_segment_create(
				 &segment, NULL, bytes,
				 &(struct rig_segment_options){ .most = most }),
			 0);
	return segment;
}

static struct stat status_of(const struct rig_segment *segment)
{
	char path[300];
	struct stat status;

	snprintf(path, sizeof(path), "/dev/shm/%s", rig_segment_name(segment));
	ck_assert_int_eq(stat(path, &status), 0);
	return status;
}

/* Are all bytes of [begin, end) `value`? */
static bool all_are(const char *data, size_t begin, size_t end, char value)
{
	for (size_t i = begin; i < end; i++)
		if (data[i] != value)
			return false;
	return true;
}

START_TEST(nothing_moves_and_all_see_it)
{
	static const size_t sizes[] = { 101, 4096, 4097, 3 * MIB, 5 * MIB - 1 };
	struct rig_segment *mine = create(100, 5 * MIB);
	struct rig_segment *other = attach(mine, 8 * MIB);
	struct rig_segment *fixed = attach(mine, 0);
	char *data = rig_segment_data(mine), *seen = rig_segment_data(other);
	size_t had = 100;

	memset(data, 'a', had);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		/* By turns. */
		ck_assert_int_eq(
			rig_segment_grow(i % 2 ? mine : other, sizes[i]), 0);
		ck_assert_ptr_eq(rig_segment_data(mine), data);
		ck_assert_ptr_eq(rig_segment_data(other), seen);
		ck_assert_uint_eq(rig_segment_bytes(mine), sizes[i]);
		ck_assert_uint_eq(rig_segment_bytes(other), sizes[i]);
		ck_assert_uint_eq(rig_segment_bytes(fixed), 100);
		ck_assert_int_eq(status_of(mine).st_size, (off_t)sizes[i]);
		ck_assert_uint_ge((size_t)status_of(mine).st_blocks * 512,
				  sizes[i]);
		ck_assert(all_are(seen, 0, had, 'a'));
		ck_assert(all_are(seen, had, sizes[i], 0));
		memset(data, 'a', sizes[i]);
		had = sizes[i];
	}
	/* Never shorter. */
	ck_assert_int_eq(rig_segment_grow(mine, 1), 0);
	ck_assert_uint_eq(rig_segment_bytes(mine), had);
	ck_assert(all_are(rig_segment_data(fixed), 0, 100, 'a'));
	/* A fresh handle has all bytes. */
	rig_segment_destroy(fixed);
	fixed = attach(mine, 0);
	ck_assert_uint_eq(rig_segment_bytes(fixed), had);
	/* The address space of `mine` is at its end. */
	ck_assert_int_eq(rig_segment_grow(other, 7 * MIB), 0);
	ck_assert_uint_eq(rig_segment_bytes(other), 7 * MIB);
	ck_assert_uint_eq(rig_segment_bytes(mine), 5 * MIB);
	/* A detached handle keeps the last size. */
	rig_segment_detach(other);
	ck_assert_uint_eq(rig_segment_bytes(other), 7 * MIB);
	ck_assert_int_eq(rig_segment_grow(other, 8 * MIB), -EINVAL);
	rig_segment_destroy(fixed);
	rig_segment_destroy(other);
	rig_segment_destroy(mine);
}
END_TEST

static void check_refused(struct rig_segment *segment, size_t bytes, int code,
			  const char *words)
{
	const size_t had = rig_segment_bytes(segment);

	ck_assert_int_eq(rig_segment_grow(segment, bytes), code);
	ck_assert_msg(strstr(rig_why(), words) != NULL, "%s", rig_why());
	ck_assert_uint_eq(rig_segment_bytes(segment), had);
}

START_TEST(what_cannot_be_is_refused)
{
	const struct rig_segment_options both = { .parties = 2, .most = MIB };
	const struct rig_segment_options reads = { .read_only = true,
						   .most = MIB };
	const struct rig_segment_options grows = { .most = MIB };
	struct rig_segment *segment = create(100, MIB), *other = NULL;

	ck_assert_int_eq(rig_segment_grow(NULL, 1), -EINVAL);
	check_refused(segment, MIB + 1, -EFBIG, ".most");
	check_refused(segment, SIZE_MAX, -EFBIG, ".most");
	other = attach(segment, 0);
	check_refused(other, 200, -EINVAL, "give .most");
	rig_segment_destroy(other);
	ck_assert_int_eq(
		rig_segment_attach(&other, rig_segment_name(segment), &reads),
		0);
	check_refused(other, 200, -EINVAL, "read-only");
	/* The handle sees the growth all the same. */
	ck_assert_int_eq(rig_segment_grow(segment, 300), 0);
	ck_assert_uint_eq(rig_segment_bytes(other), 300);
	rig_segment_destroy(other);
	rig_segment_destroy(segment);
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 100, &both),
			 -EINVAL);
	ck_assert_int_eq(rig_segment_create(
				 &segment, NULL, 100,
				 &(struct rig_segment_options){ .parties = 2 }),
			 0);
	ck_assert_int_eq(
		rig_segment_attach(&other, rig_segment_name(segment), &grows),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "barrier"));
	check_refused(segment, MIB, -EINVAL, "give .most");
	rig_segment_destroy(segment);
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 100,
					    &(struct rig_segment_options){
						    .most = SIZE_MAX / 2 }),
			 -ENOMEM);
}
END_TEST

START_TEST(beyond_a_limit_it_stays)
{
	struct rig_segment *segment = create(100, 8 * MIB);
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = MIB;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_refused(segment, MIB + 1, -EFBIG, "RLIMIT_FSIZE");
	ck_assert_int_eq(rig_segment_grow(segment, MIB), 0);
	rig_segment_destroy(segment);
}
END_TEST

static size_t free_blocks(void)
{
	struct statvfs fs;

	ck_assert_int_eq(statvfs("/dev/shm", &fs), 0);
	return fs.f_bfree;
}

/* A /dev/shm of 8 MiB: a refused growth takes no memory. */
START_TEST(without_room_it_stays)
{
	struct rig_segment *segment, *fill;
	size_t had;

	if (harness_own_shm("size=8m", false) < 0)
		return;
	segment = create(MIB, 64 * MIB);
	had = free_blocks();
	check_refused(segment, 32 * MIB, -ENOSPC, "free");
	ck_assert_uint_eq(free_blocks(), had);
	fill = create(6 * MIB, 0);
	had = free_blocks();
	check_refused(segment, 3 * MIB, -ENOSPC, "free");
	ck_assert_uint_eq(free_blocks(), had);
	rig_segment_destroy(fill);
	ck_assert_int_eq(rig_segment_grow(segment, 6 * MIB), 0);
	memset(rig_segment_data(segment), 1, 6 * MIB);
	rig_segment_destroy(segment);
}
END_TEST

/* --- many growers --- */

#define GROWERS 8
#define STEPS   60

/* The first page has a word of each grower: the last size that the grower saw. */
static int grows_and_touches(int rank, void *arg)
{
	const struct rig_segment *made = arg;
	struct rig_segment *segment = NULL;
	size_t had = 0, now;
	char *data;
	unsigned seed = (unsigned)rank + 1;

	if (rig_segment_attach(
		    &segment, rig_segment_name(made),
		    &(struct rig_segment_options){ .most = 64 * MIB }) < 0)
		return 1;
	data = rig_segment_data(segment);
	for (int i = 0; i < STEPS; i++) {
		size_t wish = PAGE_BYTES +
			      (size_t)rand_r(&seed) % ((size_t)(i + 1) * 65536);

		if (rig_segment_grow(segment, wish) < 0)
			return 2;
		now = rig_segment_bytes(segment);
		if (now < wish)
			return 3;
		if (now < had)
			return 4;
		/* A byte without memory would be a SIGBUS.  Each grower has one
		 * byte in every 64. */
		for (size_t at = PAGE_BYTES + (size_t)rank; at < now; at += 64)
			if (data[at] != 0 && data[at] != (char)(rank + 1))
				return 5;
			else
				data[at] = (char)(rank + 1);
		had = now;
	}
	((size_t *)(void *)data)[rank] = had;
	rig_segment_destroy(segment);
	return 0;
}

START_TEST(many_grow_it_at_once)
{
	struct rig_segment *segment = create(PAGE_BYTES, 64 * MIB);
	const int rounds = harness_long() ? 50 : 2;
	const char *data = rig_segment_data(segment);
	size_t most = 0;

	for (int i = 0; i < rounds; i++) {
		ck_assert_int_eq(
			run_workers(GROWERS, grows_and_touches, segment), 0);
		for (int k = 0; k < GROWERS; k++)
			if (((const size_t *)(const void *)data)[k] > most)
				most = ((const size_t *)(const void *)data)[k];
		ck_assert_uint_eq(rig_segment_bytes(segment), most);
	}
	for (size_t at = PAGE_BYTES; at + 64 <= most; at += 64)
		for (int k = 0; k < GROWERS; k++)
			ck_assert_int_eq(data[at + (size_t)k], k + 1);
	rig_segment_destroy(segment);
}
END_TEST

/* --- growers that are killed --- */

/* A forked child has the mapping and the descriptor of the parent. */
static void grows_until_killed(struct rig_segment *segment, size_t step)
{
	size_t bytes = rig_segment_bytes(segment);

	while (rig_segment_grow(segment, bytes += step) == 0)
		;
	_exit(0);
}

START_TEST(a_killed_grower_leaves_a_size_that_holds)
{
	const int count = harness_long() ? 2000 : 40;
	const size_t step = 2 * MIB, most = 4096 * MIB;
	size_t before = free_blocks();
	unsigned seed = 1;

	for (int i = 0; i < count; i++) {
		struct rig_segment *segment = create(PAGE_BYTES, most);
		struct timespec moment = { .tv_nsec = rand_r(&seed) % 4000000 };
		char *data = rig_segment_data(segment);
		pid_t pids[2];
		size_t bytes;

		for (int k = 0; k < 2; k++) {
			pids[k] = fork();
			if (pids[k] == 0)
				grows_until_killed(segment, step);
			ck_assert_int_gt(pids[k], 0);
		}
		nanosleep(&moment, NULL);
		for (int k = 0; k < 2; k++) {
			kill(pids[k], SIGKILL);
			waitpid(pids[k], NULL, 0);
		}
		bytes = rig_segment_bytes(segment);
		ck_assert_uint_eq((bytes - PAGE_BYTES) % step, 0);
		/* All blocks within the size are there, and none beyond. */
		ck_assert_uint_eq((size_t)status_of(segment).st_blocks * 512,
				  bytes);
		for (size_t at = 0; at < bytes; at += PAGE_BYTES)
			data[at]++;
		ck_assert_int_eq(rig_segment_grow(segment, bytes + step), 0);
		ck_assert(all_are(data, bytes, bytes + step, 0));
		rig_segment_destroy(segment);
	}
	/* Other programs may use /dev/shm meanwhile, but not gigabytes. */
	ck_assert_uint_lt(before, free_blocks() + 64 * MIB / PAGE_BYTES);
}
END_TEST

/* --- runs --- */

/* The result is the sum of the bytes that this run is handed. */
static int adds_up(struct rig_team *team)
{
	const unsigned char *data = rig_team_data(team, 0);
	const struct rig_span strip =
		rig_team_strip(team, rig_team_bytes(team, 0));
	uint64_t sum = 0, all = 0;
	int r;

	for (size_t i = strip.begin; i < strip.end; i++)
		sum += data[i];
	r = rig_team_allreduce(team, &sum, &all, 1, RIG_UINT64, RIG_SUM);
	if (r == 0 && rig_team_rank(team) == 0)
		memcpy(rig_team_result(team), &all, sizeof(all));
	return r;
}

/* A rank grows the segment by name, in the run. */
static int grows_in_a_run(struct rig_team *team)
{
	const char *name = rig_team_args(team);
	struct rig_segment *segment = NULL;
	const size_t had = rig_team_bytes(team, 0);
	int r = rig_segment_attach(
		&segment, name,
		&(struct rig_segment_options){ .most = 16 * MIB });

	for (int i = 0; r == 0 && i < 20; i++)
		r = rig_segment_grow(segment,
				     had + (size_t)(i * rig_team_size(team) +
						    rig_team_rank(team) + 1) *
						     1000);
	rig_segment_destroy(segment);
	return r == 0 && rig_team_bytes(team, 0) != had ? -EBADMSG : r;
}

static uint64_t sum_of(const char *name, bool read_only)
{
	uint64_t sum = 0;
	const int r = rig_pool_run(
		pool, &(struct rig_job){
			      .kernel = adds_up,
			      .segments = { { .name = name,
					      .read_only = read_only } },
			      .result = &sum,
			      .result_bytes = sizeof(sum),
		      });

	ck_assert_msg(r == 0, "%s", rig_why());
	return sum;
}

static void check_runs(struct rig_segment *segment, const char *name)
{
	char *data = rig_segment_data(segment);
	size_t had = rig_segment_bytes(segment);

	memset(data, 1, had);
	ck_assert_uint_eq(sum_of(name, false), had);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(rig_segment_grow(segment, had + 70001), 0);
		memset(data + had, 1, 70001);
		had += 70001;
		ck_assert_uint_eq(sum_of(name, i % 2), had);
		ck_assert_uint_eq(sum_of(name, i % 2), had);
	}
	ck_assert_msg(rig_pool_run(pool,
				   &(struct rig_job){
					   .kernel = grows_in_a_run,
					   .segments = { { .name = name } },
					   .args = name,
					   .args_bytes = strlen(name) + 1 }) ==
			      0,
		      "%s", rig_why());
	ck_assert_uint_eq(rig_segment_bytes(segment), had + 40000);
	ck_assert_uint_eq(sum_of(name, false), had);
}

START_TEST(a_run_has_the_size_of_its_begin)
{
	struct rig_segment *segment = create(100, 16 * MIB);

	make_pool(2);
	check_runs(segment, rig_segment_name(segment));
	rig_pool_destroy(pool);
	rig_segment_destroy(segment);
}
END_TEST

/* A run is not given the copies of the shorter segment. */
START_TEST(a_grown_segment_has_no_copies)
{
	struct rig_segment *segment = create(MIB, 16 * MIB);

	make_pool(2);
	memset(rig_segment_data(segment), 1, MIB);
	ck_assert_int_ge(rig_pool_replicate(pool, rig_segment_name(segment)),
			 1);
	ck_assert_uint_eq(sum_of(rig_segment_name(segment), true), MIB);
	ck_assert_int_eq(rig_segment_grow(segment, 2 * MIB), 0);
	memset((char *)rig_segment_data(segment) + MIB, 1, MIB);
	ck_assert_uint_eq(sum_of(rig_segment_name(segment), true), 2 * MIB);
	rig_pool_destroy(pool);
	rig_segment_destroy(segment);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("grow");
	TCase *one = make_tcase("one", 30);
	TCase *many = make_tcase("many", 0);
	TCase *runs = make_tcase("runs", 60);

	tcase_add_test(one, nothing_moves_and_all_see_it);
	tcase_add_test(one, what_cannot_be_is_refused);
	tcase_add_test(one, beyond_a_limit_it_stays);
	tcase_add_test(one, without_room_it_stays);
	suite_add_tcase(suite, one);
	tcase_add_test(many, many_grow_it_at_once);
	tcase_add_test(many, a_killed_grower_leaves_a_size_that_holds);
	suite_add_tcase(suite, many);
	tcase_add_test(runs, a_run_has_the_size_of_its_begin);
	tcase_add_test(runs, a_grown_segment_has_no_copies);
	suite_add_tcase(suite, runs);
	return suite;
}
