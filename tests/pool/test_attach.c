/* SPDX-License-Identifier: MIT */
/*
 * test_attach.c - the segments of a job: the memory that workers have mapped, and
 * when; windows, names that are stolen or used again, and segments beyond number.
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "pool/caller.h"
#include "base/clock.h"

#include "pool_parts.h"

/* ---- segments */

static int sums_window(struct rig_team *team)
{
	const unsigned char *bytes = rig_team_data(team, 0);
	uint64_t sum = rig_team_bytes(team, 0) * 1000000;

	for (size_t i = 0; i < rig_team_bytes(team, 0); i++)
		sum += bytes[i];
	*(uint64_t *)rig_team_result(team) = sum;
	return 0;
}

START_TEST(windows)
{
	struct rig_segment *segment;
	unsigned char *bytes;
	uint64_t sum = 0;
	struct rig_job job = { .kernel = sums_window,
			       .result = &sum,
			       .result_bytes = sizeof(sum) };

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 100, NULL), 0);
	bytes = rig_segment_data(segment);
	for (int i = 0; i < 100; i++)
		bytes[i] = (unsigned char)i;
	job.segments[0].name = rig_segment_name(segment);
	ck_assert_int_eq(run(&job), 0);
	ck_assert_uint_eq(sum, 100 * 1000000 + 4950);
	job.segments[0].offset = 10;
	ck_assert_int_eq(run(&job), 0);
	ck_assert_uint_eq(sum, 90 * 1000000 + 4950 - 45);
	job.segments[0].bytes = 2;
	ck_assert_int_eq(run(&job), 0);
	ck_assert_uint_eq(sum, 2 * 1000000 + 10 + 11);
	job.segments[0].offset = 98;
	ck_assert_int_eq(run(&job), 0);
	job.segments[0].offset = 99;
	ck_assert_int_eq(run(&job), -EINVAL);
	job.segments[0].offset = 101;
	ck_assert_int_eq(run(&job), -EINVAL);
	job.segments[0].bytes = SIZE_MAX;
	ck_assert_int_eq(run(&job), -EINVAL);
	rig_segment_destroy(segment);
}
END_TEST

START_TEST(mapped_from_its_first_run_until_it_is_destroyed)
{
	struct rig_segment *segment;
	const char *name;

	/* A segment made before the pool: inherited, and let go. */
	ck_assert_int_eq(rig_segment_create(&segment, NULL, 8192, NULL), 0);
	teardown();
	setup();
	name = rig_segment_name(segment);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, name), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(with(nothing, name), 0);
		for (int rank = 0; rank < RANKS; rank++)
			ck_assert_int_eq(mapped(pool, rank, name), 1);
	}
	rig_segment_destroy(segment);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

/* The memory of a segment without a name is not kept either. */
START_TEST(one_that_could_not_be_named_is_unmapped)
{
	const struct rig_segment_options options = { .pool = pool };
	struct rig_segment *first, *second = NULL;

	ck_assert_int_eq(rig_segment_create(&first, NULL, 8192, NULL), 0);
	ck_assert_int_eq(rig_segment_create(&second, rig_segment_name(first),
					    8192, &options),
			 -EEXIST);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
	rig_segment_destroy(first);
}
END_TEST

START_TEST(destroyed_during_a_run_it_goes_after)
{
	const int ms = 50;
	struct rig_job job = nap(&ms);
	struct rig_segment *segment;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 8192, NULL), 0);
	job.segments[0].name = rig_segment_name(segment);
	ck_assert_int_eq(rig_pool_submit(pool, &job), 0);
	rig_segment_destroy(segment);
	ck_assert_int_eq(rig_pool_wait(pool, RIG_FOREVER), 0);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

/* Files as Python makes them: the size, and nothing else. */
START_TEST(a_foreign_segment)
{
	char name[64];
	unsigned char *bytes;
	int fd;

	snprintf(name, sizeof(name), "psm_test_%d", (int)getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(with(increments, name), -ENODATA);
	ck_assert_int_eq(ftruncate(fd, 10), 0);
	bytes = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(bytes, MAP_FAILED);
	for (int i = 1; i < 4; i++) {
		ck_assert_int_eq(with(increments, name), 0);
		for (int k = 0; k < 10; k++)
			ck_assert_int_eq(bytes[k], i);
	}
	/* Larger by now. */
	ck_assert_int_eq(ftruncate(fd, 5000), 0);
	ck_assert_int_eq(with(increments, name), 0);
	ck_assert_int_eq(bytes[9], 4);
	/* A sweep meanwhile leaves the segment alone, and the name with the maker. */
	ck_assert_int_ge(rig_sweep_clean(false, NULL), 0);
	ck_assert_int_eq(shm_unlink(name), 0);
	ck_assert_int_eq(with(increments, name), -ENOENT);
	munmap(bytes, 10);
	close(fd);
}
END_TEST

/* Python's tracker works so: the name of a live segment goes. */
START_TEST(a_stolen_name)
{
	struct rig_segment *segment;
	unsigned char *bytes;
	char path[128];

	ck_assert_int_eq(
		rig_segment_create(
			&segment, NULL, 100,
			_i ? &(struct rig_segment_options){ .pool = pool }
			   : NULL),
		0);
	bytes = rig_segment_data(segment);
	snprintf(path, sizeof(path), "/dev/shm/%s", rig_segment_name(segment));
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rig_segment_named(segment), 0);
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	/* A new team has no mapping to fall back on. */
	ck_assert_int_eq(run(&(struct rig_job){ .kernel = dies }), -EOWNERDEAD);
	ck_assert_int_eq(with(increments, rig_segment_name(segment)), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(bytes[i], 3);
	rig_segment_destroy(segment);
}
END_TEST

START_TEST(a_name_used_again_is_another_segment)
{
	struct rig_segment *first, *second;
	char name[64];

	snprintf(name, sizeof(name), "test-pool-%d", (int)getpid());
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rig_segment_create(&first, name, 64, NULL), 0);
		ck_assert_int_eq(with(increments, name), 0);
		ck_assert_int_eq(*(char *)rig_segment_data(first), 1);
		ck_assert_int_eq(rig_segment_unlink(first), 0);
		/* Same size, and maybe mapped where the first was. */
		ck_assert_int_eq(rig_segment_create(&second, name, 64, NULL),
				 0);
		ck_assert_int_eq(with(increments, name), 0);
		ck_assert_int_eq(*(char *)rig_segment_data(first), 1);
		ck_assert_int_eq(*(char *)rig_segment_data(second), 1);
		rig_segment_destroy(first);
		rig_segment_destroy(second);
	}
}
END_TEST

/* More segments than a worker keeps mapped: the least used give way, all stay right,
 * and no segment stays mapped when the segment is gone. */
START_TEST(more_segments_than_are_kept)
{
	enum { MANY = 100 };
	struct rig_segment *segments[MANY];

	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(
			rig_segment_create(&segments[i], NULL, 64, NULL), 0);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < MANY; i++) {
			ck_assert_int_eq(
				with(increments, rig_segment_name(segments[i])),
				0);
			/* The first is in use all the time. */
			ck_assert_int_eq(
				with(increments, rig_segment_name(segments[0])),
				0);
		}
	for (int i = 1; i < MANY; i++)
		ck_assert_int_eq(*(char *)rig_segment_data(segments[i]), 3);
	for (int i = 0; i < MANY; i++)
		rig_segment_destroy(segments[i]);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

static int has_eight(struct rig_team *team)
{
	for (int i = 0; i < RIG_SEGMENTS_MAX; i++)
		if (rig_team_bytes(team, i) != (size_t)i + 1 ||
		    *(char *)rig_team_data(team, i) != i)
			return -EBADMSG;
	if (rig_team_data(team, RIG_SEGMENTS_MAX) || rig_team_data(team, -1))
		return -EINVAL;
	return rig_team_segments(team) == RIG_SEGMENTS_MAX ? 0 : -EINVAL;
}

START_TEST(eight_at_once_and_one_twice)
{
	struct rig_segment *segments[RIG_SEGMENTS_MAX];
	struct rig_job job = { .kernel = has_eight };

	for (int i = 0; i < RIG_SEGMENTS_MAX; i++) {
		ck_assert_int_eq(rig_segment_create(&segments[i], NULL,
						    (size_t)i + 1, NULL),
				 0);
		*(char *)rig_segment_data(segments[i]) = (char)i;
		job.segments[i].name = rig_segment_name(segments[i]);
	}
	ck_assert_int_eq(run(&job), 0);
	job.kernel = increments;
	job.segments[1].name = job.segments[0].name;
	ck_assert_int_eq(run(&job), 0);
	ck_assert_int_eq(*(char *)rig_segment_data(segments[0]), 1);
	for (int i = 0; i < RIG_SEGMENTS_MAX; i++)
		rig_segment_destroy(segments[i]);
}
END_TEST

START_TEST(one_missing_undoes_the_rest)
{
	struct rig_segment *segment;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 8, NULL), 0);
	ck_assert_int_eq(
		run(&(struct rig_job){
			.kernel = nothing,
			.segments = { { .name = rig_segment_name(segment) },
				      { .name = "no-such-segment" } } }),
		-ENOENT);
	ck_assert_ptr_nonnull(strstr(rig_why(), "no-such-segment"));
	rig_segment_destroy(segment);
	for (int rank = 0; rank < RANKS; rank++)
		ck_assert_int_eq(mapped(pool, rank, "/dev/shm/"), 0);
}
END_TEST

/* Each byte has the number of the owner: rank r owns every strip r. */
static int own_backwards(const void *args, size_t bytes, int rank, int size,
			 struct rig_span *spans)
{
	struct rig_span strip = rig_strip(bytes, size - 1 - rank, size);

	(void)args;
	spans[0] = strip;
	return 1;
}

START_TEST(a_segment_by_the_pool_is_zeroed_and_has_its_barrier)
{
	static const size_t sizes[] = { 1, 4096, 100000, 1000003 };
	const struct rig_segment_options options = {
		.pool = pool, .spans = _i % 2 ? own_backwards : NULL
	};
	struct rig_segment *segment;
	const unsigned char *bytes;

	ck_assert_int_eq(
		rig_segment_create(&segment, NULL, sizes[_i], &options), 0);
	bytes = rig_segment_data(segment);
	for (size_t i = 0; i < sizes[_i]; i++)
		ck_assert_int_eq(bytes[i], 0);
	ck_assert_ptr_nonnull(rig_segment_barrier(segment));
	ck_assert_uint_eq(rig_barrier_epochs(rig_segment_barrier(segment)), 0);
	ck_assert_int_eq(with(rig_team_barrier, rig_segment_name(segment)), 0);
	ck_assert_uint_eq(rig_barrier_epochs(rig_segment_barrier(segment)), 1);
	rig_segment_destroy(segment);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("attach");
	TCase *segments = make_tcase("segments", 20);

	tcase_add_checked_fixture(segments, setup, teardown);
	tcase_add_test(segments, windows);
	tcase_add_test(segments,
		       mapped_from_its_first_run_until_it_is_destroyed);
	tcase_add_test(segments, one_that_could_not_be_named_is_unmapped);
	tcase_add_test(segments, destroyed_during_a_run_it_goes_after);
	tcase_add_test(segments, a_foreign_segment);
	tcase_add_loop_test(segments, a_stolen_name, 0, 2);
	tcase_add_test(segments, a_name_used_again_is_another_segment);
	tcase_add_test(segments, more_segments_than_are_kept);
	tcase_add_test(segments, eight_at_once_and_one_twice);
	tcase_add_test(segments, one_missing_undoes_the_rest);
	tcase_add_loop_test(segments,
			    a_segment_by_the_pool_is_zeroed_and_has_its_barrier,
			    0, 4);
	suite_add_tcase(suite, segments);
	return suite;
}
